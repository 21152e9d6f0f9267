"""Payments that wait: what they wait for, who may let them go, and that the coins are reserved meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import IntegerField
from django.test import Client
from django.urls import reverse

from accounts import proof as proofs
from accounts.models import AuditEvent, User
from adapters.demo import encode_address
from ledger import queries
from ledger.models import Approval, Coin, Limit, Operation, SiteSettings
from ledger.services import confirmations, lifecycle, moves, site_settings, withdrawals
from tests.support.factories import make_manager
from tests.support.money import balances, blocks, books, bound, charge, fresh_key, fund, pay_now, send
from tests.support.threads import at_once
from wallets_site.base.clock import now
from wallets_site.base.errors import InsufficientFunds, InvalidRequest, NotAllowed, NotFound, WrongState

AWAY = encode_address("tst", b"\x07" * 20)
LEFT = (400, 600)  # available, held: 500 and fees of 100 reserved of 1,000


@pytest.fixture
def rich(coin: Coin, alice: User) -> Coin:
    change(confirm_withdraw_admin=False)
    fund(alice, coin, 1_000)
    charge(coin, "move", fixed=100)
    charge(coin, "withdrawal", fixed=100)
    return coin


def change(**values: object) -> None:
    row = site_settings.current()
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def by_program(user: User) -> proofs.Proof:
    return proofs.of_plugin_api(user, where="127.0.0.1")


def move(coin: Coin, alice: User, bob: User, *, proof: proofs.Proof | None = None) -> Operation:
    quote = moves.preview_move(user=alice, coin=coin, recipient=bob, amount=500)
    return moves.request_move(user=alice, quote=quote, proof=proof or by_program(alice), key=fresh_key())


def withdraw(coin: Coin, alice: User) -> Operation:
    quote = withdrawals.preview_withdrawal(user=alice, coin=coin, address=AWAY, amount=500)
    return withdrawals.request_withdrawal(user=alice, quote=quote, proof=by_program(alice), key=fresh_key())


def link(operation: Operation) -> str:
    operation.refresh_from_db()
    return confirmations.token_of(operation)


def fresh(operation: Operation) -> Operation:
    return queries.operation(operation.user, operation.pk)


def test_a_move_by_a_program_waits_for_the_owners_mail_and_reserves_the_coins(rich, alice, bob):
    asked = move(rich, alice, bob)
    assert (asked.status, fresh(asked).status) == ("unconfirmed", "unconfirmed")
    assert balances(rich, alice, bob) == [LEFT, (0, 0)]
    assert "link in the mail" in queries.waiting_for(fresh(asked))
    assert queries.waiting_for(Operation.objects.get(user=bob)) == "Waiting for the sender's confirmation."

    lifecycle.confirm_by_mail(token=link(asked))

    assert balances(rich, alice, bob) == [(400, 0), (500, 0)]
    assert books(rich)["fee_income"] == 100
    assert set(Operation.objects.filter(kind="move").values_list("status", "user_confirm")) == {("done", True)}


def test_who_shows_a_factor_is_asked_for_no_mail(rich, alice, bob):
    proof = proofs.make(alice, proofs.Factor.PASSWORD, where="127.0.0.1")
    assert move(rich, alice, bob, proof=proof).status == "done"


def test_a_withdrawal_waits_for_mail_and_manager_and_is_paid_after_both(rich, alice, manager):
    change(confirm_withdraw_admin=True)
    asked = withdraw(rich, alice)
    assert asked.withdrawal.state == "waiting"
    pay_now(rich)
    assert fresh(asked).withdrawal.state == "waiting"

    lifecycle.confirm_by_mail(token=link(asked))
    assert fresh(asked).status == "unconfirmed"
    assert queries.waiting_for(fresh(asked)) == "Waiting for a manager's approval. The coins are reserved meanwhile."
    lifecycle.approve(user=manager, operation_id=asked.pk, reason="Known customer.")
    assert (fresh(asked).status, fresh(asked).withdrawal.state) == ("pending", "queued")
    pay_now(rich)
    assert fresh(asked).withdrawal.state == "attempted"
    assert Approval.objects.get().version == 1


def test_by_default_a_manager_approves_what_programs_withdraw_and_not_what_people_do(coin, alice, manager):
    fund(alice, coin, 2_000)
    asked = withdraw(coin, alice)
    assert (asked.needs_user_confirm, asked.needs_admin_confirm) == (True, True)
    assert send(alice, coin, AWAY, 500).status == "pending"
    change(approve_withdrawals=True)
    assert send(alice, coin, AWAY, 500).status == "unconfirmed"


def test_a_manager_is_asked_above_an_amount(rich, alice, bob):
    change(confirm_move_user=False)
    bound(rich, "move", approve_above=500)
    assert move(rich, alice, bob).status == "done"
    Limit.objects.update(approve_above=499)
    fund(alice, rich, 1_000)
    assert move(rich, alice, bob).status == "unconfirmed"


def test_what_a_manager_decides_is_in_the_audit_trail_with_its_reason(rich, alice, bob, manager):
    change(confirm_move_user=False, confirm_move_admin=True)
    fund(alice, rich, 1_000)
    good, bad = move(rich, alice, bob), move(rich, alice, bob)
    lifecycle.approve(user=manager, operation_id=good.pk, reason="Known customer.")
    lifecycle.reject(user=manager, operation_id=bad.pk, reason="Never heard of.")

    seen = AuditEvent.objects.filter(what__in=("payment_approved", "payment_refused")).order_by("pk")
    assert [(row.what, row.who, row.about, row.object, row.data["reason"]) for row in seen] == [
        ("payment_approved", manager, alice, f"operation {good.pk}", "Known customer."),
        ("payment_refused", manager, alice, f"operation {bad.pk}", "Never heard of."),
    ]


def test_nobody_approves_what_they_asked_for(rich, bob):
    change(confirm_move_user=False, confirm_move_admin=True)
    asker = make_manager("asker")
    fund(asker, rich, 1_000)
    asked = move(rich, asker, bob)
    for decide in (lifecycle.approve, lifecycle.reject, lifecycle.cancel_as_manager, lifecycle.retry):
        with pytest.raises(NotAllowed, match="somebody else"):
            decide(user=asker, operation_id=asked.pk, reason="Mine.")
    assert balances(rich, asker, bob) == [LEFT, (0, 0)]


def test_only_who_may_approve_decides(rich, alice, bob, charlie):
    change(confirm_move_admin=True)
    asked = move(rich, alice, bob)
    for decide in (lifecycle.approve, lifecycle.reject, lifecycle.cancel_as_manager, lifecycle.retry):
        with pytest.raises(NotAllowed):
            decide(user=charlie, operation_id=asked.pk, reason="Why not.")


@pytest.mark.parametrize("decide", [lifecycle.reject, lifecycle.cancel_as_manager])
@pytest.mark.parametrize("ask", [move, withdraw])
def test_a_no_gives_everything_back_with_its_reason(rich, alice, bob, manager, ask, decide):
    asked = ask(rich, alice, bob) if ask is move else ask(rich, alice)
    with pytest.raises(InvalidRequest):
        decide(user=manager, operation_id=asked.pk, reason=" ")
    decide(user=manager, operation_id=asked.pk, reason="Looks odd.")
    assert fresh(asked).status == "cancelled"
    assert fresh(asked).reason.endswith("Looks odd.")
    assert balances(rich, alice, bob) == [(1_000, 0), (0, 0)]
    with pytest.raises(WrongState):
        lifecycle.confirm_by_mail(token=link(asked))
    with pytest.raises(WrongState):
        decide(user=manager, operation_id=asked.pk, reason="Again.")


@pytest.mark.parametrize("ask", [move, withdraw])
def test_a_retry_is_a_new_version_that_needs_everything_anew(rich, alice, bob, manager, ask):
    change(confirm_move_admin=True, confirm_withdraw_admin=True)
    asked = ask(rich, alice, bob) if ask is move else ask(rich, alice)
    old = link(asked)
    lifecycle.approve(user=manager, operation_id=asked.pk)
    lifecycle.cancel(user=alice, operation_id=asked.pk, key="k")
    lifecycle.retry(user=manager, operation_id=asked.pk, reason="They called us.")

    row = fresh(asked)
    assert (row.status, row.version, row.admin_confirm, row.user_confirm) == ("unconfirmed", 2, False, False)
    assert balances(rich, alice) == [LEFT]
    with pytest.raises(WrongState):
        lifecycle.confirm_by_mail(token=old)
    lifecycle.cancel(user=alice, operation_id=asked.pk, key="k2")
    assert balances(rich, alice) == [(1_000, 0)]
    lifecycle.retry(user=manager, operation_id=asked.pk, reason="Once more.")
    lifecycle.confirm_by_mail(token=link(asked))
    lifecycle.approve(user=manager, operation_id=asked.pk)
    assert fresh(asked).status == ("done" if ask is move else "pending")


def test_a_retry_needs_the_coins(rich, alice, bob, manager):
    asked = move(rich, alice, bob)
    lifecycle.cancel(user=alice, operation_id=asked.pk, key="k")
    move(rich, alice, bob)
    with pytest.raises(InsufficientFunds):
        lifecycle.retry(user=manager, operation_id=asked.pk, reason="Try.")
    assert fresh(asked).version == 1


def test_the_owner_cancels_and_nobody_else_does(rich, alice, bob):
    asked = move(rich, alice, bob)
    for number in (asked.pk, asked.pk + 1):
        with pytest.raises(NotFound):
            lifecycle.cancel(user=bob, operation_id=number, key="k")
    for _ in range(2):
        assert lifecycle.cancel(user=alice, operation_id=asked.pk, key="k").status == "cancelled"
    assert balances(rich, alice, bob) == [(1_000, 0), (0, 0)]


def test_the_owner_cancels_on_the_page_of_a_payment_that_waits(rich, alice, bob):
    asked = move(rich, alice, bob)
    client = Client()
    client.force_login(alice)
    page = client.get(reverse("operation", args=[asked.pk])).content.decode()
    assert "Cancel this transfer" in page
    assert "for you to follow the link" in page
    assert client.post(reverse("cancel", args=[asked.pk]), {"key": "k"}).status_code == 302
    assert fresh(asked).status == "cancelled"


def test_a_repeat_of_a_waiting_request_answers_with_the_same_operation(rich, alice, bob):
    quote = moves.preview_move(user=alice, coin=rich, recipient=bob, amount=500)
    made = {moves.request_move(user=alice, quote=quote, proof=by_program(alice), key="k").pk for _ in range(2)}
    assert len(made) == 1
    assert balances(rich, alice) == [LEFT]


def test_only_old_unconfirmed_requests_are_cancelled_by_time(rich, alice, bob):
    asked = move(rich, alice, bob)
    with time_machine.travel(now() + timedelta(minutes=1439)):
        assert lifecycle.expire_unconfirmed() == 0
    with time_machine.travel(now() + timedelta(minutes=1441)):
        change(cron_autocancel=0)
        assert lifecycle.expire_unconfirmed() == 0
        change(cron_autocancel=1440)
        assert lifecycle.expire_unconfirmed() == 1
    assert fresh(asked).reason == "Nobody confirmed this in time."
    assert balances(rich, alice) == [(1_000, 0)]


def test_a_withdrawal_on_its_way_is_cancelled_by_nobody(rich, alice, manager, clock):
    asked = withdraw(rich, alice)
    lifecycle.confirm_by_mail(token=link(asked))
    pay_now(rich)
    with pytest.raises(WrongState):
        lifecycle.cancel_as_manager(user=manager, operation_id=asked.pk, reason="Stop!")
    blocks(rich.confirmations + 1, clock)
    pay_now(rich)
    assert fresh(asked).status == "done"


class TestTheAdmin:
    @pytest.fixture
    def staff(self, manager) -> Client:
        client = Client()
        client.force_login(manager)
        return client

    def act(self, staff: Client, action: str, *rows: Operation, **more: str):
        data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
        return staff.post(reverse("admin:ledger_operation_changelist"), data, follow=True)

    def test_several_are_approved_at_once_and_one_refusal_stops_no_other(self, rich, alice, bob, staff):
        change(confirm_move_user=False, confirm_move_admin=True)
        fund(alice, rich, 1_000)
        asked = [move(rich, alice, bob), move(rich, alice, bob), move(rich, alice, bob)]
        lifecycle.cancel(user=alice, operation_id=asked[1].pk, key="k")
        answer = self.act(staff, "approve_them", *asked)
        assert [fresh(row).status for row in asked] == ["done", "cancelled", "done"]
        assert "waits for no approval" in answer.content.decode()

    def test_a_rejection_asks_for_its_reason_first(self, rich, alice, bob, staff, manager):
        change(confirm_move_admin=True)
        asked = move(rich, alice, bob)
        answer = self.act(staff, "reject_them", asked)
        assert "Reason" in answer.content.decode()
        assert fresh(asked).status == "unconfirmed"
        self.act(staff, "reject_them", asked, reason="Too much.")
        assert fresh(asked).reason == "Rejected by a manager: Too much."
        row = Approval.objects.get()
        assert (row.person, row.verdict, row.reason) == (manager, "rejected", "Too much.")

    def test_cancel_and_retry(self, rich, alice, bob, staff):
        asked = move(rich, alice, bob)
        self.act(staff, "cancel_them", asked, reason="No.")
        assert fresh(asked).status == "cancelled"
        self.act(staff, "retry_them", asked, reason="Yes.")
        assert fresh(asked).status == "unconfirmed"

    def test_the_settings_are_one_page_and_each_change_is_in_the_trail(self, site, staff, manager):
        page = reverse("admin:ledger_sitesettings_changelist")
        assert "do_cron" in staff.get(page, follow=True).content.decode()
        form = dict.fromkeys(("confirm_link_hours", "cron_interval", "retries_move", "confirm_redirect_seconds"), "1")
        form |= {"cron_autocancel": "99", "cron_batch_size": "5", "confirm_withdraw_user": "on"}
        assert staff.post(reverse("admin:ledger_sitesettings_change", args=[1]), form).status_code == 302
        event = AuditEvent.objects.get(what="settings_changed")
        assert event.who == manager
        assert event.data["changes"]["cron_autocancel"] == ["1440", "99"]
        assert event.data["changes"]["confirm_move_user"] == ["True", "False"]

    @pytest.mark.parametrize(("name", "value"), [("cron_batch_size", "0"), ("cron_batch_size", "1001"),
                                                 ("cron_autocancel", "10081"), ("notify_secret", "short"),
                                                 ("confirm_redirect_url", "//evil.example/"),
                                                 ("confirm_redirect_url", "javascript:alert(1)"),
                                                 ("confirm_redirect_seconds", "0"), ("retries_move", "11"),
                                                 ("confirm_link_hours", "169"), ("cron_interval", "31")])  # fmt: skip
    def test_settings_out_of_bounds_are_refused(self, site, staff, name, value):
        form = {"confirm_link_hours": "1", "cron_interval": "1", "retries_move": "1", "cron_autocancel": "9",
                "cron_batch_size": "5", "confirm_redirect_seconds": "3", name: value}  # fmt: skip
        site_settings.current()
        answer = staff.post(reverse("admin:ledger_sitesettings_change", args=[1]), form)
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == [name]
        assert getattr(site_settings.current(), name) != (int(value) if value.isdigit() else value)

    def test_every_setting_says_what_it_does_and_every_number_has_bounds(self, site, staff):
        page = staff.get(reverse("admin:ledger_sitesettings_change", args=[site_settings.current().pk]))
        fields = page.context["adminform"].form.fields
        assert [name for name, field in fields.items() if not field.help_text] == []
        columns = [SiteSettings._meta.get_field(name) for name in fields]
        numbers = [each for each in columns if isinstance(each, IntegerField)]
        bounds = {each.name: {type(bound) for bound in vars(each)["_validators"]} for each in numbers}
        assert len(bounds) == 6
        assert set(map(frozenset, bounds.values())) == {frozenset({MinValueValidator, MaxValueValidator})}

    def test_the_cron_address_is_renewed_and_never_shown_in_the_trail(self, site, staff):
        before = site_settings.current().cron_nonce
        assert staff.post(reverse("admin:rotate_cron")).status_code == 302
        after = site_settings.current().cron_nonce
        assert before != after
        event = AuditEvent.objects.get(what="settings_changed")
        assert event.data == {"changes": {"cron_nonce": ["changed"]}}

    def test_a_change_of_a_fee_is_in_the_trail(self, rich, staff):
        page = reverse("admin:ledger_coin_change", args=[rich.pk])
        shown = staff.get(page)
        form = {**shown.context["adminform"].form.initial}
        form = {name: value for name, value in form.items() if value is not None and value is not False}
        for formset in shown.context["inline_admin_formsets"]:
            form |= {f"{formset.formset.prefix}-{key}": value for key, value in
                     formset.formset.management_form.initial.items()}  # fmt: skip
            for each in formset.formset.initial_forms:
                known = {name: each.initial.get(name) for name in each.fields}
                form |= {each.add_prefix(name): "" if value is None else value for name, value in known.items()}
                form[each.add_prefix("id")] = each.instance.pk
                if "fixed" in each.fields and each.instance.purpose == "move":
                    form[each.add_prefix("fixed")] = "0.5"
        answer = staff.post(page, form)
        assert answer.status_code == 302, answer.context["errors"]
        changes = [event.data["changes"] for event in AuditEvent.objects.filter(what="settings_changed")]
        assert {"fixed": ["0.000001", "0.5"]} in changes


def _run(do: list[Callable[[], Operation]], number: int) -> str:
    return do[number]().status


@pytest.mark.both_databases
def test_a_confirmation_and_a_cancellation_at_once_move_the_coins_once(engine, rich, alice, bob):
    for _ in range(5):
        fund(alice, rich, 600)
        asked = move(rich, alice, bob)
        token, before = link(asked), balances(rich, alice, bob)
        do: list[Callable[[], Operation]] = [
            functools.partial(lifecycle.confirm_by_mail, token=token),
            functools.partial(lifecycle.confirm_by_mail, token=token),
            functools.partial(lifecycle.cancel, user=alice, operation_id=asked.pk, key="k"),
        ]
        answers = at_once(3, functools.partial(_run, do))
        assert sum(not isinstance(answer, Exception) for answer in answers) == 1, answers
        gone = fresh(asked).status == "done"
        (free, held), (got, _) = before
        after = [(free, held - 600), (got + 500, 0)] if gone else [(free + 600, held - 600), (got, 0)]
        assert balances(rich, alice, bob) == after
        books(rich)
