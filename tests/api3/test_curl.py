"""The curl session of the API's own documentation; host, assignments and the cookie file's name are made right."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from accounts import keys
from tests.support.components import find
from tests.support.factories import PASSWORD
from tests.support.money import chores_now

LOG_IN = """
USER=alice
PASSWORD={password}
curl -s -b cookies.txt -c cookies.txt -F log=$USER -F "pwd=$PASSWORD" -F testcookie=1 \
  -F wp-submit="Log In" -F redirect_to={site}/wp-admin \
  -F submit=login -F rememberme=forever {site}/wp-login.php -o answer.html -w '%{{http_code}}'
"""
GET_NONCES = """
curl -s \
    -b cookies.txt \
    -c cookies.txt \
    '{site}/?__wallets_apiversion=3&__wallets_action=get_nonces'
"""
WITH_PARAMETER = """
curl -s "{site}/\
?__wallets_apiversion=3\
&__wallets_action=get_coins_info\
&__wallets_api_key={key}"
"""
WITH_HEADER = """
curl -s \
-H "Authorization: Bearer {key}" \
'{site}/?__wallets_apiversion=3&__wallets_action=get_coins_info'
"""


@pytest.fixture
def shell(live_site, tmp_path: Path):
    assert find("curl"), "needs curl"

    def run(script: str, **values: str) -> str:
        text = script.format(site=live_site.url, **values)
        done = subprocess.run(["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_documented_curl_session_works(shell, coin, alice, tmp_path):
    chores_now(coin)
    assert shell(LOG_IN, password=f"'{PASSWORD}'") == "302", (tmp_path / "answer.html").read_text()[:500]
    nonces = json.loads(shell(GET_NONCES))
    assert nonces["result"] == "success"
    assert list(nonces["nonces"]) == ["do_withdraw", "do_move", "do_new_address", "api_key"]
    key = nonces["nonces"]["api_key"]
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert key == keys.show_key(alice, keys.PLUGIN_API)

    for script in (WITH_PARAMETER, WITH_HEADER):
        answer = json.loads(shell(script, key=key))
        assert answer["coins"]["TST"]["deposit_address"].startswith("tst1")
        assert answer["result"] == "success"


def test_a_wrong_password_is_a_page_and_no_session(shell, coin, alice):
    assert shell(LOG_IN, password="'not this one'") == "200"
    assert json.loads(shell(GET_NONCES)) == {"result": "error", "code": -107, "message": "Not allowed"}
