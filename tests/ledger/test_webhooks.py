"""Webhooks: signed, at least once, in order for each subject, whatever the receiver and our own processes do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import proof as proofs
from ledger.drains import webhooks as drain
from ledger.models import Push, PushAttempt, Webhook
from ledger.services import feed, webhooks
from tests.support.hooks import receiver
from tests.support.money import fresh_key, fund, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import IdempotencyConflict, InvalidRequest, LimitReached, NotFound, ProofRequired


@pytest.fixture
def program(settings):
    with receiver() as made:
        settings.WALLETS_WEBHOOK_PRIVATE = [made.place]
        yield made


def hook(user, program, *names: str) -> tuple[Webhook, str]:
    return webhooks.create(
        user=user, url=program.url, names=names, known=feed.names(), proof=proof_of(user), key=fresh_key()
    )


def states() -> list[tuple[str, str, int]]:
    return [(row.name, row.state, row.tries) for row in Push.objects.order_by("pk")]


@pytest.mark.both_databases
def test_what_happens_is_pushed_signed_and_once(coin, alice, bob, program):
    fund(alice, coin, 1_000)
    webhook, secret = hook(bob, program)
    send(alice, coin, "bob", 400)
    assert drain.deliver() == 2

    assert program.names == ["balance_changed", "move_received"]
    assert [heard.body for heard in program.heard] == [
        {**heard.body, "number": number} for number, heard in enumerate(program.heard, start=1)
    ]
    assert program.heard[1].body["data"]["operation"]["amount"] == "0.000004"
    assert all(heard.is_signed_by(secret) for heard in program.heard)
    assert not program.heard[0].is_signed_by(webhooks.personal_secret(bob.pk))
    assert abs(int(program.heard[0].headers["webhook-timestamp"]) - now().timestamp()) < 60
    assert program.heard[0].headers["content-type"] == "application/json"
    assert drain.deliver() == 0
    assert len(program.heard) == 2
    assert webhook.secret != secret, "it is kept encrypted"
    assert secret not in webhook.secret


def test_it_hears_of_what_it_asked_for_and_of_nothing_before_it(coin, alice, bob, program):
    fund(alice, coin, 1_000)
    send(alice, coin, "bob", 1)
    hook(bob, program, "move_received")
    send(alice, coin, "bob", 2)
    drain.deliver()
    assert program.names == ["move_received"]
    assert program.heard[0].body["data"]["operation"]["amount"] == "0.00000002"


def test_what_was_not_taken_is_tried_again_with_growing_pauses_and_the_same_id(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    hook(bob, program, "move_received")
    send(alice, coin, "bob", 1)
    program.answers = lambda heard: 500
    tried = []
    for pause in (10, 60, 300, 1800, 7200, 21_600, 43_200, 86_400, 86_400):
        drain.deliver()
        tried.append(len(program.heard))
        clock.shift(timedelta(seconds=pause - 1))
        drain.deliver()
        assert len(program.heard) == tried[-1], "not before its pause is over"
        clock.shift(timedelta(seconds=1))
    assert tried == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert states() == [("move_received", "failed", 9)]
    assert len({heard.headers["webhook-id"] for heard in program.heard}) == 1
    assert list(PushAttempt.objects.values_list("status", "error")) == [(500, "It answered with 500.")] * 9
    drain.deliver()
    assert len(program.heard) == 9


def test_a_later_message_of_one_subject_waits_for_the_earlier_one(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    hook(bob, program, "balance_changed", "move_received")
    for amount in (1, 2, 3):
        send(alice, coin, "bob", amount)
    program.answers = lambda heard: 500 if heard.body["data"].get("line") == 2 else 200
    for _ in range(5):
        drain.deliver()
        clock.shift(timedelta(seconds=61))
    lines = [heard.body["data"]["line"] for heard in program.heard if heard.body["name"] == "balance_changed"]
    assert lines[:2] == [1, 2]
    assert 3 not in lines, "the third waits for the second"
    assert program.names.count("move_received") == 3, "other subjects do not wait"
    program.answers = lambda heard: 200
    for _ in range(3):
        clock.shift(timedelta(days=2))
        drain.deliver()
    lines = [heard.body["data"]["line"] for heard in program.heard if heard.body["name"] == "balance_changed"]
    assert lines[-2:] == [2, 3]


@pytest.mark.parametrize("status", [199, 301, 302, 307, 404, 429, 500, 503])
def test_only_a_2xx_is_taken(coin, alice, bob, program, status):
    fund(alice, coin, 1_000)
    hook(bob, program, "move_received")
    send(alice, coin, "bob", 1)
    program.answers = lambda heard: status
    assert drain.deliver() == 0
    assert states() == [("move_received", "queued", 1)]


def test_a_receiver_that_is_not_there_leaves_no_trace_of_its_address(coin, alice, bob, program):
    fund(alice, coin, 1_000)
    hook(bob, program, "move_received")
    program.server.server_close()
    send(alice, coin, "bob", 1)
    assert drain.deliver() == 0
    attempt = PushAttempt.objects.get()
    assert (attempt.status, attempt.error) == (None, "connection refused")


def test_a_process_that_died_while_handing_over_is_made_good(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    hook(bob, program, "move_received")
    send(alice, coin, "bob", 1)
    feed.publish(bob.pk)
    push = webhooks.due(busy=(), most=8)[0]
    assert webhooks.claim(push)  # and here it dies
    assert drain.deliver() == 0
    assert not webhooks.claim(push), "a second process does not take the same turn"
    clock.shift(timedelta(seconds=11))
    assert drain.deliver() == 1
    assert states() == [("move_received", "sent", 2)]


def test_one_broken_receiver_holds_up_nobody_else(coin, alice, bob, program):
    fund(alice, coin, 1_000)
    hook(alice, program, "move_sent")
    hook(bob, program, "move_received")
    program.answers = lambda heard: 500 if heard.body["name"] == "move_sent" else 200
    for _ in range(5):
        send(alice, coin, "bob", 1)
    drain.deliver()
    assert program.names.count("move_received") == 5
    assert program.names.count("move_sent") == 1, "a receiver that fails is let alone for a while"


def test_after_days_of_nothing_but_failures_it_is_switched_off_and_its_owner_told(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    webhook, _ = hook(bob, program, "move_received")
    program.answers = lambda heard: 500
    for _ in range(7):
        send(alice, coin, "bob", 1)
        drain.deliver()
        clock.shift(timedelta(days=1))
    webhook.refresh_from_db()
    assert not webhook.is_active
    assert webhook.reason == "Nothing was taken for 5 days: It answered with 500."
    assert [item.name for item in feed.read(bob)][-1] == "webhook_stopped"
    heard = len(program.forget())
    assert heard > 5
    drain.deliver()
    assert program.heard == []
    webhooks.switch(user=bob, webhook_id=webhook.pk, on=True)
    program.answers = lambda heard: 200
    clock.shift(timedelta(days=2))
    drain.deliver()
    assert program.names
    assert set(program.names) == {"move_received"}


def test_for_a_day_after_a_rotation_both_secrets_are_good(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    webhook, old = hook(bob, program, "move_received")
    _, new = webhooks.rotate_secret(user=bob, webhook_id=webhook.pk, proof=proof_of(bob))
    for days in (0, 2):
        clock.shift(timedelta(days=days))
        send(alice, coin, "bob", 1)
        drain.deliver()
    first, second = program.heard
    assert [first.is_signed_by(old), first.is_signed_by(new)] == [True, True]
    assert [second.is_signed_by(old), second.is_signed_by(new)] == [False, True]


def test_messages_are_pushed_again_one_by_one_by_subject_and_by_time(coin, clock, alice, bob, program):
    fund(alice, coin, 1_000)
    webhook, _ = hook(bob, program, "move_received")
    for amount in (1, 2, 3):
        send(alice, coin, "bob", amount)
        drain.deliver()
        clock.shift(timedelta(hours=1))
    first, second, third = (heard.headers["webhook-id"] for heard in program.forget())
    newest = webhooks.pushes(bob)[0]

    webhooks.resend(user=bob, push_id=newest.pk)
    drain.deliver()
    assert [heard.headers["webhook-id"] for heard in program.forget()] == [third]

    subject = webhooks.pushes(bob)[1].subject
    assert webhooks.resend_many(user=bob, webhook_id=webhook.pk, subject=subject) == 1
    drain.deliver()
    assert [heard.headers["webhook-id"] for heard in program.forget()] == [second]

    since = now() - timedelta(hours=3, minutes=5)
    assert webhooks.resend_many(user=bob, webhook_id=webhook.pk, since=since, until=now() - timedelta(hours=2)) == 1
    drain.deliver()
    assert [heard.headers["webhook-id"] for heard in program.forget()] == [first]
    assert [len(push.attempts.all()) for push in webhooks.pushes(bob)] == [2, 2, 2]
    with pytest.raises(InvalidRequest):
        webhooks.resend_many(user=bob, webhook_id=webhook.pk)


def test_a_test_is_pushed_and_tells_nothing(coin, bob, program):
    webhook, secret = hook(bob, program)
    webhooks.test(user=bob, webhook_id=webhook.pk, key="t")
    webhooks.test(user=bob, webhook_id=webhook.pk, key="t")
    drain.deliver()
    assert program.names == ["test"]
    assert program.heard[0].is_signed_by(secret)


def test_one_message_to_an_address_given_once(coin, alice, program):
    body = {"payment_hash": "ab" * 32, "amount": 1000}
    said = {"user_id": alice.pk, "url": program.url, "name": "payment", "subject": "invoice:1", "key": "invoice:1"}
    first = webhooks.push_once(body=body, **said)
    assert webhooks.push_once(body=body, **said).pk == first.pk
    assert drain.deliver() == 1
    assert program.heard[0].body == body
    assert program.heard[0].is_signed_by(webhooks.personal_secret(alice.pk))
    with pytest.raises(InvalidRequest):
        webhooks.push_once(body={"x": "y" * 40_000}, **(said | {"key": "k2"}))


BAD_URLS = (
    *("", "ftp://example.com/", "http://", "example.com", "http://user:pw@example.com/", "http://example.com:22/"),
    *("http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest", "https://10.0.0.1/", "http://a b/"),
    *("http://127.0.0.1\\@example.com/", "http://exämple.com/", "https://example.com/" + "a" * 2000, "http://x\n.com/"),
)


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_we_do_not_call_is_refused_in_words(coin, bob, url):
    with pytest.raises(InvalidRequest, match="We cannot call this address"):
        webhooks.create(user=bob, url=url, proof=proof_of(bob), key="k")
    assert Webhook.objects.count() == 0


def test_a_name_that_leads_inside_is_refused_when_it_is_called(coin, alice, bob):
    fund(alice, coin, 1_000)
    webhooks.create(user=bob, url="https://example.com/", proof=proof_of(bob), key="k")
    Webhook.objects.update(url="http://localhost:8080/")  # a name that led elsewhere when it was entered
    send(alice, coin, "bob", 1)
    assert drain.deliver() == 0
    assert set(PushAttempt.objects.values_list("error", flat=True)) == {"the host is not on the public internet"}


def test_the_same_key_makes_one_webhook_and_no_person_has_more_than_ten(coin, bob):
    made, secret = webhooks.create(user=bob, url="https://example.com/", proof=proof_of(bob), key="k")
    again, nothing = webhooks.create(user=bob, url="https://example.com/", proof=proof_of(bob), key="k")
    assert (again.pk, nothing) == (made.pk, "")
    assert secret.startswith("whsec_")
    with pytest.raises(IdempotencyConflict):
        webhooks.create(user=bob, url="https://example.com/other", proof=proof_of(bob), key="k")
    for number in range(9):
        webhooks.create(user=bob, url="https://example.com/", proof=proof_of(bob), key=f"k{number}")
    with pytest.raises(LimitReached):
        webhooks.create(user=bob, url="https://example.com/", proof=proof_of(bob), key="eleventh")
    assert Webhook.objects.count() == 10


def test_somebody_elses_webhooks_and_messages_do_not_exist(coin, alice, bob, charlie, program):
    webhook, _ = hook(bob, program)
    push = webhooks.test(user=bob, webhook_id=webhook.pk, key="t")
    for refused in (
        lambda: webhooks.find(charlie, webhook.pk),
        lambda: webhooks.remove(user=charlie, webhook_id=webhook.pk),
        lambda: webhooks.switch(user=charlie, webhook_id=webhook.pk, on=False),
        lambda: webhooks.rotate_secret(user=charlie, webhook_id=webhook.pk, proof=proof_of(charlie)),
        lambda: webhooks.test(user=charlie, webhook_id=webhook.pk, key="t"),
        lambda: webhooks.resend(user=charlie, push_id=push.pk),
        lambda: webhooks.resend_many(user=charlie, webhook_id=webhook.pk, subject="test"),
    ):
        with pytest.raises(NotFound):
            refused()
    assert webhooks.pushes(charlie) == []
    stale = proofs.make(bob, proofs.Factor.PASSWORD, where="", at=now() - timedelta(minutes=6))
    with pytest.raises(ProofRequired):
        webhooks.create(user=bob, url="https://example.com/", proof=stale, key="k")
