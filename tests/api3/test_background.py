"""notify and do_cron: cheap, public, once - and enough alone when nothing else works in the background."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings
from django_q.models import OrmQ

from accounts import freeze_links, helping
from accounts import proof as proofs
from accounts.models import AccessHelp, FreezeLink
from adapters.demo import encode_address
from ledger import do_cron, tasks
from ledger.api import notify
from ledger.models import Address, CronRun, Operation
from ledger.services import moves, site_settings
from tests.api3.client import Plugin, read
from tests.api3.conftest import change
from tests.support.factories import make_manager
from tests.support.money import address_of, balances, blocks, chain, fund, send, switch
from tests.support.processes import wait_for
from tests.support.threads import at_once
from wallets_site.base.clock import now

pytestmark = pytest.mark.usefixtures("site_row")


@pytest.fixture(autouse=True)
def quiet(site):
    """No run of do_cron outlives its test."""
    yield
    wait_for("do_cron", lambda: not do_cron.is_busy(), seconds=60)


def call(plugin: Plugin, **values: str) -> dict[str, str]:
    given = {"cron_nonce": site_settings.current().cron_nonce, **values}
    return plugin.ask("do_cron", **given)


def call_and_wait(plugin: Plugin) -> CronRun:
    assert call(plugin) == {"result": "success"}
    wait_for("do_cron", lambda: not do_cron.is_busy(), seconds=60)
    found = CronRun.objects.order_by("-pk").first()
    assert found is not None
    return found


def cached() -> list[tuple[str, ...]]:
    return list(connections["cache"].cursor().execute("SELECT * FROM wallets_cache"))


class TestNotify:
    def ask(self, **more: str) -> dict[str, str]:
        return Plugin().ask("notify", **{"symbol": "TST", "notify_type": "wallet", **more})

    def test_it_queues_one_look_per_coin_however_often_it_is_called(self, coin):
        for number in range(5):
            self.ask(notify_message=f"{number:064x}")
            self.ask(notify_message=f"{number:064x}")
        assert OrmQ.objects.count() == 1

    @pytest.mark.parametrize("values", [
        {"symbol": "NOPE"}, {"notify_type": "foo"}, {"notify_message": "zzz"}, {"notify_message": "x" * 10_000},
        {"symbol": "ТSТ"}, {"notify_type": ""}, {"symbol": "\x00"},
    ])  # fmt: skip
    def test_whatever_is_said_the_answer_tells_nothing(self, coin, values):
        assert self.ask(**{"notify_message": "ab" * 32, **values}) == {"result": "success"}
        assert read(Client().get("/?__wallets_action=notify")) == {"result": "success"}

    def test_a_repeat_within_a_second_writes_nothing(self, coin, django_assert_num_queries_of):
        self.ask(notify_message="cd" * 32)
        before = OrmQ.objects.count(), cached()
        with django_assert_num_queries_of() as counted:
            self.ask(notify_message="cd" * 32)
        assert counted.statements == []
        after = OrmQ.objects.count(), cached()
        assert before == after

    @pytest.mark.parametrize("path", ["/wallets/notify/TST/wallet/", "/wallets/api3/notify/TST/wallet/"])
    def test_both_paths_work_whatever_the_switch_of_old_versions(self, coin, path):
        assert Client().get(path + secrets.token_hex(32)).json() == {"result": "success"}
        assert OrmQ.objects.count() == 1

    def test_with_a_secret_only_who_says_it_is_listened_to(self, coin):
        change(notify_secret="0123456789abcdefGH")
        Client().get("/wallets/notify/TST/wallet/" + "12" * 32)
        Client().get("/wallets/notify-wrong/TST/wallet/" + "13" * 32)
        assert OrmQ.objects.count() == 0
        Client().get("/wallets/notify-0123456789abcdefGH/TST/wallet/" + "14" * 32)
        assert OrmQ.objects.count() == 1

    def test_one_address_cannot_call_without_end(self, coin, monkeypatch):
        monkeypatch.setattr(notify, "AT_ONCE", 3)
        monkeypatch.setattr(notify, "PER_SECOND", 0)

        def call(number: int, caller: str) -> int:
            client = Client(REMOTE_ADDR=caller)
            return int(client.get(f"/wallets/notify/TST/wallet/{number}").status_code)

        assert [call(number, "192.0.2.77") for number in range(5)] == [200, 200, 200, 429, 429]
        assert call(9, "192.0.2.78") == 200

    def test_it_asks_no_node(self, coin):
        switch(coin, outage=True)
        assert self.ask(notify_message="aa" * 32) == {"result": "success"}

    def test_it_costs_little_over_an_empty_answer(self, coin):
        client, empty, calls = Client(), "/wallets/notify/TST/wallet/", 60

        def cpu(path) -> float:
            started = time.process_time()
            for number in range(calls):
                client.get(path(number))
            return (time.process_time() - started) / calls

        cpu(lambda n: f"{empty}{n:064x}")
        costs = [cpu(lambda n, r=r: f"{empty}{n + 1000 * r:064x}") - cpu(lambda n: "/favicon.ico") for r in (1, 2, 3)]
        assert min(costs) <= 0.002, costs


class TestCron:
    @pytest.mark.parametrize("nonce", ["", "deadbeef", "0" * 32, "é" * 32])
    def test_it_needs_its_nonce(self, coin, anybody, nonce):
        assert call(anybody, cron_nonce=nonce) == {
            "result": "error", "code": "0",
            "message": "Error while trigerring cron tasks: You must supply the cron nonce.",
        }  # fmt: skip
        assert not CronRun.objects.exists()

    @override_settings(CLUSTER_ON=False)
    def test_alone_it_credits_pays_cancels_mails_and_fills_the_pool(self, coin, alice, anybody, clock, mailoutbox):
        coin.confirmations = 2
        coin.save()
        fund(alice, coin, 1_000)
        asked = send(alice, coin, encode_address("tst", b"\x07" * 20), 300)
        chain(coin).mint(address_of(alice, coin), 50)
        blocks(2, clock)
        Session.objects.create(session_key="old", session_data="", expire_date=now() - timedelta(days=1))
        cache.set("old", 1, 1)
        clock.shift(5)

        run = call_and_wait(anybody)

        assert run.result == "done"
        asked.refresh_from_db()
        assert asked.txid
        assert balances(coin, alice)[0][0] == 750
        assert Address.objects.filter(account=None).count() == coin.pool_size
        assert not Session.objects.filter(session_key="old").exists()
        assert not [row for row in cached() if "old" in row[0]]
        assert "A payment to you is on its way" in "".join(message.subject for message in mailoutbox)
        blocks(3, clock)
        call_and_wait(anybody)
        assert Operation.objects.get(pk=asked.pk).status == "done"

    @pytest.mark.parametrize("drop", [lambda: do_cron.run(), tasks.sweep], ids=["do_cron", "the cluster"])
    def test_what_has_expired_is_dropped(self, coin, alice, bob, clock, drop):
        change(confirm_move_user=True)
        fund(alice, coin, 1_000)
        quote = moves.preview_move(user=alice, coin=coin, recipient=bob, amount=7)
        proof = proofs.of_plugin_api(alice, where="127.0.0.1")
        made = [moves.request_move(user=alice, quote=quote, proof=proof, key=key) for key in ("old", "new")]
        freeze_links.new_link(alice, alice.email)
        Session.objects.create(session_key="old", session_data="", expire_date=now() + timedelta(hours=1))
        for key in ("old", "new"):
            UserSession.objects.create(user=alice, session_key=key, ip="127.0.0.1", user_agent="curl")
        clock.shift(timedelta(hours=2))
        Session.objects.create(session_key="new", session_data="", expire_date=now() + timedelta(hours=1))
        cache.set("old", 1, 1)
        cache.set("new", 1, 1000)
        clock.shift(timedelta(seconds=5))
        past = now() - timedelta(minutes=1)
        Operation.objects.filter(pk=made[0].pk).update(confirm_expires_at=past)
        FreezeLink.objects.update(expires_at=past)
        freeze_links.new_link(alice, alice.email)

        drop()

        for model in (Session, UserSession):
            assert list(model.objects.values_list("session_key", flat=True)) == ["new"]
        assert [row[0] for row in cached() if row[0].endswith((":old", ":new"))] == [":1:new"]
        assert [bool(row.confirm_digest) for row in Operation.objects.filter(pk__in=[row.pk for row in made])] == [
            False, True,
        ]  # fmt: skip
        assert FreezeLink.objects.count() == 1

    def test_it_lets_people_in_again_as_a_sweep_does(self, alice, manager, clock):
        asked = helping.ask(actor=manager, email=alice.email, kind="lost_factor", reason="Passport seen.")
        helping.agree(actor=make_manager("second"), help_id=asked.pk)
        do_cron.run()
        assert AccessHelp.objects.get().state == "agreed"
        clock.shift(helping.WAITS + timedelta(seconds=1))
        do_cron.run()
        assert AccessHelp.objects.get().state == "done"

    def test_sixteen_calls_at_once_are_one_run_at_a_time(self, coin, anybody):
        answers = at_once(16, lambda _: call(Plugin()))
        assert answers == [{"result": "success"}] * 16
        wait_for("do_cron", lambda: not do_cron.is_busy(), seconds=60)
        runs = list(CronRun.objects.order_by("pk"))
        assert runs
        for one, next_one in itertools.pairwise(runs):
            assert one.finished_at is not None
            assert one.finished_at <= next_one.started_at

    def test_it_answers_before_it_works(self, coin, anybody, monkeypatch):
        entered, go = threading.Event(), threading.Event()
        monkeypatch.setattr(do_cron, "_work", lambda: [("begin", entered.set), ("wait", lambda: go.wait(20))])
        assert call(anybody) == {"result": "success"}
        assert entered.wait(20)
        assert do_cron.is_busy()
        assert call(anybody) == {"result": "success"}
        go.set()
        wait_for("do_cron", lambda: not do_cron.is_busy())
        assert CronRun.objects.count() == 1

    def test_a_node_that_is_down_stops_no_other_work(self, coin, alice, anybody, mailoutbox):
        fund(alice, coin, 5)
        switch(coin, outage=True)
        run = call_and_wait(anybody)
        assert run.result.startswith("not done: deposits of TST node")
        assert len(mailoutbox) == 1

    def test_a_run_takes_new_work_for_a_while_only(self, coin, monkeypatch):
        monkeypatch.setattr(do_cron, "NEW_WORK_SECONDS", 0)
        run = do_cron.run()
        assert run is not None
        assert run.result == "done; more is left"

    @pytest.mark.both_databases
    def test_a_run_works_on_both_databases(self, engine, coin, alice):
        fund(alice, coin, 5)
        run = do_cron.run()
        assert run is not None
        assert run.result == "done"
