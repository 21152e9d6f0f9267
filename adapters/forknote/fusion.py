"""Joining small outputs into one, so that payments do not grow too big: free, to our own address, camelCase alone.

walletd sends it at once and takes no payment id, so it is found again by what it is: a transaction that spends ours,
pays nobody else and costs nothing. A second one does no harm, which is why one without a trace may be given up.
Source: sendFusionTransaction of Forknote 2.1.2.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.base import Dead, LookupResult, NodeDown, Prepared, Refused, SendResult, Sent, Tried, Unclear, Unknown
from adapters.forknote.client import Client
from adapters.forknote.options import ForknoteOptions
from adapters.forknote.verdicts import WalletdError

CHORE: Final = "fusion"
BLOB_VERSION: Final = 1
PATIENCE: Final = timedelta(minutes=10)
NOTHING_TO_JOIN: Final = frozenset({"Index is out of range", "Internal error occurred", "MixIn count is too big"})


@dataclass(frozen=True, slots=True)
class Fusion:
    """since: number of blocks when it was prepared. known: fusions that walletd showed in its pool then."""

    threshold: int
    since: int
    known: tuple[str, ...] = ()

    def text(self) -> str:
        named = {"threshold": str(self.threshold), "since": self.since, "known": self.known}
        return json.dumps({"v": BLOB_VERSION, CHORE: named})

    @classmethod
    def read(cls, blob: str) -> Fusion | None:
        """None for the stored form of something else. Raises NodeDown for what cannot be read."""
        try:
            data = json.loads(blob)
            if CHORE not in data:
                return None
            named = data[CHORE]
            return cls(int(named["threshold"]), int(named["since"]), tuple(map(str, named["known"])))
        except (ValueError, TypeError, KeyError):
            raise NodeDown("The stored form of this chore cannot be read.") from None


def wanted(client: Client, options: ForknoteOptions) -> bool:
    """Whether a manager asked for it and enough outputs can be joined now."""
    if not options.fusion_threshold:
        return False
    said = client.ask("estimateFusion", {"threshold": int(options.fusion_threshold)})
    return said.whole("fusionReadyCount") >= options.fusion_outputs


def prepare(options: ForknoteOptions, tip: int, known: tuple[str, ...]) -> Prepared:
    name = f"{CHORE}-{secrets.token_hex(16)}"
    return Prepared(name, Fusion(int(options.fusion_threshold), tip, known).text(), 0, slot=name, chore=CHORE)


def broadcast(client: Client, fusion: Fusion, hot: str) -> SendResult:
    params = {"threshold": fusion.threshold, "anonymity": 0, "addresses": [], "destinationAddress": hot}
    try:
        txid = client.ask("sendFusionTransaction", params).text("transactionHash")
    except WalletdError as error:
        return Refused(str(error)) if error.message in NOTHING_TO_JOIN else Unclear(str(error))
    return Sent(txid, 0)


def without_a_trace(tried: Tried) -> LookupResult:
    if tried.outcome == "refused":
        return Dead("walletd found nothing to join.")
    if tried.attempted_at is not None and datetime.now(UTC) - tried.attempted_at > PATIENCE:
        return Dead("walletd shows no such joining of outputs. It would have cost nothing and paid nobody.")
    return Unknown("walletd does not show this joining of outputs yet.")
