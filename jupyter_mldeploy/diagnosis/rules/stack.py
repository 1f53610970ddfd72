"""Versions of libraries that do not fit one another: NumPy's ABI, protobuf, Flask and its companions, Keras and h5py, CUDA."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule


@rule("numpy-abi-mismatch")
def numpy_abi(reading: Reading) -> Finding | None:
    """An extension was compiled against another NumPy than the one that is installed."""
    hit = (
        reading.find(r"compiled using NumPy 1\.x cannot be run in")
        or reading.find(
            r"(?P<module>[\w.]+) size changed, may indicate binary incompatibility\. Expected"
            r" (?P<expected>\d+)[^,]*, got (?P<got>\d+)"
        )
        or reading.find(
            r"module compiled against (?:API|ABI) version 0x[0-9a-f]+ but this version of numpy is"
            r"|numpy\.?_?core\.multiarray failed to import"
            r"|AttributeError: _ARRAY_API not found|numpy\.core\.umath failed to import"
            r"|IMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE"
            r"|Importing the numpy C-extensions failed|numpy\.dtype size changed|RuntimeError: Numpy is not available"
            r"|`?np\.(?:float_|complex_|unicode_|Inf|NaN|product|cumproduct|in1d"
            r"|trapz)`? was removed in the NumPy 2\.0"
            r"|module 'numpy' has no attribute '(?:float|int|bool|object|str|complex|typeDict|long|unicode)'"
            r"|is not a known BitGenerator module"
            r"|__randomstate_ctor\(\) takes from 0 to 1 positional arguments|__bit_generator_ctor"
            r"|__generator_ctor"
            r"|Can't get attribute '_?\w+' on <module 'numpy"
        )
    )
    if not hit:
        return None
    # NumPy prints the warning and the program may go on: an error must follow from it.
    warning = reading.find(r"(?:Runtime|User)Warning: .*(?:size changed|compiled against)")
    certain = not (warning and not reading.find(r"Error\b"))
    version = reading.find(
        r"^\s*NumPy (?P<version>[\d.]+\w*) as it may crash|this version of numpy is (?P<api>0x[0-9a-f]+)"
    )
    user = reading.find(r"site-packages/(?P<package>\w+)/|dist-packages/(?P<other>\w+)/")
    facts = {
        "numpy": version["version"] if version else "",
        "module": (user["package"] or user["other"]) if user else "",
    }
    return found("numpy-abi-mismatch", Depth.ROOT - 1 if certain else 48, hit, version, certain=certain, facts=facts)


@rule("protobuf-version-mismatch")
def protobuf_version(reading: Reading) -> Finding | None:
    """Generated code and the protobuf package are of different times."""
    hit = reading.find(
        r"Descriptors cannot (?:not )?be created directly|Detected (?:incompatible"
        r"|mismatched) Protobuf Gencode/Runtime"
        r"|google\.protobuf\.runtime_version\.VersionError|cannot import name '(?:builder|runtime_version"
        r"|symbol_database|message_factory)' from 'google\.protobuf"
        r"|module 'google\.protobuf\.[\w.]+' has no attribute|'(?:FieldDescriptor|MessageFactory"
        r"|SymbolDatabase)' object has no attribute '(?:label|GetPrototype|_create_key)'"
        r"|google\.protobuf\.\w+.*got an unexpected keyword argument 'create_key'"
        r"|module 'google\.protobuf\.descriptor' has no attribute '_internal_create_key'"
        r"|Couldn't build proto file into descriptor pool|duplicate (?:file name|symbol) .{0,60}\.proto"
        r"|requires protobuf (?:version )?[<>=~]|generated code is out of date and must be regenerated with protoc"
        r"|No module named 'google\.protobuf\.(?:internal|runtime_version)"
    )
    if not hit:
        return None
    versions = reading.find(
        r"gencode (?:version )?(?P<generated>[\d.]+\d),? ?runtime (?:version )?(?P<runtime>[\d.]+\d)"
    )
    facts = {"generated": versions["generated"], "runtime": versions["runtime"]} if versions else {}
    return found("protobuf-version-mismatch", Depth.ROOT, hit, facts=facts)


@rule("flask-stack-incompatible")
def flask_stack(reading: Reading) -> Finding | None:
    """Flask, Werkzeug, Jinja2, MarkupSafe, itsdangerous and click come as a set."""
    if reading.building_packages:
        return None
    hit = reading.find(
        r"cannot import name '?(?P<name>\w+)'? from '?(?:partially initialized module"
        r" '?)?(?P<package>itsdangerous|markupsafe|jinja2|werkzeug|flask|click)\b(?P<rest>[\w.]*)"
        r"|cannot import name '?(?P<old>escape|Markup|soft_unicode|json|BaseResponse|url_quote|url_decode"
        r"|url_encode|cached_property|safe_str_cmp|_request_ctx_stack"
        r"|_app_ctx_stack|parse_rule|secure_filename|run_simple|contextfunction|environmentfilter"
        r"|evalcontextfilter|evalcontextfunction|EnvironBuilder)'?\s*(?:$|\()"
        r"|register\(\) takes (?:exactly )?3 positional arguments but 4 were given"
        r"|module '(?P<module>flask|werkzeug|jinja2|markupsafe|itsdangerous)(?:\.\w+)*' has no attribute"
        r"|'Flask' object has no attribute '(?:before_first_request|json_encoder|session_cookie_name)'"
        r"|__init__\(\) got an unexpected keyword argument '(?:as_tuple|mimetype_params)'"
        r"|'(?:Request|Response|Blueprint|Flask)' object has no attribute '(?:is_xhr|json_module"
        r"|before_app_first_request|json_encoder|_got_first_request)'"
        r"|The setup method '\w+' can no longer be called on the blueprint"
        r"|(?:Client|EnvironBuilder|open|url_quote)\S* got an unexpected keyword argument '(?:as_tuple"
        r"|allow_subdomain_redirects|use_cookies)'"
    )
    if not hit:
        return None
    package = hit["package"] or hit["module"]
    return found("flask-stack-incompatible", Depth.ROOT, hit, package=package, name=hit["name"] or hit["old"])


@rule("keras-h5py-incompatible")
def keras_and_h5py(reading: Reading) -> Finding | None:
    """An old Keras decodes what h5py 3 returns as text already; a new one does not read old files."""
    hit = reading.find(r"'str' object has no attribute 'decode'")
    if hit and any(r.through("keras", "h5py", "hdf5", "saving") for r in reading.raised if "decode" in r.message):
        return found("keras-h5py-incompatible", Depth.ROOT, hit)
    if hit and reading.find(r"keras|hdf5|\.h5\b|h5py|tensorflow"):
        return found("keras-h5py-incompatible", Depth.ROOT, hit)
    hit = reading.find(
        r"h5py\S* (?:is|version) .*(?:incompatible|not supported)"
        r"|h5py is running against HDF5 [\d.]+ when it was built against"
        r"|Unrecognized keyword arguments?(?: passed to)? .*(?:batch_shape|batch_input_shape|lr\b)"
        r"|Error when deserializing class '(?P<layer>\w+)' using config"
        r"|Could not deserialize class '(?P<class>\w+)' because|Unable to synchronously open (?:file"
        r"|object).*keras|File format not supported: filepath=\S+\. Keras 3 only supports"
        r"|Unknown (?:layer|optimizer|loss function): '?(?P<unknown>[\w>]+)"
        r"|unhashable type: 'Dict(?:Wrapper)?'.*keras|Layer count mismatch when loading weights from file"
        r"|cannot import name '(?:model_from_json|load_model|__version__)' from '(?:keras|tensorflow)"
        r"|module 'h5py' has no attribute|`load_model\(\)` using Keras 3"
        r"|The `?save_format`? argument is deprecated"
        r"|No module named '(?:tensorflow\.python\.keras|keras\.(?:src|engine|saving|api)[\w.]*)'"
    )
    return found("keras-h5py-incompatible", Depth.ROOT + 2, hit, certain=False) if hit else None


@rule("cuda-driver-mismatch")
def cuda_driver(reading: Reading) -> Iterator[Finding]:
    """The GPU is not there for the process, or its driver is older than the CUDA of the framework."""
    hits = reading.find_all(
        r"CUDA driver version is insufficient for CUDA runtime version"
        r"|(?:The )?NVIDIA driver on your system is too old|Found no NVIDIA driver on your system"
        r"|forward compatibility was attempted on non supported HW"
        r"|system has unsupported display driver / cuda driver combination"
        r"|could not select device driver \"?(?P<driver>nvidia|)\"? with capabilities: \[\[gpu\]\]"
        r"|nvidia-container-cli: (?:initialization error|requirement error|detection error|mount error)"
        r"|unsatisfied condition: cuda ?>=|(?:Driver/library version mismatch)|CUDA_ERROR_(?:NO_DEVICE"
        r"|COMPAT_NOT_SUPPORTED\w*|SYSTEM_DRIVER_MISMATCH|UNSUPPORTED_PTX_VERSION)"
        r"|no CUDA-capable device is detected|no kernel image is available for execution on the device"
        r"|unknown runtime specified nvidia|unknown or invalid runtime name: nvidia"
        r"|nvidia-smi has failed because it couldn't communicate|CUDA unknown error"
        r"|cudaErrorInsufficientDriver|cudaGetDeviceCount\(\).*Error (?:804|803|35|100)\b"
        r"|the provided PTX was compiled with an unsupported toolchain"
        r"|with CUDA capability sm_\d+ is not compatible with the current PyTorch installation"
        r"|RuntimeError: No CUDA GPUs are available"
        r"|no NVIDIA GPU device is present|Failed to initialize NVML"
        r"|container was built for NVIDIA Driver Release|CUDA Driver UNAVAILABLE"
        r"|CUDA driver initialization failed|you might not have a CUDA gpu"
    )
    hard = [hit for hit in hits if not re.search(r"Warning|failed call to cuInit|NVML", hit.line.text)]
    # TensorFlow and PyTorch try the GPU, warn, and go on without one; what fails afterwards has another cause.
    of_it = reading.stage != "build" and hits  # where packages are installed, errors speak of packages
    if hard or (of_it and reading.find(r"^\S*(?:Error|Exception): (?!.*libcudart).*(?:cuda|\bgpus?\b|nvidia)")):
        yield found("cuda-driver-mismatch", Depth.ROOT, *(hard or hits)[:2])
