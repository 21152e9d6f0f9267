"""What a coin costs and allows, and what the site decided: read once, kept in memory until something of it changes.

The database counts every change itself (ledger/guards: guard_rules_…), so one small question tells whether what
is kept still holds. Nobody changes what stands in here.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from ledger.models import (
    Coin,
    CoinWallet,
    FeeRule,
    Freeze,
    Limit,
    PolicyRule,
    Purpose,
    RuleSet,
    RulesVersion,
    SiteSettings,
    Switch,
)
from ledger.models.site import ONE
from ledger.services.policy_rules import Policy, policy_of
from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared, Question


@dataclass(frozen=True, slots=True)
class CoinRules:
    """use: the coin's active wallet with `wallet` loaded; stopped: its payouts are frozen; frozen: people whose
    payments of this coin are, with the reason."""

    coin: Coin
    use: CoinWallet | None
    stopped: bool
    fees: Mapping[str, FeeRule]
    limits: Mapping[str, Limit]
    frozen: Mapping[int, str]
    recovering: bool = False  # stopped because the database was put back from a backup
    halted: Mapping[str, str] = field(default_factory=dict)  # what managers stopped (Switch.What), with the reason

    def fee(self, purpose: Purpose) -> tuple[int, int]:
        """(atomic units, millionths of the amount)."""
        rule = self.fees.get(purpose)
        return (0, 0) if rule is None else (rule.fixed, rule.ppm)


@dataclass(frozen=True, slots=True)
class Rules:
    version: int
    site: SiteSettings
    coins: Mapping[int, CoinRules]  # by primary key, in the order they are shown
    symbols: Mapping[str, CoinRules]  # active ones by symbol
    policies: tuple[Policy, ...] = ()  # published versions of the rules, in the order they take effect
    stops: Mapping[tuple[str, int | None], str] = field(default_factory=dict)  # (what, coin or None): the reason

    @property
    def policy(self) -> Policy | None:
        """The version in force; None where it has no rules, or there is none."""
        if not self.policies:
            return None
        moment = now()
        due = [each for each in self.policies if each.effective_at is None or each.effective_at <= moment]
        return due[-1] if due and due[-1].rules else None

    def stop(self, what: Switch.What, coin: Coin | None = None) -> str | None:
        """Why this is stopped by hand, for the whole site or for this coin; None when it is not."""
        if not self.stops:
            return None
        return self.stops.get((what, None)) or (self.stops.get((what, coin.pk)) if coin is not None else None)

    def of(self, coin: Coin) -> CoinRules:
        return self.coins.get(coin.pk) or CoinRules(coin, None, False, {}, {}, {})


_kept: dict[str, Rules] = {}  # by database
_NUMBER: Final = Prepared(lambda: RulesVersion.objects.filter(pk=ONE).values_list("number"))


def question() -> Question:
    """What current() will ask, for who asks ahead."""
    return _NUMBER()


class _Pin(threading.local):
    """What this thread's asked_once() found: unset outside of one."""

    inside = False
    found: Rules | None = None


_pin = _Pin()


@contextmanager
def asked_once() -> Iterator[None]:
    """Inside, the database is asked for the rules once: a request decides by one state of them."""
    if _pin.inside:
        yield
    else:
        with asked_anew():
            yield


@contextmanager
def asked_anew() -> Iterator[None]:
    """The same, whatever was asked before: for who moves money, under its locks."""
    before = _pin.inside, _pin.found
    _pin.inside, _pin.found = True, None
    try:
        yield
    finally:
        _pin.inside, _pin.found = before


def current() -> Rules:
    """The rules as they stand in the database now; one small statement while nothing changed."""
    if _pin.found is not None:
        return _pin.found
    found = _read()
    _pin.found = found if _pin.inside else None
    return found


def _read() -> Rules:
    row = _NUMBER.first()
    number, name = row[0] if row else 0, str(connection.settings_dict["NAME"])
    kept = _kept.get(name)
    if kept is not None and kept.version == number:
        return kept
    loaded = _load(number)
    if not connection.in_atomic_block:  # what this transaction itself changed may yet be rolled back
        _kept.clear()
        _kept[name] = loaded
    return loaded


def lately() -> Rules:
    """The rules as this process last read them, which its caller just did: for words, not for decisions."""
    return _kept.get(str(connection.settings_dict["NAME"])) or current()


_recent: dict[str, tuple[float, Rules]] = {}  # by database: when it was looked at
FRESH: Final = 1.0  # seconds


def recent() -> Rules:
    """The rules as of at most a second ago, for questions that every request asks and no money hangs on."""
    name, moment = str(connection.settings_dict["NAME"]), time.monotonic()
    known = _recent.get(name)
    if known is None or moment - known[0] > FRESH:
        known = moment, current()
        if known[1] is _kept.get(name):  # nothing that may yet be rolled back
            _recent[name] = known
    return known[1]


def forget_recent() -> None:
    """What changed in this process just now is seen at once."""
    _recent.clear()


def _load(number: int) -> Rules:
    uses = {use.coin_id: use for use in CoinWallet.objects.select_related("wallet").filter(is_active=True)}
    fees: dict[int, dict[str, FeeRule]] = defaultdict(dict)
    limits: dict[int, dict[str, Limit]] = defaultdict(dict)
    frozen: dict[int, dict[int, str]] = defaultdict(dict)
    stopped: set[int] = set()
    recovering: set[int] = set()
    for fee in FeeRule.objects.all():
        fees[fee.coin_id][fee.purpose] = fee
    for limit in Limit.objects.all():
        limits[limit.coin_id][limit.purpose] = limit
    for freeze in Freeze.objects.filter(ended_at=None).order_by("-pk"):
        if freeze.wallet_id is not None:
            stopped.add(freeze.wallet_id)
            recovering |= {freeze.wallet_id} if freeze.cause == Freeze.Cause.RECOVERY else set()
        if freeze.coin_id is not None and freeze.user_id is not None:
            frozen[freeze.coin_id][freeze.user_id] = freeze.reason
    coins = {}
    stops = {(row.what, row.coin_id): row.reason for row in Switch.objects.filter(off_at=None)}
    for coin in Coin.objects.all():
        use = uses.get(coin.pk)
        is_stopped, is_read = (use is not None and use.wallet_id in group for group in (stopped, recovering))
        coins[coin.pk] = CoinRules(
            coin, use, is_stopped, fees[coin.pk], limits[coin.pk], frozen[coin.pk], is_read, _halted(stops, coin.pk)
        )  # fmt: skip
    site = SiteSettings.objects.filter(pk=ONE).first() or SiteSettings(pk=ONE)
    active = {each.coin.symbol: each for each in coins.values() if each.coin.is_active}
    return Rules(number, site, coins, active, _policies(), stops)


def _halted(stops: Mapping[tuple[str, int | None], str], coin_id: int) -> dict[str, str]:
    """What of a coin is stopped: by its own switch, by the site's, or because the site can only be read."""
    closed = stops.get((Switch.What.READ_ONLY, None))
    found = {}
    for what in (Switch.What.DEPOSITS, Switch.What.MOVES, Switch.What.PAYOUTS):
        reason = closed or stops.get((what, None)) or stops.get((what, coin_id))
        if reason is not None:
            found[str(what)] = reason
    return found


def _policies() -> tuple[Policy, ...]:
    """Versions that are in force, or will be."""
    rows: dict[int, list[PolicyRule]] = defaultdict(list)
    for rule in PolicyRule.objects.filter(rule_set__state=RuleSet.State.PUBLISHED):
        rows[rule.rule_set_id].append(rule)
    found = RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).order_by("effective_at", "pk")
    return tuple(policy_of(each.pk, each.effective_at, rows[each.pk]) for each in found)
