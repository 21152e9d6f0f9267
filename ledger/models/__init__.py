from __future__ import annotations

from ledger.models.books import Account, Adjustment, Hold, Kind, Posting, Queue, Seal, Transaction
from ledger.models.chain import Deposit, Dispatch, Freeze, Withdrawal
from ledger.models.checks import Brake, LiabilityTree, SolvencyCheck
from ledger.models.coins import Coin, CoinWallet, FeeRule, Limit, Purpose
from ledger.models.out import Delivery, Event
from ledger.models.people import Address, Approval, Operation
from ledger.models.site import CronRun, SiteSettings

__all__ = [
    "Account",
    "Address",
    "Adjustment",
    "Approval",
    "Brake",
    "Coin",
    "CoinWallet",
    "CronRun",
    "Delivery",
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
    "SiteSettings",
    "SolvencyCheck",
    "Transaction",
    "Withdrawal",
]
