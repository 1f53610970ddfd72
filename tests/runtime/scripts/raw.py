"""A raw-HTTP script that shows what its request holds."""

from azureml.contrib.services.aml_request import AMLRequest, rawhttp  # noqa: F401 - scripts import both
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    if request.args.get("teapot"):
        headers = {"X-Brew": "a, b", "x-request-id": "stolen", "Content-Type": "text/tea"}
        return AMLResponse("short and stout", 418, headers)
    if request.args.get("json"):
        return AMLResponse({"a": 1}, 201, {}, json_str=True)
    if request.args.get("none"):
        return AMLResponse(None, 200)
    if request.args.get("failed"):
        return AMLResponse("no", 400, {}, run_function_failed=True)
    files = {name: upload.read().decode() for name, upload in request.files.items()}
    return {
        "method": request.method,
        "full_path": request.full_path,
        "args": dict(request.args.items()),
        "header": request.headers.get("X-Test"),
        "body": request.get_data(False).decode("latin-1") if not files else None,
        "files": files,
        "form": dict(request.form.items()),
        "flask": type(request).__module__.startswith(("flask", "werkzeug")),
    }
