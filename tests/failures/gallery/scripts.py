"""Scoring scripts that fail: in ``init()``, or when a request comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["IN_INIT", "IN_RUN", "Broken"]


@dataclass(frozen=True)
class Broken:
    """A script and the cause that must be named for it.

    Attributes:
        cause: Slug of the cause.
        init: Body of ``init()``.
        run: Body of ``run(data)``.
        send: The body of the request that fails.
        before: What stands above the functions.
        files: Files beside the script, by name.
    """

    cause: str
    init: str = "pass"
    run: str = "return data"
    send: str = '{"data": [[1, 2, 3, 4]]}'
    before: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        def body(code: str) -> str:
            return "".join(f"    {line}\n" for line in code.splitlines())

        head = "import json, os, pickle\n" + (self.before + "\n" if self.before else "")
        return f"{head}\ndef init():\n{body(self.init)}\ndef run(data):\n{body(self.run)}"


def _unpickled(cause: str, data: bytes) -> Broken:
    return Broken(
        cause,
        init='global model\nwith open("model.pkl", "rb") as file:\n    model = pickle.load(file)',
        files={"model.pkl": data},
    )


IN_INIT = (
    Broken("module-not-found", init='__import__("catboost")'),
    Broken(
        "local-module-not-packaged",
        init='from importlib import import_module\nclean = import_module("helpers.text").clean',
    ),
    Broken("missing-env-var", init='account = os.environ["STORAGE_ACCOUNT_OF_THE_GALLERY"]'),
    Broken("model-dir-env-missing", init='path = os.path.join(os.getenv("OTHER_MODEL_DIR"), "model.pkl")'),
    Broken(
        "model-file-not-found",
        init='import joblib\nmodel = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR") or ".", "clf.joblib"))',
    ),
    Broken(
        "model-path-lookup-failed",
        init='from azureml.core.model import Model\nname = "no-such-model"\npath = Model.get_model_path(name)',
    ),
    _unpickled(
        "model-file-corrupt",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n",
    ),
    _unpickled("pickle-protocol-unsupported", b"\x80\x09."),
    _unpickled("pickle-main-attribute", b"c__main__\nCustomScaler\n."),
    _unpickled("sklearn-version-mismatch", b"csklearn.linear_model.logistic\nLogisticRegression\n."),
    Broken("config-file-missing", init='name = "settings.yaml"\nwith open(name) as file:\n    settings = file.read()'),
    Broken(
        "file-permission-denied",
        # Root may write anywhere: step down as a container would.
        init='if os.getuid() == 0:\n    os.setuid(65534)\nos.makedirs("/var/log/gallery/cache")',
    ),
    Broken("missing-shared-library", init='import ctypes\nctypes.CDLL("libgallery-GL.so.1")'),
    Broken("numpy-abi-mismatch", init="import numpy\nkind = numpy.float"),
    Broken(
        "runtime-download-blocked",
        init="from urllib.request import urlretrieve\n"
        'urlretrieve("https://models.gallery.invalid/weights.bin", "weights.bin")',
    ),
    Broken(
        "container-oom-killed",  # The limit is set here, so that nothing of the machine is used up.
        init="import numpy, resource\nresource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))\ntable = numpy.ones(2**34)",
    ),
    Broken("crashloop-init-exception", init='raise RuntimeError("the licence server said no")'),
    Broken(
        "port-already-in-use",
        init="import socket\nfirst = socket.create_server(('127.0.0.1', 0))\n"
        "second = socket.create_server(first.getsockname())",
    ),
)

_FITTED = (
    "global model\nimport pandas\nfrom sklearn.linear_model import LogisticRegression\n"
    'rows = pandas.DataFrame([[0, 1, 2, 3], [4, 5, 6, 7]], columns=["a", "b", "c", "d"])\n'
    "model = LogisticRegression().fit({rows}, [0, 1])"
)
_PLAIN = _FITTED.format(rows="rows.values")
_NAMED = _FITTED.format(rows="rows")
_PREDICT = 'return model.predict(json.loads(data)["data"]).tolist()'

IN_RUN = (
    Broken(
        "model-not-global", init='if os.environ.get("NEVER"):\n    global model\n    model = [1]', run="return model[0]"
    ),
    Broken("request-json-invalid", run="return json.loads(data)", send="{'data': [1]}"),
    Broken("request-missing-key", run='return json.loads(data)["data"]', send='{"instances": [1]}'),
    Broken("input-shape-mismatch", init=_PLAIN, run=_PREDICT, send='{"data": [[1, 2, 3]]}'),
    Broken("input-type-error", init=_PLAIN, run=_PREDICT, send='{"data": [[1, 2, 3, "male"]]}'),
    Broken("input-missing-values", init=_PLAIN, run=_PREDICT, send='{"data": [[1, 2, 3, NaN]]}'),
    Broken(
        "feature-names-mismatch",
        init=_NAMED,
        run="import pandas\nreturn model.predict(pandas.DataFrame(json.loads(data))).tolist()",
        send='[{"a": 1, "b": 2, "c": 3, "e": 4}]',
    ),
    Broken("response-not-serializable", run="return object()"),
    Broken("run-exception", run='raise LookupError("the customer is not known")'),
    Broken("segfault", run="import ctypes\nctypes.string_at(0)"),
    Broken("illegal-instruction", run="import signal\nos.kill(os.getpid(), signal.SIGILL)"),
    Broken("http-502-run-crashed", run="os._exit(3)"),
)
