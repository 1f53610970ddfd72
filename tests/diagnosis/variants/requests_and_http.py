"""Messages of requests that fail and of HTTP answers."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

IN_RUN = '  File "/app/score.py", line 12, in run\n    return model.predict(data).tolist()\n'

CASES = [
    case(
        "request-json-invalid",
        '  File "/app/score.py", line 9, in run\n    data = '
        'json.loads(raw)["data"]\njson.decoder.JSONDecodeError: Expecting property name enclosed in double '
        "quotes: line 1 column 2 (char 1)",
        stage="run",
        http_status=500,
    ),
    case(
        "request-json-invalid",
        "",
        stage="http",
        http_status=400,
        http_body="Failed to decode JSON object: Expecting value: line 1 column 1 (char 0)",
    ),
    case(
        "request-json-invalid",
        "",
        stage="http",
        http_status=400,
        http_body='{"message": "Input data is not valid JSON"}',
    ),
    case(
        "request-json-invalid",
        "TypeError: the JSON object must be str, bytes or bytearray, not dict",
        stage="run",
        http_status=502,
    ),
    case(
        "request-missing-key",
        "  File \"/app/score.py\", line 9, in run\n    rows = json.loads(raw)['data']\nKeyError: 'data'",
        stage="run",
        http_status=500,
    ),
    case("request-missing-key", "KeyError: 'input_data'", stage="run", http_status=502),
    case(
        "request-missing-key",
        "TypeError: run() missing 1 required positional argument: 'data'",
        stage="run",
        http_status=500,
    ),
    case(
        "input-shape-mismatch",
        IN_RUN + "ValueError: X has 3 features, but LogisticRegression is expecting 4 features as input.",
        stage="run",
        http_status=500,
    ),
    case(
        "input-shape-mismatch",
        IN_RUN
        + (
            "ValueError: Expected 2D array, got 1D array instead:\narray=[5.1 3.5 1.4 0.2].\nReshape your "
            "data either using array.reshape(-1, 1) if your data has a single feature"
        ),
        stage="run",
    ),
    case(
        "input-shape-mismatch",
        "ValueError: Number of features of the model must match the input. Model n_features is 13 and input "
        "n_features is 12",
        stage="run",
        http_status=502,
    ),
    case(
        "input-shape-mismatch",
        'ValueError: Input 0 of layer "sequential" is incompatible with the layer: expected shape=(None, 28, '
        "28), found shape=(None, 784)",
        stage="run",
    ),
    case(
        "input-shape-mismatch",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 4x16)",
        stage="run",
        http_status=500,
    ),
    case(
        "input-shape-mismatch",
        "lightgbm.basic.LightGBMError: The number of features in data (10) is not the same as it was in "
        "training data (12).",
        stage="run",
        http_status=500,
    ),
    case(
        "feature-names-mismatch",
        IN_RUN
        + (
            "ValueError: The feature names should match those that were passed during fit.\nFeature names "
            "unseen at fit time:\n- sepal length"
        ),
        stage="run",
        http_status=500,
    ),
    case(
        "feature-names-mismatch",
        "ValueError: feature_names mismatch: ['age', 'bmi'] ['f0', 'f1']\nexpected bmi, age in input data",
        stage="run",
    ),
    case("feature-names-mismatch", "KeyError: \"['income'] not in index\"", stage="run", http_status=500),
    case("feature-names-mismatch", "ValueError: columns are missing: {'age', 'fare'}", stage="run", http_status=500),
    case(
        "input-type-error",
        IN_RUN + "ValueError: could not convert string to float: 'female'",
        stage="run",
        http_status=500,
    ),
    case(
        "input-type-error",
        "TypeError: can't convert np.ndarray of type numpy.object_. The only supported types are: float64, float32",
        stage="run",
        http_status=502,
    ),
    case(
        "input-type-error",
        "ValueError: DataFrame.dtypes for data must be int, float, bool or category. When categorical type is "
        "supplied, DMatrix parameter `enable_categorical` must be set to `True`.",
        stage="run",
    ),
    case(
        "input-type-error",
        "ValueError: Found unknown categories ['XL'] in column 3 during transform",
        stage="run",
        http_status=500,
    ),
    case(
        "input-missing-values",
        IN_RUN
        + (
            "ValueError: Input X contains NaN.\nLogisticRegression does not accept missing values encoded "
            "as NaN natively."
        ),
        stage="run",
        http_status=500,
    ),
    case(
        "input-missing-values",
        "ValueError: Input contains NaN, infinity or a value too large for dtype('float64').",
        stage="run",
        http_status=502,
    ),
    case(
        "input-missing-values",
        "TypeError: float() argument must be a string or a number, not 'NoneType'",
        stage="run",
        http_status=500,
    ),
    case(
        "response-not-serializable",
        "TypeError: Object of type ndarray is not JSON serializable",
        stage="run",
        http_status=500,
    ),
    case(
        "response-not-serializable",
        "TypeError: Object of type 'float32' is not JSON serializable",
        stage="run",
        http_status=502,
    ),
    case(
        "response-not-serializable",
        "TypeError: The view function for 'score' did not return a valid response. The return type must be a "
        "string, dict, list, tuple with headers or status",
        stage="run",
        http_status=500,
    ),
    case(
        "response-not-serializable",
        "ValueError: Out of range float values are not JSON compliant",
        stage="run",
        http_status=500,
    ),
    case(
        "run-exception",
        '  File "/app/score.py", line 12, in run\n    return 1 / len(rows)\nZeroDivisionError: division by zero',
        stage="run",
        http_status=500,
    ),
    case(
        "run-exception",
        "2024-01-01 00:00:00,000 E [12] azmlinfsrv - Encountered Exception: Traceback (most recent call "
        'last):\n  File "/app/score.py", line 30, in run\n    raise RuntimeError("no rule for this '
        'customer")\nRuntimeError: no rule for this customer',
        stage="run",
        http_status=500,
    ),
    case(
        "http-400-bad-request",
        "",
        stage="http",
        http_status=400,
        http_body='{"error": "schema validation failed: \'age\' should be integer"}',
    ),
    case("http-400-bad-request", "HTTP/1.1 400 Bad Request\nserver: azureml-fe", stage="http", http_status=400),
    case("http-401-unauthorized", "", stage="http", http_status=401, http_body="key_auth_access_denied"),
    case(
        "http-401-unauthorized",
        "HTTP/1.1 401 Unauthorized\nwww-authenticate: Bearer\n\nAuthorization header is missing",
        stage="http",
    ),
    case(
        "http-404-wrong-path",
        "",
        stage="http",
        http_status=404,
        http_body=(
            "<title>404 Not Found</title>\n<h1>Not Found</h1><p>The requested URL was not found on the server.</p>"
        ),
    ),
    case(
        "http-404-wrong-path",
        '127.0.0.1 - - [02/Mar/2024:10:00:11 +0000] "POST /scores HTTP/1.1" 404 207',
        stage="http",
        http_status=404,
    ),
    case(
        "http-405-method",
        "",
        stage="http",
        http_status=405,
        http_body="The method is not allowed for the requested URL.",
    ),
    case(
        "http-405-method",
        '< HTTP/1.1 405 Method Not Allowed\n< allow: POST\n{"detail":"Method Not Allowed"}',
        stage="http",
    ),
    case(
        "http-413-payload-too-large",
        "",
        stage="http",
        http_status=413,
        http_body="<html><head><title>413 Request Entity Too Large</title></head></html>",
    ),
    case(
        "http-413-payload-too-large",
        "requests.exceptions.HTTPError: 413 Client Error: Request Entity Too Large for url: http://10.0.0.4/score",
        stage="http",
    ),
    case(
        "http-415-content-type",
        "",
        stage="http",
        http_status=415,
        http_body="Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
    ),
    case("http-415-content-type", "HTTP/1.1 415 UNSUPPORTED MEDIA TYPE", stage="http"),
    case(
        "http-429-throttled",
        "",
        stage="http",
        http_status=429,
        http_body='{"statusCode": 429, "message": "Rate limit is exceeded. Try again in 7 seconds."}',
    ),
    case("http-429-throttled", "HTTP/2 429\nretry-after: 3\nToo Many Requests", stage="http"),
    case(
        "http-502-run-crashed", "", stage="http", http_status=502, http_body="Replica closed connection before replying"
    ),
    case(
        "http-502-run-crashed",
        "Received bad response from service. More information can be found by calling `.get_logs()` on the "
        "webservice object.\nResponse Code: 502\nHeaders: {'Server': 'nginx/1.10.3'}\nContent: b'Bad Gateway'",
        stage="run",
    ),
    case(
        "http-502-run-crashed",
        "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed "
        "connection without response'))",
        stage="http",
    ),
    case(
        "http-503-overloaded",
        "",
        stage="http",
        http_status=503,
        http_body="Too many requests for service scorer (overloaded)",
    ),
    case(
        "http-503-overloaded",
        "Response Code: 503\nHeaders: {'Content-Length': '48'}\nContent: b'Service Unavailable'",
        stage="run",
    ),
    case("http-504-timeout", "", stage="http", http_status=504, http_body="upstream request timeout"),
    case(
        "http-504-timeout",
        "Post http://localhost:5001/score: net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
        stage="run",
        http_status=502,
    ),
    case("http-504-timeout", "httpx.ReadTimeout: timed out", stage="http"),
    case(
        "endpoint-connection-refused",
        "curl: (7) Failed to connect to 127.0.0.1 port 5001: Connection refused",
        stage="http",
        exit_code=7,
    ),
    case(
        "endpoint-connection-refused",
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='localhost', port=32267): Max retries "
        "exceeded with url: /score (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at "
        "0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
        stage="http",
    ),
    case("endpoint-connection-refused", "httpx.ConnectError: [Errno 61] Connection refused", stage="http"),
]
