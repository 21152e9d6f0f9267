"""Proof of liabilities: a Merkle-sum tree per coin. Each person checks that their balance is in the published total.

leaf = SHA-256("leaf" | salt | balance); node = SHA-256("node" | left hash | left sum | right hash | right sum), its sum
left + right. All fields joined by "|", sums as decimal text of atomic units. docs/check_liabilities.py needs no more.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction

from ledger.models import Account, Coin, LiabilityTree
from wallets_site.base.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import User


class Node(NamedTuple):
    hash: str
    sum: int


def _sha(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def leaf(salt: str, balance: int) -> Node:
    return Node(_sha("leaf", salt, str(balance)), balance)


def join(left: Node, right: Node) -> Node:
    return Node(_sha("node", left.hash, str(left.sum), right.hash, str(right.sum)), left.sum + right.sum)


def levels(leaves: list[Node]) -> list[list[Node]]:
    """All levels from the leaves to the root; an odd one out is joined with an empty leaf."""
    rows = [leaves or [leaf("", 0)]]
    while len(rows[-1]) > 1:
        row = rows[-1] + ([leaf("", 0)] if len(rows[-1]) % 2 else [])
        rows.append([join(row[index], row[index + 1]) for index in range(0, len(row), 2)])
    return rows


def publish(coin: Coin) -> LiabilityTree:
    """A tree of what everybody is owed at this moment: available, held, on every account of theirs."""
    with transaction.atomic(durable=True):
        owed: dict[int, int] = {}
        rows = Account.objects.filter(coin=coin, owner__isnull=False)
        for owner_id, debits, credits in rows.values_list("owner_id", "debits", "credits").iterator():
            owed[owner_id] = owed.get(owner_id, 0) + credits - debits
        entries = sorted([secrets.token_hex(16), owner, str(amount)] for owner, amount in owed.items() if amount)
        top = levels([leaf(str(salt), int(str(amount))) for salt, _, amount in entries])[-1][0]
        return LiabilityTree.objects.create(coin=coin, root=top.hash, total=top.sum, leaves=entries)


def latest(coin: Coin) -> LiabilityTree | None:
    return LiabilityTree.objects.filter(coin=coin).order_by("-pk").first()


def proof_for(user: User, coin: Coin) -> dict[str, Any]:
    """What this person needs to check their balance in the newest tree; raises NotFound when there is none."""
    tree = latest(coin)
    entries = tree.leaves if tree else []
    place = next((index for index, (_, owner, _) in enumerate(entries) if owner == user.pk), None)
    if tree is None or place is None:
        raise NotFound(f"The newest {coin.symbol} tree holds no balance of yours.")
    salt, _, balance = entries[place]
    path = []
    for row in levels([leaf(each[0], int(each[2])) for each in entries])[:-1]:
        other = place ^ 1
        sibling = row[other] if other < len(row) else leaf("", 0)
        path.append({"side": "left" if other < place else "right", "hash": sibling.hash, "sum": str(sibling.sum)})
        place //= 2
    return {
        "coin": coin.symbol, "decimals": coin.decimals, "made": tree.created_at.isoformat(), "salt": salt,
        "balance": balance, "path": path, "root": tree.root, "total": str(tree.total),
    }  # fmt: skip
