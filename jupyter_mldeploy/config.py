"""Every setting, as traitlets: ``c.MLDeploy.registry = "…"``, or ``MLDEPLOY_REGISTRY``, or an option of the same name.

An option of a command wins over ``c.MLDeploy`` of IPython or of ``jupyter_mldeploy_config.py`` (or ``.json``) in Jupyter's
configuration folders; that wins over the environment variable; that over the default.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from traitlets import Float, TraitError, Unicode, default, validate
from traitlets.config import Config, SingletonConfigurable

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec.quantities import MOST_SECONDS

__all__ = ["LANGUAGES", "MLDeploy", "configure", "mistyped", "settings"]

PREFIX = "MLDEPLOY_"


def _from_environment(name: str, fallback: Any, convert: type = str) -> Any:
    value = os.environ.get(PREFIX + name.upper())
    if not value:
        return fallback
    try:
        return convert(value)
    except ValueError:
        raise InvalidValue(PREFIX + name.upper(), value, f"it is a {convert.__name__}.") from None


_configuring = threading.RLock()


def _time_of_environment(name: str, fallback: float) -> float:
    return _time(PREFIX + name.upper(), _from_environment(name, fallback, float))


def _time(field: str, seconds: float) -> float:
    if not 0 < seconds <= MOST_SECONDS:
        raise InvalidValue(field, seconds, "it is a time in seconds above zero, at most a year.")
    return float(seconds)


BUILDERS = ("", "classic", "buildx")


def _builder(field: str, name: str) -> str:
    if name not in BUILDERS:
        raise InvalidValue(field, name, "choose classic or buildx, or leave it empty for whichever fits.")
    return name


LANGUAGES = ("en", "es", "it", "pt", "ru", "sv")


def _language(field: str, name: str) -> str:
    """``pt`` of ``pt_BR``."""
    if name == "auto":
        return name
    if (chosen := name[:2].lower()) in LANGUAGES and name[2:3] in {"", "_", "-"}:
        return chosen
    raise InvalidValue(field, name, f"choose auto or one of {', '.join(LANGUAGES)}.")


def _target(field: str, kind: str) -> str:
    from jupyter_mldeploy.spec import TargetKind

    if kind not in set(TargetKind):
        raise InvalidValue(field, kind, f"choose one of {', '.join(TargetKind)}.")
    return kind


class MLDeploy(SingletonConfigurable):
    """The settings of this process.

    Attributes:
        sources: Where each one that is configured is written, by name.
        unknown: The same of names that are no settings.
    """

    sources: Mapping[str, str] = {}
    unknown: Mapping[str, str] = {}

    home = Unicode(help="Folder of everything the package keeps on disk.").tag(config=True)
    target = Unicode(help="Target of a deployment that names none: local, container or kubernetes.").tag(config=True)
    base_image = Unicode(help="Image that images are built on; empty: python:X.Y-slim of the environment.").tag(
        config=True
    )
    registry = Unicode(help="Registry and path that images are pushed to, such as registry.example/team.").tag(
        config=True
    )
    ca_bundle = Unicode(help="PEM file of the certificates that builds and services trust besides the usual.").tag(
        config=True
    )
    build_network = Unicode(
        help="Docker network of the commands of a build; empty: the engine's own, 'host': this machine's."
    ).tag(config=True)
    docker_context = Unicode(help="Docker context of the container target and of builds; empty: the current one.").tag(
        config=True
    )
    kube_context = Unicode(help="kubeconfig context of the kubernetes target; empty: the current one.").tag(config=True)
    builder = Unicode(
        help="Builder of images: classic (the engine's own), buildx (BuildKit); empty: BuildKit where docker buildx is installed."
    ).tag(config=True)
    context = Unicode(help="Context of the target where neither docker_context nor kube_context is set.").tag(
        config=True
    )
    namespace = Unicode(help="Kubernetes namespace; empty: the context's.").tag(config=True)
    language = Unicode(
        help="Language of what is drawn in a cell: en, es, it, pt, ru, sv; auto: the one that JupyterLab is shown in."
    ).tag(config=True)
    scoring_timeout = Float(help="Seconds until a request is answered with 504.").tag(config=True)
    max_request_wait = Float(help="Seconds a request may wait for a free replica before it gets 503.").tag(config=True)
    init_timeout = Float(help="Seconds until an init() that does not return counts as failed.").tag(config=True)

    @default("home")
    def _default_home(self) -> str:
        if given := os.environ.get(PREFIX + "HOME"):
            return given
        from jupyter_core.paths import jupyter_data_dir

        return str(Path(jupyter_data_dir()) / "mldeploy")

    @default("target")
    def _default_target(self) -> str:
        return _target(PREFIX + "TARGET", str(_from_environment("target", "local")))

    @default("base_image")
    def _default_base_image(self) -> str:
        return str(_from_environment("base_image", ""))

    @default("registry")
    def _default_registry(self) -> str:
        return str(_from_environment("registry", ""))

    @default("ca_bundle")
    def _default_ca_bundle(self) -> str:
        return str(_from_environment("ca_bundle", ""))

    @default("build_network")
    def _default_build_network(self) -> str:
        return str(_from_environment("build_network", ""))

    @default("docker_context")
    def _default_docker_context(self) -> str:
        return str(_from_environment("docker_context", ""))

    @default("kube_context")
    def _default_kube_context(self) -> str:
        return str(_from_environment("kube_context", ""))

    @default("builder")
    def _default_builder(self) -> str:
        return _builder(PREFIX + "BUILDER", str(_from_environment("builder", "")))

    @default("context")
    def _default_context(self) -> str:
        return str(_from_environment("context", ""))

    @default("namespace")
    def _default_namespace(self) -> str:
        return str(_from_environment("namespace", ""))

    @default("language")
    def _default_language(self) -> str:
        return _language(PREFIX + "LANGUAGE", str(_from_environment("language", "auto")))

    @default("scoring_timeout")
    def _default_scoring_timeout(self) -> float:
        return _time_of_environment("scoring_timeout", 60.0)

    @default("max_request_wait")
    def _default_max_request_wait(self) -> float:
        return _time_of_environment("max_request_wait", 0.5)

    @default("init_timeout")
    def _default_init_timeout(self) -> float:
        return _time_of_environment("init_timeout", 300.0)

    @validate("builder")
    def _known_builder(self, proposal: dict[str, Any]) -> str:
        return _builder("builder", proposal["value"])

    @validate("language")
    def _known_language(self, proposal: dict[str, Any]) -> str:
        return _language("language", proposal["value"])

    @validate("target")
    def _known_target(self, proposal: dict[str, Any]) -> str:
        return _target("target", proposal["value"])

    @validate("scoring_timeout", "max_request_wait", "init_timeout")
    def _above_zero(self, proposal: dict[str, Any]) -> float:
        return _time(proposal["trait"].name, proposal["value"])

    @property
    def home_path(self) -> Path:
        """``home`` as an absolute path; not made here."""
        return Path(self.home).expanduser().absolute()

    def context_of(self, target: str) -> str | None:
        """The context of a target that names none; ``None``: the current one."""
        own = {"container": self.docker_context, "kubernetes": self.kube_context}
        if target in own and any(own.values()):
            return own[target] or None
        return self.context or None

    def explain(self) -> list[dict[str, str]]:
        """Every setting with its value, where that comes from, its variable and its help."""
        rows = []
        for name, trait in sorted(self.traits(config=True).items()):
            variable = PREFIX + name.upper()
            if name in self.sources:
                source = self.sources[name]
            elif os.environ.get(variable):
                source = variable
            else:
                source = "default"
            value = str(getattr(self, name))
            rows.append({"setting": name, "value": value, "from": source, "variable": variable, "help": trait.help})
        return rows


def mistyped() -> list[str]:
    """What is set and is no setting, each one sentence; of the environment's variables only those that are nearly one."""
    from difflib import get_close_matches

    names = MLDeploy.class_trait_names(config=True)
    known = [PREFIX + name.upper() for name in names]
    found = [
        f"{name} is no setting; did you mean {near[0]}?"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known and (near := get_close_matches(name, known, 1, 0.9))
    ]
    for name, source in settings().unknown.items():
        near = get_close_matches(name, names, 1)
        found.append(f"c.MLDeploy.{name} in {source} is no setting{f'; did you mean {near[0]}?' if near else '.'}")
    return found


def settings() -> MLDeploy:
    """The settings in force."""
    with _configuring:  # nobody sees them half read
        return MLDeploy.instance() if MLDeploy.initialized() else configure()


def configure(shell: Config | None = None) -> MLDeploy:
    """Read the configuration files.

    Args:
        shell: What IPython is configured with, which wins over Jupyter's files.

    Raises:
        InvalidValue: A file cannot be read, or holds a value that no setting can have; names the file.
    """
    from traitlets.config.loader import DeferredConfig

    chosen: dict[str, tuple[Any, str]] = {}
    files = [*_configuration_files(), ("IPython's configuration", shell or Config())]
    for source, config in files:
        chosen |= {name: (value, source) for name, value in config.get(MLDeploy.__name__, {}).items()}
    made = MLDeploy.instance()
    names = set(made.trait_names(config=True))
    made.sources = {name: source for name, (_, source) in chosen.items() if name in names}
    made.unknown = {name: source for name, (_, source) in chosen.items() if name not in names}
    for name, source in made.sources.items():
        value = chosen[name][0]
        try:
            if isinstance(value, DeferredConfig):  # of a command line, which knows no types
                value = value.get_value(made.traits()[name])
            setattr(made, name, value)
        except (TraitError, InvalidValue) as error:
            MLDeploy.clear_instance()
            expected = str(error).rpartition(" is not valid: ")[2] or str(error)
            if isinstance(error, TraitError):
                expected = f"it is a {made.traits()[name].info().split()[-1]}."
            raise InvalidValue(f"c.MLDeploy.{name}", value, expected, f"It is set in {source}.") from None
    return made


def _configuration_files() -> Iterator[tuple[str, Config]]:
    """Jupyter's, the ones that win last; each with its path."""
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

    for folder in reversed(jupyter_config_path()):
        for loader, ending in ((JSONFileConfigLoader, "json"), (PyFileConfigLoader, "py")):
            path = Path(folder) / f"jupyter_mldeploy_config.{ending}"
            try:
                yield str(path), loader(path.name, path=folder).load_config()
            except ConfigFileNotFound:
                continue
            except Exception as error:  # a file of Python may do anything
                reason = f"{type(error).__name__}: {error}"
                raise InvalidValue("configuration", path.name, f"{path} cannot be read: {reason}.") from error
