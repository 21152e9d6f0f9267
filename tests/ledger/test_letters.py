"""Each event the plugin (4.3.1) writes of has its letter: its reader, text and HTML, its switch, a site's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import time_machine
from django.core import mail
from django.template import engines
from django.test import override_settings

from accounts.models import User
from adapters.demo import encode_address
from ledger.drains import mail as outbox
from ledger.models import Coin, Delivery, Operation
from ledger.services import lifecycle
from ledger.services.mail import LETTERS
from tests.ledger.test_lifecycle import change, move, withdraw
from tests.support.money import blocks, fund, pay_now, send
from wallets_site.base.clock import now

AWAY = encode_address("tst", b"\x09" * 20)


@dataclass
class Scene:
    coin: Coin
    alice: User
    bob: User
    manager: User
    clock: time_machine.Traveller


def _sent(scene: Scene) -> Operation:
    return send(scene.alice, scene.coin, "bob", 500)


def _received(scene: Scene) -> Operation:
    return Operation.objects.get(user=scene.bob, pair=_sent(scene))


def _move_not_made(scene: Scene) -> Operation:
    asked = move(scene.coin, scene.alice, scene.bob)
    lifecycle.reject(user=scene.manager, operation_id=asked.pk, reason="Looks odd.")
    return asked


def _waits_for_its_sender(scene: Scene) -> Operation:
    return Operation.objects.get(user=scene.bob, pair=move(scene.coin, scene.alice, scene.bob))


def _confirms_a_move(scene: Scene) -> Operation:
    return move(scene.coin, scene.alice, scene.bob)


def _confirms_a_withdrawal(scene: Scene) -> Operation:
    return withdraw(scene.coin, scene.alice)


def _waits_for_a_manager(scene: Scene) -> Operation:
    change(confirm_move_user=False, confirm_move_admin=True)
    return move(scene.coin, scene.alice, scene.bob)


def _withdrawn(scene: Scene) -> Operation:
    asked = send(scene.alice, scene.coin, AWAY, 500)
    pay_now(scene.coin)
    blocks(3, scene.clock)
    pay_now(scene.coin)
    return asked


def _withdrawal_not_made(scene: Scene) -> Operation:
    asked = withdraw(scene.coin, scene.alice)
    lifecycle.reject(user=scene.manager, operation_id=asked.pk, reason="Looks odd.")
    return asked


def _deposited(scene: Scene) -> Operation:
    fund(scene.bob, scene.coin, 700)
    return Operation.objects.get(user=scene.bob, kind="deposit")


@dataclass
class Told:
    """What happens; who reads of it, under which subject; what stands in the text; the setting that silences it."""

    happens: Callable[[Scene], Operation]
    reader: str
    subject: str
    says: str
    switch: str = ""


EVENTS = {
    "deposit": Told(_deposited, "bob", "A payment to you is on its way", "0.000007 TST", "email_deposit"),
    "withdraw": Told(_withdrawn, "alice", "Your withdrawal is done", AWAY, "email_withdraw"),
    "withdraw_failed": Told(_withdrawal_not_made, "alice", "Your withdrawal was not made", "Looks odd.",
                            "email_withdraw_failed"),
    "move_send": Told(_sent, "alice", "You sent Tstcoin", "0.000005 TST", "email_move_send"),
    "move_send_failed": Told(_move_not_made, "alice", "Your transfer was not made", "Looks odd.",
                             "email_move_send_failed"),
    "move_receive": Told(_received, "bob", "You received Tstcoin", "0.000005 TST", "email_move_receive"),
    "move_incoming": Told(_waits_for_its_sender, "bob", "A transfer to you waits for its confirmation", "alice",
                          "confirm_receive_move"),
    "confirm_move": Told(_confirms_a_move, "alice", "Please confirm your transfer", "__wallets_confirm="),
    "confirm_withdraw": Told(_confirms_a_withdrawal, "alice", "Please confirm your withdrawal", "__wallets_confirm="),
    "approval_needed": Told(_waits_for_a_manager, "manager", "A payment waits for a manager", "alice",
                            "confirm_inform_admins"),
}  # fmt: skip
SWITCHED = {name for name, told in EVENTS.items() if told.switch}


@pytest.fixture
def clock(site) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def scene(clock, coin, alice, bob, manager) -> Scene:
    change(confirm_withdraw_admin=False)
    fund(alice, coin, 10_000)
    outbox.deliver()
    Delivery.objects.all().delete()
    mail.outbox.clear()
    return Scene(coin, alice, bob, manager, clock)


def letters(told: Told) -> list[mail.EmailMultiAlternatives]:
    """What has gone out about it."""
    outbox.deliver()
    found = [each for each in mail.outbox if each.subject == f"Wallets: {told.subject}"]
    return [each for each in found if isinstance(each, mail.EmailMultiAlternatives)]


@pytest.mark.parametrize("name", EVENTS)
def test_it_goes_to_its_reader_alone_in_text_and_html(scene, name):
    told = EVENTS[name]
    told.happens(scene)
    (letter,) = letters(told)
    assert letter.to == [f"{told.reader}@example.com"]
    html, kind = letter.alternatives[0]
    assert kind == "text/html"
    for text in (letter.body, str(html)):
        assert told.says in text
        assert "http://" in text  # where to read on, or to confirm


@pytest.mark.parametrize("name", sorted(SWITCHED))
@pytest.mark.parametrize("silence", ["its own", "email_enabled"])
def test_it_is_silenced_by_its_switch_and_by_the_one_for_all(scene, name, silence):
    told = EVENTS[name]
    change(**{told.switch if silence == "its own" else silence: False})
    told.happens(scene)
    assert letters(told) == []


@pytest.mark.parametrize("name", sorted(set(EVENTS) - SWITCHED))
def test_what_asks_for_a_confirmation_is_never_silenced(scene, name):
    change(email_enabled=False)
    EVENTS[name].happens(scene)
    assert len(letters(EVENTS[name])) == 1


@pytest.mark.parametrize("name", EVENTS)
def test_a_site_writes_it_in_its_own_words(scene, name, tmp_path):
    words = "Wallets: {}\n\n{{{{ person.username }}}}: {{{{ operation.pk }}}}, {{{{ coin.symbol }}}}, {{{{ link }}}}"
    folder = tmp_path / "ledger" / "mail"
    folder.mkdir(parents=True)
    (folder / f"{name}.txt").write_text(words.format(EVENTS[name].subject))
    (folder / f"{name}.html").write_text("<p>{{ coin.name }} for {{ person.username }}</p>")
    ours = engines.templates["django"]
    own = {"BACKEND": ours["BACKEND"], "DIRS": [tmp_path, *ours["DIRS"]], "APP_DIRS": ours["APP_DIRS"],
           "OPTIONS": {**ours["OPTIONS"]}}  # fmt: skip
    with override_settings(TEMPLATES=[own]):
        about = EVENTS[name].happens(scene)
        (letter,) = letters(EVENTS[name])
    reader = EVENTS[name].reader
    assert letter.body.startswith(f"{reader}: {about.pk}, TST, http")
    assert letter.alternatives[0][0] == f"<p>Tstcoin for {reader}</p>"


def test_every_letter_about_a_payment_is_tried_here():
    others = {"alarm", "books_head", "confirm_contact", "contacts_unlock", "key_made"}
    assert {letter.template for letter in LETTERS.values()} == set(EVENTS) | others
    assert {told.switch for told in EVENTS.values() if told.switch} == {
        LETTERS[event].switch for event in LETTERS if LETTERS[event].template in SWITCHED
    }
