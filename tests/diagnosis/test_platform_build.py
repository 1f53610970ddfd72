"""What pip, uv, Poetry, conda, apt and the image builders print, in more than one of their versions' words."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis.control import verdict
from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rules import load
from jupyter_mldeploy.evidence import Evidence

CASES = [
    (
        "pip-resolution-conflict",
        """ERROR: Cannot install -r requirements.txt (line 3) and pandas==2.1.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested numpy==1.19.5
    pandas 2.1.0 depends on numpy>=1.22.4; python_version < "3.11"

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/user_guide/#fixing-conflicting-dependencies""",
    ),
    (
        "pip-resolution-conflict",
        "#9 4.412 ERROR: Double requirement given: numpy==1.18.1 (from -r requirements.txt (line 9)) (already in numpy==1.19.2 (from -r requirements.txt (line 2)), name='numpy')",
    ),
    (
        "pip-resolution-conflict",
        """  × No solution found when resolving dependencies:
  ╰─▶ Because pandas==2.1.0 depends on numpy>=1.22.4 and you require pandas==2.1.0, we can conclude that you require numpy>=1.22.4.
      And because you require numpy==1.19.5, we can conclude that your requirements are unsatisfiable.""",
    ),
    (
        "pip-resolution-conflict",
        """  SolverProblemError

  Because scorer depends on both scikit-learn (1.0.2) and numpy (2.0.0) which depends on numpy (<1.25), version solving failed.""",
    ),
    (
        "pip-resolution-conflict",
        """error: resolution-too-deep

× Dependency resolution exceeded maximum depth
╰─> Pip cannot resolve the current dependencies as the dependency graph is too complex for pip to solve efficiently.""",
    ),
    (
        "pip-no-matching-distribution",
        """ERROR: Could not find a version that satisfies the requirement torch==1.4.0 (from versions: 1.7.0, 1.7.1, 1.8.0, 1.8.1)
ERROR: No matching distribution found for torch==1.4.0""",
    ),
    (
        "pip-no-matching-distribution",
        """Collecting azureml-defualts
  Could not find a version that satisfies the requirement azureml-defualts (from -r requirements.txt (line 1)) (from versions: )
No matching distribution found for azureml-defualts (from -r requirements.txt (line 1))
You are using pip version 18.1, however version 19.0.3 is available.""",
    ),
    (
        "pip-no-matching-distribution",
        """  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of scikit-learn==9.9.9 and you require scikit-learn==9.9.9, we can conclude that your requirements are unsatisfiable.""",
    ),
    (
        "pip-no-matching-distribution",
        """  × No solution found when resolving dependencies:
  ╰─▶ Because scikitlearn-extra2 was not found in the package registry and you require scikitlearn-extra2, we can conclude that your requirements are unsatisfiable.""",
    ),
    (
        "pip-no-matching-distribution",
        "Because scorer depends on lightgbm (^99.0) which doesn't match any versions, version solving failed.",
    ),
    (
        "pip-no-matching-distribution",
        """Downloading/unpacking sklearn-pandaz
  Could not find any downloads that satisfy the requirement sklearn-pandaz
Cleaning up...
No distributions at all found for sklearn-pandaz""",
    ),
    (
        "pip-python-version-incompatible",
        """Collecting scikit-learn==1.5.0
ERROR: Ignored the following versions that require a different python version: 1.4.0 Requires-Python >=3.9; 1.5.0 Requires-Python >=3.9
ERROR: Could not find a version that satisfies the requirement scikit-learn==1.5.0 (from versions: 0.9, 1.3.2)
ERROR: No matching distribution found for scikit-learn==1.5.0""",
    ),
    ("pip-python-version-incompatible", "ERROR: Package 'pandas' requires a different Python: 3.7.17 not in '>=3.8'"),
    (
        "pip-python-version-incompatible",
        "ERROR: azureml-inference-server-http requires Python '>=3.8' but the running Python is 3.6.9",
    ),
    (
        "pip-python-version-incompatible",
        """  × No solution found when resolving dependencies:
  ╰─▶ Because the current Python version (3.7.16) does not satisfy Python>=3.9 and scikit-learn==1.5.0 depends on Python>=3.9, we can conclude that scikit-learn==1.5.0 cannot be used.
      And because you require scikit-learn==1.5.0, we can conclude that your requirements are unsatisfiable.""",
    ),
    (
        "pip-python-version-incompatible",
        """The current project's supported Python range (>=3.7,<4.0) is not compatible with some of the required packages Python requirement:
  - scipy requires Python >=3.9, so it will not be installable for Python >=3.7,<3.9

Because scorer depends on scipy (1.11) which requires Python >=3.9, version solving failed.""",
    ),
    (
        "pip-python-version-incompatible",
        """    ERROR: Command errored out with exit status 1:
         File "/tmp/pip-install-x/numba/setup.py", line 50, in _guard_py_ver
        raise RuntimeError(msg.format(cur_py, min_py, max_py))
    RuntimeError: Cannot install on Python version 3.11.0; only versions >=3.7,<3.11 are supported.""",
    ),
    (
        "pip-platform-only-package",
        """ERROR: Could not find a version that satisfies the requirement pywin32==227 (from versions: none)
ERROR: No matching distribution found for pywin32==227""",
    ),
    (
        "pip-platform-only-package",
        "ERROR: torch-1.9.0+cu111-cp38-cp38-win_amd64.whl is not a supported wheel on this platform.",
    ),
    (
        "pip-platform-only-package",
        """ERROR: Could not find a version that satisfies the requirement tensorflow-macos==2.9.2 (from versions: none)
ERROR: No matching distribution found for tensorflow-macos==2.9.2""",
    ),
    (
        "pip-platform-only-package",
        """  × No solution found when resolving dependencies:
  ╰─▶ Because pywin32==306 has no wheels with a matching platform tag (e.g., `manylinux_2_31_x86_64`) and you require pywin32==306, we can conclude that your requirements are unsatisfiable.""",
    ),
    (
        "pip-requirements-invalid",
        "ERROR: Invalid requirement: 'numpy=1.21.2=py39h20f2e39_0' (from line 14 of requirements.txt)\nHint: = is not a valid operator. Did you mean == ?",
    ),
    (
        "pip-requirements-invalid",
        """ERROR: Invalid requirement: 'scikit-learn=1.0': Expected semicolon (after name with no version specifier) or end
    scikit-learn=1.0
                ^ (from line 2 of /azureml-environment-setup/condaenv.requirements.txt)""",
    ),
    (
        "pip-requirements-invalid",
        "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: '/home/conda/feedstock_root/build_artifacts/certifi_1655568/work/certifi'",
    ),
    (
        "pip-requirements-invalid",
        "error: Couldn't parse requirement in `requirements.txt` at position 12\n  Caused by: Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `\\u{feff}`",
    ),
    (
        "pip-requirements-invalid",
        "pip._vendor.pkg_resources.RequirementParseError: Invalid requirement, parse error at \"'-e git+'\"",
    ),
    (
        "pip-requirements-invalid",
        """ERROR: Could not find a version that satisfies the requirement requirements.txt (from versions: none)
HINT: You are attempting to install a package literally named "requirements.txt" (which cannot exist). Consider using the '-r' flag to install the packages listed in requirements.txt
ERROR: No matching distribution found for requirements.txt""",
    ),
    (
        "requirements-file-missing",
        "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
    ),
    ("requirements-file-missing", "EnvironmentFileNotFound: '/azureml-setup/conda_env.yml' file not found"),
    ("requirements-file-missing", "error: File not found: `requirements.txt`"),
    (
        "requirements-file-missing",
        "Could not open requirements file: [Errno 2] No such file or directory: '/app/reqs/prod.txt'\nYou are using pip version 9.0.1",
    ),
    (
        "pip-deprecated-package-name",
        """Collecting sklearn
  Downloading sklearn-0.0.post9.tar.gz (3.6 kB)
  error: subprocess-exited-with-error
  × python setup.py egg_info did not run successfully.
  │ exit code: 1
  ╰─> [18 lines of output]
      The 'sklearn' PyPI package is deprecated, use 'scikit-learn'
      rather than 'sklearn' for pip commands.""",
    ),
    (
        "pip-deprecated-package-name",
        """Building wheels for collected packages: pytorch
  Exception: You tried to install "pytorch". The package named for PyTorch is "torch"
  ERROR: Failed building wheel for pytorch""",
    ),
    (
        "pip-deprecated-package-name",
        """Collecting tensorflow-gpu
      =========================================================
      The "tensorflow-gpu" package has been removed!
      Please install "tensorflow" instead.
      =========================================================
error: metadata-generation-failed""",
    ),
    (
        "pip-hash-mismatch",
        """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them.
    numpy==1.26.4 from https://files.pythonhosted.org/packages/aa/numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl (from -r requirements.txt (line 1)):
        Expected sha256 0000000000000000000000000000000000000000000000000000000000000000
             Got        666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5""",
    ),
    (
        "pip-hash-mismatch",
        "ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:\n    flask from https://files.pythonhosted.org/packages/flask.whl",
    ),
    (
        "pip-hash-mismatch",
        """error: Failed to download `anyio==4.0.0`
  Caused by: Hash mismatch for `anyio==4.0.0`

Expected:
  sha256:afdb2b588b9fc25ede96d8db56ed50848b0b649dca3dd1df0b11f683bb9e0b5f

Computed:
  sha256:f7ed51751b2c2add651e5747c891b47e26d2a21be5d32d9311dfe9692f3e5d7a""",
    ),
    (
        "compiler-missing",
        """  Running setup.py install for psutil: started
    Running setup.py install for psutil: finished with status 'error'
    unable to execute 'gcc': No such file or directory
    error: command 'gcc' failed with exit status 1""",
    ),
    (
        "compiler-missing",
        "    building 'hdbscan._hdbscan_tree' extension\n    error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory\n    ERROR: Failed building wheel for hdbscan",
    ),
    (
        "compiler-missing",
        "      gcc: fatal error: cannot execute 'cc1plus': execvp: No such file or directory\n      compilation terminated.\n      error: command '/usr/bin/gcc' failed with exit code 1\n  ERROR: Failed building wheel for xgboost",
    ),
    (
        "compiler-missing",
        "        error: can't find Rust compiler\n        If you are using an outdated pip version, it is possible a prebuilt wheel is available for this package\n  ERROR: Failed building wheel for tokenizers",
    ),
    (
        "compiler-missing",
        "  × Failed to build `hnswlib==0.7.0`\n  ├─▶ The build backend returned an error\n  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n      [stderr]\n      error: command 'g++' failed: No such file or directory",
    ),
    (
        "compiler-missing",
        "CMake Error: CMAKE_CXX_COMPILER not set, after EnableLanguage\n  ERROR: Failed building wheel for lightgbm",
    ),
    (
        "pip-package-build-failed",
        "      Error: pg_config executable not found.\n      pg_config is required to build psycopg2 from source.\nerror: metadata-generation-failed",
    ),
    (
        "pip-package-build-failed",
        "    src/pyodbc.h:56:10: fatal error: sql.h: No such file or directory\n    compilation terminated.\n    error: command 'gcc' failed with exit status 1\n  ERROR: Failed building wheel for pyodbc",
    ),
    (
        "pip-package-build-failed",
        "    error in anyjson setup command: use_2to3 is invalid.\nerror: subprocess-exited-with-error\n× python setup.py egg_info did not run successfully.",
    ),
    (
        "pip-package-build-failed",
        "Getting requirements to build wheel did not run successfully.\n  AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?\nerror: subprocess-exited-with-error",
    ),
    (
        "pip-package-build-failed",
        """  × python setup.py egg_info did not run successfully.
  Traceback (most recent call last):
    File "<string>", line 2, in <module>
    File "/tmp/pip-install-1/scikit-surprise/setup.py", line 7, in <module>
      import numpy
  ModuleNotFoundError: No module named 'numpy'
error: metadata-generation-failed""",
    ),
    ("pip-package-build-failed", "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?"),
    (
        "pynacl-build-failed",
        "Building wheel for PyNaCl (pyproject.toml): finished with status 'error'\n  configure: error: no acceptable C compiler found in $PATH\n  subprocess.CalledProcessError: Command '['/tmp/pip-req-build/src/libsodium/configure']' returned non-zero exit status 1.\n  ERROR: Failed building wheel for PyNaCl",
    ),
    (
        "pynacl-build-failed",
        "Pip subprocess error:\n  Failed building wheel for pynacl\n    Exception: ERROR: The 'make' utility is missing from PATH\nCondaEnvException: Pip failed",
    ),
    (
        "conda-solve-conflict",
        """Solving environment: ...working... failed
Found conflicts! Looking for incompatible packages.
UnsatisfiableError: The following specifications were found
to be incompatible with the existing python installation in your environment:

Specifications:
  - tensorflow=1.15 -> python[version='3.6.*|3.7.*']
Your python: python=3.8""",
    ),
    (
        "conda-solve-conflict",
        """LibMambaUnsatisfiableError: Encountered problems while solving:
  - package scikit-learn-0.22.1-py37h22eb022_0 requires python >=3.7,<3.8.0a0, but none of the providers can be installed

Could not solve for environment specs
The following packages are incompatible
├─ python 3.10**  is requested and can be installed;
└─ scikit-learn 0.22.1**  is not installable because it requires
   └─ python >=3.7,<3.8.0a0 , which conflicts with any installable versions previously reported.""",
    ),
    (
        "conda-package-not-found",
        """Collecting package metadata (repodata.json): done
Solving environment: failed
ResolvePackageNotFound:
  - azureml-defaults""",
    ),
    (
        "conda-package-not-found",
        """PackagesNotFoundError: The following packages are not available from current channels:

  - lightgbm-gpu==9.1

Current channels:
  - https://repo.anaconda.com/pkgs/main/linux-64""",
    ),
    (
        "conda-package-not-found",
        """error    libmamba Could not solve for environment specs
    The following package could not be installed
    └─ scikit-lern   does not exist (perhaps a typo or a missing channel).
critical libmamba Could not solve for environment specs""",
    ),
    (
        "conda-package-not-found",
        """LibMambaUnsatisfiableError: Encountered problems while solving:
  - nothing provides requested vs2015_runtime 14.27.29016.*
  - nothing provides requested wincertstore 0.2.*""",
    ),
    (
        "apt-repository-unavailable",
        """Err:5 http://deb.debian.org/debian stretch Release
  404  Not Found [IP: 151.101.2.132 80]
E: The repository 'http://deb.debian.org/debian stretch Release' does not have a Release file.""",
    ),
    (
        "apt-repository-unavailable",
        "E: Failed to fetch http://archive.ubuntu.com/ubuntu/pool/main/c/curl/curl_7.47.0-1ubuntu2.12_amd64.deb  404  Not Found [IP: 91.189.88.149 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\nThe command '/bin/sh -c apt-get install -y curl' returned a non-zero code: 100",
    ),
    (
        "apt-repository-unavailable",
        "W: GPG error: https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1804/x86_64  InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY A4B469963BF863CC\nE: The repository 'https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1804/x86_64  InRelease' is not signed.",
    ),
    (
        "apt-repository-unavailable",
        "Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: No URLs in mirrorlist",
    ),
    (
        "apt-repository-unavailable",
        'Could not retrieve mirrorlist http://mirrorlist.centos.org/?release=7&arch=x86_64&repo=os&infra=container error was\n14: curl#6 - "Could not resolve host: mirrorlist.centos.org; Unknown error"\n Cannot find a valid baseurl for repo: base/7/x86_64',
    ),
    (
        "apt-repository-unavailable",
        "W: Failed to fetch http://security.debian.org/debian-security/dists/jessie/updates/InRelease  Unable to find expected entry 'main/binary-amd64/Packages' in Release file\nErr http://httpredir.debian.org jessie/main amd64 Packages 404  Not Found\nE: Some index files failed to download. They have been ignored, or old ones used instead.",
    ),
    (
        "apt-repository-unavailable",
        "E: Release file for http://archive.ubuntu.com/ubuntu/dists/xenial-updates/InRelease is expired (invalid since 3d 4h 10min 5s). Updates for this repository will not be applied.",
    ),
    (
        "dockerfile-copy-missing",
        "Step 4/9 : COPY model.pkl /app/\nCOPY failed: stat /var/lib/docker/tmp/docker-builder123456789/model.pkl: no such file or directory",
    ),
    (
        "dockerfile-copy-missing",
        "COPY failed: file not found in build context or excluded by .dockerignore: stat requirements.txt: file does not exist",
    ),
    (
        "dockerfile-copy-missing",
        'ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 96f8e948::nz4e: "/score.py": not found',
    ),
    (
        "dockerfile-copy-missing",
        'failed to solve with frontend dockerfile.v0: failed to build LLB: failed to compute cache key: "/requirements.txt" not found: not found',
    ),
    (
        "dockerfile-copy-missing",
        "error: failed to solve: failed to compute cache key: failed to calculate checksum of ref sskf::rf06: failed to walk /tmp/buildkit-mount3059587245/config: lstat /tmp/buildkit-mount3059587245/config: no such file or directory",
    ),
    ("dockerfile-copy-missing", "COPY failed: forbidden path outside the build context: ../shared/utils.py ()"),
    (
        "dockerfile-copy-missing",
        'Error: building at STEP "COPY app.py /srv/": checking on sources under "/home/ada/ctx": copier: stat: "/app.py": no such file or directory',
    ),
    (
        "dockerfile-copy-missing",
        "error building image: error building stage: failed to optimize instruction: failed to get files used from context: failed to get fileinfo for /kaniko/buildcontext/model: lstat /kaniko/buildcontext/model: no such file or directory",
    ),
    ("docker-context-path-missing", 'unable to prepare context: path "./deploy" not found'),
    (
        "docker-context-path-missing",
        "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat /home/ada/proj/Dockerfile: no such file or directory",
    ),
    (
        "docker-context-path-missing",
        "ERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
    ),
    (
        "docker-context-path-missing",
        'docker.errors.APIError: 500 Server Error for http+docker://localhost/v1.41/build?dockerfile=Dockerfile.gpu: Internal Server Error ("Cannot locate specified Dockerfile: Dockerfile.gpu")',
    ),
    (
        "docker-context-path-missing",
        '    raise TypeError("You must specify a directory to build in path")\nTypeError: You must specify a directory to build in path',
    ),
    ("build-disk-full", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"),
    (
        "build-disk-full",
        "failed to register layer: Error processing tar file(exit status 1): write /opt/conda/lib/libmkl_core.so: no space left on device",
    ),
    ("build-disk-full", "E: You don't have enough free space in /var/cache/apt/archives/."),
    (
        "build-disk-full",
        "ERROR: failed to solve: failed to copy files: copy file range failed: no space left on device",
    ),
    (
        "build-network-unreachable",
        """  WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/flask/
ERROR: Could not find a version that satisfies the requirement flask (from versions: none)
ERROR: No matching distribution found for flask""",
    ),
    (
        "build-network-unreachable",
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.pythonhosted.org', port=443): Read timed out.",
    ),
    (
        "build-network-unreachable",
        "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.anaconda.org/conda-forge/linux-64/repodata.json>\nElapsed: -\n\nAn HTTP error occurred when trying to retrieve this URL.",
    ),
    (
        "build-network-unreachable",
        """error: Request failed after 3 retries
  Caused by: Failed to fetch: `https://pypi.org/simple/flask/`
  Caused by: error sending request for url (https://pypi.org/simple/flask/)
  Caused by: client error (Connect)
  Caused by: dns error: failed to lookup address information: Temporary failure in name resolution""",
    ),
    (
        "build-network-unreachable",
        "Err:1 http://deb.debian.org/debian bookworm InRelease\n  Temporary failure resolving 'deb.debian.org'\nW: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'\nE: Unable to locate package build-essential",
    ),
    (
        "build-network-unreachable",
        "  ERROR: Exception:\n  pip._vendor.urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(10485760 bytes read, 889192448 more expected)', IncompleteRead(10485760 bytes read, 889192448 more expected))",
    ),
    (
        "build-network-unreachable",
        "error: incomplete-download\n\n× Download failed because not enough bytes were received (211.8 MB/766.7 MB)\n╰─> URL: https://files.pythonhosted.org/packages/torch.whl",
    ),
    (
        "build-network-unreachable",
        "fatal: unable to access 'https://github.com/org/pkg.git/': Could not resolve host: github.com\nerror: subprocess-exited-with-error\n\n× git clone --filter=blob:none --quiet https://github.com/org/pkg.git did not run successfully.",
    ),
    (
        "build-proxy-failure",
        """  WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)
ERROR: No matching distribution found for numpy""",
    ),
    (
        "build-proxy-failure",
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError('Cannot connect to proxy.', NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))': /simple/pip/",
    ),
    (
        "build-proxy-failure",
        "ProxyError: Conda cannot proceed due to an error in your proxy configuration.\nCheck for typos and other configuration errors in any '.netrc' file in your home directory",
    ),
    ("build-proxy-failure", "curl: (5) Could not resolve proxy: proxy.corp.example"),
    (
        "build-proxy-failure",
        "E: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  407  Proxy Authentication Required [IP: 10.0.0.8 3128]",
    ),
    (
        "build-proxy-failure",
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused',
    ),
    (
        "build-tls-cert-failure",
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain (_ssl.c:1091)'))': /simple/pip/\nERROR: No matching distribution found for pip",
    ),
    (
        "build-tls-cert-failure",
        "error: Failed to fetch: `https://pypi.org/simple/flask/`\n  Caused by: invalid peer certificate: UnknownIssuer",
    ),
    (
        "build-tls-cert-failure",
        "CondaSSLError: Encountered an SSL error. Most likely a certificate verification issue.\n\nException: HTTPSConnectionPool(host='repo.anaconda.com', port=443): Max retries exceeded with url: /pkgs/main/linux-64/repodata.json",
    ),
    ("build-tls-cert-failure", "curl: (60) SSL certificate problem: unable to get local issuer certificate"),
    ("build-oom-killed", "Killed\nThe command '/bin/sh -c pip install torch==1.13.1' returned a non-zero code: 137"),
    (
        "build-oom-killed",
        'ERROR: failed to solve: process "/bin/sh -c conda env create -f environment.yml" did not complete successfully: exit code: 137',
    ),
    (
        "build-oom-killed",
        "subprocess.CalledProcessError: Command '['/opt/miniconda/bin/python', '-c', 'import context_managers.DaskOnBatch', 'setup.py']' died with <Signals.SIGKILL: 9>.",
    ),
    (
        "build-oom-killed",
        "c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\nerror: command '/usr/bin/g++' failed with exit code 1\n  ERROR: Failed building wheel for xgboost",
    ),
    (
        "build-oom-killed",
        '  File "/usr/lib/python3/dist-packages/pip/_vendor/cachecontrol/controller.py", line 10, in cache\nMemoryError',
    ),
    (
        "base-image-unavailable",
        "ERROR: failed to solve: mcr.microsoft.com/azureml/nope:1: failed to resolve source metadata for mcr.microsoft.com/azureml/nope:1: mcr.microsoft.com/azureml/nope:1: not found",
    ),
    (
        "base-image-unavailable",
        "Step 1/5 : FROM acme/base:2\npull access denied for acme/base, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ),
    ("base-image-unavailable", "manifest for python:3.99-slim not found: manifest unknown: manifest unknown"),
    (
        "base-image-unavailable",
        " => ERROR [internal] load metadata for docker.io/library/pyhton:3.9\nfailed to solve with frontend dockerfile.v0: failed to create LLB definition: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
    ),
    (
        "base-image-unavailable",
        'ERROR: failed to solve: python:3.11-slim: failed to resolve source metadata for docker.io/library/python:3.11-slim: failed to do request: Head "https://registry-1.docker.io/v2/library/python/manifests/3.11-slim": dial tcp: lookup registry-1.docker.io on 192.168.65.7:53: no such host',
    ),
    (
        "docker-daemon-not-running",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ),
    (
        "docker-daemon-not-running",
        'error during connect: This error may indicate that the docker daemon is not running.: Get "http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/version": open //./pipe/docker_engine: The system cannot find the file specified.',
    ),
    (
        "docker-daemon-not-running",
        "failed to connect to the docker API at unix:///home/ada/.docker/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /home/ada/.docker/run/docker.sock: connect: no such file or directory",
    ),
    (
        "docker-daemon-not-running",
        "docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.', ConnectionRefusedError(61, 'Connection refused'))",
    ),
    (
        "docker-daemon-not-running",
        "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM",
    ),
    (
        "docker-socket-permission",
        "docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))",
    ),
    (
        "docker-socket-permission",
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
    ),
    ("docker-socket-permission", "dial unix /var/run/docker.sock: connect: permission denied"),
    (
        "container-name-conflict",
        'docker: Error response from daemon: Conflict. The container name "/scorer" is already in use by container "5a1f3e". You have to remove (or rename) that container to be able to reuse that name.',
    ),
    (
        "container-name-conflict",
        'docker.errors.APIError: 409 Client Error for http+docker://localhost/v1.43/containers/create?name=mysvc: Conflict ("Conflict. The container name "/mysvc" is already in use by container "beef". You have to remove (or rename) that container to be able to reuse that name.")',
    ),
    (
        "container-name-conflict",
        'Error: creating container storage: the container name "scorer" is already in use by 3c1d. You have to remove that container to be able to reuse that name: that name is already in use',
    ),
]


def first_cause(evidence: Evidence) -> str:
    """The cause named first for this evidence."""
    reading = Reading(evidence)
    return verdict(reading, [finding for rule in load() for finding in rule(reading)])[0].cause


@pytest.mark.parametrize(("cause", "log"), CASES)
def test_named_from_its_words(cause: str, log: str) -> None:
    assert first_cause(Evidence(stage="build", log=log, exit_code=1)) == cause


# Alone, these could be anybody's: only the stage tells that an image is being built.
NOBODY = ("curl: ", "manifest for ", "Error response from daemon: Get ")


@pytest.mark.parametrize(("cause", "log"), [case for case in CASES if not case[1].startswith(NOBODY)])
def test_named_without_a_stage_and_behind_prefixes(cause: str, log: str) -> None:
    """A log pasted by a user, of BuildKit's plain progress: the stage is told from who speaks."""
    text = "\n".join(f"#12 {1.5 + number:.3f} {line}" for number, line in enumerate(log.split("\n")))
    assert first_cause(Evidence(log=text)) == cause


def test_what_the_installer_got_over_is_not_the_cause() -> None:
    log = """WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError("HTTPSConnectionPool(host='pypi.org', port=443): Read timed out. (read timeout=15)")': /simple/wrapt/
Collecting wrapt
  error: command 'gcc' failed with exit status 1
  ERROR: Failed building wheel for wrapt
Failed to build wrapt
Installing collected packages: wrapt
    Running setup.py install for wrapt: finished with status 'done'
Successfully installed wrapt-1.11
Step 7/9 : COPY model.pkl /app/
COPY failed: file not found in build context or excluded by .dockerignore: stat model.pkl: file does not exist"""
    assert first_cause(Evidence(stage="build", log=log, exit_code=1)) == "dockerfile-copy-missing"


def test_retries_that_end_in_another_failure() -> None:
    log = """W: Failed to fetch http://deb.debian.org/debian/dists/buster/InRelease  Connection failed [IP: 1.2.3.4 80]
Setting up curl (7.64.0-4) ...
ERROR: Could not find a version that satisfies the requirement torch==9 (from versions: 1.0, 2.0)
ERROR: No matching distribution found for torch==9"""
    assert first_cause(Evidence(stage="build", log=log, exit_code=1)) == "pip-no-matching-distribution"
