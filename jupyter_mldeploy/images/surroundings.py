"""What the network around this machine asks of a build: proxies, certificates, pip's index.

Taken from where the host has them, so that what works here works in a build; each with where it is from, to be shown. Proxies
and pip's configuration may hold passwords: they reach a build's commands and never an image, its history or its labels.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.evidence import redact

__all__ = ["Surroundings", "look_around"]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY")
_DOCKER_KEYS = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "allProxy": "ALL_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
}
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_PIP = ("index-url", "extra-index-url", "trusted-host", "find-links", "timeout", "no-index", "pre", "prefer-binary")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a build and a container are given of the host's network.

    Attributes:
        proxies: Variables in both spellings, for build arguments and containers.
        ca_bundle: PEM of every certificate authority that is to be trusted, or empty for the image's own.
        pip_conf: Configuration file for pip, or empty.
        network: Docker network that a build's commands use, ``""`` for the engine's own.
        notes: What was taken from where, without passwords, for people.
    """

    proxies: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: bytes = field(default=b"", repr=False)
    pip_conf: bytes = field(default=b"", repr=False)
    network: str = ""
    notes: tuple[str, ...] = ()


def look_around(
    ca_bundle: str = "", network: str = "", *, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> Surroundings:
    """Read the host's settings.

    Args:
        ca_bundle: The setting: PEM file that is trusted besides the usual certificates.
        network: The setting: Docker network for a build's commands.
        environment, home: Where the host's settings are read from; this process's own by default.

    Raises:
        InvalidValue: The CA bundle cannot be read, or holds no certificate.
    """
    variables = dict(os.environ if environment is None else environment)
    house = home or Path.home()
    notes: list[str] = []
    proxies = _proxies(variables, house, notes)
    bundle = _ca_bundle(ca_bundle, variables, notes)
    pip_conf = _pip_configuration(variables, house, notes)
    if network:
        notes.append(f"network {network} for the build's commands")
    return Surroundings(proxies=proxies, ca_bundle=bundle, pip_conf=pip_conf, network=network, notes=tuple(notes))


# -- proxies -----------------------------------------------------------------------------------------------------------


def _proxies(variables: Mapping[str, str], home: Path, notes: list[str]) -> dict[str, str]:
    """Docker's client configuration first, as the ``docker`` command has it; then the environment."""
    found: dict[str, str] = {}
    origin: dict[str, str] = {}
    folder = Path(variables.get("DOCKER_CONFIG") or home / ".docker")
    with suppress(OSError, ValueError, AttributeError):
        configured = json.loads((folder / "config.json").read_bytes()).get("proxies", {}).get("default", {})
        for key, name in _DOCKER_KEYS.items():
            if configured.get(key):
                found[name], origin[name] = str(configured[key]), "Docker's client configuration"
    for name in _PROXIES:
        value = variables.get(name) or variables.get(name.lower())
        if value and name not in found:
            found[name], origin[name] = value, "the environment"
    if set(found) <= {"NO_PROXY"}:
        return {}
    notes += [f"{name}={redact(found[name])} (from {origin[name]})" for name in sorted(found)]
    return {spelling: value for name, value in found.items() for spelling in (name, name.lower())}


# -- certificates ------------------------------------------------------------------------------------------------------

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _ca_bundle(setting: str, variables: Mapping[str, str], notes: list[str]) -> bytes:
    """The usual certificates and those of the host's bundle, each once; empty where the host has no bundle of its own."""
    if setting:
        path, origin = Path(setting).expanduser(), "the setting ca_bundle"
    else:
        names = [name for name in _CERTIFICATES if variables.get(name) and Path(variables[name]).is_file()]
        if not names:
            return b""
        path, origin = Path(variables[names[0]]), names[0]
    try:
        own = _BLOCK.findall(path.read_bytes())
    except OSError as error:
        raise InvalidValue("ca_bundle", str(path), f"it cannot be read: {error.strerror}.") from None
    if not own:
        raise InvalidValue("ca_bundle", str(path), "it holds no certificate in PEM form.")
    notes.append(f"certificates of {path} (from {origin})")
    import certifi

    blocks = dict.fromkeys([*_BLOCK.findall(Path(certifi.where()).read_bytes()), *own])
    return b"\n".join(blocks) + b"\n"


# -- pip ---------------------------------------------------------------------------------------------------------------


def _pip_configuration(variables: Mapping[str, str], home: Path, notes: list[str]) -> bytes:
    """What pip is told here about where packages are; folders of this machine are left out, they are not in a build."""
    files = [
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    given = variables.get("PIP_CONFIG_FILE")
    if given:
        files = [] if given == os.devnull else [*files, Path(given)]
    parser = configparser.RawConfigParser(strict=False)
    for file in files:
        with suppress(OSError, configparser.Error, UnicodeDecodeError):
            parser.read(file, encoding="utf-8")
    found: dict[str, str] = {}
    for key in _PIP:
        for section in ("global", "install"):
            if parser.has_option(section, key):
                found[key] = parser.get(section, key).strip()
        found[key] = variables.get("PIP_" + key.upper().replace("-", "_"), found.get(key, ""))
    if found["find-links"]:
        found["find-links"] = " ".join(link for link in found["find-links"].split() if "://" in link)
    kept = {key: " ".join(value.split()) for key, value in found.items() if value.strip()}
    if not set(kept) - {"timeout"}:
        return b""
    notes += [f"pip's {key} {redact(value)}" for key, value in kept.items()]
    return ("[global]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items())).encode()
