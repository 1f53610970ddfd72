"""The servers that are compared: how each is installed, given the same model, started and asked.

Every one has an environment of its own, made with uv, and the number of workers that the workload asks for. Nothing else
is tuned, in ours neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMON = ["scikit-learn", "joblib"]

TRAIN = """
import sys, joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
data, target = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=1000).fit(data, target), sys.argv[1] + "/iris.pkl")
joblib.dump(RandomForestClassifier(n_estimators=20, random_state=0).fit(data, target), sys.argv[1] + "/forest.pkl")
"""
PREDICTS = """
import json, joblib
def init():
    global model
    model = joblib.load("{folder}/{model}.pkl")
def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
"""
SCRIPTS = {
    "iris": PREDICTS,
    "forest": PREDICTS,
    "sleep": "import time\ndef init(): pass\ndef run(data):\n    time.sleep(0.05)\n    return 1\n",
    "echo": "import json\ndef init(): pass\ndef run(data): return json.loads(data)\n",
}
ROWS = [[5.1, 3.5, 1.4, 0.2]] * 10
BODY = json.dumps({"data": ROWS}).encode()


@dataclass
class Launch:
    """A started server's command and how to ask it."""

    command: list[str]
    path: str = "/score"
    body: bytes = BODY
    environment: dict[str, str] | None = None


@dataclass
class Contestant:
    """One server."""

    name: str
    packages: list[str]
    launch: Callable[[Path, Path, str, int, int | None], Launch]
    """From its python, a folder, the workload, a port and the number of workers (None: its default)."""
    version_of: str = ""


def write_scripts(folder: Path) -> None:
    """The scoring scripts of every workload."""
    for name, text in SCRIPTS.items():
        model = name if name in ("iris", "forest") else ""
        (folder / f"{name}_score.py").write_text(text.replace("{folder}", str(folder)).replace("{model}", model))


def ours(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    config: dict[str, Any] = {
        "port": port,
        "worker": {"python": str(python), "entry_script": f"{workload}_score.py", "app_root": str(folder)},
        "max_request_wait_ms": 10_000,
        "max_replicas": workers,
    }
    if workers is not None:
        config["min_replicas"] = workers
    file = folder / f"ours-{workload}.json"
    file.write_text(json.dumps(config))
    return Launch([sys.executable, "-m", "jupyter_mldeploy.runtime", "--service_config", str(file)])


def limit(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    script = str(folder / f"{workload}_score.py")
    return Launch([str(python), str(HERE / "runtime_limit.py"), script, str(port), str(workers or os.cpu_count())])


def azmlinfsrv(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    command = [str(python.with_name("azmlinfsrv")), "--entry_script", str(folder / f"{workload}_score.py")]
    return Launch([*command, "--port", str(port), "--worker_count", str(workers or 1)])


def starlette(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    (folder / f"starlette_{workload}.py").write_text(
        f"import {workload}_score as script\n"
        "from starlette.applications import Starlette\n"
        "from starlette.responses import JSONResponse\n"
        "from starlette.routing import Route\n"
        "script.init()\n"
        "async def score(request):\n"
        "    return JSONResponse(script.run((await request.body()).decode()))\n"
        "app = Starlette(routes=[Route('/score', score, methods=['POST'])])\n"
    )
    command = [str(python), "-m", "uvicorn", f"starlette_{workload}:app", "--port", str(port), "--no-access-log"]
    return Launch([*command, "--workers", str(workers or 1), "--log-level", "warning"])


def litserve(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    (folder / f"litserve_{workload}.py").write_text(
        f"import sys, json, litserve\nimport {workload}_score as script\n"
        "class Api(litserve.LitAPI):\n"
        "    def setup(self, device): script.init()\n"
        "    def decode_request(self, request): return request\n"
        "    def predict(self, x): return script.run(json.dumps(x))\n"
        "    def encode_response(self, output): return {'output': output}\n"
        "if __name__ == '__main__':\n"
        f"    server = litserve.LitServer(Api(api_path='/score'), accelerator='cpu', workers_per_device={workers or 1})\n"
        f"    server.run(port={port}, generate_client_file=False, log_level='warning')\n"
    )
    return Launch([str(python), f"litserve_{workload}.py"])


def bentoml(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    (folder / f"bento_{workload}.py").write_text(
        f"import json, bentoml\nimport {workload}_score as script\n"
        f"@bentoml.service(workers={workers or 1})\n"
        "class Scoring:\n"
        "    def __init__(self): script.init()\n"
        "    @bentoml.api(route='/score')\n"
        "    def score(self, data: list[list[float]]) -> list[int]:\n"
        "        return script.run(json.dumps({'data': data}))\n"
    )
    command = [str(python.with_name("bentoml")), "serve", f"bento_{workload}:Scoring", "--port", str(port)]
    return Launch(command, environment={"BENTOML_DO_NOT_TRACK": "True"})


def mlserver(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    place = folder / f"mlserver_{workload}"
    place.mkdir(exist_ok=True)
    settings = {"parallel_workers": workers or 1, "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    (place / "settings.json").write_text(json.dumps({**settings, "host": "127.0.0.1"}))
    model = {"name": workload, "implementation": "mlserver_sklearn.SKLearnModel"}
    model["parameters"] = {"uri": str(folder / f"{workload}.pkl"), "version": "1"}  # type: ignore[assignment]
    (place / "model-settings.json").write_text(json.dumps(model))
    inputs = {"name": "x", "shape": [10, 4], "datatype": "FP64", "data": [value for row in ROWS for value in row]}
    return Launch(
        [str(python.with_name("mlserver")), "start", str(place)],
        f"/v2/models/{workload}/infer",
        json.dumps({"inputs": [inputs]}).encode(),
    )


def mlflow(python: Path, folder: Path, workload: str, port: int, workers: int | None) -> Launch:
    place = folder / f"mlflow_{workload}"
    if not place.exists():
        save = (
            f"import joblib, mlflow.sklearn; "
            f"mlflow.sklearn.save_model(joblib.load('{folder}/{workload}.pkl'), '{place}', serialization_format='cloudpickle')"
        )
        subprocess.run([str(python), "-c", save], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = [str(python.with_name("mlflow")), "models", "serve", "-m", str(place), "-p", str(port)]
    command += ["--env-manager", "local", "--workers", str(workers or 1)]
    return Launch(command, "/invocations", json.dumps({"inputs": ROWS}).encode())


OURS = Contestant("jupyter_mldeploy", ["httptools", "uvloop"], ours)
LIMIT = Contestant("asyncio + httptools (the limit)", ["httptools", "uvloop"], limit)
STARLETTE = Contestant("Starlette", ["starlette", "uvicorn", "httptools", "uvloop"], starlette, "starlette")
OTHERS = [
    Contestant("azmlinfsrv", ["azureml-inference-server-http"], azmlinfsrv, "azureml-inference-server-http"),
    Contestant("MLServer", ["mlserver", "mlserver-sklearn", "uvloop<0.22"], mlserver, "mlserver"),
    Contestant("LitServe", ["litserve"], litserve, "litserve"),
    Contestant("BentoML", ["bentoml"], bentoml, "bentoml"),
    Contestant("MLflow", ["mlflow"], mlflow, "mlflow"),
]
