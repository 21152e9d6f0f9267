"""Purses: accounts that programs open with keys. Who opens one, what it is called, and when it may be closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Max, QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts import keys
from accounts import proof as proofs
from accounts.capabilities import Capability, require
from accounts.services import create_managed, label_of, managed_of, retire_managed
from ledger import locks, nodes, posting
from ledger.models import Account, Coin, Kind, Operation, Purse
from ledger.services import invoices, rules
from wallets_site.base.clock import now
from wallets_site.base.errors import CoinUnavailable, LimitReached, NotFound, WrongState
from wallets_site.base.prepared import Prepared, Question, columns_of, read

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.proof import Proof

SAT: Final = 1000  # millisatoshi
SYMBOL: Final = "LNBTC"
DECIMALS: Final = 11  # the smallest unit is the millisatoshi
MOST: Final = 100  # purses of one person that are open at a time
_OPEN: Final = (Operation.Status.UNCONFIRMED, Operation.Status.PENDING)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who came with a key: its purse (account and coin loaded), whose it is, and whether it may pay."""

    purse: Purse
    user: User
    may_pay: bool


def lightning() -> Coin:
    """The coin purses hold. Raises CoinUnavailable where the site has none, or one of other units."""
    coin = Coin.objects.filter(symbol=SYMBOL, decimals=DECIMALS, is_active=True).first()
    if coin is None:
        raise CoinUnavailable(_("This site has no Lightning coin. Ask its managers to connect one."))
    return coin


def has_lightning() -> bool:
    return Coin.objects.filter(symbol=SYMBOL, decimals=DECIMALS, is_active=True).exists()


def holder_of(key: str) -> Holder | None:
    """Whose key this is; None for a key of nobody, of somebody shut out, or of a closed purse."""
    digest = keys.purse_digest(key)
    if digest is None:
        return None
    found, row = keys.purse_key(key), _BY_KEY.first(digest=digest)
    if found is None or row is None:
        return None
    purse, rest = read(Purse, row)
    purse.account, rest = read(Account, rest)
    purse.account.coin, _ = read(Coin, rest)
    if purse.ident != found.subject or purse.account.owner_id != found.owner.pk:
        return None
    return Holder(purse, found.owner, found.may_pay)


def questions(key: str) -> tuple[Question, ...]:
    """What holder_of() will ask, for who asks ahead."""
    digest = keys.purse_digest(key)
    return () if digest is None else (keys.purse_question(digest), _BY_KEY(digest=digest))


def wallet_question() -> Question | None:
    """What the node of the coin will be asked of, for who asks ahead; None before this process knows the coin."""
    known = rules.lately().symbols.get(SYMBOL)
    return None if known is None else nodes.wallet_question(known.coin.pk)


def _by_key(digest: str) -> QuerySet[Purse, Any]:
    rows = Purse.objects.filter(ident=Subquery(keys.subject_of(digest)), closed_at=None)
    names = *columns_of(Purse), *columns_of(Account, "account__"), *columns_of(Coin, "account__coin__")
    return rows.values_list(*names)


_BY_KEY: Final = Prepared(_by_key, digest=str)


def _loaded() -> QuerySet[Purse]:
    return Purse.objects.select_related("account__coin")


def of(user: User, *, closed: bool = False) -> list[Purse]:
    """This person's purses, oldest first; closed: those that were closed instead."""
    return list(_loaded().filter(account__owner=user, closed_at__isnull=not closed).order_by("pk"))


def of_people(owner: User) -> list[tuple[Purse, User]]:
    """Open purses of all accounts this person manages, each with whose it is."""
    people = {person.pk: person for person in managed_of(owner)}
    rows = _loaded().filter(account__owner__managed_by=owner, account__owner__is_active=True, closed_at=None)
    return [(purse, people[purse.account.owner_id or 0]) for purse in rows.order_by("pk")]


def find(user: User, ident: str) -> Purse:
    """A purse of this person, open or closed; raises NotFound."""
    purse = _loaded().filter(account__owner=user, ident=ident).first()
    if purse is None:
        raise NotFound(_("There is no such purse."))
    return purse


def open_purse(*, user: User, name: str) -> Purse:
    """A new, empty purse. Raises NotAllowed, CoinUnavailable, InvalidRequest, LimitReached."""
    require(user, Capability.HAS_WALLETS)
    require(user, Capability.USE_API)
    coin, shown = lightning(), label_of(name)
    with transaction.atomic():
        main = posting.account(coin, Kind.USER, owner_id=user.pk)
        locks.accounts([main.pk])  # one number each, whoever asks at the same moment
        if Purse.objects.filter(account__owner=user, closed_at=None).count() >= MOST:
            raise LimitReached(
                _("You have %(most)s purses already. Close one that you no longer use.") % {"most": MOST}, limit=MOST
            )
        taken = Account.objects.filter(coin=coin, owner=user, kind=Kind.USER).aggregate(last=Max("number"))["last"]
        account = posting.account(coin, Kind.USER, owner_id=user.pk, number=taken + 1)
        purse = Purse.objects.create(account=account, name=shown)
        keys.purse_keys({purse.ident: user})
    return purse


def rename(*, purse: Purse, name: str) -> Purse:
    purse.name = label_of(name)
    purse.save(update_fields=["name"])
    return purse


def close(*, purse: Purse) -> Purse:
    """Its keys open nothing from now on. Raises WrongState while it holds anything, or something is under way."""
    with transaction.atomic():
        balance = locks.accounts([purse.account_id])[purse.account_id].balance
        if balance:
            raise WrongState(
                _("This wallet still holds %(balance)s sats. Send them elsewhere first.") % {"balance": balance // 1000}
            )
        if Operation.objects.filter(account=purse.account_id, status__in=_OPEN).exists():
            raise WrongState(_("A payment of this wallet is under way. Wait until it has ended."))
        purse.closed_at = now()
        purse.save(update_fields=["closed_at"])
    return purse


def reopen(*, purse: Purse) -> Purse:
    """Back again, with the keys it had."""
    purse.closed_at = None
    purse.save(update_fields=["closed_at"])
    return purse


def new_keys(*, purse: Purse, user: User, proof: Proof) -> None:
    """Both keys anew; the old ones are dead at once. Raises ProofRequired."""
    proofs.demand(proof, user)
    for kind in keys.PURSE_KINDS:
        keys.renew_key(user, kind, purse.ident, where=proof.where)


def carry(*, purse: Purse, user: User, sats: int, into: bool, proof: Proof, key: str) -> Operation:
    """Sats between the main balance of its owner and this purse, paid as any invoice is; out of the purse if not
    `into`. The same key answers with the same payment. Raises WalletError."""
    coin, number = purse.account.coin, purse.account.number
    source, target = (0, number) if into else (number, 0)
    memo = f"To {purse.name}" if into else f"From {purse.name}"
    made = invoices.ask(
        user=user, coin=coin, amount=sats * SAT, key=f"carry:{key}", number=target, memo=memo, expires_in=3600,
        needs=Capability.USE_API,
    )  # fmt: skip
    return invoices.pay(user=user, coin=coin, bolt11=made.bolt11, proof=proof, key=key, number=source)


# Managed accounts: made by a program for the people it serves -------------------------------------------
def make_person(*, owner: User, label: str, purse: str, where: str = "") -> tuple[User, Purse]:
    """An account this owner answers for, with its first purse. Raises WalletError; then there is neither."""
    with transaction.atomic():
        user = create_managed(owner=owner, label=label, where=where)
        return user, open_purse(user=user, name=purse)


def managed_people(owner: User) -> QuerySet[User]:
    return managed_of(owner)


def person_of(owner: User, pk: int) -> User | None:
    """One of the accounts this person manages; None for anybody else's."""
    return managed_of(owner).filter(pk=pk).first()


def managed_purse(owner: User, ident: str) -> Purse | None:
    rows = _loaded().select_related("account__owner").filter(account__owner__managed_by=owner, closed_at=None)
    return rows.filter(ident=ident).first()


def retire(*, owner: User, person: User, where: str = "") -> None:
    """Close a managed account with all its purses. Raises WrongState while one of them holds anything."""
    with transaction.atomic():
        for purse in of(person):
            close(purse=purse)
        held = Account.objects.filter(owner=person)
        if any(account.balance for account in held):
            raise WrongState(_("This account still holds coins. Send them elsewhere first."))
        retire_managed(owner=owner, user=person, where=where)
