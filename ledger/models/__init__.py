from __future__ import annotations

from ledger.models.books import Account, Kind, Posting, Queue, Transaction
from ledger.models.chain import Deposit, Dispatch, Freeze, Withdrawal
from ledger.models.coins import Coin, CoinWallet, FeeRule, Limit, Purpose
from ledger.models.out import Event
from ledger.models.people import Address, Operation

__all__ = [
    "Account",
    "Address",
    "Coin",
    "CoinWallet",
    "Deposit",
    "Dispatch",
    "Event",
    "FeeRule",
    "Freeze",
    "Kind",
    "Limit",
    "Operation",
    "Posting",
    "Purpose",
    "Queue",
    "Transaction",
    "Withdrawal",
]
