"""A nonce of the WordPress API opens one action, for one person, in one session, for a while; a confirmation once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger.models import Operation
from ledger.services import confirmations
from tests.accounts.people import STRONG
from tests.api3.client import Plugin
from tests.api3.conftest import change
from tests.attacks.conftest import nothing_happens, stranger
from tests.support.factories import PASSWORD
from tests.support.money import balances

MOVE = {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1"}
FORGED = "Possible request forgery detected"

pytestmark = pytest.mark.usefixtures("site_row")


def refused(plugin: Plugin, action: str, **values: str) -> bool:
    answer = plugin.ask(action, **values)
    return answer["result"] == "error" and FORGED in answer["message"]


def test_the_nonce_of_a_move_opens_nothing_else(rich, bob, coin):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce("do_move")
    with nothing_happens():
        for action in ("do_withdraw", "do_new_address", "do_reset_apikey"):
            values = {"symbol": "TST", "withdraw_address": "x", "withdraw_amount": "1", "_wpnonce": nonce}
            assert refused(plugin, action, **values), action


SPOIL: list[Callable[[str], str]] = [
    str.upper, lambda n: n + " ", lambda n: " " + n, lambda n: n + "\0", lambda n: n + "\n", lambda n: n[:-1],
    lambda n: n[:-1] + ("0" if n[-1] != "0" else "1"), lambda n: "", lambda n: n * 1000, lambda n: "ï" + n[1:],
]  # fmt: skip


def test_a_nonce_that_is_changed_by_one_sign_opens_nothing(rich, bob, coin):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce("do_move")
    for spoil in SPOIL:
        changed = spoil(nonce)
        if changed == nonce:  # a nonce of digits alone has no capitals
            continue
        with nothing_happens():
            assert refused(plugin, "do_move", _wpnonce=changed, **MOVE)


def test_a_nonce_counts_in_the_query_alone_and_once(rich, bob, coin):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce("do_move")
    with nothing_happens():
        query = {**plugin._query("do_move", "3", MOVE), "_wpnonce[]": nonce}
        assert plugin.client.get("/", query).json()["code"] == -105
        twice = "&".join(f"{k}={v}" for k, v in plugin._query("do_move", "3", MOVE).items())
        assert plugin.client.get(f"/?{twice}&_wpnonce=x&_wpnonce={nonce}").status_code == 400
        assert plugin.client.get(f"/?{twice}&_wpnonce={nonce}&__wallets_move_amount=9").status_code == 400
        assert plugin.post("do_move", _wpnonce=nonce, **MOVE).json()["code"] == -105


def test_a_nonce_ends_with_its_session_and_with_the_password(rich, bob, coin, clock):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce("do_move")
    form = {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG}
    assert plugin.client.post("/accounts/password/change/", form).status_code == 302
    with nothing_happens():
        assert refused(plugin, "do_move", _wpnonce=nonce, **MOVE)
        plugin.client.post("/accounts/logout/")
        assert plugin.ask("do_move", _wpnonce=nonce, **MOVE)["code"] in (-106, "-106")


def test_the_same_request_sent_again_by_jquery_pays_once(rich, bob, coin):
    plugin = Plugin().sign_in(rich)
    nonce = plugin.nonce("do_move")
    for _ in range(3):
        assert plugin.ask("do_move", _wpnonce=nonce, _="1700000000", **MOVE)["result"] == "success"
    assert balances(coin, bob) == [(100_000_000, 0)]


# Confirmations -------------------------------------------------------------------------------------------
@pytest.fixture
def waiting(rich, bob, coin) -> tuple[Operation, str]:
    change(confirm_move_user=True)
    Plugin().sign_in(rich).move("bob", "1")
    row = Operation.objects.get(incoming=False, kind="move")
    return row, f"/?__wallets_confirm={confirmations.token_of(row)}"


def test_looking_at_a_confirmation_link_confirms_nothing(waiting):
    """As mail scanners and previews do, from anywhere, with whatever name."""
    _, link = waiting
    with nothing_happens():
        for agent in ("Slackbot-LinkExpanding 1.0", "Mozilla/5.0", "BarracudaCentral"):
            for method in ("get", "head", "options"):
                getattr(stranger(), method)(link, headers={"User-Agent": agent}, REMOTE_ADDR="203.0.113.9")
    page = stranger().get(link)
    assert page["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page["Cache-Control"]
    assert b"http://" not in page.content.replace(b"http://www.w3.org", b"")
    assert b'method="post"' in page.content


def test_a_confirmation_works_once_and_never_after_cancelling_or_its_time(waiting, rich, coin, bob, clock):
    _, link = waiting
    assert stranger().post(link).status_code == 200
    with nothing_happens():
        assert stranger().post(link).status_code == 410
        assert stranger().get(link).status_code == 410
    assert balances(coin, bob) == [(100_000_000, 0)]
    Plugin().sign_in(rich).move("bob", "2")
    second = Operation.objects.filter(incoming=False, kind="move").latest("pk")
    late = f"/?__wallets_confirm={confirmations.token_of(second)}"
    clock.shift(timedelta(days=30))
    with nothing_happens():
        assert stranger().post(late).status_code == 410


def test_a_token_that_is_cut_changed_or_of_another_version_confirms_nothing(waiting):
    row, link = waiting
    token = link.rpartition("=")[2]
    other = f"{int(token, 16) ^ 1:032x}"
    row.version += 1
    with nothing_happens():
        for wrong in (token[:-1], token.upper() + "0", other, "", "0" * 32, confirmations.token_of(row), token + "'"):
            assert stranger().post(f"/?__wallets_confirm={wrong}").status_code in (400, 410), wrong
