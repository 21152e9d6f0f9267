"""The one catalogue of what happens: name, fields of data, who hears it. Mail, inbox and live pages read it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, models
from django.utils.translation import gettext_noop as _

from ledger import pokes
from wallets_site.base.prepared import insert

if TYPE_CHECKING:
    from ledger.models import Operation

REMEMBERED: Final = 2  # seconds


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    says: str
    for_staff: bool = False
    mails: bool = False  # services/mail.py says to whom and with which template
    at_once: bool = False  # somebody waits for this mail


TOPICS: Final = {
    topic.name: topic
    for topic in (
        Topic("deposit_seen", _("A payment to you is on its way"), mails=True),
        Topic("deposit_credited", _("A deposit was credited")),
        Topic("deposit_gone", _("A payment to you was cancelled by its sender's network")),
        Topic("deposit_vanished", _("A credited deposit vanished from the chain"), for_staff=True),
        Topic("deposit_unclaimed", _("Coins came to an address nobody holds"), for_staff=True),
        Topic("move_sent", _("You sent coins to a member"), mails=True),
        Topic("move_received", _("A member sent you coins"), mails=True),
        Topic("move_incoming", _("A transfer to you waits for its confirmation"), mails=True),
        Topic("move_cancelled", _("Your transfer was cancelled and the coins are back"), mails=True),
        Topic("confirm_move", _("Please confirm your transfer"), mails=True, at_once=True),
        Topic("confirm_withdrawal", _("Please confirm your withdrawal"), mails=True, at_once=True),
        Topic("confirm_contact", _("Please confirm a new contact"), mails=True, at_once=True),
        Topic("contacts_unlock_asked", _("Somebody asked to open your contacts lock"), mails=True, at_once=True),
        Topic("approval_needed", _("A payment waits for a manager"), for_staff=True, mails=True, at_once=True),
        Topic("withdrawal_requested", _("You asked for a withdrawal")),
        Topic("withdrawal_sent", _("Your withdrawal was handed to the network")),
        Topic("withdrawal_done", _("Your withdrawal is confirmed"), mails=True),
        Topic("withdrawal_failed", _("Your withdrawal failed and the coins are back"), mails=True),
        Topic("withdrawal_cancelled", _("Your withdrawal was cancelled"), mails=True),
        Topic("payout_unclear", _("A payout's outcome is not known"), for_staff=True),
        Topic(
            "payout_decision_proposed",
            _("What became of an unclear payout waits for a second person"),
            for_staff=True,
            mails=True,
        ),
        Topic("payout_decided", _("Two people decided what became of an unclear payout"), for_staff=True),
        Topic("payouts_frozen", _("Payouts were frozen"), for_staff=True, mails=True),
        Topic("payouts_released", _("A freeze was ended"), for_staff=True),
        Topic("recovery_started", _("The database is an older copy: payouts wait"), for_staff=True, mails=True),
        Topic("recovery_ended", _("Two people ended the recovery: payouts go on"), for_staff=True),
        Topic("transfer_unexplained", _("Coins left after the backup was made; whose is not known"), for_staff=True),
        Topic("payout_unsigned", _("The signer does not agree to a payout"), for_staff=True, mails=True),
        Topic("hot_wallet_short", _("The hot wallet cannot pay what is queued"), for_staff=True, mails=True),
        Topic("key_made", _("A new API key was made in your account"), mails=True),
        Topic("webhook_stopped", _("A webhook of yours was switched off")),
        Topic("operation_reversed", _("An operation of yours was reversed by the site")),
        Topic("books_head", _("Today's head of the chain of seals"), for_staff=True, mails=True),
        Topic("adjustment_proposed", _("A correction of the books waits for a second person"), for_staff=True),
        Topic("adjustment_decided", _("A correction of the books was decided"), for_staff=True),
        Topic("solvency_short", _("A coin's nodes hold less than the books owe"), for_staff=True, mails=True),
        Topic("solvency_unknown", _("A coin's nodes could not be asked what they hold"), for_staff=True),
        Topic("brake_set", _("Payouts of a coin are braked"), for_staff=True, mails=True),
        Topic("brake_released", _("A brake was released by two people"), for_staff=True),
        Topic("address_lost", _("A node lost the keys of members' addresses"), for_staff=True, mails=True),
        Topic("node_closed", _("A node is on the wrong network or holds the wrong wallet"), for_staff=True, mails=True),
        Topic("switched_off", _("Something was stopped by hand"), for_staff=True, mails=True),
        Topic("switch_asked", _("Somebody asks for payouts to go on"), for_staff=True, mails=True),
        Topic("switched_on", _("Something that was stopped goes on"), for_staff=True),
        Topic("rules_published", _("A version of the rules was published"), for_staff=True, mails=True),
        Topic("limit_raise_asked", _("A limit shall allow more: somebody must agree"), for_staff=True, mails=True),
        Topic("limit_raised", _("A limit allows more than before"), for_staff=True, mails=True),
        Topic("hot_wallet_full", _("A hot wallet holds more than it should"), for_staff=True, mails=True),
    )
}


def emit(name: str, *, user_id: int | None = None, operation: models.Model | None = None, **data: Any) -> None:
    """Write one event inside the caller's transaction; KeyError for a name not in the catalogue."""
    from ledger.models import Operation

    assert operation is None or isinstance(operation, Operation)
    _write([(TOPICS[name], user_id, operation, data)])


def emit_all(what: Iterable[tuple[str, Operation]]) -> None:
    """The same for several at once, each to the owner of its operation, in one statement."""
    _write([(TOPICS[name], operation.user_id, operation, {}) for name, operation in what])


def _write(what: Sequence[tuple[Topic, int | None, Operation | None, dict[str, Any]]]) -> None:
    from ledger.models import Event

    insert([
        Event(name=topic.name, user_id=user_id, operation=operation, data=data, mail_due=topic.mails)
        for topic, user_id, operation, data in what
    ])  # fmt: skip
    for topic, user_id, _operation, _data in what:
        _poke(topic, user_id)


def _poke(topic: Topic, user_id: int | None) -> None:
    if topic.at_once:
        pokes.enqueue("mail")
    if user_id is not None and user_id in _listeners():
        pokes.enqueue("webhooks")


def written(what: Iterable[tuple[str, int]]) -> None:
    """Pokes for events that were written with the money they tell of: (name, whose)."""
    for name, user_id in what:
        _poke(TOPICS[name], user_id)


_heard: tuple[object, float, frozenset[int]] = (None, 0.0, frozenset())


def _listeners() -> frozenset[int]:
    """People with a webhook, as known up to 2 s ago: every payment passes here. Whom it misses the sweep finds."""
    global _heard
    from ledger.models import Webhook

    site, moment = connection.settings_dict["NAME"], time.monotonic()
    if _heard[0] != site or moment - _heard[1] > REMEMBERED:
        found = Webhook.objects.filter(is_active=True).values_list("user_id", flat=True)
        _heard = (site, moment, frozenset(found))
    return _heard[2]
