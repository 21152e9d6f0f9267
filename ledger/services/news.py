"""What changed for one person since they last looked, for live pages: few statements, whatever their history."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from adapters.models import Wallet
from ledger.models import Account, Event, Operation
from ledger.money import plain
from ledger.services import waiting
from wallets_site.base.prepared import Prepared

if TYPE_CHECKING:
    from accounts.models import User

NEWEST: Final = 30
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
OVERLAP: Final = timedelta(seconds=20)  # rows committed late carry an earlier time than rows seen already


@dataclass(frozen=True, slots=True)
class News:
    """version: opaque, to be sent back as `after`. changed: names of what a page may want to fetch anew."""

    version: str
    changed: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


def version(user: User) -> str:
    """Changes whenever something of this person's changes, or a node goes down or comes back."""
    return _Now(user).version


def since(user: User, after: str) -> News | None:
    """None when nothing changed. Everything counts as changed for a version we cannot read."""
    state = _Now(user)
    if after == state.version:
        return None
    return News(state.version, *state.compared_with(after))


class _Now:
    """The three things a version is made of, each read in one statement."""

    def __init__(self, user: User) -> None:
        self._user = user.pk
        self.accounts = _ACCOUNTS.rows(user=user.pk)
        self.operations = _OPERATIONS.rows(user=user.pk)
        self.nodes = _NODES.rows()
        self.events = _EVENTS.rows(user=user.pk)

    @property
    def version(self) -> str:
        moment = (self.operations[0][1] - _EPOCH) // _TICK if self.operations else 0
        seen = [(pk, at.isoformat()) for pk, at in self.operations]
        parts = (_digest(self.accounts), _digest(seen), _digest(self.nodes), _digest(self.events))
        return "-".join([str(moment), *parts])

    def compared_with(self, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        said, mine = after.split("-"), self.version.split("-")
        if len(said) != len(mine) or not (said[0].isascii() and said[0].isdigit() and len(said[0]) < 18):
            return ("balances", "operations", "nodes", "inbox"), ()
        names = [
            name
            for name, old, new in zip(("balances", "operations", "nodes", "inbox"), said[1:], mine[1:], strict=True)
            if old != new
        ]
        if "operations" not in names:
            return tuple(names), ()
        start = _EPOCH + int(said[0]) * _TICK
        changed = self._full([pk for pk, at in self.operations if at >= start - OVERLAP])
        fresh = [each for each in changed if each.updated_at > start]
        names += [f"operation:{each.pk}" for each in changed]
        names += sorted({f"coin:{each.coin.symbol}" for each in changed})
        return tuple(names), tuple(sentence(each) for each in reversed(fresh[:3]))

    def _full(self, ids: Sequence[int]) -> list[Operation]:
        rows = Operation.objects.filter(pk__in=ids, user_id=self._user).select_related("coin", "counterpart")
        return list(rows.order_by("-updated_at", "-pk"))


_ACCOUNTS: Final = Prepared(
    lambda user: Account.objects.filter(owner_id=user).order_by("pk").values_list("coin_id", "version"), user=int
)
_OPERATIONS: Final = Prepared(
    lambda user: (
        Operation.objects.filter(user_id=user).order_by("-updated_at", "-pk").values_list("pk", "updated_at")[:NEWEST]
    ),
    user=int,
)
_NODES: Final = Prepared(lambda: Wallet.objects.order_by("pk").values_list("pk", "state"))
_EVENTS: Final = Prepared(
    lambda user: Event.objects.filter(user_id=user).order_by("-pk").values_list("pk")[:1], user=int
)


def _digest(values: Any) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:10]


def sentence(operation: Operation) -> str:
    """What a screen reader is told of a change, for example "Deposit of 2.5 TLTC: 1 of 2 confirmations"."""
    coin = operation.coin
    figure = f"{plain(operation.net if operation.incoming else operation.gross, coin.decimals)} {coin.symbol}"
    if operation.kind == Operation.Kind.DEPOSIT:
        what = _("Deposit of %(figure)s") % {"figure": figure}
    elif operation.kind == Operation.Kind.WITHDRAWAL:
        what = _("Withdrawal of %(figure)s") % {"figure": figure}
    elif operation.incoming:
        what = _("%(figure)s from a member") % {"figure": figure}
    else:
        what = _("%(figure)s to a member") % {"figure": figure}
    if not operation.is_final and operation.txid:
        state = _("%(counted)s confirmations") % {"counted": waiting.counted(operation)}
    else:
        state = operation.get_status_display()
    return f"{what}: {state}"
