"""Loading the model: it is not there, it is not what it should be, or it was written by other versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_PICKLE_VERSIONS = {"3": "3.0", "4": "3.4", "5": "3.8"}

_BEGINNINGS = {
    "v": "a Git LFS pointer (its text begins with “version https://git-lfs…”)",
    "<": "an HTML page, perhaps a log-in or error page",
    "{": "JSON, not a pickle",
    "P": "a ZIP archive",
    "\\x1f": "a gzip file",
    "H": "text, perhaps an HTTP answer",
}
"""What a file is that begins with a character where a pickle was expected."""


@rule("model-path-lookup-failed")
def lookup_of_the_path(reading: Reading) -> Finding | None:
    """``Model.get_model_path`` finds nothing, or more than one thing."""
    hit = reading.find(
        r"Model (?:'?(?P<name>[\w.-]+)'? )?not found in cache|ModelNotFoundException: (?P<text>.+)"
        r"|WebserviceException:.*Model .{0,60} not found"
        r"|Dir \S+ can contain only 1 file or folder|Model name '?(?P<other>[\w.-]+)'? (?:was "
        r"|is )?not found in (?:cache|registry|workspace)"
    )
    if not hit and any(r.through("get_model_path", "_get_model_path_local") for r in reading.raised):
        last = reading.last_exception()
        return found("model-path-lookup-failed", Depth.ROOT, last.line if last else None)
    if not hit:
        return None
    name = hit["name"] or hit["other"]
    if not name and (asked := reading.find(r"get_model_path\(\s*(?:model_name\s*=\s*)?['\"](?P<name>[^'\"]+)")):
        name = asked["name"]
    if not name and (place := re.search(r"(?:root at|directory) \S*?/?(?P<name>[\w-]+)\.? For", hit.line.text)):
        name = place["name"]
    return found("model-path-lookup-failed", Depth.ROOT - 2, hit, model=name)


@rule("model-file-not-found")
def model_file(reading: Reading) -> Iterator[Finding]:
    """Loaders that say in their own words that there is no file."""
    if reading.stage in ("build", "push", "register") or reading.building_packages:
        return
    hit = reading.find(
        r"LocalFileSystem::Open \"?(?P<dmlc>[^\"]+)\"?: No such file|matching files for (?P<tensors>\S+)"
        r"|Could not find base path (?P<servable>\S+) for servable"
        r"|SavedModel file does not exist at:? ?(?P<saved>[^\s{]+)|No file or directory found at (?P<keras>\S+)"
        r"|Could not find (?:SavedModel|saved model|model) .{0,40}?(?P<base>/\S+)?"
        r"|NO_SUCHFILE.{0,60}Load model from (?P<onnx>\S+) failed"
        r"|Load model from (?P<onnx_b>\S+) failed:? ?Load model \S+ failed\. File doesn't exist"
        r"|Could not open (?P<lgb>\S+)$|Model file doesn't exist:? (?P<cat>\S+)"
        r"|Error no file named (?P<hf>[\w.]+)(?:,[^\n]*)? found in directory (?P<hf_dir>\S+)"
        r"|(?:does not appear to have|is missing) a file named (?P<hf_b>[\w.]+)"
        r"|No such file or directory: '?(?P<mlmodel>[^'\n]*MLmodel)'?"
        r"|No such file or directory: '(?P<plainly>[^'\n]+\.(?:pkl|pickle|joblib|onnx|h5|keras|pth?|sav|cbm|safetensors))'"
        r"|Could not find an \"?MLmodel\"? configuration file at \"?(?P<mlflow>[^\"\s]+)"
        r"|Unable to (?:synchronously )?open file \(unable to open file: name = '(?P<h5>[^']+)'"
        r"|Invalid URI specified for model \S+ \((?P<mlserver>[^)\n]+)\)"
        r"|no models with name '(?P<bento>[^'\n]+)' exist in"
        r"|No versions of servable \S+ found under base path (?P<tfs>\S+)|Model (?:file|path|directory"
        r"|artifact)s? ?:?['\"]?(?P<model>\S+?)['\"]? (?:does not exist|not found|is missing|cannot be found"
        r"|doesn't exist)"
        r"|(?:can't|cannot|could not|couldn't|unable to|failed to) (?:find|open|locate"
        r"|load) (?:the )?model(?: file| path| folder| directory| artifact)?s?:? (?:at |from "
        r"|in )?['\"]?(?P<plain>[\w./-]+[./][\w./-]+)"
        r"|opening (?P<xgb>\S+) failed: No such file|Can't load (?:model|tokenizer"
        r"|the configuration) .*'(?P<hub>/[^']+)'|\[E050\] Can't find model '(?P<spacy>[/.][^']+)'"
        r"|File not found: filepath=(?P<keras3>\S+?)\. Please|(?P<fasttext>\S+) cannot be opened for loading!"
        r"|Incorrect path_or_model_id: '(?P<id>[./][^']+)'|Trying to load a model from a directory that does not exist"
    )
    if hit and not re.search(r"huggingface\.co|https?://", hit.line.text):
        path = next((v for v in hit.match.groupdict().values() if v), "")
        yield found("model-file-not-found", Depth.ROOT, hit, path=path.strip("'\":,"))
    elif hit := reading.find(r"Repo id must (?:be in the form|use alphanumeric chars).*'(?P<path>[./][^']+)'"):
        yield found("model-file-not-found", Depth.ROOT, hit, path=hit["path"])


@rule("pickle-protocol-unsupported")
def pickle_protocol(reading: Reading) -> Finding | None:
    """Written by a newer Python than the one that reads."""
    hit = reading.find(
        r"unsupported pickle protocol:? ?(?P<protocol>\d)|pickle protocol must be <= (?P<highest>\d)|(?:bad"
        r"|unknown) marshal (?:data|data \(unknown type code\))"
        r"|code(?:type)?\(\) (?:takes at most|argument \d+ must be|expected at least|takes at least) "
        r"|an integer is required \(got type bytes\)|unknown opcode"
        r"|TypeError: code expected at (?:most|least) \d+ arguments?, got \d+"
        r"|ModuleNotFoundError: No module named '(?:_pickle5|pickle5)'"
    )
    if not hit or reading.building_packages:
        return None
    protocol = hit["protocol"]
    return found(
        "pickle-protocol-unsupported", Depth.ROOT, hit, protocol=protocol, python=_PICKLE_VERSIONS.get(protocol, "")
    )


@rule("pickle-main-attribute", "local-module-not-packaged", "sklearn-version-mismatch")
def pickled_attribute(reading: Reading) -> Iterator[Finding]:
    """A pickle asks for a class or function that is not where it was."""
    for hit in reading.find_all(
        r"Can't get (?:local )?(?:attribute|object) '(?P<name>[\w.<>]+)' (?:on"
        r"|in) <module '(?P<module>[\w.]+)'|module '?(?P<main>__main__"
        r"|__mp_main__)'? has no attribute '(?P<other>\w+)'"
        r"|'module' object has no attribute '(?P<py2>\w+)'.*pickle|(?:Can't|cannot) (?:find|import"
        r"|load) (?:class|function) .*(?P<in_main>__main__)\.(?P<class>\w+)",
        limit=5,
    ):
        module = hit["module"] or hit["main"] or hit["in_main"]
        name = hit["name"] or hit["other"] or hit["py2"] or hit["class"]
        if module in ("__main__", "__mp_main__") or "gunicorn" in module or "uvicorn" in module:
            yield found("pickle-main-attribute", Depth.ROOT, hit, name=name)
        elif module.startswith("sklearn"):
            yield found("sklearn-version-mismatch", Depth.ROOT, hit, name=name)
        elif module in ("main", "score", "app", "wsgi", "scoring", "server") or not module.startswith(
            ("numpy", "pandas", "torch")
        ):
            yield found("pickle-main-attribute", Depth.ROOT + 1, hit, name=name, certain=False)


@rule("sklearn-version-mismatch")
def other_scikit_learn(reading: Reading) -> Finding | None:
    """A pickle of another scikit-learn: classes moved, attributes came or went. The warning alone is no failure."""
    if reading.building_packages:
        return None
    warning = reading.find(
        r"Trying to unpickle estimator (?P<estimator>\w+) from version (?P<trained>\S+) when using version"
        r" (?P<here>[\w.]+\w)"
    )
    hit = reading.find(
        r"node array from the pickle has an incompatible dtype|sklearn\.\S+ has no attribute"
        r"|module 'sklearn[\w.]*' has no attribute|cannot import name '?(?P<name>\w+)'? from '?sklearn"
        r"|'(?P<class>SimpleImputer|OneHotEncoder|OrdinalEncoder|ColumnTransformer|StandardScaler|MinMaxScaler"
        r"|LogisticRegression|LinearSVC|SVC|SVR|Pipeline|FeatureUnion|LabelEncoder|CountVectorizer"
        r"|TfidfVectorizer|TfidfTransformer"
        r"|RandomForest\w*|DecisionTree\w*|ExtraTrees?\w*|GradientBoosting\w*|HistGradientBoosting\w*"
        r"|Bagging\w*|AdaBoost\w*|KNeighbors\w*|KMeans|MiniBatchKMeans|PCA|TruncatedSVD|Ridge\w*|Lasso"
        r"|BinomialDeviance|LeastSquaresError|MultinomialDeviance|ElasticNet|LinearRegression|SGD\w*|MLP\w*"
        r"|GaussianNB|MultinomialNB|IsolationForest"
        r"|CalibratedClassifierCV|StackingClassifier|VotingClassifier|GaussianProcess\w*|IterativeImputer"
        r"|KNNImputer|PolynomialFeatures|PowerTransformer|QuantileTransformer|RobustScaler|\w*Loss|\w*Splitter"
        r"|LabelBinarizer|FunctionTransformer|BaseEstimator|EntropyCriterion"
        r"|_\w+)' object has no attribute '(?P<attribute>_?\w+)'"
        r"|Buffer dtype mismatch, expected '(?:SIZE_t|intp_t|DTYPE_t|DOUBLE_t|float\w*)' but got"
        r"|__cinit__\(\) takes (?:exactly|at least) \d+ positional arguments|unpickling.*_criterion"
        r"|Cannot unpickle.*(?:Tree|sklearn)|KeyError: 'sklearn\.|__pyx_unpickle_\w+"
        r"|__setstate__\(\) .*sklearn|InconsistentVersionError|AttributeError: .*_RemainderColsList"
    )
    if hit:
        estimator = hit["class"] and not hit["class"].startswith("_")
        if (
            hit["class"]
            and not estimator
            and not (
                warning
                or hit["attribute"].endswith("_")
                or hit["attribute"].startswith("_")
                or reading.find(r"sklearn|scikit")
            )
        ):
            return None
        last = next((r for r in reading.raised if r.line == hit.line), None)
        of_script = (
            last is not None and bool(last.frames) and last.frames[-1].own and "sklearn" not in last.frames[-1].file
        )
        if hit["class"] and of_script and hit["attribute"].strip("_") == hit["attribute"] and not warning:
            return None  # the script asks for something that no version has
        not_fitted = hit["attribute"] in ("fit", "predict", "predict_proba", "transform", "run", "append")
        if hit["class"] and not_fitted:
            return None
        facts = {"trained": warning["trained"], "here": warning["here"]} if warning else {}
        return found("sklearn-version-mismatch", Depth.ROOT, hit, warning, facts=facts)
    return None


@rule("model-file-corrupt")
def not_what_the_loader_expects(reading: Reading) -> Finding | None:
    """A pointer of Git LFS, a truncated download, an HTML page under a model's name, another format."""
    if reading.stage in ("build", "push") or reading.building_packages:
        return None
    hit = reading.find(
        r"Unable to load weights from (?:pytorch|tf|flax) checkpoint|header == serialisation_header_"
        r"|invalid load key, ['\"]?(?P<key>(?:\\x)?.{1,4}?)['\"]?\.|could not find MARK"
        r"|pickle data was truncated|EOFError: Ran out of input|unpickling stack underflow|(?:UnpicklingError"
        r"|PickleError): (?P<pickle>(?!Weights only).+)"
        r"|file signature not found|Unable to (?:synchronously )?open file \((?:file signature|truncated file"
        r"|bad symbol|bad object)|truncated file: eof|PytorchStreamReader failed (?:reading zip archive"
        r"|locating file|reading file)|not a ZIP archive|failed finding central directory"
        r"|Incorrect model file descriptor|version https://git-lfs\.github\.com/spec|INVALID_PROTOBUF|Protobuf parsing failed"
        r"|Error parsing message(?: with type)?|DecodeError: (?:Error parsing|Wrong wire type|Truncated)"
        r"|Magic number in the header is wrong|unexpected EOF, expected \d+ more bytes"
        r"|BadZipFile|File is not a zip file|zlib\.error: Error -\d|(?:not a gzipped file|CRC check failed"
        r"|Compressed file ended before the end-of-stream marker)|(?:Header(?:TooLarge|TooSmall"
        r"|InvalidHeader\w*)|MetadataIncompleteBuffer|InvalidHeaderDeserialization)|SafetensorError"
        r"|(?:Model|model) (?:format|file) (?:error|is (?:corrupt\w*|damaged|invalid|broken|truncated))"
        r"|corrupt(?:ed)? (?:model|file|pickle|checkpoint|data)|Unknown model (?:file )?format"
        r"|Model file doesn't specify the number of classes|Wrong size of the model"
        r"|Invalid magic number; corrupt file|Not a (?:valid )?(?:HDF5|pickle|zip|joblib|ONNX|TFLite)"
        r"|(?:No module named '?\\x|odule named '\\x)|STACK_GLOBAL requires str"
        r"|A load persistent id instruction was encountered|the STRING opcode argument must be quoted"
        r"|KeyError: \d{1,3}$|ValueError: (?:unregistered extension code|unsupported persistent id)"
        r"|Cannot load file containing pickled data|Data loss: (?:not an sstable|corrupted record)"
        r"|DataLossError|Could not parse (?:the )?(?:model|ModelProto)|ModelProto does not have a graph"
        r"|Unable to avoid copy|ValueError: (?:embedded null|insecure string pickle)|(?:checkpoint"
        r"|model) .{0,60} hash mismatch|TreeLiteError|input stream corrupted"
        r"|lzma\.LZMAError|Input format not supported by decoder|json\.decoder\.JSONDecodeError: .*model"
        r"|Unexpected end of JSON.*model|error while deserializing header|gguf_init_from_file"
        r"|(?:buffer is smaller than requested size|reset_to_null)"
    )
    if not hit:
        empty = [r for r in reading.raised if r.name == "EOFError" and r.through("pickle", "joblib", "numpy_pickle")]
        return found("model-file-corrupt", Depth.ROOT + 1, empty[-1].line) if empty else None
    if re.match(r"KeyError: \d", hit.match[0]) and not any(
        r.through("pickle", "joblib", "numpy_pickle") or any("load" in frame.source for frame in r.frames)
        for r in reading.raised
    ):
        return None
    if "persistent id" in hit.line.text and reading.find(r"Weights only load failed"):
        return None
    size = reading.find(r"(?P<path>[\w./-]+\.(?:pkl|pickle|joblib|h5|pt|pth|onnx|bin|sav|keras))\b")
    key = hit["key"]
    reason = _BEGINNINGS.get(key, "")
    if "git-lfs" in hit.line.text:
        reason = "a Git LFS pointer"
    return found("model-file-corrupt", Depth.ROOT + 1, hit, path=size["path"] if size else "", reason=reason)
