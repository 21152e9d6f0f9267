"""Forknote, Bytecoin and relatives by their payment gateway, walletd, in both of its dialects.

Calls used, snake_case (to Forknote 1.0.8.3): get_address_count, get_address, create_address, get_actual_balance,
get_pending_balance, get_transactions_count, list_transactions, get_transaction, get_incoming_payments,
send_transaction; of the daemon: getblockcount, on_getblockhash.
camelCase (later): getStatus, getAddresses, createAddress, save, getBalance, getBlockHashes, getTransactions,
getUnconfirmedTransactionHashes, getTransaction, createDelayedTransaction, getDelayedTransactionHashes,
sendDelayedTransaction, deleteDelayedTransaction, estimateFusion, sendFusionTransaction.

The wallet belongs to this site alone, and its first address is kept for change: it is never given to a user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from django.utils.translation import ngettext

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
    InvalidAddress,
    LookupResult,
    NewAddress,
    NodeDown,
    NodeError,
    Page,
    Payment,
    Prepared,
    Quote,
    Reading,
    SendResult,
    Tried,
    Unclear,
    Understood,
    Unknown,
    Watched,
)
from adapters.forknote import addresses, explorer, guide, orders
from adapters.forknote.camel import Camel
from adapters.forknote.client import Client
from adapters.forknote.options import AUTO, CAMEL, HEX64, PAYMENT_ID, SNAKE, ForknoteOptions
from adapters.forknote.orders import payment_id_of
from adapters.forknote.snake import Snake
from adapters.forknote.status import Status
from adapters.forknote.verdicts import NO_METHOD, WalletdError, WrongWallet
from adapters.readings import EXPLORE_SECONDS

__all__ = ["Forknote", "ForknoteOptions"]

Dialect = Snake | Camel


class Forknote(CoinAdapter):
    kind: ClassVar[str] = "forknote"
    title: ClassVar[str] = "Forknote, Bytecoin, Karbo and relatives (walletd)"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.MEMO})
    Options: ClassVar[type[ForknoteOptions]] = ForknoteOptions
    options: ForknoteOptions

    def __init__(self, options: ForknoteOptions) -> None:
        super().__init__(options)
        self._client = Client(options)
        self._dialects: dict[str, Dialect] = {
            SNAKE: Snake(self._client, options),
            CAMEL: Camel(self._client, options),
        }
        self._spoken = "" if options.dialect == AUTO else options.dialect

    @property
    def max_batch(self) -> int:
        return self.options.max_batch

    def close(self) -> None:
        self._client.close()

    # -- reaching the node --

    @property
    def dialect(self) -> Dialect:
        """Found by asking. Raises NodeDown where neither is spoken."""
        if not self._spoken:
            self._spoken = self._ask_dialect()
        return self._dialects[self._spoken]

    def _ask_dialect(self) -> str:
        for name, method in ((CAMEL, "getStatus"), (SNAKE, "get_address_count")):
            try:
                self._client.ask(method)
            except WalletdError as error:
                if error.code != NO_METHOD:
                    raise
            else:
                return name
        raise NodeDown("What answers there is no walletd that this site knows.")

    @contextmanager
    def _in_time(self) -> Iterator[Dialect]:
        with self._client.within(self.longest_call - 5):
            yield self.dialect

    @contextmanager
    def _ready(self) -> Iterator[tuple[Dialect, int]]:
        """The dialect and the number of blocks, of a wallet that has read them all and is the right one."""
        with self._in_time() as dialect:
            status = dialect.status()
            if status.reason:
                raise NodeDown(status.reason)
            self._check_chain(dialect)
            yield dialect, status.height

    def _check_chain(self, dialect: Dialect) -> None:
        if self.options.genesis and dialect.genesis() != self.options.genesis:
            raise WrongWallet("This is another chain: its first block is not the configured genesis.")

    def health(self) -> Health:
        try:
            if self.options.dialect == AUTO:
                self._spoken = ""  # walletd may have been replaced by a later one
            with self._in_time() as dialect:
                return self._health(dialect, dialect.status())
        except WrongWallet as error:
            return Health(ok=False, reason=str(error), network=self.options.network)
        except NodeDown as error:
            return Health(ok=False, reason=str(error))

    def _health(self, dialect: Dialect, status: Status) -> Health:
        """Not synced is a reason to wait; only another chain or wallet names a network, which closes this one."""
        known = Health(ok=False, reason=status.reason, version=status.version[:60], height=status.height, synced=False)
        if status.reason:
            return known
        self._check_chain(dialect)
        dialect.hot()
        return replace(known, ok=True, network=self.options.network, synced=True)

    # -- addresses and money --

    def funds(self, watch: Sequence[Watched]) -> Funds:
        """total counts what waits for its second confirmation and what is locked; change among it."""
        with self._ready() as (dialect, _):
            return dialect.funds()

    def new_address(self, request: AddressRequest) -> NewAddress:
        with self._ready() as (dialect, _):
            made = self._make(dialect, request)
        try:
            self.check_address(made.address)
        except InvalidAddress:
            raise NodeDown(
                "walletd gives addresses of another coin than this wallet's: check address_prefix."
            ) from None
        return made

    def _make(self, dialect: Dialect, request: AddressRequest) -> NewAddress:
        if self.options.receive == PAYMENT_ID:
            payment_id = addresses.new_payment_id()
            return NewAddress(dialect.hot(), ref=payment_id, extra=payment_id)
        return dialect.new_address(request)

    def has_address_for(self, number: int) -> bool:
        if self.options.receive == PAYMENT_ID:
            return True
        with self._in_time() as dialect:
            return dialect.has_address_for(number)

    def check_address(self, text: str) -> CheckedAddress:
        return addresses.check(text, self.options)

    @classmethod
    def extra_words(cls) -> ExtraWords | None:
        return addresses.extra_words()

    def check_extra(self, text: str) -> str:
        found = addresses.normal_payment_id(text)
        if found is None:
            raise InvalidAddress(addresses.WRONG_PAYMENT_ID)
        return found

    def is_ours(self, address: str) -> bool:
        with self._ready() as (dialect, _):
            return dialect.is_ours(address)

    def transfers(self, cursor: str, watch: Sequence[Watched], depth: int) -> Page:
        with self._ready() as (dialect, tip):
            hot = dialect.hot()
            if self.options.receive != PAYMENT_ID and any(one.address == hot for one in watch):
                raise NodeDown("The address where change goes belongs to a user: walletd's first address was deleted.")
            page = dialect.page(cursor, depth, tip, hot)
            return page if page.more else replace(page, lost=dialect.lost(watch))

    def transfer(self, txid: str) -> tuple[Found, ...]:
        if not HEX64.fullmatch(txid):
            return ()
        with self._ready() as (dialect, tip):
            return dialect.transfer(txid, tip, dialect.hot())

    def hint(self, kind: str, message: str, body: bytes) -> Hint | None:
        """walletd calls nobody; this is for a manager's own blocknotify."""
        if not HEX64.fullmatch(message) or kind not in ("wallet", "block"):
            return None
        return Hint(message if kind == "wallet" else "")

    # -- paying --

    def quote(self, payment: Payment) -> Quote:
        """Raises NodeRefused for an extra that is no payment id."""
        payment_id_of(payment)
        with self._ready() as (dialect, _):
            fee = self._fee(dialect)
            spendable = dialect.funds().spendable
        short = ("The hot wallet does not hold this much now: it must be filled first.",)
        return Quote(fee, wait=self._wait(), warnings=() if spendable >= payment.amount + fee else short)

    def _fee(self, dialect: Dialect) -> int:
        least = None if self.options.fee else dialect.least_fee()
        if not self.options.fee and least is None:
            raise NodeDown("This walletd does not say its minimum fee: set one for the wallet.")
        return int(self.options.fee) if least is None else least

    def _wait(self) -> str:
        minutes = max(1, self.options.block_seconds // 60)
        return ngettext("about %(number)s minute", "about %(number)s minutes", minutes) % {"number": minutes}

    def prepare(self, payments: Sequence[Payment], live: Sequence[Tried]) -> Prepared:
        with self._ready() as (dialect, _):
            return dialect.prepare(payments, live, self._fee(dialect), dialect.hot())

    def chores(self, watch: Sequence[Watched], live: Sequence[Tried]) -> Prepared | None:
        """Addresses made ahead, where a restart makes them safe; small outputs joined, where a manager wants it."""
        with self._ready() as (dialect, tip):
            if self.options.receive != PAYMENT_ID:
                dialect.make_ahead()
            return dialect.chore(tip)

    def demand_pays(self, prepared: Prepared, payments: Sequence[Payment]) -> Understood:
        with self._in_time() as dialect:
            highest = 2 * self._fee(dialect)
        return orders.demand_pays(prepared, payments, highest)

    def broadcast(self, prepared: Prepared) -> SendResult:
        try:
            with self._in_time() as dialect:
                return dialect.broadcast(prepared)
        except NodeError as error:
            return Unclear(str(error))

    def lookup(self, tried: Tried) -> LookupResult:
        try:
            with self._ready() as (dialect, tip):
                return dialect.lookup(tried, tip)
        except NodeError as error:
            return Unknown(str(error))

    # -- looking things up --

    def readings(self) -> tuple[Reading, ...]:
        return explorer.known(self._spoken, has_daemon=bool(self.options.daemon_url))

    def _read(self, reading: Reading, params: dict[str, Any]) -> Any:
        with self._client.within(EXPLORE_SECONDS):
            return explorer.read(self._client, reading, params)

    # -- words and links --

    def uri(self, address: str, amount: int | None, *, label: str = "") -> str:
        return addresses.link(self.options, address, amount, label)

    def uri_with_extra(self, address: str, extra: str, amount: int | None, *, label: str = "") -> str:
        return addresses.link(self.options, address, amount, label, payment_id=extra)

    @classmethod
    def setup_steps(cls) -> tuple[str, ...]:
        return guide.steps()

    def setup_lines(self, notify_url: str) -> str:
        """walletd has no notify: it is polled."""
        if self.options.dialect == SNAKE:
            return _SNAKE_LINES
        return _CAMEL_LINES


_COMMON = "# No password protects this port: whoever reaches it can spend.\nbind-address=127.0.0.1\nbind-port=8070\n"
_SNAKE_LINES = (
    _COMMON + "wallet-file=/var/lib/walletd/wallet\nwallet-password=\ndaemon-address=127.0.0.1\ndaemon-port=8081"
)
_CAMEL_LINES = _COMMON + "container-file=/var/lib/walletd/wallet\ncontainer-password=\ndaemon-port=8081"
