"""Asks a node and writes nothing. Services and shells call this before they open their transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from adapters import registry
from adapters.base import (
    AddressRequest,
    CheckedAddress,
    CoinAdapter,
    ExtraWords,
    Feature,
    Found,
    Funds,
    Health,
    Hint,
    InvoiceText,
    LookupResult,
    NewAddress,
    NodeError,
    NodeRefused,
    NotEnoughFunds,
    Payment,
    Proof,
    Quote,
    Reading,
    Tried,
)
from adapters.models import Wallet
from ledger.models import Address, Coin, CoinWallet
from wallets_site.base.clock import now
from wallets_site.base.errors import CoinUnavailable, InvalidAddress, InvalidExtra, InvalidRequest
from wallets_site.base.prepared import Prepared, Question, columns_of, read


def active_wallet(coin: Coin) -> CoinWallet:
    """The wallet this coin pays from; raises CoinUnavailable when none is connected."""
    found = _active(coin)
    if found is None:
        raise CoinUnavailable(_("No %(name)s node is connected to this site yet.") % {"name": coin.name})
    return found


def _active(coin: Coin) -> CoinWallet | None:
    row = _ACTIVE.first(coin=coin.pk)
    if row is None:
        return None
    use, rest = read(CoinWallet, row)
    use.wallet, _rest = read(Wallet, rest)
    use.coin = coin
    return use


def wallet_question(coin_id: int) -> Question:
    """What active_wallet() will ask, for who asks ahead."""
    return _ACTIVE(coin=coin_id)


_ACTIVE: Final = Prepared(
    lambda coin: CoinWallet.objects.filter(coin=coin, is_active=True).values_list(
        *columns_of(CoinWallet), *columns_of(Wallet, "wallet__")
    ),
    coin=int,
)


@contextmanager
def _asking(coin: Coin, wallet: Wallet) -> Iterator[CoinAdapter]:
    try:
        yield registry.open(wallet)
    except NodeRefused as error:
        raise InvalidRequest(
            _("The %(name)s network refuses this: %(error)s") % {"name": coin.name, "error": error}
        ) from error
    except NotEnoughFunds as error:
        raise CoinUnavailable(
            _("%(name)s payments wait for funds in the site's hot wallet.") % {"name": coin.name}
        ) from error
    except NodeError as error:
        raise CoinUnavailable(
            _("The %(name)s node does not answer just now. Your coins are safe; please try again in a few minutes.")
            % {"name": coin.name}
        ) from error


def check_address(coin: Coin, text: str) -> CheckedAddress:
    """Offline. Raises InvalidAddress, CoinUnavailable (no wallet)."""
    return registry.open(active_wallet(coin).wallet).check_address(text)


def extra_words(coin: Coin) -> ExtraWords | None:
    """How this coin speaks of the second part of its addresses; None where there is none."""
    use = _active(coin)
    return None if use is None else registry.family(use.wallet.kind).extra_words()


def check_extra(coin: Coin, given: str, built_in: str) -> str:
    """The second part to pay with: what was given, or what the address has built in. Offline. Raises InvalidExtra."""
    if not given.strip():
        return built_in
    if built_in:
        raise InvalidExtra(_("This address has its payment id built in. Leave the other one out."))
    try:
        return registry.open(active_wallet(coin).wallet).check_extra(given.strip())
    except InvalidAddress as error:
        raise InvalidExtra(str(error)) from error


def new_address(use: CoinWallet, number: int) -> NewAddress:
    with _asking(use.coin, use.wallet) as adapter:
        return adapter.new_address(AddressRequest(number=number))


def new_invoice(use: CoinWallet, request: AddressRequest) -> NewAddress:
    with _asking(use.coin, use.wallet) as adapter:
        return adapter.new_address(request)


def takes_invoices(use: CoinWallet) -> bool:
    """Whether an address of this wallet asks for an amount, once."""
    return Feature.INVOICE in registry.family(use.wallet.kind).features


def has_invoices(coin: Coin) -> bool:
    use = _active(coin)
    return use is not None and takes_invoices(use)


def read_invoice(coin: Coin, text: str) -> InvoiceText:
    """Offline, of an expired one too. Raises InvalidAddress, CoinUnavailable (no wallet)."""
    return registry.open(active_wallet(coin).wallet).read_invoice(text)


def fee_levels(coin: Coin) -> tuple[str, ...]:
    """What a payer of this coin may choose from, cheapest first; none where the node decides alone."""
    use = _active(coin)
    return () if use is None else registry.family(use.wallet.kind).levels


def has_address_for(use: CoinWallet) -> bool:
    """Whether new_address() can serve the next number: asked first, because a number is used up by asking."""
    with _asking(use.coin, use.wallet) as adapter:
        return adapter.has_address_for(use.next_number)


def quote(coin: Coin, payment: Payment) -> Quote:
    use = active_wallet(coin)
    with _asking(coin, use.wallet) as adapter:
        return adapter.quote(payment)


def payment_uri(address: Address, amount: int | None) -> str:
    adapter = registry.open(address.wallet)
    if address.extra:
        return adapter.uri_with_extra(address.address, address.extra, amount)
    return adapter.uri(address.address, amount)


def is_final_at_once(coin: Coin) -> bool:
    """Whether a payment is confirmed or not, with nothing to count."""
    use = _active(coin)
    return use is not None and Feature.FINAL in registry.family(use.wallet.kind).features


def can_give_test_coins(coin: Coin) -> bool:
    use = _active(coin)
    return use is not None and Feature.FAUCET in registry.family(use.wallet.kind).features


def give_test_coins(address: Address, amount: int) -> str:
    """The txid of a payment the node makes to this address; it notifies the site as for any other."""
    with _asking(address.coin, address.wallet) as adapter:
        return adapter.faucet(address.address, amount)


def health(wallet: Wallet) -> Health:
    return registry.open(wallet).health()


def readings(wallet: Wallet) -> tuple[Reading, ...]:
    """What managers may look up at this node; nobody is asked for the list."""
    return registry.open(wallet).readings()


def explore(wallet: Wallet, program: str, method: str, typed: Mapping[str, str]) -> Any:
    """The node's answer, secrets blanked out. For managers: errors are told as the node told them.

    Raises InvalidRequest for what is no reading call or no right field, CoinUnavailable where no answer came.
    """
    try:
        return registry.open(wallet).explore(method, typed, program=program)
    except NodeRefused as error:
        raise InvalidRequest(str(error)) from error
    except NodeError as error:
        raise CoinUnavailable(f"{wallet.name}: {error}") from error


def without_secrets(wallet: Wallet, data: Any) -> Any:
    return registry.open(wallet).without_secrets(data)


def funds(wallet: Wallet) -> tuple[Funds, int | None]:
    """What the wallet holds now, and its coins that may be spent now. Raises NodeError."""
    adapter = registry.open(wallet)
    return adapter.funds(()), adapter.ready_outputs()


def can_prove(wallet: Wallet) -> bool:
    """Whether this coin family gives the payer something to prove a payment with."""
    return Feature.PROOF in registry.family(wallet.kind).features


def proof(wallet: Wallet, tried: Tried) -> Proof | None:
    """What the payer may show; may ask the node."""
    return registry.open(wallet).proof(tried)


def setup_steps(kind: str) -> tuple[str, ...]:
    """What a manager does before connecting a node of this kind."""
    return registry.family(kind).setup_steps()


def setup_lines(wallet: Wallet, notify_url: str) -> str:
    return registry.open(wallet).setup_lines(notify_url)


def hint(wallet: Wallet, kind: str, message: str, body: bytes = b"") -> Hint | None:
    """What a notify points at, judged without asking anybody."""
    return registry.open(wallet).hint(kind, message, body)


def kinds() -> list[tuple[str, str]]:
    """(kind, title) of every coin family a manager may connect."""
    return [(kind, _titled(registry.family(kind))) for kind in registry.FAMILIES]


def _titled(family: type[CoinAdapter]) -> str:
    if family.decimals is None:
        return family.title
    return _("%(title)s (for a coin with %(decimals)s decimals)") % {
        "title": family.title, "decimals": family.decimals
    }  # fmt: skip


def check_coin(kind: str, coin: Coin) -> None:
    """Raises InvalidRequest for a coin whose amounts this family would take for others."""
    family = registry.family(kind)
    if family.decimals not in (None, coin.decimals):
        words = _("%(kind)s counts with %(right)s decimals, and %(coin)s has %(wrong)s: make a coin with as many.")
        said = {"kind": family.title, "right": family.decimals, "coin": coin.symbol, "wrong": coin.decimals}
        raise InvalidRequest(words % said)


def option_fields(kind: str) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(registry.family(kind).Options)


def check_options(kind: str, values: dict[str, Any]) -> None:
    """Raises ImproperlyConfigured for options the family does not take."""
    registry.build(kind, values).close()


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What a node says of one payment now. moved: what that txid moved; None where it could not be asked."""

    found: LookupResult
    health: Health
    txid: str
    moved: tuple[Found, ...] | None
    asked_at: datetime


def evidence(wallet: Wallet, tried: Tried, txid: str = "") -> Evidence:
    """Asks the node what became of this payment, and what `txid` (or the payment itself) moved. Never raises."""
    adapter, txid = registry.open(wallet), txid or tried.prepared.id
    health = adapter.health()
    found = adapter.lookup(tried)
    try:
        moved: tuple[Found, ...] | None = adapter.transfer(txid) if health.ok else None
    except NodeError:
        moved = None
    return Evidence(found, health, txid, moved, now())
