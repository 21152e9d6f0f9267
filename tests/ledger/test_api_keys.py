"""Keys for programs: shown once, never above their scopes, networks, term and daily bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import api_keys
from accounts import proof as proofs
from accounts.models import ApiKey, AuditEvent
from adapters.demo import encode_address
from ledger.drains import mail as outbox
from ledger.models import KeySpend
from ledger.services import contacts, holds, key_caps, lifecycle, sending, webhooks
from tests.accounts.people import trail
from tests.support.money import balances, charge, fresh_key, fund, make_coin, proof_of
from tests.support.threads import at_once
from wallets_site.base import throttle
from wallets_site.base.clock import now
from wallets_site.base.errors import (
    IdempotencyConflict,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    NotFound,
    ProofRequired,
)

HERE = "192.0.2.7"
OUTSIDE = encode_address("tst", b"\x07" * 20)


def make(user, *scopes: str, **more) -> tuple[ApiKey, str]:
    wanted = {"name": "shop", "proof": proof_of(user), "key": fresh_key(), **more}
    return key_caps.make_key(user=user, scopes=scopes or ("read",), **wanted)


def proof_by(key: ApiKey) -> proofs.Proof:
    return proofs.of_api_key(key.owner, key_id=key.pk, scopes=key.scopes, where=HERE)


def pay(key: ApiKey, coin, to: str, amount: int):
    quote = sending.preview_send(user=key.owner, coin=coin, to=to, amount=amount)
    return sending.request_send(user=key.owner, quote=quote, proof=proof_by(key), key=fresh_key())


def test_a_key_opens_its_account_and_is_nowhere_in_the_database(coin, alice):
    row, text = make(alice, "read", "send")
    assert api_keys.find_key(text, where=HERE) == row
    assert text.startswith(row.prefix)
    assert all(text not in str(value) for value in vars(row).values())
    assert trail()[-1] == ("alice", "key_made")
    assert text not in str(list(AuditEvent.objects.values_list("object", "data")))


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda t: t + " ", lambda t: t[:-1], lambda t: t + "A"])
def test_nothing_but_the_key_itself_opens_it(coin, alice, change):
    _, text = make(alice)
    assert api_keys.find_key(change(text), where=HERE) is None


def test_a_key_ends_with_its_term_its_revocation_and_its_owner(coin, clock, alice):
    row, text = make(alice, expires_at=now() + timedelta(days=1))
    assert api_keys.find_key(text, where=HERE) == row
    clock.shift(timedelta(days=1))
    assert api_keys.find_key(text, where=HERE) is None

    other, text = make(alice)
    api_keys.revoke(user=alice, key_id=other.pk)
    api_keys.revoke(user=alice, key_id=other.pk)
    assert api_keys.find_key(text, where=HERE) is None
    assert [what for _, what in trail()].count("key_revoked") == 1

    _, text = make(alice)
    alice.groups.clear()
    assert api_keys.find_key(text, where=HERE) is None
    alice.is_active = False
    alice.save(update_fields=["is_active"])
    assert api_keys.find_key(text, where=HERE) is None


def test_a_key_comes_from_its_networks_only(coin, alice):
    _, text = make(alice, addresses=["192.0.2.0/28", "2001:db8::1"])
    for where, opens in (("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("2001:db8::1", True), ("192.0.2.77", False),
                         ("2001:db8::2", False), ("", False), ("x", False)):  # fmt: skip
        assert (api_keys.find_key(text, where=where) is not None) is opens, where


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []}, {"scopes": ["admin"]}, {"name": ""}, {"name": "x" * 61}, {"addresses": ["nowhere"]},
        {"addresses": [f"10.0.0.{n}" for n in range(21)]}, {"expires_at": now() - timedelta(seconds=1)},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(coin, alice, wrong):
    given = {"name": "shop", "scopes": ["read"], "proof": proof_of(alice), "key": "k", **wrong}
    with pytest.raises(InvalidRequest):
        key_caps.make_key(user=alice, **given)
    assert ApiKey.objects.count() == 0


def test_the_same_request_makes_one_key_and_shows_it_once(coin, alice):
    row, text = make(alice, key="same")
    again, nothing = make(alice, key="same")
    assert (again.pk, bool(text), nothing) == (row.pk, True, "")
    with pytest.raises(IdempotencyConflict):
        make(alice, "send", key="same")


def test_only_a_person_makes_a_key(coin, alice, bob):
    row, _ = make(alice, *api_keys.Scope)
    for proof in (
        proof_by(row), proofs.of_plugin_api(alice, where=HERE), proofs.of_mail(alice, where=HERE), proof_of(bob),
        proofs.make(alice, proofs.Factor.PASSWORD, where="", at=now() - timedelta(minutes=6)),
    ):  # fmt: skip
        with pytest.raises(ProofRequired):
            make(alice, "read", proof=proof)
    assert ApiKey.objects.count() == 1


def test_a_key_pays_only_what_its_scopes_say(coin, alice, bob):
    fund(alice, coin, 10_000)
    sender, _ = make(alice, "send")
    drawer, _ = make(alice, "withdraw")
    reader, _ = make(alice, "read", "receive", "manage")
    pay(sender, coin, "bob", 10)
    pay(drawer, coin, OUTSIDE, 2_000)
    before = balances(coin, alice, bob)
    for key, to, amount in (
        (sender, OUTSIDE, 2_000),
        (drawer, "bob", 10),
        (reader, "bob", 10),
        (reader, OUTSIDE, 2_000),
    ):
        with pytest.raises(NotAllowed, match="no scope"):
            pay(key, coin, to, amount)
    assert balances(coin, alice, bob) == before


def test_a_key_never_does_what_only_a_person_may(coin, alice):
    everything, _ = make(alice, *api_keys.Scope)
    contacts.lock(user=alice)
    with pytest.raises(ProofRequired, match="No key may do this"):
        contacts.unlock(user=alice, proof=proof_by(everything))
    reader, _ = make(alice, "read")
    with pytest.raises(NotAllowed):
        webhooks.create(user=alice, url="https://example.com/", proof=proof_by(reader), key="k")
    with pytest.raises(NotAllowed):
        holds.place_hold(user=alice, coin=coin, amount=1, expires_at=now(), proof=proof_by(reader), key="k")


@pytest.mark.both_databases
def test_a_day_bound_holds_for_one_key_and_one_coin(site, clock, alice, bob):
    coin, other = make_coin(), make_coin("OTH")
    charge(coin, "move", fixed=1)
    for each in (coin, other):
        fund(alice, each, 10_000)
    bounded, _ = make(alice, "send", "withdraw", caps={coin: 100})
    free, _ = make(alice, "send")
    pay(bounded, coin, "bob", 59)
    with pytest.raises(LimitReached, match=r"0\.0000004 TST more"):
        pay(bounded, coin, "bob", 40)
    pay(bounded, coin, "bob", 39)
    assert key_caps.caps_of(bounded) == [(coin, 100, 0)]
    pay(bounded, other, "bob", 5_000)
    pay(free, coin, "bob", 5_000)
    with pytest.raises(LimitReached):
        pay(bounded, coin, "bob", 1)
    clock.shift(timedelta(days=1, seconds=1))
    pay(bounded, coin, "bob", 99)
    assert balances(coin, bob) == [(59 + 39 + 5_000 + 99, 0)]
    assert KeySpend.objects.count() == 5


def test_what_was_cancelled_is_free_again(coin, alice):
    fund(alice, coin, 10_000)
    row, _ = make(alice, "withdraw", caps={coin: 3_000})
    paid = pay(row, coin, OUTSIDE, 3_000)
    lifecycle.cancel(user=alice, operation_id=paid.pk, key="c")
    pay(row, coin, OUTSIDE, 3_000)
    with pytest.raises(LimitReached):
        pay(row, coin, OUTSIDE, 3_000)


@pytest.mark.both_databases
def test_many_payments_at_once_stay_within_the_bound(coin, alice, bob):
    fund(alice, coin, 10_000)
    row, _ = make(alice, "send", caps={coin: 50})
    answers = at_once(12, lambda _: pay(row, coin, "bob", 10))
    assert sum(isinstance(answer, LimitReached) for answer in answers) == 7
    assert balances(coin, bob) == [(50, 0)]


def test_the_owner_hears_of_a_new_key_by_mail(coin, alice, mailoutbox):
    _, text = make(alice, "read", "withdraw")
    outbox.deliver()
    (letter,) = mailoutbox
    assert letter.to == ["alice@example.com"]
    assert "“shop”" in letter.body
    assert "see balances, activity, addresses and the feed" in letter.body
    assert "withdraw to outside addresses, and cancel what waits" in letter.body
    assert text not in letter.body + str(letter.alternatives)


def test_nobody_else_sees_or_revokes_a_key(coin, alice, bob):
    row, text = make(alice)
    with pytest.raises(NotFound):
        api_keys.revoke(user=bob, key_id=row.pk)
    assert list(api_keys.of(bob)) == []
    assert api_keys.find_key(text, where=HERE) == row


def test_last_use_is_written_at_most_once_a_minute(coin, clock, alice):
    row, _ = make(alice)
    seen = []
    for _ in range(4):
        api_keys.note_use(row, HERE)
        row.refresh_from_db()
        seen.append(row.last_used_at)
        clock.shift(timedelta(seconds=25))
    assert len(set(seen)) == 2
    api_keys.note_use(row, "192.0.2.8")
    row.refresh_from_db()
    assert row.last_ip == "192.0.2.8"


@pytest.mark.both_databases
def test_requests_are_counted_exactly_by_many_at_once(site):
    answers = at_once(20, lambda _: throttle.count("here", 3600).used)
    assert sorted(int(str(answer)) for answer in answers) == list(range(1, 21))
    assert throttle.count("elsewhere", 3600).used == 1
    assert 0 < throttle.count("here", 3600).resets <= 3600
