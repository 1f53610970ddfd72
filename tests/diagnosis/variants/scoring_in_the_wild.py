"""Wordings of scripts, requests and starts by many libraries."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

CASES = [
    case(
        "score-missing-init-run", "AttributeError: module 'score' has no attribute 'run'", stage="run", http_status=500
    ),
    case("score-syntax-error", "TabError: inconsistent use of tabs and spaces in indentation", stage="init"),
    case(
        "score-syntax-error",
        "SyntaxError: (unicode error) 'unicodeescape' codec can't decode bytes in position 2-3: truncated "
        "\\UXXXXXXXX escape",
        stage="init",
    ),
    case(
        "score-syntax-error",
        '  File "/app/score.py", line 3\n<<<<<<< HEAD\n^\nSyntaxError: invalid syntax',
        stage="init",
    ),
    case(
        "request-missing-key",
        "  File \"/app/score.py\", line 9, in run\n    d = json.loads(raw)['instances']\nKeyError: 'instances'",
        stage="run",
        http_status=502,
    ),
    case(
        "input-shape-mismatch",
        "ValueError: shapes (1,3) and (4,) not aligned: 3 (dim 1) != 4 (dim 0)",
        stage="run",
        http_status=500,
    ),
    case(
        "input-shape-mismatch",
        "onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : "
        "INVALID_ARGUMENT : Got invalid dimensions for input: float_input for the following indices\n "
        "index: 1 Got: 3 Expected: 4",
        stage="run",
    ),
    case(
        "input-shape-mismatch",
        "xgboost.core.XGBoostError: [10:00:00] src/learner.cc:1480: Check failed: "
        "learner_model_param_.num_feature >= p_fmat->Info().num_col_ (4 vs. 5) : Number of columns does "
        "not match number of features in booster.",
        stage="run",
    ),
    case(
        "input-shape-mismatch", "ValueError: 4 columns passed, passed data had 3 columns", stage="run", http_status=500
    ),
    case(
        "input-shape-mismatch", "ValueError: could not broadcast input array from shape (3) into shape (4)", stage="run"
    ),
    case(
        "feature-names-mismatch",
        "catboost.core.CatBoostError: At position 0 should be feature with name age (found income).",
        stage="run",
    ),
    case(
        "feature-names-mismatch",
        "ValueError: training data did not have the following fields: income",
        stage="run",
        http_status=500,
    ),
    case(
        "input-type-error",
        "numpy.core._exceptions.UFuncTypeError: ufunc 'multiply' did not contain a loop with signature "
        "matching types (dtype('<U3'), dtype('<U3')) -> dtype('<U3')",
        stage="run",
        http_status=500,
    ),
    case(
        "input-type-error",
        "onnxruntime InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Unexpected input data "
        "type. Actual: (tensor(double)) , expected: (tensor(float))",
        stage="run",
    ),
    case("input-type-error", "ValueError: invalid literal for int() with base 10: 'abc'", stage="run"),
    case(
        "input-missing-values",
        "ValueError: Input X contains infinity or a value too large for dtype('float32').",
        stage="run",
        http_status=500,
    ),
    case("input-missing-values", "ValueError: cannot convert float NaN to integer", stage="run"),
    case(
        "response-not-serializable",
        "TypeError: Object of type int64 is not JSON serializable",
        stage="run",
        http_status=500,
        http_body="Internal Server Error",
    ),
    case("response-not-serializable", "TypeError: Object of type bytes is not JSON serializable", stage="run"),
    case(
        "response-not-serializable",
        "pydantic_core._pydantic_core.PydanticSerializationError: Unable to serialize unknown type: <class "
        "'numpy.ndarray'>",
        stage="run",
        http_status=500,
    ),
    case(
        "run-exception",
        "  File \"/app/score.py\", line 9, in run\n    return model.foo(d)\nAttributeError: 'Pipeline' "
        "object has no attribute 'foo'",
        stage="run",
        http_status=500,
    ),
    case(
        "run-exception",
        '  File "/app/score.py", line 9, in run\n    return lookup[d]\nIndexError: list index out of range',
        stage="run",
        http_status=502,
    ),
    case(
        "run-exception",
        '  File "/app/score.py", line 9, in run\n    assert d > 0\nAssertionError',
        stage="run",
        http_status=500,
    ),
    case(
        "port-already-in-use",
        "Error: for scorer  Cannot start service scorer: Ports are not available: exposing port TCP "
        "0.0.0.0:5001 -> 0.0.0.0:0: listen tcp 0.0.0.0:5001: bind: Only one usage of each socket address "
        "(protocol/network address/port) is normally permitted.",
        stage="launch",
    ),
    case(
        "port-already-in-use",
        "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
        stage="launch",
        exit_code=1,
    ),
    case(
        "port-already-in-use",
        'The Service "scorer" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is '
        "already allocated",
        stage="launch",
    ),
    case("privileged-port-denied", "listen tcp :80: bind: permission denied", stage="launch", exit_code=1),
    case(
        "file-permission-denied",
        "Matplotlib created a temporary cache directory\nPermissionError: [Errno 13] Permission denied: "
        "'/var/azureml-app/out.csv'",
        stage="run",
        http_status=500,
    ),
    case("missing-env-var", "KeyError: 'DATABASE_URL'", stage="init", exit_code=1),
    case(
        "missing-env-var", "Error: required environment variable OPENAI_API_KEY is missing", stage="launch", exit_code=1
    ),
    case(
        "missing-env-var",
        "openai.OpenAIError: The api_key client option must be set either by passing api_key to the client "
        "or by setting the OPENAI_API_KEY environment variable",
        stage="init",
    ),
    case(
        "missing-env-var",
        "decouple.UndefinedValueError: SECRET_KEY not found. Declare it as envvar or define a default value.",
        stage="launch",
    ),
    case(
        "fpga-unavailable",
        "azureml.exceptions.WebserviceException: FPGA quota not available in region eastus2",
        stage="launch",
    ),
    case(
        "key-vault-access-policy",
        '{"code":"InternalServerError","statusCode":500,"message":"Image creation failed"}\nKey Vault '
        "access policy missing",
        stage="build",
        http_status=500,
    ),
]
