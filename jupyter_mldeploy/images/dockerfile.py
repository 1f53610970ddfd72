"""The text of a Dockerfile, as a person would have written it.

Layers go from slow to fast: system, scoring server, packages, server's code, models, script. What users write never stands in
a command: requirements are a file, apt's names are checked when the environment is made, and values of ``ENV`` and ``LABEL`` are
quoted here.
"""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Mapping

from jupyter_mldeploy.evidence import redact
from jupyter_mldeploy.images.inputs import APP_ROOT, MODELS_ROOT, PORT, ImageInputs, default_base

__all__ = ["PIP_CONF", "USER", "environment_part", "models_part", "quoted", "script_part", "secret_id"]

USER = "10001:10001"
NAME = "mldeploy-10001"
"""Of user and group, where the base image has not given their numbers to others; with the number in it no other has the name."""
PIP_CONF = "pip.conf"
_PIP_CACHE = "/root/.cache/pip"
MICROMAMBA = "mambaorg/micromamba:2"
_CA = "/opt/mldeploy/ca-bundle.pem"
# Every tool has a variable of its own for the same thing.
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def quoted(value: str) -> str:
    """A value for ``ENV`` or ``LABEL``: one line, in quotes, with nothing that Docker would put something else for."""
    one_line = re.sub(r"[\x00-\x1f\x7f]+", " ", value)
    return '"' + one_line.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def secret_id(path: str, content: bytes) -> str:
    """The name that a command mounts a secret by. Another index is another command, so that what was installed from one is not
    taken for what the other has; passwords are no part of it.
    """
    return f"{path}-{hashlib.sha256(redact(content.decode()).encode()).hexdigest()[:12]}"


def environment_part(inputs: ImageInputs, *, buildkit: bool = False) -> str:
    """From the base image to packages and scoring server.

    Args:
        inputs: What the image is made of.
        buildkit: Whether pip's cache and configuration are mounted, which only BuildKit can do.
    """
    blocks = _with_conda(inputs) if inputs.conda else _with_pip(inputs, buildkit)
    blocks.append(
        """
        # The scoring server. Scripts may import the v1 names from any Python of this image.
        COPY runtime/ /opt/mldeploy/lib/
        RUN /opt/mldeploy/front/bin/python -m compileall -q /opt/mldeploy/lib \\
         && packages=$(/opt/env/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \\
         && cp /opt/mldeploy/lib/mldeploy_v1_names.* "$packages/"
        """
    )
    server = '"/opt/mldeploy/front/bin/python", "-I", "/opt/mldeploy/lib/{}.py"'
    blocks.append(
        f"ENV AML_APP_ROOT={APP_ROOT}\nWORKDIR {APP_ROOT}\nUSER {USER}\nEXPOSE {PORT}\nSTOPSIGNAL SIGTERM\n"
        "HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \\\n"
        f"  CMD [{server.format('health')}]\nENTRYPOINT []\nCMD [{server.format('launch')}]"
    )
    return _join(blocks)


def models_part(names: tuple[str, ...], parent: str) -> str:
    """From an environment's image to one with the models."""
    listed = ", ".join(names)
    return _join([f"FROM {parent} AS models", f"# {listed}\nCOPY models/ {MODELS_ROOT}/"])


def script_part(inputs: ImageInputs, parent: str, labels: Mapping[str, str]) -> str:
    """From models to the image of the service."""
    variables = {"AZUREML_ENTRY_SCRIPT": inputs.entry_script}
    if inputs.model_dir is not None:
        variables["AZUREML_MODEL_DIR"] = inputs.model_dir
    if inputs.source_directory not in {None, "."}:
        variables["AZUREML_SOURCE_DIRECTORY"] = str(inputs.source_directory)
    return _join(
        [
            f"FROM {parent}",
            f"COPY --chown={USER} app/ {APP_ROOT}/",
            _pairs("ENV", variables),
            _pairs("LABEL", labels),
        ]
    )


# -- environments ------------------------------------------------------------------------------------------------------


def _with_pip(inputs: ImageInputs, buildkit: bool) -> list[str]:
    base = inputs.base or default_base(inputs.environment)
    apart = inputs.surroundings.pip_conf and not buildkit
    begin = f"FROM {base} AS {'system' if apart else 'environment'}"
    if inputs.base:  # it may end with another user, as the images of services do
        begin += "\nUSER 0"
    blocks = [begin, *_version_check(inputs), *_system(inputs)]
    if apart:
        # Its addresses may hold passwords: it is in a stage of its own, of which only what was installed is taken.
        blocks += [f"FROM system AS packages\nCOPY {PIP_CONF} /etc/pip.conf"]
    run = f"RUN {_mounts(inputs)}" if buildkit else "RUN "
    keep = f"--cache-dir {_PIP_CACHE}" if buildkit else "--no-cache-dir"
    blocks.append(
        f"""
        # The scoring server has an environment of its own, so that no pin of the script's can break it.
        COPY front.txt /opt/mldeploy/front.txt
        {run}python3 -m venv /opt/mldeploy/front \\
         && /opt/mldeploy/front/bin/pip install {keep} --only-binary=:all: -r /opt/mldeploy/front.txt
        """
    )
    blocks.append("# What the script imports.\nRUN python3 -m venv --system-site-packages /opt/env")
    if inputs.requirements:
        blocks.append(
            f"""
            COPY requirements.txt /opt/env/requirements.txt
            {run}/opt/env/bin/pip install {keep} -r /opt/env/requirements.txt
            """
        )
    if apart:
        blocks.append(
            """
            FROM system AS environment
            COPY --from=packages /opt/mldeploy/front /opt/mldeploy/front
            COPY --from=packages /opt/env /opt/env
            """
        )
    return [*blocks, _path()]


def _mounts(inputs: ImageInputs) -> str:
    """What pip has downloaded and built is kept between builds that have the same system: a wheel that was compiled on one may
    not run on another.
    """
    system = (
        inputs.base or default_base(inputs.environment),
        *sorted(inputs.environment.apt),
        *inputs.environment.steps,
    )
    known = hashlib.sha256("\0".join(system).encode()).hexdigest()[:12]
    mounts = f"--mount=type=cache,id=mldeploy-pip-{known},target={_PIP_CACHE} "
    if inputs.surroundings.pip_conf:
        name = secret_id(PIP_CONF, inputs.surroundings.pip_conf)
        mounts += f"--mount=type=secret,id={name},required=true,target=/etc/pip.conf "
    return mounts


def _with_conda(inputs: ImageInputs) -> list[str]:
    return [
        f"FROM {inputs.base or MICROMAMBA} AS environment\nUSER root",
        *_system(inputs),
        """
        # The scoring server has an environment of its own, so that no pin of the script's can break it.
        COPY front.txt /opt/mldeploy/front.txt
        RUN micromamba create --yes --prefix /opt/mldeploy/front --channel conda-forge python=3.11 pip \\
         && /opt/mldeploy/front/bin/python -m pip install --no-cache-dir --only-binary=:all: -r /opt/mldeploy/front.txt \\
         && micromamba clean --all --yes
        """,
        """
        # What the script imports.
        COPY environment.yml requirements.txt /opt/mldeploy/
        RUN micromamba create --yes --prefix /opt/env --file /opt/mldeploy/environment.yml \\
         && micromamba clean --all --yes
        """,
        _path(),
    ]


def _path() -> str:
    return f'ENV VIRTUAL_ENV=/opt/env PATH="/opt/env/bin:${{PATH:-{_SYSTEM_PATH}}}"'


def _version_check(inputs: ImageInputs) -> list[str]:
    """A base image that somebody chose may have another Python than the requirements were written for."""
    version = inputs.environment.python
    if not inputs.base or not version:
        return []
    wanted = ".".join(version.split(".")[:2])
    found = '"{}.{}".format(*sys.version_info)'
    message = f'f"The base image has Python {{v}}, but the environment asks for {wanted}."'
    return [f"RUN python3 -c 'import sys; v = {found}; sys.exit(v != \"{wanted}\" and {message})'"]


def _system(inputs: ImageInputs) -> list[str]:
    blocks = []
    if inputs.environment.apt:
        packages = " ".join(sorted(inputs.environment.apt))
        blocks.append(
            "RUN apt-get update \\\n"
            f" && apt-get install --yes --no-install-recommends {packages} \\\n"
            " && rm -rf /var/lib/apt/lists/*"
        )
    if inputs.surroundings.ca_bundle:
        variables = " \\\n    ".join(f"{name}={_CA}" for name in _CA_VARIABLES)
        blocks.append(
            f"# Certificates that this network needs, besides the usual.\nCOPY ca-bundle.pem {_CA}\nENV {variables}"
        )
    if inputs.environment.steps:
        blocks.append("\n".join(inputs.environment.steps))
    group, user = USER.split(":")[1], USER.split(":", maxsplit=1)[0]
    blocks.append(
        f"RUN (getent group {group} || groupadd --gid {group} {NAME}) \\\n"
        f" && (getent passwd {user} \\\n"
        f"  || useradd --uid {user} --gid {group} --no-create-home --home-dir /tmp --shell /bin/sh {NAME}) \\\n"
        f" && install --directory --owner {user} --group {group} {APP_ROOT}\n"
        "ENV HOME=/tmp PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1"
    )
    return blocks


# -- text --------------------------------------------------------------------------------------------------------------


def _pairs(instruction: str, values: Mapping[str, str]) -> str:
    separator = " \\\n" + " " * (len(instruction) + 1)
    return f"{instruction} " + separator.join(f"{name}={quoted(value)}" for name, value in values.items())


def _join(blocks: list[str]) -> str:
    return "\n\n".join(textwrap.dedent(block).strip("\n") for block in blocks) + "\n"


def environment_yml(inputs: ImageInputs) -> str:
    """The conda file of an image, without what pip installs."""
    version = inputs.environment.python
    packages = [f"python={version}" if version else "python", "pip", *inputs.conda]
    dependencies: list[object] = list(packages)
    if inputs.requirements:
        dependencies.append({"pip": ["-r /opt/mldeploy/requirements.txt"]})
    channels = list(inputs.environment.channels) or ["conda-forge"]
    return json.dumps({"channels": channels, "dependencies": dependencies}, indent=1)
