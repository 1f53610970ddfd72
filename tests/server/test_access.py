"""Who may ask: nobody without the token, nobody whom the server's authoriser refuses."""

from __future__ import annotations

from dataclasses import replace
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from jupyter_mldeploy import Service
from tests.server.jupyter import Client, example_of, jupyter_server, operations

EVERY = [(verb, example_of(path)) for path, verb, _ in operations()]
AUTHORISER = """
from jupyter_server.auth import Authorizer

class ReadOnly(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "mldeploy" or action == "read"
"""


@pytest.mark.parametrize(("verb", "path"), EVERY)
def test_nothing_is_told_or_done_without_the_token(server: Client, verb: str, path: str) -> None:
    answer = replace(server, token="").call(verb, path, {})
    assert answer.status == 403
    assert answer.data["code"] == "http-403"


def test_the_server_knows_of_no_address_without_authentication(server: Client) -> None:
    assert "JupyterServerAuthWarning" not in server.log.read_text()
    assert "jupyter_mldeploy.server | extension was successfully loaded" in server.log.read_text()


def test_who_may_only_read_changes_nothing(echo: Service, home: Path, tmp_path: Path) -> None:
    (tmp_path / "read_only.py").write_text(AUTHORISER)
    option = "--ServerApp.authorizer_class=read_only.ReadOnly"
    with jupyter_server(tmp_path, home, option) as client:
        assert client.call("GET", "/services/echo").data["state"] == "running"
        for verb, path in EVERY:
            if verb != "GET":
                assert client.call(verb, path, {}).status == 403, path
    assert echo.state == "running"


def test_a_page_of_another_origin_is_refused(server: Client) -> None:
    cookie_less = replace(server, token="")
    answer = cookie_less.call("GET", "/services", Origin="https://elsewhere.example")
    assert answer.status in {403, 404}


def _cookies(client: Client) -> dict[str, str]:
    """Those that a browser has after it has opened the server's page with the token."""
    connection = HTTPConnection("127.0.0.1", client.port, timeout=60)
    found: SimpleCookie = SimpleCookie()
    for path in (f"/tree?token={client.token}", f"/login?token={client.token}"):
        connection.request("GET", path, headers={"Cookie": "; ".join(f"{k}={v.value}" for k, v in found.items())})
        response = connection.getresponse()
        response.read()
        for value in response.headers.get_all("Set-Cookie") or []:
            found.load(value)
    return {name: morsel.value for name, morsel in found.items()}


@pytest.mark.parametrize(("verb", "path"), [one for one in EVERY if one[0] != "GET"])
def test_another_sites_form_changes_nothing(server: Client, verb: str, path: str) -> None:
    path = path.replace("echo", "nobody")
    cookies = _cookies(server)
    assert "_xsrf" in cookies
    jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
    browser = replace(server, token="")
    assert browser.call("GET", "/services", Cookie=jar).status == 200, "the cookie is the browser's way in"
    answer = browser.call(verb, path, {}, Cookie=jar)
    assert answer.status == 403
    assert "_xsrf" in answer.data["summary"]
    # With the token that only the server's own pages can read it is heard: what it says is not valid, or is not there.
    told = browser.call(verb, path, {"nonsense": True}, Cookie=jar, **{"X-XSRFToken": cookies["_xsrf"]})
    assert told.status in {400, 404}, told.data
