"""Take from the lines of a log what collectors, engines and terminals put before and into them.

Cleaning keeps the number of lines: line ``n`` of the clean text is line ``n`` of the text as it was printed, so what is
shown to the user is always what the tool printed.
"""

from __future__ import annotations

import json
import re

__all__ = ["clean", "flatten_json", "unfold"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\n]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_TO_SPACES = bytes(ord(" ") if b < 9 or 0x0A < b < 0x20 or b == 0x7F else b for b in range(256))
_STAMP = r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIXES = (
    r"\[(?:pod/)?[\w.-]+/[\w.-]+\] ",  # kubectl logs --prefix
    r"[A-Za-z][\w.@-]*[ \t]*\| (?=\S|\s)",  # docker compose, docker service
    r"[\w.-]+\t[^\t\n]{1,80}\t(?=\d{4}-\d\d-\d\dT)",  # gh run view --log
    rf"{_STAMP} (?:(?:stdout|stderr) [FP] )?",  # CRI: containerd, cri-o; docker logs -t; and what programs write
    rf"\[{_STAMP}\] (?!\[)",
    r"\d\d:\d\d:\d\d(?:[.,]\d+)? ",
    r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.-]+:\d+\] ",  # klog, glog
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]+ [\w./-]+(?:\[\d+\])?: ",  # syslog, journald
    r"\[[A-Z]{4,5} ?\] W-\d+-\S+ [\w.]+ - ",  # TorchServe, of what its workers print
    r"#\d+ (?:\d+\.\d+ )?",  # BuildKit, plain progress
    r"\d+\.\d{1,4} (?=\S|\s{2})",  # BuildKit, the excerpt under an error
)
_ESCAPED_TRACEBACK = re.compile(r"^.*Traceback \(most recent call last\):\\n.*$", re.MULTILINE)
_SAMPLE = 4_000
_PREFIXED = 80
"""Characters that a collector may put before a record."""
_RECORD = re.compile(r'"(?:level|severity|levelname|lvl|ts|time|timestamp|@timestamp|asctime|logger)": ?["\d]')
_STATUS = re.compile(r'"(?:status|status_code|code)": ?"?\d')
_TEXT_KEYS = (
    "message", "msg", "log", "event", "textPayload", "error", "exception", "exc_info", "traceback", "stack_trace",
    "stacktrace", "stack", "detail",
)  # fmt: skip
_YAML = re.compile(
    r"^(?P<indent> *)(?P<key>(?:- )?(?:message|reason): )(?!Traceback)(?P<first>[^\s|>{\[][^\n]*)"
    r"(?P<rest>(?:\n(?P=indent) +(?!- |[\w./-]+:(?: |$)|File \")\S[^\n]*)+)",
    re.MULTILINE,
)
"""A message that ``kubectl get -o yaml`` folded at 80 characters."""
_FRAME = re.compile(r'\s*File "')
_HARMLESS = ("Found extra keys in the config file", "Error while fetching model IDs")


def unfold(text: str) -> str:
    """One kind of line end, and the lines that were folded into JSON strings on lines of their own."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if '{"log":"' in text:
        text = "\n".join(_docker_json(line) for line in text.split("\n"))
    if '{"' in text and '"}' in text:
        text = "\n".join([_json_record(line) if line.endswith("}") else line for line in text.split("\n")])
    if "(most recent call last):\\n" in text:
        text = _ESCAPED_TRACEBACK.sub(lambda m: m.group().replace("\\n", "\n").replace('\\"', '"'), text)
    return text


def _one_line(folded: re.Match[str]) -> str:
    lines = folded["rest"].split("\n")
    value = " ".join((folded["first"], *(line.strip() for line in lines[1:])))
    if value.startswith("'"):
        value = value.replace("''", "'")
    return f"{folded['indent']}{folded['key']}{value}" + "\n" * (len(lines) - 1)


def clean(text: str) -> str:
    """``text`` without colours, control characters, and prefixes of the tools that carried it."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    # "İ" is the one letter whose lower case is longer, and positions must stay the same.
    text = _without_control(text).replace("İ", "I")
    if prefix := _prefix_of(text):
        text = prefix.sub("\n", f"\n{text}")[1:]
    if "message: " in text and ("reason: " in text or "lastTransitionTime: " in text):
        text = _YAML.sub(_one_line, text)
    if any(words in text for words in _HARMLESS):
        text = _without_harmless(text)
    return text


def _without_control(text: str) -> str:
    # In UTF-8 such a character is one byte that is a part of no other.
    return text.encode("utf-8", "surrogatepass").translate(_TO_SPACES).decode("utf-8", "surrogatepass")


def _prefix_of(text: str) -> re.Pattern[str] | None:
    """The end of a line with the prefixes of the next one, of the kinds that a sample of the lines has, in their order."""
    if len(text) <= 3 * _SAMPLE:
        sample = text
    else:
        middle = len(text) // 2
        sample = "\n".join((text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:]))
    seen: list[str] = []
    for _ in range(3):  # a collector's prefix, then a time stamp, then BuildKit's
        before = sample
        for prefix in _PREFIXES:
            if (shorter := re.sub(rf"(?m)^{prefix}", "", sample)) != sample:
                sample = shorter
                seen.append(prefix)
        if sample == before:
            break
    # A fixed first character is what ``re`` finds quickest.
    return re.compile("\n" + "".join(f"(?:{prefix})?+" for prefix in seen)) if seen else None


def flatten_json(text: str) -> str:
    """The strings of a JSON document, each on its own lines after its key; any other text as it is."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[":
        return text
    try:
        document = json.loads(stripped)
    except (ValueError, RecursionError):
        return text
    lines: list[str] = []
    _leaves(document, "", lines, 0)
    return "\n".join(lines) if lines else text


def _leaves(value: object, key: str, lines: list[str], depth: int) -> None:
    if depth > 12 or len(lines) > 2000:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            _leaves(item, str(name), lines, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict | list | str) for item in value[:50]):
        for item in value:
            _leaves(item, key, lines, depth + 1)
    else:
        shown = value if isinstance(value, str) else json.dumps(value)
        lines.append(f"{key}: {shown}" if key else shown)


def _docker_json(line: str) -> str:
    if not line.startswith('{"log":"'):
        return line
    try:
        return str(json.loads(line)["log"]).rstrip("\n").replace("\n", " ")
    except (ValueError, KeyError, TypeError):
        return line


def _json_record(line: str) -> str:
    """The text of a structured log's record, with what it folds (a traceback) on lines of their own.

    An answer in JSON is no record, and an access log's record says more than its text.
    """
    start = line.find('{"', 0, _PREFIXED)
    if start < 0 or not _RECORD.search(line) or (_STATUS.search(line) and "\\" not in line):
        return line
    try:
        record = json.loads(line[start:])
    except (ValueError, RecursionError):
        return line
    said = [value for key in _TEXT_KEYS if isinstance(value := record.get(key), str)]
    return "\n".join(said) if said else line


def _without_harmless(text: str) -> str:
    """Blank what the inference server prints on good starts although it looks like an error, with its traceback."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if any(words in line for words in _HARMLESS):
            end = _end_of_traceback(lines, i + 1)
            if not any(_FRAME.match(inner) and "site-packages" not in inner for inner in lines[i + 1 : end]):
                lines[i:end] = [""] * (end - i)
            lines[i] = ""
    return "\n".join(lines)


def _end_of_traceback(lines: list[str], start: int) -> int:
    """The index after the traceback that begins on a line, ``start`` where none does."""
    end = start
    while end < len(lines) and (lines[end].startswith((" ", "Traceback")) or not lines[end]):
        end += 1
    return end + 1 if end < len(lines) and re.match(r"[A-Za-z_.]*Error\b", lines[end]) else end
