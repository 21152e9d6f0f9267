"""Only methods that mean something are answered, on every route there is."""

from __future__ import annotations

import re

from django.test import Client

from tests.api.test_routes import routes


def paths() -> list[str]:
    """Each route with something in the place of its parameters."""
    found = []
    for route in routes():
        path = re.sub(r"<[^>]+>|\(\?P<[^)]+\)|\(\?:[^)]*\)|\[[^\]]*\]|\(.*?\)", "1", route)
        found.append("/" + path.replace("^", "").replace("$", "").replace("/?", "").replace("\\", ""))
    return found


def test_tracing_and_invented_methods_are_405_everywhere(site):
    wrong, client = [], Client(raise_request_exception=False)
    for path in [*paths(), "/static/css/app.css", "/?__wallets_apiversion=3&__wallets_action=get_coins_info"]:
        for method in ("TRACE", "CONNECT", "FOO", "PROPFIND"):
            answer = client.generic(method, path)
            if answer.status_code != 405 or "GET" not in answer["Allow"]:
                wrong.append((method, path, answer.status_code))
    assert wrong == []
    assert len(paths()) > 150


def test_a_header_that_names_another_method_changes_nothing(rich):
    client = Client()
    client.force_login(rich)
    answer = client.post("/activity/", headers={"X-HTTP-Method-Override": "GET"})
    assert answer.status_code == 405
