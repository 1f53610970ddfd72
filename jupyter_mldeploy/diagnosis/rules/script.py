"""The scoring script itself: does not parse, lacks its functions, misses its files and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_MODEL_FILE = re.compile(
    r"\.(?:pkl|pickle|joblib|sav|h5|hdf5|keras|onnx|pt|pth|bin|pb|model|json\.gz|safetensors|cbm|txt\.model"
    r"|tflite|mar|gguf|ubj|zip|dill|ckpt|pmml|weights|npz|npy)$"
    r"|model|AZUREML_MODEL_DIR|azureml-models|checkpoint|weights|/mnt/models|saved_model|vectori[sz]er"
    r"|tokenizer|encoder|scaler",
    re.IGNORECASE,
)
_CONFIG_FILE = re.compile(
    r"\.(?:ya?ml|json|ini|cfg|conf|toml|env|properties|csv|tsv|txt|xml|sql|parquet|xlsx?|lst|vocab|pem|jsonl)$",
    re.IGNORECASE,
)
_ABSENT = (
    r"(?:(?:No such file or directory|cannot find the (?:file|path) specified|\[(?:Errno 2|WinError [23])\] [^:\n]+)"
    r": (?:b|u|r)?['\"]?"
    r"|^(?:File )?['\"]?(?=[^'\"\n]+ (?:doesn't|does not) exist|\S+ (?:was )?not found\.?$))"
    r"(?P<path>(?:(?! does| was| not)[^'\"\n])*)"
)


@rule("score-syntax-error")
def syntax_error(reading: Reading) -> Iterator[Finding]:
    """A file of the user does not parse."""
    if reading.building_packages:
        return
    hit = reading.find(r"^(?:.*[ :|])?(?P<type>SyntaxError|IndentationError|TabError): (?P<text>.+)")
    if not hit:
        if hit := reading.find(
            r"unexpected indent \((?P<text>[\w.]+), line (?P<line>\d+)\)"
            r"|invalid syntax \((?P<file>[\w.]+), line (?P<at>\d+)\)"
        ):
            yield found(
                "score-syntax-error", Depth.ROOT, hit, line=hit["line"] or hit["at"], script=hit["file"] or hit["text"]
            )
        return
    place = None
    for line in reading.near(hit.line, before=5):
        if match := re.search(r'File "(?P<file>[^"]+)", line (?P<line>\d+)', line.text):
            place, where = line, match
    facts = {"text": hit["text"]}
    if place:
        facts |= {"script": re.split(r"[/\\]", where["file"])[-1], "line": where["line"]}
    library = place is not None and ("site-packages" in where["file"] or "dist-packages" in where["file"])
    yield found("score-syntax-error", Depth.ROOT + (5 if library else 0), hit, place, certain=not library, facts=facts)


@rule("score-missing-init-run")
def missing_functions(reading: Reading) -> Finding | None:
    """The script was loaded, but ``init`` or ``run`` is not there or has another signature."""
    if reading.stage in ("build", "push", "schedule", "register") or reading.building_packages:
        return None
    hit = reading.find(
        r"module '?(?P<script>[\w.]+)'? has no attribute '(?P<name>init|run)'"
        r"|cannot import name '?(?P<imported>init|run)\b'? from '?(?P<from>[\w.]+)"
        r"|(?:does not|doesn't|must|should|has no|missing|lacks?|not|no) (?:have |define |contain |implement "
        r"|find |found )?(?:an? |the |any |required )?(?:function |method )?(?:[`'\"](?P<named>init"
        r"|run)(?:\(\))?[`'\"]|(?P<called_name>init|run)\(\)|(?P<plain>init|run) (?:function|method))"
        r"|(?:[`'\"](?P<named_b>init|run)(?:\(\))?[`'\"]|(?P<bare>init|run)\(\)|(?:function"
        r"|method) (?P<word>init|run)) (?:function |method )?(?:is |was )?(?:not (?:defined|found|implemented"
        r"|present)|missing(?! \d))"
        r"|run\(\) (?:cannot accept positional-only arguments|needs to accept an argument"
        r"|cannot be decorated with both)"
        r"|must contain (?:the )?functions? (?P<both>init)\(\) and run"
        r"|defines no (?:function )?(?P<defines>init|run)\b|UserScriptFunctionNotFound"
        r"|name '(?P<undefined>init|run)' is not defined"
        r"|\b(?P<called>run|init)\(\) takes (?:\d+|no|exactly \w+"
        r"|from \d+ to \d+) (?:positional )?arguments? (?:but \d+ (?:was|were) given|\(\d+ given\))"
        r"|\binit\(\) missing \d+ required positional"
    )
    if not hit:
        return None
    groups = (
        "name",
        "imported",
        "named",
        "called_name",
        "plain",
        "named_b",
        "bare",
        "word",
        "undefined",
        "called",
        "defines",
    )
    name = next((hit[g] for g in groups if hit[g]), "")
    return found(
        "score-missing-init-run",
        Depth.ROOT,
        hit,
        function=f"{name}()" if name else "",
        script=hit["script"] or hit["from"],
    )


@rule("model-not-global")
def model_not_global(reading: Reading) -> Iterator[Finding]:
    """``run()`` uses what ``init()`` did not make global."""
    for raised in reading.raised:
        match = re.match(r"'NoneType' object has no attribute '(?P<method>predict\w*|transform|forward|score"
        r"|generate|run"
                         r"|decision_function|inference|encode|eval)'$", raised.message)  # fmt: skip
        own = raised.own_frame
        used = re.search(rf"(\w+)\.{match['method']}\(", own.source) if match and own else None
        if used and own and raised.name == "AttributeError" and own.function != "init":
            # The module's own ``model = None`` is still there: init() bound a local name.
            facts = {"name": used[1], "script": own.name, "line": str(own.line)}
            yield found("model-not-global", Depth.ROOT + 4, raised.line, certain=False, facts=facts)
        called = raised.message == "'NoneType' object is not callable" and own and re.search(r"\b(\w+)\(", own.source)
        lost = re.match(
            r"module '(?:score|main|entry_module)\w*' has no attribute '(?P<name>(?!init|run)\w+)'", raised.message
        )
        if own and own.function != "init" and (called or lost):
            name = lost["name"] if lost else called[1] if called else ""
            facts = {"name": name, "script": own.name, "line": str(own.line)}
            yield found("model-not-global", Depth.ROOT + 4, raised.line, certain=False, facts=facts)
    for raised in reading.raised:
        if raised.name not in ("NameError", "UnboundLocalError"):
            continue
        match = re.search(
            r"name '(?P<name>\w+)' is not defined|(?:local )?variable '?(?P<local>\w+)'? (?:referenced"
            r"|where it is not)",
            raised.message,
        )
        if not match:
            continue
        name = match["name"] or match["local"]
        own = raised.own_frame
        in_run = own is not None and own.function in (
            "run",
            "predict",
            "score",
            "_run",
            "inner",
            "handle",
            "decorator_input",
        )
        facts = {"name": name, "script": own.name if own else "", "line": str(own.line) if own else ""}
        if name in ("init", "run"):
            continue
        if (
            in_run
            or reading.stage in ("run", "http")
            or raised.through("run", "invoke_user")
            or re.search(r"model|clf|pipe|session|net", name, re.IGNORECASE)
        ):
            yield found("model-not-global", Depth.ROOT, raised.line, facts=facts)
        else:
            yield found("model-not-global", Depth.SPECIFIC, raised.line, certain=False, facts=facts)


@rule("entry-script-not-found")
def entry_script(reading: Reading) -> Iterator[Finding]:
    """What starts the service does not find the script or the module of the application."""
    hit = reading.find(
        r"can't open file '?\"?(?P<path>[^'\"\s:]+)'?\"?: \[Errno 2\]"
        r"|can't find '__main__' module in '?(?P<dir>[^'\s]+)"
        r"|Error loading ASGI app\. Could not import module \"(?P<module>[\w.]+)\""
        r"|ImportError: cannot import name 'main'|Could not (?:find|locate|import) (?:the )?(?:entry|scoring"
        r"|user) ?_?script|(?:entry|scoring)[ _]script.{0,80}?(?:not (?:be )?found|does(?:n't| not) exist"
        r"|missing|No such file)"
        r"|(?:No such file or directory|FileNotFoundError|does not exist).{0,80}(?:entry|scor(?:e"
        r"|ing))_?(?:script)?\.py|Either provide an entry_script|No score script found\. Expected score script"
        r"|AZUREML_ENTRY_SCRIPT.{0,40}(?:not|missing|unset)"
        r"|Failed to find application object|Failed to find attribute '(?P<attribute>\w+)' in '(?P<app>[\w.]+)'"
        r"|Error: Could not import '(?P<flask>[\w.]+)'|Could not locate a Flask application"
        r"|Could not find (?:file|module) '(?P<mod>[\w./]+\.py)'"
        r"|No module named score\b|Attribute \"(?P<asgi>\w+)\" not found in module"
        r"|python\d?: No module named (?P<run_module>app|main|score|serve|server)\b"
    )
    if hit:
        named = next((hit[g] for g in ("path", "dir", "module", "app", "flask", "mod", "run_module") if hit[g]), "")
        if not re.search(r"setup\.py|manage\.py|\bpip\b", hit.line.text) and not reading.building_packages:
            yield found("entry-script-not-found", Depth.ROOT - 1, hit, path=named)
        return
    for raised in reading.raised:
        match = re.search(_ABSENT, raised.message)
        if (
            raised.name == "FileNotFoundError"
            and match
            and match["path"].endswith(".py")
            and not reading.building_packages
        ):
            yield found("entry-script-not-found", Depth.ROOT, raised.line, path=match["path"])


@rule("config-file-missing", "model-file-not-found")
def absent_file(reading: Reading) -> Iterator[Finding]:
    """A file that the script opens is not in the container; a model's file is another cause than any other file."""
    if reading.stage in ("build", "push", "schedule", "register") or reading.building_packages:
        return
    for raised in reading.raised:
        if raised.name not in (
            "FileNotFoundError",
            "OSError",
            "IOError",
            "NoSuchFile",
            "NotFoundError",
            "Exception",
            "XGBoostError",
            "LightGBMError",
            "DefaultCredentialsError",
        ):
            continue
        match = re.search(_ABSENT, raised.message)
        if (
            not match
            or match["path"].endswith(".py")
            or not match["path"]
            or re.search(r"docker|\.sock\b|\.kube|/proc/|/sys/", match["path"])
        ):
            continue
        yield _file(match["path"], raised.line, raised.own_frame.source if raised.own_frame else "", raised)
        # configparser reads absent files without a word; then their sections are not there.
    for raised in reading.raised:
        if raised.through("configparser.py") and raised.name in ("KeyError", "NoSectionError"):
            section = re.search(r"['\"](\w+)['\"]", raised.message)
            facts = {"section": section[1] if section else ""}
            yield found("config-file-missing", Depth.SPECIFIC, raised.line, certain=False, facts=facts)
    said = reading.find(
        r"Cannot find primary config '(?P<hydra>[^']+)'|configuration file,? (?P<workspace>[\w./-]+),? could not be found"
        r"|(?:config(?:uration)?|settings|properties|parameters?) file:? ?[`'\"]?(?P<path>[\w./-]*)[`'\"]?:? "
        r"?(?:was |is |could |can )?(?:not (?:be )?(?:found|read)|missing|does(?: not|n't) exist)"
        r"|realpath\(\) of (?P<uwsgi>\S+) failed: No such file"
        r"|^Error: '(?P<gunicorn>[\w./-]+\.(?:py|conf|cfg|ini|toml|ya?ml|json))' doesn't exist"
        r"|(?:could not|couldn't|cannot|can't|unable to|failed to) (?:find|locate|read|open|load) (?:the )?"
        r"(?:config(?:uration)?|settings) (?:file )?(?:at |from )?[`'\"]?(?P<named>[\w./-]+)"
    )
    if said and not re.search(r"kube", said.line.text, re.IGNORECASE):
        path = said["workspace"] or said["hydra"] or said["path"] or said["named"] or said["gunicorn"] or said["uwsgi"]
        yield found("config-file-missing", Depth.ROOT, said, path=path)


def _file(path: str, line, code: str, raised) -> Finding:  # type: ignore[no-untyped-def]
    own = raised.own_frame
    facts = {"path": path, "script": own.name if own else "", "line": str(own.line) if own else ""}
    name = path.rstrip("/").rsplit("/", 1)[-1]
    loading = re.search(r"load|from_pretrained|read_model|InferenceSession|Booster|pickle", code) and not re.search(
        r"yaml|json\.load|read_csv|toml|config", code
    )
    config = _CONFIG_FILE.search(name) and not re.search(
        r"model\.(?:json|txt|xml)$|/model/|booster|tokenizer", path.lower()
    )
    if (
        re.search(
            r"config|settings|params|logging|schema|\.env|label|class|mapping|lookup|vocab|stopword",
            name,
            re.IGNORECASE,
        )
        and config
    ):
        return found("config-file-missing", Depth.ROOT, line, facts=facts)
    if (_MODEL_FILE.search(path) or loading) and not (
        config and not loading and not re.search(r"model", name, re.IGNORECASE)
    ):
        return found("model-file-not-found", Depth.ROOT, line, facts=facts)
    if config:
        return found("config-file-missing", Depth.ROOT, line, facts=facts)
    cause = "model-file-not-found" if not re.search(r"\.\w{1,5}$", name) else "config-file-missing"
    return found(cause, Depth.SPECIFIC, line, certain=False, facts=facts)


@rule("missing-env-var", "model-dir-env-missing")
def environment_variable(reading: Reading) -> Iterator[Finding]:
    """A variable is not set: as ``KeyError`` of ``os.environ``, or in an application's own words."""
    if reading.stage in ("build", "push", "schedule"):
        return
    for raised in reading.raised:
        if raised.name == "KeyError" and (
            match := re.match(r"['\"]?(?P<name>[A-Z][A-Z0-9_]{2,})['\"]?$", raised.message)
        ):
            environ = raised.through("os.py", "/os.py") or any(
                "environ" in f.source or "getenv" in f.source for f in raised.frames
            )
            if (
                environ
                or not raised.frames
                or re.search(
                    r"_(?:KEY|URL|URI|DIR|PATH|TOKEN|HOST|PORT|NAME|SECRET|PASSWORD)$|^[A-Z]+_[A-Z_]+$", match["name"]
                )
            ):
                yield _variable(match["name"], raised.line, certain=environ)
    hit = reading.find(
        r"(?:environment variables?|env(?:ironment)? ?vars?)\W{0,3}(?:named "
        r"|called )?[`'\"]?(?P<name>(?-i:[A-Z][A-Z0-9_]{2,}))[`'\"]?.{0,30}(?:not (?:set|defined|found"
        r"|provided|configured|exist)|(?:is|was) (?:missing|unset|required|empty)|required|missing|must be set)"
        r"|(?:missing|required|set|provide|define|expected|undefined|unset|specify"
        r"|need).{0,40}(?:environment variables?"
        r"|env(?:ironment)? ?vars?):?\s*[`'\"\[(]*(?P<named>(?-i:[A-Z][A-Z0-9_]{2,}))"
        r"|[`'\"]?(?P<before>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))[`'\"]?:? (?:environment variable"
        r"|env(?:ironment)? ?var)?.{0,20}(?:is not set|not set|must be set|is required|unbound variable"
        r"|parameter (?:null or )?not set|is unset|is not defined|is missing)"
        r"|\b[Ss]et(?:ting)? the (?P<set>(?-i:[A-Z][A-Z0-9_]{3,})) environment variable"
        r"|(?P<decouple>(?-i:[A-Z][A-Z0-9_]{2,})) not found\. Declare it as envvar"
        r"|EnvironmentError: (?P<environment>(?-i:[A-Z][A-Z0-9_]{3,}))\b"
    )
    if hit:
        name = next(hit[g] for g in ("name", "named", "before", "set", "decouple", "environment") if hit[g])
        failed = reading.exit_code not in (0, None) or reading.find(
            r"Traceback|Error|Fatal|CrashLoop|required|unbound|must"
        )
        if "writable directory" in hit.line.text:
            return  # advice of a library that could not write its cache
        # The inference server warns of an unset AZUREML_MODEL_DIR on each start by hand.
        soft = re.search(r"\bWARN(?:ING)?\b|\bINFO\b", hit.line.text) or not failed
        yield _variable(name, hit.line, certain=not soft, depth=Depth.ROOT if not soft else 47)
    hit = reading.find(r"(?:pydantic.*?)?validation errors? for (?P<settings>\w*Settings\w*|\w*Config)\b")
    if hit and any("required" in line.text.lower() for line in reading.near(hit.line, after=6)):
        following = reading.near(hit.line, after=1)[-1].text.strip()
        yield _variable(following.upper() if re.fullmatch(r"\w+", following) else "", hit.line, certain=False)


def _variable(name: str, line, *, certain: bool, depth: int = Depth.ROOT) -> Finding:  # type: ignore[no-untyped-def]
    cause = (
        "model-dir-env-missing" if re.search(r"MODEL_(?:DIR|PATH|ROOT|FOLDER)|MODELDIR", name) else "missing-env-var"
    )
    return found(cause, depth if certain else depth + 2, line, certain=certain, variable=name)


@rule("model-dir-env-missing")
def path_from_nothing(reading: Reading) -> Iterator[Finding]:
    """``os.path.join(os.getenv("AZUREML_MODEL_DIR"), …)`` with the variable unset."""
    for raised in reading.raised:
        if raised.name == "TypeError" and re.search(
            r"expected str, bytes or os\.PathLike object, not NoneType|(?:join"
            r"|Path)\S* argument must be str.{0,60}NoneType|unsupported operand type\(s\) for [/+]:? '?NoneType"
            r"|argument should be a str or an os\.PathLike.{0,60}NoneType|can only concatenate str"
            r"|unsupported operand type.*'NoneType' and 'str'",
            raised.message,
        ):
            named = (
                any(re.search(r"MODEL_DIR|getenv|environ", f.source) for f in raised.frames) or "MODEL_DIR" in reading
            )
            init = reading.stage in ("init", "launch", "ready", "") or any(f.function == "init" for f in raised.frames)
            if "concatenate" in raised.message and "NoneType" not in raised.message:
                continue
            if named or raised.through("posixpath", "genericpath", "pathlib", "ntpath") or init:
                yield found("model-dir-env-missing", Depth.ROOT if named or init else Depth.SPECIFIC, raised.line,
                            certain=named, variable="AZUREML_MODEL_DIR")  # fmt: skip
