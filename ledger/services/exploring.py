"""What managers look up at a node themselves: one reading call, noted in the audit trail before it is made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import simplejson

from accounts.audit import What, record
from accounts.capabilities import Capability, require
from adapters.models import Wallet
from ledger import nodes

if TYPE_CHECKING:
    from accounts.models import User

LONGEST_ANSWER: Final = 100_000  # letters that are shown
LONGEST_NOTE: Final = 200  # letters of a field that are noted


@dataclass(frozen=True, slots=True)
class Answer:
    """text: the answer as JSON to read. left_out: letters of it not shown. failed: it is the node's own error."""

    text: str
    left_out: int
    failed: bool
    milliseconds: int


def look_up(
    *, user: User, wallet: Wallet, program: str, method: str, typed: Mapping[str, str], where: str = ""
) -> Answer:
    """Raises NotAllowed, InvalidRequest (no such call, a wrong field), CoinUnavailable (no answer)."""
    require(user, Capability.MANAGE_WALLETS)
    filled = {name: text.strip()[:LONGEST_NOTE] for name, text in typed.items() if text.strip()}
    filled = nodes.without_secrets(wallet, filled)
    record(What.NODE_ASKED, who=user, ip=where, object=wallet.name, call=method[:100], program=program, fields=filled)
    started = time.monotonic_ns()
    said = nodes.explore(wallet, program, method, typed)
    taken = (time.monotonic_ns() - started) // 1_000_000
    text = _pretty(said)
    failed = isinstance(said, dict) and "error" in said
    return Answer(text[:LONGEST_ANSWER], max(0, len(text) - LONGEST_ANSWER), failed, taken)


def _pretty(said: Any) -> str:
    """Numbers with all their digits."""
    if isinstance(said, str):
        return said
    return str(simplejson.dumps(said, indent=2, use_decimal=True, ensure_ascii=False))
