"""Who may ask for what: sessions, keys, nonces, capabilities, versions, paths."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client, override_settings

from accounts import keys
from accounts.models import DerivedKey, User
from tests.accounts.people import enrol
from tests.api3.client import Plugin, read, with_key
from tests.api3.conftest import change
from tests.support.factories import PASSWORD, make_user
from tests.support.money import balances, chores_now, fund
from wallets_site.base.clock import now

pytestmark = pytest.mark.usefixtures("site_row")
FORGED = {
    "result": "error", "code": "-105", "message": "Possible request forgery detected. Please reload and try again.",
}  # fmt: skip
NOT_ALLOWED = {"result": "error", "code": "-107", "message": "Not allowed"}
MOVE = {"symbol": "TST", "move_toaccount": "bob", "move_amount": "1"}


def holder(name: str, *capabilities: str) -> User:
    user = make_user(name, groups=())
    user.user_permissions.add(*Permission.objects.filter(codename__in=capabilities))
    return user


def test_a_nonce_is_good_for_its_action_its_person_and_its_session_alone(fees, alice, at_alice, at_bob, bob):
    fund(alice, fees, 10**9)
    other_session = Plugin().sign_in(alice)
    wrong = ["", "0123456789", at_alice.nonce("do_withdraw"), at_bob.nonce("do_move"), other_session.nonce("do_move")]
    for nonce in wrong:
        assert at_alice.ask("do_move", _wpnonce=nonce, **MOVE) == FORGED
    assert at_alice.ask("do_move", **MOVE) == FORGED
    assert balances(fees, bob) == [(0, 0)]


def test_a_nonce_in_the_body_counts_for_nothing(fees, alice, at_alice):
    assert read(at_alice.post("do_move", _wpnonce=at_alice.nonce("do_move"), **MOVE)) == FORGED


def test_a_nonce_lives_for_this_half_day_and_the_next(coin, alice, settings):
    settings.SESSION_COOKIE_AGE = 86_400 * 9
    with time_machine.travel(now().replace(hour=1, minute=0), tick=False) as clock:
        plugin = Plugin().sign_in(alice)
        nonce = plugin.nonce("do_new_address")
        assert plugin.nonce("do_new_address") == nonce
        clock.shift(timedelta(hours=22, minutes=59))
        assert plugin.nonce("do_new_address") != nonce
        assert plugin.ask("do_new_address", symbol="TST", _wpnonce=nonce)["result"] == "success"
        clock.shift(timedelta(minutes=2))
        assert plugin.ask("do_new_address", symbol="TST", _wpnonce=nonce) == FORGED


def test_nonces_are_given_for_what_one_may_do(site):
    expected = {
        "list_wallet_transactions has_wallets": ["do_new_address"],
        "has_wallets send_funds_to_user": ["do_move", "do_new_address"],
        "has_wallets withdraw_funds_from_wallet access_wallets_api": ["do_withdraw", "do_new_address", "api_key"],
    }
    for number, (names, given) in enumerate(expected.items()):
        plugin = Plugin().sign_in(holder(f"user{number}x", *names.split()))
        assert list(plugin.ask("get_nonces")["nonces"]) == given


@pytest.mark.parametrize(("action", "missing"), [
    ("get_coins_info", "has_wallets"), ("get_transactions", "list_wallet_transactions"),
    ("do_move", "send_funds_to_user"), ("do_withdraw", "withdraw_funds_from_wallet"), ("do_new_address", "has_wallets"),
    ("do_reset_apikey", "access_wallets_api"),
])  # fmt: skip
def test_each_action_asks_for_its_capability(coin, action, missing):
    wanted = {"has_wallets", "list_wallet_transactions", "send_funds_to_user", "withdraw_funds_from_wallet",
              "access_wallets_api"}  # fmt: skip
    plugin = Plugin().sign_in(holder("somebody", *(wanted - {missing})))
    assert plugin.ask(action, symbol="TST") == NOT_ALLOWED


def test_a_new_address_asks_for_has_wallets_alone(coin):
    plugin = Plugin().sign_in(holder("dave", "has_wallets"))
    assert plugin.act("do_new_address", symbol="TST")["new_address"].startswith("tst1")


def test_there_are_ten_addresses_and_no_more(coin, at_alice):
    made = {at_alice.act("do_new_address", symbol="TST").get("new_address") for _ in range(10)}
    assert len(made) == 10
    refused = at_alice.act("do_new_address", symbol="TST")
    assert (refused["result"], refused["code"]) == ("error", "0")
    assert "10 TST addresses" in refused["message"]


def test_a_key_opens_by_parameter_and_by_header_and_needs_no_nonce(fees, alice, bob):
    fund(alice, fees, 10**9)
    key = keys.show_key(alice, keys.PLUGIN_API)
    assert with_key(alice).ask("do_move", **MOVE) == {"result": "success"}
    assert Plugin().ask("do_move", api_key=key, _wpnonce="rubbish", **MOVE) == {"result": "success"}
    assert balances(fees, bob) == [(200_000_000, 0)]


@pytest.mark.parametrize("header", ["bearer {}", "Bearer  {}", "Basic {}", "Bearer {} ", "Bearer {}x", "{}"])
def test_any_other_header_opens_nothing(coin, alice, header):
    key = keys.show_key(alice, keys.PLUGIN_API)
    assert Plugin(authorization=header.format(key)).get("get_coins_info").status_code == 403


def test_a_key_in_capitals_is_another_key(coin, alice):
    key = keys.show_key(alice, keys.PLUGIN_API).upper()
    assert Plugin(authorization=f"Bearer {key}").get("get_coins_info").status_code == 403


@pytest.mark.parametrize("bad", ["0" * 64, "", "x", "\u0661" * 64])
def test_a_bad_key_beside_a_good_cookie_is_refused(coin, at_bob, bad):
    assert at_bob.get("get_coins_info", api_key=bad).status_code == 403
    assert at_bob.client.get("/wallets/api3/get_coins_info?__wallets_api_key[]=x").status_code == 403


def test_a_good_key_acts_as_its_owner_whatever_the_cookie(fees, alice, at_bob):
    fund(alice, fees, 10**9)
    assert (
        at_bob.ask("get_coins_info", api_key=keys.show_key(alice, keys.PLUGIN_API))["coins"]["TST"]["balance"] == "10"
    )
    assert at_bob.coin()["balance"] == "0"


def test_the_key_of_somebody_shut_out_opens_nothing(coin, alice):
    plugin = with_key(alice)
    assert plugin.get("get_coins_info").status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert plugin.get("get_coins_info").status_code == 403


def test_a_key_whose_owner_may_no_longer_use_keys_is_not_allowed(coin, alice):
    plugin = with_key(alice)
    alice.groups.clear()
    assert plugin.ask("get_coins_info") == NOT_ALLOWED


def test_a_key_gets_no_nonces_and_no_key(coin, alice):
    assert with_key(alice).ask("get_nonces") == NOT_ALLOWED
    assert Plugin().ask("get_nonces") == NOT_ALLOWED


def test_keys_are_derived_and_only_their_digest_is_kept(alice):
    key = keys.show_key(alice, keys.PLUGIN_API)
    row = DerivedKey.objects.get()
    assert keys.show_key(alice, keys.PLUGIN_API) == key
    assert key not in {row.digest, row.kind, row.subject}
    with override_settings(WALLETS_KEY_SECRET="another", WALLETS_KEY_SECRET_PREVIOUS=""):
        assert keys.owner_of(key, keys.PLUGIN_API) == alice


def test_a_previous_secret_still_shows_the_older_keys(alice, settings):
    key = keys.show_key(alice, keys.PLUGIN_API)
    settings.WALLETS_KEY_SECRET_PREVIOUS, settings.WALLETS_KEY_SECRET = settings.WALLETS_KEY_SECRET, "another"
    assert keys.show_key(alice, keys.PLUGIN_API) == key
    assert keys.renew_key(alice, keys.PLUGIN_API) != key
    assert keys.owner_of(key, keys.PLUGIN_API) is None


def test_a_page_shows_the_key_and_renews_it_for_who_proved_who_they_are(at_alice, alice, clock):
    key, client = keys.show_key(alice, keys.PLUGIN_API), at_alice.client
    assert key not in client.get("/accounts/").content.decode()
    assert key in client.get("/accounts/key/").content.decode()
    clock.shift(timedelta(minutes=6))
    for asked in (client.get, client.post):
        assert asked("/accounts/key/")["Location"].startswith("/accounts/reauthenticate/")
    assert keys.show_key(alice, keys.PLUGIN_API) == key
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/key/"})
    assert client.post("/accounts/key/")["Location"] == "/accounts/key/"
    assert key not in client.get("/accounts/key/").content.decode()


def test_a_key_is_never_logged(coin, alice, caplog):
    caplog.set_level(logging.DEBUG)
    plugin = with_key(alice)
    plugin.get("get_coins_info")
    Plugin().get("get_coins_info", api_key="0" * 64)
    assert keys.show_key(alice, keys.PLUGIN_API) not in caplog.text


@pytest.mark.parametrize(("version", "status", "code"), [
    ("1", 403, "403"), ("2", 403, "403"), ("0", 403, "403"), ("abc", 403, "403"), ("4", 200, "0"), ("99", 200, "0"),
])  # fmt: skip
def test_other_versions_are_errors_of_the_api(at_alice, coin, version, status, code):
    answer = at_alice.get("get_coins_info", version=version)
    assert (answer.status_code, read(answer)["code"]) == (status, code)


@pytest.mark.parametrize("version", ["3", "-3", "3.9", " 3", "3abc"])
def test_a_version_is_read_as_the_plugin_reads_it(at_alice, coin, version):
    assert read(at_alice.get("get_coins_info", version=version))["result"] == "success"


@pytest.mark.parametrize("action", ["does_not_exist", "", "get_user_info", "get_users_info", "DO_MOVE", "__class__"])
def test_an_unknown_action_is_the_sites_own_page(at_alice, coin, action):
    answer = at_alice.get(action)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_unknown_action_is_a_page_for_strangers_too(anybody, coin):
    for answer in (anybody.get("does_not_exist"), anybody.client.get("/?__wallets_action=nope")):
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "knows no such action" in answer.content.decode()
    assert anybody.client.get("/").status_code == 302


@pytest.mark.parametrize("body", [
    {"data": {"__wallets_apiversion": "3", "__wallets_action": "nope"}},
    {"data": '{"__wallets_action": "get_coins_info"}', "content_type": "application/json"}, {"data": {}},
])  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/index.php"])
def test_what_is_posted_to_the_front_page_and_asks_for_nothing_is_a_page(at_alice, coin, body, path):
    signed_in = Client(enforce_csrf_checks=True)
    signed_in.cookies.update(at_alice.client.cookies)
    for strict in (Client(enforce_csrf_checks=True), signed_in):
        answer = strict.post(path, **body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "knows no such action" in answer.content.decode()


def test_an_array_is_no_action_no_coin_and_no_code(anybody, at_alice, coin):
    for query, status in (("__wallets_apiversion=3&__wallets_action[]=do_move", 200), ("__wallets_confirm[]=zz", 400)):
        answer = anybody.client.get(f"/?{query}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    query = "__wallets_apiversion=3&__wallets_action=get_transactions&__wallets_symbol[]=TST"
    assert read(at_alice.client.get(f"/?{query}"))["code"] == "-103"


@pytest.mark.parametrize("path", ["/", "/index.php", "/any/path/", "/wallets/api3/get_nonces"])
def test_the_query_form_works_on_every_front_end_path(at_alice, coin, path):
    assert "coins" in read(at_alice.get("get_coins_info", path=path))


@pytest.mark.parametrize("path", ["/admin/", "/api/v1/accounts", "/static/css/app.css"])
def test_other_rooms_of_the_site_do_not_hear_it(at_alice, coin, path):
    assert b'"coins":{"' not in at_alice.get("get_coins_info", path=path).getvalue()


def test_pretty_paths_and_parameters_mix_and_the_parameter_wins(fees, at_alice, alice):
    fund(alice, fees, 5)
    path = "/wallets/api3/get_transactions/NOPE/10/0"
    assert read(at_alice.client.get(path))["code"] == "-103"
    assert len(read(at_alice.client.get(f"{path}?__wallets_symbol=tst"))["transactions"]) == 1
    for missing in ("get_transactions", "get_transactions/TST/x/0", "do_move", "nope", "get_transactions/TST/1/0/9"):
        assert at_alice.client.get(f"/wallets/api3/{missing}").status_code == 404


@pytest.mark.parametrize(("count", "first", "rows"), [
    ("-2", "0", 1), ("abc", "0", 0), ("0", "0", 0), ("5", "9", 0), ("2x", "", 1), (" +2", "-0", 1), ("0x2", "0", 0),
    ("2.9", "0.9", 1), ("1e1", "1e0", 0), ("9" * 30, "0", 1), ("5", "9" * 30, 0), ("", "0", 0), ("\u0662", "0", 0),
])  # fmt: skip
def test_counts_are_read_as_the_plugin_reads_them(fees, at_alice, alice, count, first, rows):
    fund(alice, fees, 5)
    assert len(at_alice.transactions(count=count, first=first)) == rows


@pytest.mark.parametrize(("symbol", "known"), [("tst", True), (" TST ", True), ("T\u015aT", False), ("TST\0", False)])
def test_a_symbol_is_read_in_either_case_and_without_spaces_around_it(at_alice, coin, symbol, known):
    answer = at_alice.ask("get_transactions", symbol=symbol, tx_count="1")
    assert answer["result"] == ("success" if known else "error")


def test_body_and_query_that_disagree_are_a_bad_request(at_alice, coin):
    query = "/?__wallets_apiversion=3&__wallets_action=get_coins_info"
    same = {"__wallets_action": "get_coins_info"}
    assert at_alice.client.post(query, same).status_code == 200
    for other in ({"__wallets_action": "do_move"}, {"__wallets_symbol": "TST"}, {"__wallets_nobody_reads_this": "2"}):
        answer = at_alice.client.post(query + "&__wallets_symbol=X&__wallets_nobody_reads_this=1", other)
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_other_methods_are_not_allowed_and_head_has_no_body(at_alice, coin):
    query = "/?__wallets_apiversion=3&__wallets_action=get_coins_info"
    assert at_alice.client.put(query).status_code == 405
    assert at_alice.client.options(query).status_code == 405
    assert (at_alice.client.head(query).status_code, at_alice.client.head(query).content) == (200, b"")


def test_a_json_body_is_no_parameter(at_alice, coin):
    body = '{"__wallets_apiversion": "3", "__wallets_action": "get_coins_info"}'
    answer = at_alice.client.post("/", body, content_type="application/json")
    assert not answer.headers["Content-Type"].startswith("application/json")


def test_without_coins_there_is_an_empty_list(at_alice, site):
    assert at_alice.get("get_coins_info").content == b'{"coins":[],"result":"success"}'


def test_a_first_look_takes_an_address_that_lies_ready_and_asks_no_node(coin, at_alice):
    assert at_alice.coin()["deposit_address"] == ""
    chores_now(coin)
    address = at_alice.coin()["deposit_address"]
    assert address.startswith("tst1")
    assert at_alice.coin()["deposit_address"] == address


class TestLogin:
    def test_it_takes_user_name_or_mail_and_leads_home_only_here(self, alice):
        for name in ("alice", "alice@example.com", " Alice "):
            answer = Client().post(
                "/wp-login.php", {"log": name, "pwd": PASSWORD, "redirect_to": "https://evil.example"}
            )
            assert (answer.status_code, answer["Location"]) == (302, "/")
        here = {"log": "alice", "pwd": PASSWORD, "redirect_to": "http://testserver/wp-admin"}
        assert Client().post("/wp-login.php", here)["Location"] == "http://testserver/wp-admin"

    def test_a_wrong_password_and_an_unknown_name_look_the_same(self, alice):
        answers = [Client().post("/wp-login.php", {"log": name, "pwd": "wrong"}) for name in ("alice", "nobody")]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content

    def test_it_refuses_who_has_a_second_factor(self, alice):
        enrol(alice)
        client = Client()
        assert client.post("/wp-login.php", {"log": "alice", "pwd": PASSWORD}).status_code == 200
        assert client.get("/accounts/").status_code == 302

    def test_it_refuses_another_sites_form(self, alice):
        client = Client(headers={"Origin": "https://evil.example"})
        assert client.post("/wp-login.php", {"log": "alice", "pwd": PASSWORD}).status_code == 200
        assert "session" not in client.cookies

    def test_it_has_the_limits_of_our_own_sign_in(self, alice):
        client = Client()
        for _ in range(6):
            client.post("/wp-login.php", {"log": "alice", "pwd": "wrong"})
        assert client.post("/wp-login.php", {"log": "alice", "pwd": PASSWORD}).status_code == 200
        assert client.get("/accounts/").status_code == 302

    def test_it_can_be_switched_off(self, alice):
        change(wp_login=False)
        assert Client().post("/wp-login.php", {"log": "alice", "pwd": PASSWORD}).status_code == 404


class TestOlderVersions:
    @pytest.fixture(autouse=True)
    def legacy(self, site_row):
        change(legacy_json_apis=True)

    @pytest.mark.parametrize("path", ["/wallets/get_coins_info", "/wallets/api2/get_coins_info"])
    def test_coins_where_the_plugin_crashed(self, at_alice, coin, path):
        assert "TST" in read(at_alice.client.get(path))["coins"]

    def test_nonces_without_addresses_and_keys(self, at_alice, coin):
        assert list(read(at_alice.get("get_nonces", version="2"))["nonces"]) == ["do_withdraw", "do_move"]

    def test_keys_open_nothing(self, alice, coin):
        assert with_key(alice).get("get_coins_info", version="2").status_code == 403

    def test_version_1_names_a_person_by_number_alone(self, fees, alice, at_alice, bob):
        fund(alice, fees, 10**9)
        nonce = read(at_alice.get("get_nonces", version="1"))["nonces"]["do_move"]
        for to, result in (("bob", "error"), (str(bob.pk), "success")):
            asked = {**MOVE, "move_toaccount": to}
            assert read(at_alice.get("do_move", version="1", _wpnonce=nonce, **asked))["result"] == result
        assert balances(fees, bob) == [(100_000_000, 0)]

    def test_the_list_of_people_holds_former_counterparties_only(self, fees, alice, at_alice, bob, charlie):
        assert read(at_alice.client.get("/wallets/get_users_info"))["users"] == []
        fund(alice, fees, 10**9)
        at_alice.move("bob", "1")
        assert read(at_alice.get("get_users_info", version="1"))["users"] == [{"id": str(bob.pk), "name": "bob"}]

    def test_what_they_never_had_is_the_sites_own_page(self, at_alice, coin):
        assert at_alice.get("do_new_address", version="2").headers["Content-Type"].startswith("text/html")
