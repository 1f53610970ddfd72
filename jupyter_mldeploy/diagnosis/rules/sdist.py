"""Packages that are built from source while they are installed, and fail at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.stages import building, overcome

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

_FAILED = (
    r"failed building (?:wheel|editable) for (?P<wheel>[\w.-]+)"
    r"|could not build wheels for (?P<wheels>[\w.-]+)"
    r"|failed to (?:download and )?build `(?P<uv>[^`\n]+)`"
    r"|failed to build '(?P<pip>[^'\n]+)' when "
    r"|failed to (?:download and )?build:? (?P<last>[\w.-]+(?:==[\w.]+)?)\s*$"
    r"|failed to build installable wheels for some pyproject\.toml based projects \((?P<listed>[\w.-]+)"
    r"|building wheel for (?P<wheeled>[\w.-]+) \([^)]*\)[^\n]*(?:\berror\b|status 'error')"
    r"|running setup\.py install for (?P<setup>[\w.-]+)[^\n]*error"
    r"|error in (?P<command>[\w.-]+) setup command"
    r"|note: this error originates from the build backend[^\n]*problem with (?P<poetry>[\w.-]+)"
    r"|requested (?P<metadata>\S+)[^\n]* has invalid metadata"
)
_FAILED_SOMEWHERE = (
    r"subprocess-exited-with-error"
    r"|metadata-generation-failed"
    r"|legacy-install-failure"
    r"|command errored out with exit status"
    r"|setup\.py egg_info\"? failed with error code"
    r"|failed with error code 1 in /tmp"
    r"|setup\.py egg_info did not run successfully"
    r"|the build backend returned an error|build backend failed to"
    r"|chefbuilderror"
    r"|preparing metadata \([^)]*\)[^\n]*error"
    r"|error: command '[^'\n]*(?:gcc|g\+\+|cc|clang|c\+\+|ld|cl\.exe)' failed with exit (?:status|code)"
    r"|cannot find command '(?P<tool>git|hg|svn)'|git executable not found"
    r"|installing build dependencies[^\n]*error|getting requirements to build (?:wheel|editable) did not run"
)
_COMPILER = (
    r"unable to execute '?(?P<execute>[\w.+/-]+)'?: no such file"
    r"|error: command '(?P<command>[\w.+/-]*(?:gcc|g\+\+|cc|c\+\+|clang|gfortran"
    r"|cl\.exe))' failed: (?:no such file|permission denied|none)"
    r"|no such file or directory: b?['\"](?P<missing>[\w./-]*(?:gcc|g\+\+|\bcc|c\+\+|clang|gfortran|nvcc|cargo"
    r"|rustc))['\"]"
    r"|unknown compiler\(s\): \[\[?'(?P<unknown>[\w+-]+)"
    r"|cc1plus[^\n]*: (?:execvp: )?no such file|cannot execute ['‘`\"]?cc1plus"
    r"|(?P<sh>\bgcc|\bg\+\+|\bc\+\+|\bcc|\bclang|\bgfortran): (?:command )?not found"
    r"|no acceptable c compiler found|linker [`'\"]?(?P<linker>[\w.+-]+)[`'\"]? not found"
    r"|cmake_c(?:xx)?_compiler not set|no cmake_c(?:xx)?_compiler could be found"
    r"|could not find compiler set in environment"
    r"|microsoft visual c\+\+ [\d.]+ (?:or greater )?is required|unable to find vcvarsall"
    r"|can't find rust compiler|cargo, the rust package manager, is not installed"
    r"|rust toolchain is not installed|rust compiler[^\n]{0,40}not (?:found|installed)"
    r"|no fortran compiler found|no c compiler (?:could be |was )?found|a c(?:\+\+)? compiler is required"
    r"|could not find (?:a )?(?:c|c\+\+|fortran) compiler|no working (?:c|c\+\+) compiler found"
    r"|c compiler (?:cannot|can not) be found|you (?:need|must) (?:to )?(?:have|install) (?:a )?(?:c|c\+\+) compiler"
    r"|which: no (?:gcc|g\+\+|cc) in"
)
_NATIVE = {
    "execute",
    "command",
    "missing",
    "unknown",
    "sh",
    "linker",
}
_REASONS = (
    (r"fatal error: '?(?P<what>[\w./+-]+\.h(?:pp)?)'?(?: file not found|: no such file)", "the header {} is missing"),
    (r"cannot find -l(?P<what>[\w+-]+)", "the library {} is missing"),
    (r"no such file or directory: '(?P<what>cmake|make|swig|ninja|git|llvm-config|pkg-config)'", "{} is missing"),
    (r"cannot find command '(?P<what>git|hg|svn)'", "{} is not installed in the image"),
    (r"object has no attribute '(?P<what>cython_sources)'", "its build does not work with Cython 3"),
    (r"(?P<what>use_2to3) is invalid", "it needs an older setuptools (use_2to3)"),
    (r"module '(?P<what>pkgutil)' has no attribute 'impimporter'", "its build is older than this Python"),
    (r"no module named '?(?P<what>[\w.]+)'?", "its build needs {}, which is not installed where it is built"),
    (r"(?P<what>cuda_home) environment variable is not set", "it needs the CUDA toolkit to compile"),
)


_TOOL_LINE = r"not found|is required|must be installed|is not installed"
_TOOL = re.compile(
    r"\b(?P<what>(?:pg|mysql|krb5|nc|gdal|geos|xml2|curl|llvm)[_-]config|cmake|ninja|swig|pkg-config|make|bazel)\b"
    r"[^\n]{0,30}(?:not found|is required|must be installed|is not installed)",
    re.IGNORECASE,
)


def _package(hit: Hit | None, reading: Reading, before: Hit) -> str:
    """The package that failed: as it is named, or the last one that pip collected before."""
    if hit is not None:
        named = next((value for value in hit.match.groupdict().values() if value), "")
        if named:
            return named.strip(" `'\",.")
    collected = [
        line
        for line in reading.find_all(r"^\s*collecting (?P<package>[\w.\[\]-]+[^\s(]*)", (before.line.source,))
        if line.line.number <= before.line.number
    ]
    return collected[-1]["package"] if collected else ""


@rule("compiler-missing", "pip-package-build-failed", "pynacl-build-failed")
def source_build(reading: Reading) -> Iterator[Finding]:
    """A source build fails: for want of a compiler, of libsodium, or for a reason of its own."""
    if building(reading):
        for finding in _failures(reading):
            yield overcome(reading, finding, (_FAILED, _FAILED_SOMEWHERE, _COMPILER))


def _failures(reading: Reading) -> Iterator[Finding]:
    compiler = reading.find(_COMPILER)
    named = reading.find(_FAILED)
    hit = named or reading.find(_FAILED_SOMEWHERE)
    shown = hit or compiler
    if shown is None:
        return
    package = _package(named, reading, shown)
    if _is_pynacl(package, reading):
        yield found("pynacl-build-failed", Depth.ROOT - 1, shown, compiler, package=package or "pynacl")
    if compiler is not None:
        groups = compiler.match.groupdict()
        name = next((value for key, value in groups.items() if key in _NATIVE and value), "")
        if not name:
            lowered = compiler.line.text.lower()
            name = next((word for word in ("rust", "fortran", "visual c++", "g++") if word in lowered), "")
            name = "g++" if "cc1plus" in lowered else name
        yield found("compiler-missing", Depth.ROOT, compiler, hit, package=package, compiler=name.rsplit("/", 1)[-1])
    if hit is not None:
        reason, line = _reason(reading)
        yield found(
            "pip-package-build-failed",
            Depth.SPECIFIC - 2,
            line or hit,
            hit if line else None,
            certain=compiler is None,
            package=package,
            reason=reason,
        )


def _is_pynacl(package: str, reading: Reading) -> bool:
    if re.match(r"pynacl", package, re.IGNORECASE):
        return True
    return not package and ("libsodium" in reading or "pynacl" in reading)


def _reason(reading: Reading) -> tuple[str, Hit | None]:
    for pattern, words in _REASONS:
        if line := reading.find(pattern):
            return words.format(line["what"]), line
    for line in reading.find_all(_TOOL_LINE, limit=30):
        if tool := _TOOL.search(line.line.text):
            return f"{tool['what']} is missing", line
    return "", None
