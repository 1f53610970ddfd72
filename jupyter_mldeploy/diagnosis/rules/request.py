"""A request that the scoring script could not answer: what came in, or what was to go out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.request_data import looks_in_request
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_ELSEWHERE = ("build", "push", "schedule", "register")


def _serves(reading: Reading) -> bool:
    return reading.stage not in _ELSEWHERE and not reading.building_packages


@rule("response-not-serializable")
def cannot_answer(reading: Reading) -> Finding | None:
    """``run()`` returns what JSON cannot hold."""
    hit = reading.find(
        r"Object of type '?(?P<type>\w+)'? is not JSON serializable|(?P<plain>(?:array|DataFrame|Timestamp"
        r"|Decimal|tensor)\(.*) is not JSON serializable|is not JSON serializable"
        r"|Type is not JSON serializable: (?P<orjson>[\w.]+)|Out of range float values are not JSON compliant"
        r"|The view function (?:for '\w+' )?did not return a valid response"
        r"|return type must be a string, dict, (?:list, )?tuple"
        r"|keys must be str, int, float, bool or None, not (?P<key>\w+)"
        r"|Object of type (?P<pydantic>\S+) cannot be serialized"
        r"|Unable to serialize unknown type: <class '(?P<unknown>[\w.]+)'"
        r"|(?:Invalid|Unsupported) (?:response|output|return) (?:type|value).{0,40}(?:run|script)"
        r"|run\(\) returned .{0,80}(?:not|cannot be) (?:JSON|serializ)"
        r"|vars\(\) argument must have __dict__ attribute|'numpy\.\w+' object is not iterable"
        r"|Circular reference detected|run\(\) returned an? (?P<own>[\w.]+), which has no JSON form"
        r"|run\(\) returned a value nested"
    )
    if not hit or not _serves(reading):
        return None
    named = hit["type"] or hit["orjson"] or hit["key"] or hit["pydantic"] or hit["unknown"] or hit["own"]
    return found("response-not-serializable", Depth.ROOT, hit, type=named)


@rule("request-json-invalid")
def not_json(reading: Reading) -> Iterator[Finding]:
    """The body is not JSON."""
    if not _serves(reading):
        return
    hit = reading.find(
        r"JSONDecodeError|Expecting (?:value|property name enclosed in double quotes|',' delimiter"
        r"|':' delimiter): line \d+ column \d+|(?:Failed to decode|Could not decode|Invalid|Malformed"
        r"|not valid|cannot parse|parse error|isn't valid"
        r"|unable to parse) (?:the )?(?:request )?(?:body )?(?:as )?JSON\b"
        r"|JSON (?:decode|parse|syntax) error|(?:body|payload|input|data|request) (?:is"
        r"|was) not (?:a )?valid JSON|The browser \(or proxy\) sent a request that this server could not"
        r" understand|No JSON object could be decoded|json_invalid|Extra data: line \d+ column"
        r"|Unterminated string starting at|Invalid control character at: line"
        r"|the JSON object must be str, bytes or bytearray, not (?P<type>\w+)"
        r"|unexpected character: line \d+ column|ValueError: (?:Unexpected character found"
        r"|Expected object or value)|(?:unexpected end|EOF) (?:of|while parsing).{0,20}JSON"
        r"|'utf-?8' codec can't decode byte"
    )
    if not hit:
        return
    raised = next((r for r in reading.raised if r.line == hit.line), None)
    from_model = raised is not None and any(f.function == "init" for f in raised.frames)
    vague = "sent a request that this server" in hit.line.text
    if "codec can't decode" in hit.line.text and reading.stage not in ("run", "http"):
        return
    # Answers that a client could not read as JSON are errors of the service, not of the request.
    if (
        raised is not None
        and raised.through("requests/models.py", "response.json")
        and reading.http_status not in (400, None)
    ):
        return
    yield found(
        "request-json-invalid",
        Depth.SPECIFIC + (6 if vague or from_model else -5),
        hit,
        certain=not from_model,
        text=hit.match[0],
    )


@rule("request-missing-key")
def missing_key(reading: Reading) -> Iterator[Finding]:
    """The body lacks what ``run()`` takes from it."""
    if not _serves(reading) or reading.stage == "launch":
        return
    for raised in reading.raised:
        own = raised.own_frame
        taken = own and re.search(
            r"\[['\"](?P<key>data|inputs?|instances|input_data|Inputs|features)['\"]\]", own.source
        )
        if own and taken and own.function != "init" and "indices must be integers" in raised.message:
            # The body is a list or a text; what is taken from it would be in an object.
            facts = {"key": taken["key"], "script": own.name, "line": str(own.line)}
            yield found("request-missing-key", Depth.ROOT + 2, raised.line, facts=facts)
        if raised.name == "KeyError" and (match := re.match(r"['\"]?(?P<key>[^'\"]+)['\"]?$", raised.message)):
            code = " ".join(f.source for f in raised.frames)
            in_run = (
                reading.stage in ("run", "http")
                or (own is not None and own.function == "run")
                or reading.http_status is not None
            )
            if any(f.function == "init" for f in raised.frames) or "environ" in code or not in_run:
                continue
            if own and False is looks_in_request(
                match["key"], own.source, function=own.function, number=own.line, script=reading.evidence.script
            ):
                continue  # the script's own table: nothing is wrong with the request
            columns = raised.through("pandas/core", "get_loc", "_get_indexer_strict")
            facts = {"key": match["key"], "script": own.name if own else "", "line": str(own.line) if own else ""}
            if not columns or re.search(r"\[['\"](?:data|inputs?|instances|input_data|Inputs|features)['\"]\]", code):
                yield found("request-missing-key", Depth.ROOT + 2, raised.line, facts=facts)
            else:
                yield found("feature-names-mismatch", Depth.ROOT + 3, raised.line, names=match["key"], certain=False)
    answered = reading.find(r"KeyError(?:'>)?(?:: |\()['\"](?P<key>[\w-]+)['\"]", ("http_body",))
    if answered and not reading.raised:
        yield found("request-missing-key", Depth.ROOT + 2, answered, key=answered["key"])
    hit = reading.find(
        r"run\(\) missing \d+ required positional arguments?: '(?P<argument>\w+)'"
        r"|The JSON object lacks [`'\"]?(?P<lacks>\w+)|(?:missing|required|expected"
        r"|no|lacks?) (?:the )?(?:required )?(?:key|field|property|parameter|argument"
        r"|input)s?:? [`'\"]?(?P<key>[\w.-]++)[`'\"]?+(?!,? (?:to|must|should|of|is not|type)\b)"
        r"|[`'\"](?P<field>[\w-]+)[`'\"] (?:is a required property|field is required|is required"
        r"|key (?:is )?missing|not found in (?:the )?(?:request|payload|body|input))|\"type\": ?\"missing\""
        r"|field required|missing ['\"`](?P<absent>[\w-]+)['\"`] (?:key|field) in (?:the )?(?:request|body|payload)"
        r"|(?:request|payload|body|input)(?: data)? (?:does not|doesn't|must) (?:contain|have|include) (?:the "
        r"|a )?(?:key |field )?[`'\"](?P<must>\w+)"
    )
    if (
        hit
        and reading.stage in ("run", "http", "")
        and not re.search(r"environ|env var|config", hit.line.text, re.IGNORECASE)
        # A gateway or framework that checks a schema speaks of the whole payload.
        and not (reading.http_status in (400, 422) and "schema" in hit.line.text.lower())
    ):
        name = hit["argument"] or hit["lacks"] or hit["key"] or hit["field"] or hit["must"] or hit["absent"]
        yield found("request-missing-key", Depth.SPECIFIC - 1, hit, key=name, certain=bool(name))


@rule(
    "feature-names-mismatch", "input-shape-mismatch", "input-missing-values", "input-type-error", "request-missing-key"
)
def wrong_input(reading: Reading) -> Iterator[Finding]:
    """The model's library rejects the data: names, number, gaps, types."""
    if not _serves(reading):
        return
    names = reading.find(
        r"feature_names mismatch|The feature names should match those that were passed during fit"
        r"|Feature names (?:unseen at fit time|seen at fit time, yet now missing|must be in the same order)"
        r"|columns are missing: (?P<columns>.+)|(?:training data did not have the following fields"
        r"|The following columns? (?:are|is) missing)"
        r"|\[?['\"]?(?P<index>[^'\"\[\]]+(?:['\"], ?['\"][^'\"\[\]]+)*)['\"]?\]? not (?:in index|found in axis)"
        r"|None of \[.*\] are in the \[columns\]|A given column is not a column of the dataframe"
        r"|Specifying the columns using strings is only supported for (?:pandas )?DataFrames"
        r"|should match the names? used (?:in|during) (?:fit|training)"
        r"|Model feature names? .{0,40}do(?:es)?(?:n't| not) match"
        r"|Feature names? (?:mismatch|are different|do not match)|At position \d+ should be feature with name"
        r"|(?:unexpected|unknown|missing) (?:feature|column)s?(?: names?)?:? [\['\"]"
        r"|Feature \S+ is present in model but not in pool|number of columns .{0,40}names"
        r"|expected .{0,60} in input data|Model is missing inputs \["
        r"|Invalid (?:Feed )?Input Name:?\s?(?P<onnx>\w+)|Required inputs \(\[?(?P<onnx_missing>[^\])]+)"
        r"|Length mismatch: Expected axis"
        r"|train and valid dataset categorical_feature do not match|y contains previously unseen labels"
        r"|\d+ columns passed, passed data had \d+ columns"
    )
    if (
        names
        and names.line.text.lstrip().startswith(("UserWarning", "warnings.warn")) is False
        and "UserWarning" not in names.line.text
        and "Warning:" not in names.line.text
    ):
        kind = (
            "input-shape-mismatch"
            if re.search(r"columns passed, passed data had|Length mismatch", names.line.text)
            else "feature-names-mismatch"
        )
        if "previously unseen labels" in names.line.text:
            kind = "input-type-error"
        told = names["columns"] or names["index"] or names["onnx"] or names["onnx_missing"]
        yield found(kind, Depth.ROOT, names, names=re.sub(r"['\"]", "", told))
    if served := reading.find(r"unexpected shape for input '[^']*' for model"):
        yield found("input-shape-mismatch", Depth.ROOT + 1, served)  # Triton's
    shape = reading.find(
        r"Number of columns does not match number of features|num_feature >= p_fmat"
        r"|X has (?P<got>\d+) features?,? (?:per sample[;,]? ?)?(?:but"
        r"|expecting) (?:\w+ is expecting )?(?P<want>\d+)|(?:Number|number) of features (?:of the model"
        r"|in (?:data|the model|the input)).{0,60}(?P<n>\d+)|Expected 2D array, got (?P<dim>[13]D"
        r"|scalar) array|Reshape your data either using|Found array with dim (?P<dims>\d)\. .{0,40}expected"
        r"|Expected 2-dimensional|expected (?P<e>\w+) to have (?:shape|\d+ dimensions)"
        r"|mat1 and mat2 shapes cannot be multiplied|shapes? \(?[\d, ]+\)? and \(?[\d, ]+\)? (?:not aligned"
        r"|are incompatible|mismatch)|Feature shape mismatch, expected: ?(?P<xgb>\d+), got:? ?(?P<xgot>\d+)"
        r"|Input \d+ of layer .{0,60} is incompatible with the layer"
        r"|Got invalid dimensions for input: ?(?P<onnx>\S+)|Invalid rank for input"
        r"|INVALID_ARGUMENT.{0,60}(?:dimension|rank|shape)"
        r"|matmul: Input operand \d+ has a mismatch|cannot reshape array of size|inhomogeneous (?:shape|part)"
        r"|setting an array element with a sequence|Incompatible (?:dimension|shape)s?"
        r"|could not broadcast input array|Expected (?:input|tensor).{0,40}(?:dimension|shape|size|channels)"
        r"|(?:Given|expected) .{0,40}channels, but got|expected input\[.*\] to have"
        r"|The size of tensor a \(\d+\) must match|Matrix size-incompatible|operands could not be broadcast"
        r"|Input shape .{0,40}(?:mismatch|incompatible|invalid|expected)|Shape of passed values is"
        r"|The number of features in data \((?P<lgot>\d+)\) is not the same as it was in training data"
        r" \((?P<lgb>\d+)\)|Pool.*(?:features|columns) .{0,40}(?:number|count)|n_features_in_"
        r"|Must pass 2-d input|expected (?:1D|2D|3D|4D|a 2D)|x\.shape\[\d\]"
        r"|index \d+ is out of bounds for axis \d|Model expects? (?P<plain>\d+) (?:features|columns|inputs)"
        r"|tuple index out of range|too many indices for array|Incorrect number of (?:features|columns|inputs)"
        r"|(?:expects?|expected|requires) (?P<words>\d+) (?:features|columns|values|inputs)"
        r"|Wrong (?:number of )?(?:input )?(?:shape|dimensions?|features)|input has (?P<shapegot>\d+) features"
        r"|Found array with 0 sample|Input contains no|arrays must all be (?:the )?same length"
        r"|If using all scalar values, you must pass an index|All arrays must be of the same length"
        r"|Unexpected input data type\. Actual|DataFrame constructor not properly called"
    )
    if shape:
        facts = {
            "got": shape["got"] or shape["xgot"] or shape["lgot"] or shape["shapegot"],
            "expected": shape["want"] or shape["xgb"] or shape["lgb"] or shape["plain"] or shape["words"],
        }
        weak = re.search(
            r"out of range|too many indices|out of bounds|n_features_in_|Unexpected input data type", shape.match[0]
        )
        kind = "input-type-error" if "Unexpected input data type" in shape.line.text else "input-shape-mismatch"
        if not (names and "names" in names.line.text):
            yield found(kind, Depth.ROOT + (4 if weak else 1), shape, certain=not weak, facts=facts)
    gaps = reading.find(
        r"Input (?:X |y )?contains (?:NaN|missing|infinity)|contains NaN,? infinity or a value too large"
        r"|does not accept missing values encoded as NaN|NaN, infinity or a value too large for dtype"
        r"|cannot convert float NaN to integer|Cannot convert non-finite values|Input contains missing"
        r"|array must not contain infs or NaNs|Missing values? (?:are |is )?not (?:supported|allowed)"
        r"|could not convert string to float: ''"
        r"|float\(\) argument must be a string or a (?:real )?number, not 'NoneType'"
        r"|int\(\) argument must be .* not 'NoneType'|unsupported operand type\(s\) for .*'NoneType'|(?:null"
        r"|NaN|None|missing) values? (?:found |detected |present )?in (?:the )?(?:input|data|column|feature"
        r"|request)|check_nan|cannot handle (?:NaN|missing)|Found NaN"
    )
    if gaps:
        none = "nonetype" in gaps.line.text.lower()
        depth = Depth.ROOT - (0 if none else 1)
        yield found("input-missing-values", depth, gaps, certain=not none, text=gaps.match[0])
    if schema := reading.find(
        r"Incompatible input types for column|Can ?not safely convert \w+ to \w+"
        r"|JSON Value: .{1,80} Type: \w+ is not of expected type"
    ):  # MLflow's, TensorFlow Serving's
        yield found("input-type-error", Depth.ROOT + 2, schema)
    types = reading.find(
        r"could not convert string to float: ?['\"]?(?P<value>[^'\"]{1,60})|Cannot cast .{0,40}"
        r"|invalid literal for int\(\)|DataFrame\.dtypes for data must be int, float, bool or category"
        r"|dtype='<U\d+' are not compatible|dtype object|numpy\.object_"
        r"|can't convert np\.ndarray of type numpy\.object_|ufunc '\w+' (?:did not contain a loop"
        r"|not supported for the input types)|must be real number, not (?P<real>\w+)"
        r"|unsupported operand type\(s\) for|(?:Found unknown categor(?:y|ies)|unknown categories)"
        r"|can't multiply sequence by non-int|Cannot convert .{0,60} to (?:numeric|Tensor|float)"
        r"|pandas dtypes must be int, float or bool|Bad value for num_feature|new\(\): invalid data type"
        r"|expected (?:np\.ndarray|Tensor|str|string|float|int|number|bytes) (?:\(got|but got|, got)"
        r"|Expected (?:\w+ )?type .{0,30} got|not supported between instances of"
        r"|argument must be a string or a (?:real )?number, not|data type '?(?P<dtype>\w+)'? not understood"
        r"|Failed to convert a NumPy array to a Tensor|Unable to parse string"
        r"|list indices must be integers or slices, not str|string indices must be integers"
        r"|has no attribute '(?:lower|split|strip)'|only (?:size-1|length-1"
        r"|0-dimensional) arrays can be converted|'str' object has no attribute '(?:reshape|shape|astype"
        r"|values|ndim|columns)'|expected string or bytes-like object|Unexpected input data type"
        r"|Categorical .{0,40}(?:unknown|unseen)|value .{0,40} is not a valid (?:float|integer|number)"
        r"|Input should be a valid (?:number|integer|float|list|string)|not a valid (?:float|integer|number)\b"
        r"|\(unable to parse string as|with dtype object"
        r"|arrays of bytes/strings|Unable to convert array of bytes|must be numeric|is not a numeric"
        r"|No matching signature found for|unhashable type: '(?:list|dict)'"
        r"|must have the same dtype|expected (?:m1 and m2 to have|object of scalar|scalar) \w+|expected float \("
    )
    if types and not re.search(r"could not convert string to float: ''|NoneType", types.line.text):
        strong = bool(
            re.search(
                r"could not convert string|Cannot cast|invalid literal|dtype|ufunc|Found unknown|must be real"
                r"|not a valid|Failed to convert|valid (?:number|integer|float)|scalar",
                types.match[0],
            )
        )
        in_init = any(f.function == "init" for r in reading.raised for f in r.frames)
        # Words of a schema's validation: the request was rejected before run() saw it.
        validated = reading.http_status in (400, 422) and not reading.raised
        if not (reading.stage == "init" or in_init or validated):
            yield found(
                "input-type-error", Depth.ROOT + (2 if strong else 5), types, certain=strong, value=types["value"]
            )


@rule("run-exception")
def some_exception(reading: Reading) -> Iterator[Finding]:
    """``run()`` raised, and nothing more specific is justified."""
    if not _serves(reading):
        return
    in_run = [r for r in reading.raised if any(f.own and f.function in ("run", "predict", "score") for f in r.frames)]
    if in_run:
        raised = in_run[-1]
        own = raised.own_frame
        yield found("run-exception", Depth.SYMPTOM - 4, raised.line, type=raised.name, text=raised.message,
                    script=own.name if own else "", line=str(own.line) if own else "")  # fmt: skip
        return
    hit = reading.find(
        r"An unexpected error occurred in scoring script|Caught an unhandled exception from the user script"
        r"|Exception on /\S* \[(?:POST|GET)\]|run\(\) (?:raised|failed|threw)|Encountered Exception"
        r"|\bInternalServerException\b|An unexpected internal error occurred"
        r"|x-ms-run-function-failed: ?true|Exception in ASGI application"
    )
    last = reading.last_exception()
    if last and any(frame.own and frame.function == "init" for frame in last.frames):
        return  # servers say the same of init()
    if hit:
        yield found(
            "run-exception",
            Depth.SYMPTOM - 2,
            hit,
            last.line if last else None,
            text=last.message if last else "",
            type=last.name if last else "",
        )
    elif (last and reading.stage == "run" and last.frames) or (
        last and reading.stage == "run" and reading.http_status == 500
    ):
        yield found("run-exception", Depth.SYMPTOM, last.line, type=last.name, text=last.message, certain=False)
