"""Below Python: shared libraries, symbol versions, CPU instructions, crashes by signal."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_APT = {
    "libGL.so": "libgl1",
    "libgthread": "libglib2.0-0",
    "libglib": "libglib2.0-0",
    "libgomp": "libgomp1",
    "libSM": "libsm6",
    "libXext": "libxext6",
    "libXrender": "libxrender1",
    "libsndfile": "libsndfile1",
    "libodbc": "unixodbc",
    "libpq": "libpq5",
    "libGLESv2": "libgles2",
    "libEGL": "libegl1",
    "libgeos": "libgeos-c1v5",
    "libgdal": "gdal-bin libgdal-dev",
    "libspatialindex": "libspatialindex-dev",
    "libmagic": "libmagic1",
    "libxml2": "libxml2",
    "libffi": "libffi-dev",
    "libgfortran": "libgfortran5",
    "libtbb": "libtbb12",
    "libopenblas": "libopenblas0",
    "liblapack": "liblapack3",
    "libstdc++": "libstdc++6",
    "libX11": "libx11-6",
    "libxcb": "libxcb1",
    "libzbar": "libzbar0",
    "libcairo": "libcairo2",
    "libpango": "libpango-1.0-0",
    "libmysqlclient": "default-libmysqlclient-dev",
    "libaio": "libaio1",
    "libssl": "libssl-dev (or a base image with that OpenSSL)",
    "libcrypto": "libssl-dev (or a base image with that OpenSSL)",
    "libjvm": "default-jre-headless",
    "libtk": "tk",
    "libpython": "the Python of the same version",
    "libjemalloc": "libjemalloc2",
    "libcrypt": "libcrypt1",
    "libjpeg": "libjpeg62-turbo",
    "libpng": "libpng16-16",
    "libtiff": "libtiff6",
    "libavcodec": "ffmpeg",
    "libavformat": "ffmpeg",
    "libmkl": "mkl (pip)",
    "libfreetype": "libfreetype6",
    "libusb": "libusb-1.0-0",
    "libhdf5": "libhdf5-103",
    "libnuma": "libnuma1",
}
_DRIVER = ("libcuda.so", "libnvidia", "libnvcuvid")
_CUDA = (
    "libcudart",
    "libcublas",
    "libcudnn",
    "libcufft",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libnvrtc",
    "libnccl",
    "libnvinfer",
)
_OPEN = (
    r"(?P<library>[\w.+-]+?\.so[\w.]*): cannot open shared object file",
    r"Error loading shared library (?P<library>[\w.+-]+\.so[\w.]*):? No such file",
    r"Library not loaded: (?:@\w+/)?(?:\S*/)?(?P<library>[\w.+-]+\.dylib)",
    r"OSError: (?:cannot load library|cannot find|no library called) ['\"]?(?P<library>[\w.+-]+)",
    r"(?P<library>lib[\w+-]+): cannot find (?:the )?shared (?:object|library)",
    r"(?P<library>sndfile|libsndfile) library not found",
    r"Unable to find (?P<library>zbar|libmagic|gomp) shared library",
    r"failed to find (?P<library>libmagic)\.",
    r"Could not find the (?P<library>\w+) library \(tried ",
    r"Can't open lib '(?P<library>[^']+)' : file not found",
)


@rule("missing-shared-library", "cuda-driver-mismatch")
def shared_library(reading: Reading) -> Iterator[Finding]:
    """The loader does not find a ``.so``."""
    for pattern in _OPEN:
        for hit in reading.find_all(pattern, limit=10):
            library = hit["library"]
            if "Could not load dynamic library" in hit.line.text and not library.startswith(_DRIVER):
                continue  # TensorFlow says so of each CUDA library on a machine without one and goes on
            if library.startswith(_DRIVER):
                fatal = "Error" in hit.line.text
                yield found("cuda-driver-mismatch", Depth.ROOT if fatal else 45, hit, certain=fatal, library=library)
            elif not reading.building_packages:
                apt = next(
                    (
                        package
                        for prefix, package in _APT.items()
                        if library.lower().startswith(prefix.lower().rstrip("."))
                    ),
                    "",
                )
                depth = Depth.ROOT if not library.startswith(_CUDA) else Depth.ROOT + 1
                yield found("missing-shared-library", depth, hit, library=library, apt=apt)
            return


@rule("glibc-too-old")
def old_glibc(reading: Reading) -> Iterator[Finding]:
    """The system's C or C++ library is older than the one a wheel was built for, or is musl."""
    hit = reading.find(
        r"(?P<file>\S*lib[\w+.-]*so[\w.]*): version [`'\"]?(?P<version>(?:GLIBC|GLIBCXX|CXXABI|GCC|GOMP"
        r"|OPENSSL)_[\w.]+)['\"]? not found"
    ) or reading.find(r"version [`'\"]?(?P<version>(?:GLIBC|GLIBCXX|CXXABI)_[\w.]+)['\"]? not found")
    if hit:
        yield found("glibc-too-old", Depth.ROOT - 1, hit, version=hit["version"])
    elif hit := reading.find(
        r"Error loading shared library ld-linux-[\w-]+\.so\.\d|Error relocating \S+: \S+: symbol not found"
        r"|symbol not found in flat namespace '_?__\w*(?:glibc|isoc)"
        r"|undefined symbol: (?P<version>\S*GLIBC\S*|_ZNSt7__cxx11\S+|__libc_\w+)|requires glibc"
        r"|glibc >= ?(?P<wanted>[\d.]+)"
    ):
        yield found("glibc-too-old", Depth.ROOT, hit, version=hit["version"])


@rule("segfault")
def segmentation_fault(reading: Reading) -> Iterator[Finding]:
    """SIGSEGV, said by Python, the shell, gunicorn, the kernel or the exit code."""
    hit = reading.find(
        r"Fatal Python error: (?:Segmentation fault|Bus error|Aborted)|Segmentation fault|\bSIGSEGV\b"
        r"|\bSIGBUS\b|segfault at [0-9a-f]+"
        r"|terminated (?:due to|by) signal 11\b|(?:with|by|exit(?:ed)?:?) signal:? 11\b|was sent (?:SIGSEGV|code 139)"
        r"|exit (?:code|status):? ?-?(?:139|11)\b"
        r"|Worker exited with code 139|exited with (?:code )?139|double free or corruption"
        r"|free\(\): invalid pointer|corrupted size vs\. prev_size"
        r"|munmap_chunk\(\): invalid pointer|\*\*\* stack smashing detected"
    )
    code = reading.exit_code in (139, -11, 134, -6, 135)
    if hit or code:
        proof = [hit, reading.statement("exit code", reading.exit_code) if code else None]
        where = reading.find(
            r'File "(?P<file>[^"]*?(?P<name>[\w.-]+\.py))", line (?P<line>\d+),? in (?P<function>init|run)\b'
        )
        depth = Depth.ROOT + 4 if hit or reading.exit_code in (139, -11) else Depth.SYMPTOM
        facts = {"script": where["name"], "line": where["line"], "function": where["function"]} if where else {}
        yield found("segfault", depth, *proof, where, certain=hit is not None, facts=facts)


@rule("illegal-instruction")
def illegal_instruction(reading: Reading) -> Iterator[Finding]:
    """SIGILL: a binary built for another kind of CPU."""
    hit = reading.find(
        r"Illegal instruction|\bSIGILL\b|terminated (?:due to|by) signal 4\b|signal:? 4\b \(|exit (?:code"
        r"|status):? ?-?132\b|trap invalid opcode"
        r"|was compiled to use (?P<set>[\w. ]+?) instructions, but these aren't available"
        r"|CPU (?:ISA level is lower than required|does not support x86-64-v\d)"
        r"|NumPy was built with baseline optimizations|This (?:machine|CPU) (?:doesn't|does not) support AVX"
        r"|your CPU (?:does not|doesn't) support (?:the )?(?P<isa>AVX\d*|SSE[\d.]*)"
    )
    code = reading.exit_code in (132, -4)
    if hit or code:
        said = hit["set"] or hit["isa"] if hit else ""
        yield found(
            "illegal-instruction",
            Depth.ROOT + 3,
            hit,
            reading.statement("exit code", reading.exit_code) if code else None,
            instructions=said,
        )


@rule("stopped-by-sigterm")
def orderly_stop(reading: Reading) -> Iterator[Finding]:
    """143: somebody asked it to stop, and it did."""
    code = reading.exit_code in (143, -15)
    hit = reading.find(
        r"Handling signal: (?:term|int|quit)|received SIGTERM|got SIGTERM|SIGTERM received"
        r"|caught (?:signal )?SIGTERM|signal 15\b|was sent SIGTERM"
        r"|exit (?:code|status):? ?143\b|Stopping container|Shutting down: Master|Scaled down replica set"
        r"|shutting down gracefully|graceful(?:ly)? shut"
    )
    if code:
        yield found("stopped-by-sigterm", Depth.SYMPTOM, reading.statement("exit code", reading.exit_code), hit)
    elif (
        hit
        and reading.exit_code in (0, None)
        and reading.find(
            r"Handling signal: (?:term|int|quit)|received SIGTERM|was sent SIGTERM|SIGTERM received"
            r"|exit (?:code|status):? ?143\b"
        )
    ):
        yield found("stopped-by-sigterm", Depth.WRAPPER + 2, hit, certain=False)
