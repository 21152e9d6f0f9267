from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from accounts.models import User
from ledger import queries
from ledger.drains import mail as mail_drain
from ledger.models import Contact
from ledger.services import contacts
from tests.support.factories import make_user
from tests.support.money import address_of, balances, fund, make_coin, proof_of, send
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest, NotAllowed, NotFound, ProofRequired


@pytest.fixture
def coin(site):
    return make_coin()


@pytest.fixture
def outside(coin, charlie):
    """An address of the same kind of coin that this site does not hold."""
    return address_of(charlie, make_coin("OUT", prefix="tst"))


def confirmed(contact: Contact) -> Contact:
    return contacts.confirm(contacts.token_of(contact))


def test_a_member_is_a_contact_at_once_and_an_address_after_its_mail(coin, alice, bob, outside):
    assert contacts.add(user=alice, label="Bob", to="bob").confirmed_at is not None
    savings = contacts.add(user=alice, label="Savings", to=outside, coin=coin)
    assert savings.confirmed_at is None

    mail_drain.deliver()

    assert mail.outbox[0].to == ["alice@example.com"]
    assert outside in str(mail.outbox[0].body)
    link = next(line for line in str(mail.outbox[0].body).splitlines() if "/contacts/confirm/" in line)
    assert contacts.confirm(link.rstrip("/").rpartition("/")[2]).pk == savings.pk


def test_a_link_works_once_and_for_an_hour(coin, alice, outside, clock):
    early = contacts.add(user=alice, label="One", to=outside, coin=coin)
    token = contacts.token_of(early)
    confirmed(early)
    with pytest.raises(NotFound):
        contacts.confirm(token)

    late = contacts.add(user=alice, label="Two", to=outside, coin=coin, extra="7")
    token = contacts.token_of(late)
    clock.shift(timedelta(hours=1, seconds=1))
    with pytest.raises(NotFound):
        contacts.confirm(token)
    with pytest.raises(NotFound):
        contacts.confirm("rubbish")


def test_nobody_and_somebody_without_wallets_get_the_same_answer(coin, alice, bob):
    make_user("dora", groups=())
    said = []
    for name in ("nobody", "dora", "dora@example.com", "nobody@example.com"):
        with pytest.raises(InvalidRequest) as refusal:
            contacts.add(user=alice, label="X", to=name)
        said.append(refusal.value.message)

    assert len(set(said)) == 1
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(("label", "to"), [("", "bob"), ("x" * 61, "bob"), ("Me", "alice")])
def test_a_contact_needs_a_name_and_somebody_else(alice, bob, label, to):
    with pytest.raises(InvalidRequest):
        contacts.add(user=alice, label=label, to=to)


def test_a_name_and_a_recipient_stand_once(alice, bob, charlie):
    contacts.add(user=alice, label="Bob", to="bob")
    for label, to in (("Bob", "charlie"), ("Robert", "bob")):
        with pytest.raises(InvalidRequest):
            contacts.add(user=alice, label=label, to=to)


def test_with_the_lock_on_only_confirmed_contacts_are_paid(coin, alice, bob, charlie, outside, clock):
    fund(alice, coin, 1_000)
    contacts.add(user=alice, label="Bob", to="bob")
    contacts.lock(user=alice)

    send(alice, coin, "bob", 100)
    for to in ("charlie", outside, address_of(charlie, coin)):
        with pytest.raises(NotAllowed):
            send(alice, coin, to, 100)
    waiting = contacts.add(user=alice, label="Charlie", to="charlie")
    with pytest.raises(NotAllowed):
        send(alice, coin, "charlie", 100)
    confirmed(waiting)
    send(alice, coin, "charlie", 100)
    confirmed(contacts.add(user=alice, label="Out", to=outside, coin=coin))
    clock.shift(timedelta(hours=24))
    send(alice, coin, outside, 100)

    assert balances(coin, alice, bob, charlie) == [(700, 100), (100, 0), (100, 0)]


def test_a_new_address_waits_a_day_under_the_lock(coin, alice, outside, clock):
    """Locking is instant; whoever wants to pay somewhere else can wait, and the owner has time to see the mail."""
    fund(alice, coin, 1_000)
    contacts.lock(user=alice)
    confirmed(contacts.add(user=alice, label="Out", to=outside, coin=coin))
    clock.shift(timedelta(hours=23, minutes=59))
    with pytest.raises(NotAllowed):
        send(alice, coin, outside, 100)
    assert balances(coin, alice) == [(1_000, 0)]
    clock.shift(timedelta(minutes=1))
    send(alice, coin, outside, 100)
    assert balances(coin, alice) == [(900, 100)]


def test_opening_the_lock_waits_as_long_as_the_site_says(coin, alice, bob, clock, settings):
    settings.WALLETS_LOOSEN_HOURS = 48
    fund(alice, coin, 1_000)
    contacts.lock(user=alice)
    opens = contacts.unlock(user=alice, proof=proof_of(alice))
    assert opens == now() + timedelta(hours=48)
    clock.shift(timedelta(hours=47))
    with pytest.raises(NotAllowed):
        send(alice, coin, "bob", 100)
    clock.shift(timedelta(hours=2))
    send(alice, coin, "bob", 100)


def test_a_quote_taken_before_the_lock_does_not_pass_it(coin, alice, bob):
    from ledger.services import sending

    fund(alice, coin, 1_000)
    quote = sending.preview_send(user=alice, coin=coin, to="bob", amount=100)
    contacts.lock(user=alice)

    with pytest.raises(NotAllowed):
        sending.request_send(user=alice, quote=quote, proof=proof_of(alice), key="k")

    assert balances(coin, alice, bob) == [(1_000, 0), (0, 0)]


def test_the_lock_opens_a_day_after_it_was_asked_to_and_tells_by_mail(coin, alice, bob, clock):
    fund(alice, coin, 1_000)
    contacts.lock(user=alice)
    contacts.unlock(user=alice, proof=proof_of(alice))
    mail_drain.deliver()
    assert "contacts lock opens" in mail.outbox[-1].subject

    clock.shift(timedelta(hours=23, minutes=59))
    with pytest.raises(NotAllowed):
        send(User.objects.get(pk=alice.pk), coin, "bob", 100)
    clock.shift(timedelta(minutes=2))
    send(User.objects.get(pk=alice.pk), coin, "bob", 100)

    assert queries.balance(bob, coin).available == 100


def test_asking_the_lock_to_open_needs_a_fresh_proof(alice, clock):
    contacts.lock(user=alice)
    old = proof_of(alice)
    clock.shift(timedelta(minutes=6))
    with pytest.raises(ProofRequired):
        contacts.unlock(user=alice, proof=old)

    assert User.objects.get(pk=alice.pk).contacts_only_until is None


def test_a_contact_of_somebody_else_is_not_there(alice, bob, charlie):
    mine = contacts.add(user=alice, label="Charlie", to="charlie")
    with pytest.raises(NotFound):
        contacts.remove(user=bob, contact_id=mine.pk)
    assert Contact.objects.count() == 1
