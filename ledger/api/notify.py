"""Daemons say "something happened". A hint is worth one look, never belief: no node is asked in the request."""

from __future__ import annotations

import hmac
import threading
import time
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.audit import client_ip
from adapters.models import Wallet
from ledger import nodes
from ledger.models import Address, CoinWallet
from ledger.pokes import enqueue
from ledger.services import rules
from wallets_site.base import crypto, throttle
from wallets_site.base.prepared import Prepared, columns_of, read

LONGEST: Final = 500
LONGEST_BODY: Final = 65_536
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
QUIET_SECONDS: Final = 1
PER_SECOND: Final = 50  # from one address, kept up
AT_ONCE: Final = 500
REMEMBERED: Final = 5_000


class Gate:
    """A bucket for each caller, in this process: room for AT_ONCE, refilled by PER_SECOND. It costs no query."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def lets(self, who: str) -> bool:
        moment = time.monotonic()
        with self._lock:
            if len(self._buckets) > REMEMBERED:
                self._buckets.clear()
            room, last = self._buckets.get(who, (AT_ONCE, moment))
            room = min(AT_ONCE, room + (moment - last) * PER_SECOND)
            self._buckets[who] = (room - (room >= 1), moment)
            return room >= 1


class Repeats:
    """What was said within the last second, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[object, ...], float] = {}

    def is_new(self, said: tuple[object, ...]) -> bool:
        moment = time.monotonic()
        with self._lock:
            if len(self._said) > REMEMBERED:
                self._said.clear()
            last = self._said.get(said)
            self._said[said] = moment if last is None or moment - last >= QUIET_SECONDS else last
            return last is None or moment - last >= QUIET_SECONDS


_gate, _repeats = Gate(), Repeats()


@csrf_exempt
@login_not_required
def notify(request: HttpRequest, symbol: str, kind: str, message: str, secret: str = "") -> HttpResponse:
    """The path for daemons. The answer tells nothing."""
    if not hint(client_ip(request), symbol, kind, message, secret=secret, body=body_of(request)):
        return too_many()
    return JsonResponse({"result": "success"})


def too_many() -> HttpResponse:
    return JsonResponse({"result": "error", "code": 429, "message": "Too many notifications."}, status=429)


def body_of(request: HttpRequest) -> bytes:
    """What some daemons post beside the path; nothing of a form, whose fields are parameters."""
    return b"" if request.method != "POST" or request.content_type in FORMS else request.body[:LONGEST_BODY]


def hint(caller: str, symbol: str, kind: str, message: str, *, secret: str = "", body: bytes = b"") -> bool:
    """One queued scan of the coin's wallets; a repeat within a second does nothing. False: too many from one place.

    With a secret set for the site, whoever does not say it is heard and not listened to.
    """
    if not _gate.lets(caller):
        return False
    said = (symbol[:10].upper(), kind[:20].lower(), message[:LONGEST])
    if len(message) > LONGEST or not said[0].isascii() or not _repeats.is_new((*said, body)):
        return True
    wanted = rules.current().site.notify_secret
    if wanted and not hmac.compare_digest(wanted.encode(), secret.encode()):
        return True
    if throttle.first("notify:" + crypto.digest({"said": [*said, body.hex()]}), QUIET_SECONDS):
        _look(*said, body)
    return True


def _look(symbol: str, kind: str, message: str, body: bytes) -> None:
    for row in _WALLETS.rows(symbol=symbol):
        use, rest = read(CoinWallet, row)
        use.wallet, _rest = read(Wallet, rest)
        found = nodes.hint(use.wallet, kind, message, body)
        # Some nodes tell of every payment there is: only those to an address of ours are worth a look.
        if found is None:
            continue
        if nodes.takes_invoices(use):
            _look_at_invoice(use, found.txid)
        elif not found.address or _is_known(use, found.address):
            enqueue("scan", use.wallet_id)


_WALLETS: Final = Prepared(
    lambda symbol: CoinWallet.objects.filter(coin__symbol=symbol).values_list(
        *columns_of(CoinWallet), *columns_of(Wallet, "wallet__")
    ),
    symbol=str,
)
_ADDRESS: Final = Prepared(
    lambda coin, address: Address.objects.filter(coin=coin, address=address).values_list("pk")[:1],
    coin=int, address=str,
)  # fmt: skip


def _look_at_invoice(use: CoinWallet, payment_hash: str) -> None:
    """Of invoices the hint is a payment hash: one of ours is asked for by itself, any other is nothing."""
    asked = Address.objects.filter(wallet_id=use.wallet_id, ref=payment_hash).exclude(account=None)
    for pk in asked.values_list("pk", flat=True):
        enqueue("look", use.wallet_id, pk)


def _is_known(use: CoinWallet, address: str) -> bool:
    return bool(_ADDRESS.rows(coin=use.coin_id, address=address))
