from __future__ import annotations

from ledger.models.books import Account, Adjustment, Hold, Kind, Posting, Queue, Seal, Transaction
from ledger.models.chain import Deposit, Dispatch, Freeze, Withdrawal
from ledger.models.checks import Brake, LiabilityTree, SolvencyCheck, WalletFunds
from ledger.models.coins import Coin, CoinWallet, FeeRule, Limit, Purpose, Rate, RatePoint
from ledger.models.decisions import Attempt, LimitChange, PayoutDecision
from ledger.models.keys import KeyCap, KeySpend
from ledger.models.out import Delivery, Event, Feed, FeedItem, Inbox, Mute, Push, PushAttempt, Webhook
from ledger.models.people import Address, Approval, Contact, Invoice, Operation
from ledger.models.persons import Person
from ledger.models.policy import PolicyDecision, PolicyRule, RuleSet, Switch
from ledger.models.purses import InvoiceNote, Purse
from ledger.models.recovery import Generation, Recovered, Recovery, RecoveryWallet
from ledger.models.site import CronRun, RulesVersion, SiteSettings

__all__ = [
    "Account",
    "Address",
    "Adjustment",
    "Approval",
    "Attempt",
    "Brake",
    "Coin",
    "CoinWallet",
    "Contact",
    "CronRun",
    "Delivery",
    "Deposit",
    "Dispatch",
    "Event",
    "FeeRule",
    "Feed",
    "FeedItem",
    "Freeze",
    "Generation",
    "Hold",
    "Inbox",
    "Invoice",
    "InvoiceNote",
    "KeyCap",
    "KeySpend",
    "Kind",
    "LiabilityTree",
    "Limit",
    "LimitChange",
    "Mute",
    "Operation",
    "PayoutDecision",
    "Person",
    "PolicyDecision",
    "PolicyRule",
    "Posting",
    "Purpose",
    "Purse",
    "Push",
    "PushAttempt",
    "Queue",
    "Rate",
    "RatePoint",
    "Recovered",
    "Recovery",
    "RecoveryWallet",
    "RuleSet",
    "RulesVersion",
    "Seal",
    "SiteSettings",
    "SolvencyCheck",
    "Switch",
    "Transaction",
    "WalletFunds",
    "Webhook",
    "Withdrawal",
]
