"""The language of what is drawn in a cell: which it is, and where its words come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy.config import LANGUAGES, MLDeploy, settings
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.notebook import language
from jupyter_mldeploy.notebook.language import later, read_locale, tr

SETTINGS = Path("@jupyterlab", "translation-extension", "plugin.jupyterlab-settings")


@pytest.fixture(autouse=True)
def chosen_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is set, and nothing was read."""

    def forget() -> None:
        MLDeploy.clear_instance()
        language._of_jupyterlab.cache_clear()

    monkeypatch.delenv("MLDEPLOY_LANGUAGE", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("JUPYTERLAB_SETTINGS_DIR", raising=False)
    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"locale": "es_ES"}', "es"),
        ('// "locale": "it_IT"\n{/* "locale": "sv_SE" */ "url": "http://x", "locale": "ru_RU", }', "ru"),
        ("{locale: 'pt-BR'}", "pt"),
        ('{"locale": "default"}', "en"),
        ('{"locale": "de_DE"}', "en"),
        ('{"displayLocale": "es_ES"}', "en"),
        ('{"locale": ', "en"),
        ("", "en"),
    ],
)
def test_the_settings_of_jupyterlab(text: str, found: str) -> None:
    assert read_locale(text) == found


@pytest.mark.parametrize("variable", ["JUPYTERLAB_SETTINGS_DIR", "JUPYTER_CONFIG_DIR"])
def test_it_is_that_of_jupyterlab(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "settings"
    monkeypatch.setenv(variable, str(folder))
    path = folder / ("lab/user-settings" if variable == "JUPYTER_CONFIG_DIR" else "") / SETTINGS
    path.parent.mkdir(parents=True)
    path.write_text('{"locale": "sv_SE"}')
    assert language.language() == "sv"
    assert tr("Log of %1", "iris") == "Logg för iris"


def test_a_setting_wins_over_jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_it_is_that_of_jupyterlab("JUPYTERLAB_SETTINGS_DIR", tmp_path, monkeypatch)
    MLDeploy.clear_instance()
    monkeypatch.setenv("MLDEPLOY_LANGUAGE", "pt_BR")
    assert tr("Stop") == "Parar"


def test_what_cannot_be_read_is_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert language.language() == "en"
    language._of_jupyterlab.cache_clear()
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    (tmp_path / SETTINGS).parent.mkdir(parents=True)
    (tmp_path / SETTINGS).write_bytes(b"\xff\xfe{")
    assert language.language() == "en"
    assert tr("Log of %1", "iris") == "Log of iris"


@pytest.mark.parametrize("name", ["esperanto", "de", "Spanish"])
def test_a_language_that_there_is_not_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_LANGUAGE", name)
    with pytest.raises(InvalidValue, match=r"choose auto or one of en, es, it, pt, ru, sv\."):
        _ = settings().language


def test_what_is_made_first_and_drawn_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_LANGUAGE", "es")
    made = later("deploying to %1", later("script %1", "a1f3c09"))
    assert made == "deploying to script a1f3c09"
    assert tr(made) == "desplegando en script a1f3c09"
    assert tr("Log of %1", "%1") == "Registro de %1"
    assert tr("nothing of ours: 100 %5") == "nothing of ours: 100 %5"


@pytest.mark.parametrize("chosen", sorted(set(LANGUAGES) - {"en"}))
def test_each_language_has_its_files(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_LANGUAGE", chosen)
    assert tr("Stop") != "Stop"
    assert language.pages()["module-not-found"]["title"]
