from __future__ import annotations

from ledger.models.books import Account, Adjustment, Hold, Kind, Posting, Queue, Seal, Transaction
from ledger.models.chain import Deposit, Dispatch, Freeze, Withdrawal
from ledger.models.checks import Brake, LiabilityTree, SolvencyCheck
from ledger.models.coins import Coin, CoinWallet, FeeRule, Limit, Purpose
from ledger.models.out import Event
from ledger.models.people import Address, Operation

__all__ = [
    "Account",
    "Address",
    "Adjustment",
    "Brake",
    "Coin",
    "CoinWallet",
    "Deposit",
    "Dispatch",
    "Event",
    "FeeRule",
    "Freeze",
    "Hold",
    "Kind",
    "LiabilityTree",
    "Limit",
    "Operation",
    "Posting",
    "Purpose",
    "Queue",
    "Seal",
    "SolvencyCheck",
    "Transaction",
    "Withdrawal",
]
