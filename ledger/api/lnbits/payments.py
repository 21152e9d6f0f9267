"""/api/v1/payments: ask for money, pay, look up, list, decode. Amounts asked for are satoshi, told ones millisatoshi.

201 says that a payment is paid or pending, never that it failed; a fraction of a satoshi is refused; no preimage is
told before a payment is settled.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse

from accounts import proof as proofs
from accounts.capabilities import Capability
from accounts.models import User
from ledger import nodes
from ledger.api.lnbits import waiting
from ledger.api.lnbits.answers import PAYMENT_ERROR, Fate, Refusal, answer
from ledger.api.lnbits.asked import SAT, Asked
from ledger.models import Operation
from ledger.services import invoices, purse_payments, purses, sending, webhooks
from ledger.services.purse_payments import ALL, Payment, Wanted
from wallets_site.base.errors import InvoicePaid
from wallets_site.base.ids import new_key

MOST_SATS: Final = 2_100_000_000_000_000  # all there will ever be
LONGEST_MEMO: Final = 640
LONGEST_BOLT11: Final = 4096
LONGEST_EXTRA: Final = 4096
LISTED: Final = 100
MOST_LISTED: Final = 1000
DEEPEST: Final = 10_000_000
_BOUNDS: Final = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
_NETWORKS: Final = {"main": "bc", "test": "tb", "signet": "tbs", "regtest": "bcrt"}  # as an invoice begins
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){1,2000}")


def make(asked: Asked) -> HttpResponse:
    """POST: an invoice of one's own (out false), or the payment of somebody's."""
    asked.holder()
    return _pay(asked) if asked.flag("out", default=True) else _ask(asked)


# Asking for money ----------------------------------------------------------------------------------------
def _ask(asked: Asked) -> HttpResponse:
    _demand_plain(asked)
    amount = _amount(asked)
    memo = asked.text("memo", longest=LONGEST_MEMO)
    note = _note(asked)
    described = _description_hash(asked)
    made = invoices.ask(
        user=asked.user, coin=asked.coin, amount=amount, key=_key(asked), into=asked.purse.account, memo=memo,
        expires_in=_expiry(asked), description_hash=described, needs=Capability.USE_API,
    )  # fmt: skip
    body = purse_payments.shape(purse_payments.of_invoice(made, purse_payments.attach(made, **note)), asked.purse)
    return answer({**body, "lnurl_response": None}, 201)


def _demand_plain(asked: Asked) -> None:
    """Other kinds of invoices of 1.x. Left out silently, the caller would wait for a hash that nobody pays."""
    if asked.text("payment_hash", longest=200):
        raise Refusal(400, "Hold invoices are not made here: leave out payment_hash.")
    if asked.text("fiat_provider", longest=200):
        raise Refusal(400, "Only Lightning is paid here: leave out fiat_provider.")


def _amount(asked: Asked) -> int:
    unit = asked.text("unit", longest=10, default="sat")
    if unit.lower() not in ("sat", "sats"):
        raise Refusal(400, "Only amounts in satoshi are taken here: leave out unit, or say sat.")
    sats = asked.whole("amount")
    if sats is None:
        raise Refusal(400, "amount is missing.")
    if sats <= 0:
        raise Refusal(400, "amount must be more than zero.")
    if sats > MOST_SATS:
        raise Refusal(400, f"amount is too high: {MOST_SATS} sats at most.")
    return sats * SAT


def _expiry(asked: Asked) -> int | None:
    """Seconds; none and zero mean as long as usual, as there. Raises Refusal."""
    seconds = asked.whole("expiry") or None
    if seconds is not None and not 1 <= seconds <= 30 * 86_400:
        raise Refusal(400, "expiry is 1 second to 30 days.")
    return seconds


def _description_hash(asked: Asked) -> str:
    """Of the hash or of the text in hex, which is what LNbits takes. Raises Refusal."""
    given = asked.text("description_hash", longest=64).lower()
    unhashed = asked.text("unhashed_description", longest=4000)
    if given and not _HASH.fullmatch(given):
        raise Refusal(400, "description_hash must be 64 hexadecimal digits.")
    if not unhashed:
        return given
    if not _HEX.fullmatch(unhashed):
        raise Refusal(400, "unhashed_description must be a text in hexadecimal digits.")
    made = hashlib.sha256(bytes.fromhex(unhashed)).hexdigest()
    if given and given != made:
        raise Refusal(400, "description_hash is not the hash of unhashed_description.")
    return made


def _note(asked: Asked) -> dict[str, Any]:
    webhook = asked.text("webhook", longest=2000)
    extra = asked.body.get("extra") or {}
    if not isinstance(extra, dict):
        raise Refusal(400, "extra must be an object.")
    extra = _plain(extra)
    tag = extra.get("tag")
    return {
        "webhook": webhooks.check_url(webhook) if webhook else "",
        "external_id": asked.text("external_id", longest=256),
        "tag": tag if isinstance(tag, str) and len(tag) <= 60 else "",
        "extra": extra,
    }


def _plain(extra: dict[str, Any]) -> dict[str, Any]:
    """As JSON can hold it; numbers with a fraction become text. Raises Refusal when it is too large."""
    text = json.dumps(extra, default=str)
    if len(text) > LONGEST_EXTRA or "\\u0000" in text:
        raise Refusal(400, f"extra is too large: {LONGEST_EXTRA} characters at most.")
    return dict(json.loads(text))


def _key(asked: Asked) -> str:
    """The caller's own idempotency key, which LNbits does not have; without one each call is a new request."""
    return asked.request.headers.get("Idempotency-Key", "")[:100].replace("\0", "")


# Paying --------------------------------------------------------------------------------------------------
def _pay(asked: Asked) -> HttpResponse:
    holder = asked.admin()
    bolt11 = asked.text("bolt11", longest=LONGEST_BOLT11) or asked.text("payment_request", longest=LONGEST_BOLT11)
    if not bolt11:
        raise Refusal(400, "Missing BOLT11 invoice")
    if asked.whole("amount_msat") is not None:
        raise Refusal(400, "Invoices that leave the amount to the payer cannot be paid here.")
    try:
        operation = _settle(asked, holder.user, bolt11)
    except InvoicePaid as error:
        raise Refusal(PAYMENT_ERROR, error.message, fate=_fate(asked, bolt11)) from error
    paid = waiting.for_end(operation)
    if paid.status == "failed":
        raise Refusal(PAYMENT_ERROR, operation.reason or "The payment failed. Nothing was taken.")
    return answer(purse_payments.shape(paid, asked.purse), 201)


def _settle(asked: Asked, user: User, bolt11: str) -> Operation:
    """With the caller's own key the same payment is answered twice; without one each invoice is still paid once."""
    proof, number, key = proofs.of_purse_key(user, where=asked.where), asked.purse.account.number, _key(asked)
    if key:
        return invoices.pay(user=user, coin=asked.coin, bolt11=bolt11, key=key, proof=proof, number=number)
    quote = invoices.preview(user=user, coin=asked.coin, bolt11=bolt11, number=number)
    return sending.request_send(user=user, quote=quote, proof=proof, key=new_key())


def _fate(asked: Asked, bolt11: str) -> Fate:
    """What became of this purse's own payment of an invoice that is not to be paid again."""
    read = nodes.read_invoice(asked.coin, bolt11)
    own = purse_payments.find(asked.purse, read.payment_hash)
    return "failed" if own is None or own.incoming else own.status


# Looking up ----------------------------------------------------------------------------------------------
def one(asked: Asked, payment_hash: str) -> HttpResponse:
    name = payment_hash.lower().removeprefix("internal_")
    found = _find(asked, name) if _HASH.fullmatch(name) else None
    if found is None:
        raise Refusal(404, "Payment does not exist.")
    said = {"paid": found.status == "success", "status": found.status, "preimage": found.preimage}
    return answer({**said, "details": purse_payments.shape(found, asked.purse)})


def _find(asked: Asked, name: str) -> Payment | None:
    return purse_payments.find(asked.holder().purse, name)


def listed(asked: Asked) -> HttpResponse:
    return answer(_page(asked))


def paginated(asked: Asked) -> HttpResponse:
    rows = _page(asked)
    return answer({"data": rows, "total": purse_payments.count(asked.purse, _wanted(asked))})


def _page(asked: Asked) -> list[dict[str, Any]]:
    purse = asked.holder().purse
    limit = asked.number("limit", LISTED, least=-1, most=MOST_LISTED)
    offset = asked.number("offset", 0, least=0, most=DEEPEST)
    found = purse_payments.page(
        purse, _wanted(asked), limit=MOST_LISTED if limit < 1 else limit, offset=offset,
        oldest_first=asked.query("direction").lower() == "asc",
    )  # fmt: skip
    return [purse_payments.shape(each, purse) for each in found]


def _wanted(asked: Asked) -> Wanted:
    """Filters of 1.x (`status`, `search`, `field[eq]`), of 0.9 (`pending`, `complete`, `incoming`) and of pylnbits
    (`memo`). What is not known here is left out, as there. Raises Refusal for a time that cannot be read."""
    directions = {name for name in ("incoming", "outgoing") if _is_true(asked, name)}
    name = _filter(asked, "payment_hash") or _filter(asked, "checking_id")
    return Wanted(
        statuses=_statuses(asked), tag=_filter(asked, "tag"), times=_times(asked),
        memo=_filter(asked, "memo"), search=asked.query("search"),
        payment_hash=name.removeprefix("internal_").lower(), external_id=_filter(asked, "external_id"),
        incoming="incoming" in directions or not directions, outgoing="outgoing" in directions or not directions,
    )  # fmt: skip


def _filter(asked: Asked, name: str) -> str:
    return asked.query(name) or asked.query(f"{name}[eq]")


def _is_true(asked: Asked, name: str) -> bool:
    return asked.query(name).lower() in ("true", "1")


def _statuses(asked: Asked) -> frozenset[str]:
    if _filter(asked, "wallet_id") not in ("", asked.purse.ident):
        return frozenset()  # a key sees its own wallet
    given = _filter(asked, "status") or asked.query("status[in]")
    if given:
        return frozenset(given.split(",")) & ALL.statuses
    if without := asked.query("status[ne]") or asked.query("status[ex]"):
        return ALL.statuses - set(without.split(","))
    old = {"pending": "pending", "complete": "success"}
    return frozenset(status for name, status in old.items() if _is_true(asked, name)) or Wanted().statuses


def _times(asked: Asked) -> tuple[tuple[str, datetime], ...]:
    names = [(name, how) for name in ("time", "created_at") for how in _BOUNDS]
    given = [(how, asked.query(f"{name}[{how}]")) for name, how in names]
    return tuple((_BOUNDS[how], _moment(text)) for how, text in given if text)


def _moment(text: str) -> datetime:
    """ISO 8601, of UTC where it names no zone, or seconds since 1970."""
    try:
        zoned = re.sub(r"(T.*) ([0-9]{2}:[0-9]{2})$", r"\1+\2", text)  # a plus that nobody escaped
        read = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(zoned)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise Refusal(400, "A time is written 2026-01-31T12:00:00, or as seconds since 1970.") from None


# Reading invoices ----------------------------------------------------------------------------------------
def decode(asked: Asked) -> HttpResponse:
    """What an invoice says, expired or not; names of 0.9 and 1.x, and texts where typed clients take no null. No key is
    needed, as there."""
    text = asked.text("data", longest=LONGEST_BOLT11) or asked.required("bolt11", longest=LONGEST_BOLT11)
    read = nodes.read_invoice(purses.lightning(), text)
    made = int(read.made.timestamp())
    return answer({
        "currency": _NETWORKS.get(read.network, read.network),
        "payment_hash": read.payment_hash,
        "amount_msat": read.amount,
        "description": read.description,
        "description_hash": read.description_hash or None,
        "payee": read.payee,
        "date": made,
        "expiry": int(read.expires.timestamp()) - made,
        "secret": read.secret,
        "payment_secret": read.secret,
        "route_hints": [],
        "min_final_cltv_expiry": read.final_blocks,
    })  # fmt: skip


def fee_reserve(asked: Asked) -> HttpResponse:
    """What is held beside the amount while an invoice is paid: our fee and the route."""
    holder = asked.holder()
    text = asked.query("invoice", longest=LONGEST_BOLT11)
    if not text:
        raise Refusal(400, "invoice is missing.")
    quote = invoices.preview(user=holder.user, coin=asked.coin, bolt11=text, number=asked.purse.account.number)
    return answer({"fee_reserve": quote.total - quote.amount})
