"""What is advised for a module that is missing: its package by its name on the index, or that there is none."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.report import Diagnosis
from jupyter_mldeploy.evidence import Evidence


def _told(module: str, statement: str = "", file: str = "/var/azureml-app/score.py") -> Diagnosis:
    log = (
        f'Traceback (most recent call last):\n  File "{file}", line 4, in <module>\n'
        f"    {statement or f'import {module}'}\nModuleNotFoundError: No module named '{module}'\n"
    )
    return diagnose(Evidence(stage="init", exit_code=3, log=log))


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("opencensus", "opencensus"),
        ("dice_ml", "dice-ml"),
        ("llama_cpp", "llama-cpp-python"),
        ("google.cloud.storage", "google-cloud-storage"),
        ("google.cloud.bigquery_storage_v1", "google-cloud-bigquery-storage"),
        ("google.cloud.secretmanager_v1", "google-cloud-secret-manager"),
        ("google.generativeai", "google-generativeai"),
        ("azure.storage.queue", "azure-storage-queue"),
        ("azure.storage.filedatalake", "azure-storage-file-datalake"),
        ("azure.ai.textanalytics", "azure-ai-textanalytics"),
        ("azure.ai", "azure-ai-ml"),
        ("azure.cosmos", "azure-cosmos"),
        ("azureml.core", "azureml-defaults"),
        ("bayes_opt", "bayesian-optimization"),
    ],
)
def test_the_package_of_a_module_has_its_own_name(module: str, requirement: str) -> None:
    told = _told(module)
    assert (told.cause, told.facts["requirement"]) == ("module-not-found", requirement)
    assert told.confidence > 0.9


@pytest.mark.parametrize(
    ("missing", "statement", "requirement"),
    [
        ("google", "from google.cloud import storage", "google-cloud-storage"),
        ("google.cloud", "from google.cloud.bigquery import Client", "google-cloud-bigquery"),
        ("azure", "from azure.storage.blob import BlobServiceClient", "azure-storage-blob"),
        ("azure.keyvault", "from azure.keyvault.secrets import SecretClient", "azure-keyvault-secrets"),
        ("azure", "import azure.identity as identity", "azure-identity"),
    ],
)
def test_of_a_shared_first_name_the_statement_tells_the_package(missing: str, statement: str, requirement: str) -> None:
    assert _told(missing, statement).facts["requirement"] == requirement


def test_a_shared_first_name_alone_is_no_package() -> None:
    told = _told("google", "google = __import__('google')")
    assert told.cause == "module-not-found"
    assert "--pip PACKAGE" in told.remedy


@pytest.mark.parametrize(
    ("module", "since"), [("imp", "3.12"), ("cgi", "3.13"), ("urllib2", "3.0"), ("symbol", "3.10")]
)
def test_a_module_that_was_removed_from_python_is_not_to_be_installed(module: str, since: str) -> None:
    told = _told(module)
    assert told.cause == "module-not-found"
    assert f"removed from Python in version {since}" in told.what
    assert f"pip install {module}" not in told.remedy
    assert f"--pip {module}`" not in told.remedy


def test_what_took_the_place_of_a_removed_module_is_named() -> None:
    assert "`importlib`" in _told("imp").steps[0]
    assert "`setuptools`" in _told("distutils.version").remedy
    assert "`legacy-cgi`" in _told("cgi").remedy


def test_the_web_stack_is_blamed_where_the_server_imports_it() -> None:
    server = "/opt/site-packages/azureml_inference_server_http/server/app.py"
    assert _told("opencensus", file=server).cause == "flask-stack-incompatible"
    assert _told("jinja2").cause == "module-not-found"


def test_a_name_that_nobody_knows_is_only_probably_a_file() -> None:
    told = _told("notapackage_zzz")
    assert told.cause == "local-module-not-packaged"
    assert told.confidence < 0.8
    assert "is no package on an index" not in told.remedy
    assert "probably" in told.title
    assert "--pip PACKAGE" in told.remedy
    assert "requirement" not in told.facts


def test_a_file_that_is_called_as_such_files_are_is_one() -> None:
    told = _told("preprocess_utils")
    assert told.cause == "local-module-not-packaged"
    assert told.confidence > 0.9
    assert "is no package on an index" in told.what
