"""One LNbits server over HTTP: what it said, whatever its age.

Three generations answer differently (read in 0.2 and 0.3, seen on 0.9.7 and 1.6.2), and none tells its version
without a login, so everything goes by the shape of an answer. Amounts are millisatoshi, except those of a new
invoice, which are satoshi.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from adapters.base import NodeDown
from adapters.rpc import Reply, parse, replies
from wallets_site.base import net

ROOT: Final = "/api/v1"
READ_SECONDS: Final = 10
PAY_SECONDS: Final = 50  # 1.6 answers "pending" after 5 s; older servers wait for the route
LARGEST: Final = 16 << 20  # 0.2 to 0.9 may answer a list with all there is
LONGEST_REASON: Final = 200
HASH: Final = re.compile(r"[0-9a-f]{64}")

Fate = Literal["paid", "pending", "failed"]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its HTTP status, and its JSON (None where it is not JSON)."""

    status: int
    data: Any = field(repr=False)

    @property
    def reason(self) -> str:
        """The server's own words. Servers put them in `detail` (text, list or object), `message` or `error`."""
        if not isinstance(self.data, dict):
            return ""
        for key in ("detail", "message", "error"):
            words = _words(self.data.get(key))
            if words:
                return words[:LONGEST_REASON]
        return ""

    @property
    def state(self) -> str:
        """`status` of the body: success, pending, failed; "" where it has none, as before 1.0."""
        found = self.data.get("status") if isinstance(self.data, dict) else None
        return found if isinstance(found, str) else ""


def _words(found: Any) -> str:
    if isinstance(found, list):
        found = found[0] if found else ""
    if isinstance(found, dict):
        found = found.get("msg") or found.get("message") or found.get("detail") or ""
    return " ".join(found.split()) if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class UpstreamWallet:
    """id: "" where the server does not tell it, as to an invoice key."""

    id: str
    balance: int


@dataclass(frozen=True, slots=True)
class Row:
    """A payment as the server keeps it. outgoing: None where the answer had no details."""

    payment_hash: str
    fate: Fate
    outgoing: bool | None = None
    amount: int | None = None
    fee: int | None = None
    invoice: str = ""
    preimage: str = ""
    wallet: str = ""
    at: datetime | None = None
    keeps_failed: bool = False  # it has a `status`: since 1.0 failed payments stay on record


class Server:
    """For one thread. Neither repr nor an exception holds a key."""

    def __init__(self, url: str, *, admin_key: str, invoice_key: str) -> None:
        self._base = url.rstrip("/")
        self._keys = {"admin": admin_key, "invoice": invoice_key or admin_key}
        self._client = net.Client(largest=LARGEST)
        self._deadline: float | None = None

    def __repr__(self) -> str:
        return "Server()"

    def close(self) -> None:
        self._client.close()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All calls inside share this time."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = None

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic() if self._deadline is not None else 2 * PAY_SECONDS

    # -- questions --

    def wallet(self, key: str = "admin") -> UpstreamWallet:
        said = self._get("/wallet", key)
        if said.status != 200:
            raise _trouble("wallet", said)
        reply = Reply(said.data, "wallet")
        return UpstreamWallet(reply.text("id", ""), reply.whole("balance"))

    def payment(self, payment_hash: str, key: str = "invoice") -> Row | None:
        """None: this wallet has no such payment, or the key is of another wallet or of none."""
        said = self._get(f"/payments/{payment_hash}", key)
        if said.status == 404 and said.reason:
            return None
        if said.status != 200:
            raise _trouble("payment", said)
        return _row(payment_hash, Reply(said.data, "payment"))

    def rows(self, limit: int, offset: int = 0, key: str = "invoice") -> list[Row]:
        """The newest payments first, failed ones left out by newer servers. Old servers may give more than limit."""
        said = self._get(f"/payments?limit={limit}&offset={offset}", key)
        if said.status != 200:
            raise _trouble("payments", said)
        return [_listed(part) for part in replies(said.data, "payments")]

    def read(self, verb: str, path: str, body: dict[str, Any]) -> Said:
        """A reading call with the admin key; path from the server's own root on."""
        return self._send(verb, path, "admin", body or None, root="")

    # -- requests --

    def new_invoice(self, body: dict[str, Any]) -> Said:
        return self._send("POST", "/payments", "invoice", body)

    def pay(self, invoice: str) -> Said:
        """Sends money. Raises NodeDown when no answer came: then nothing is known."""
        return self._send("POST", "/payments", "admin", {"out": True, "bolt11": invoice}, read_seconds=PAY_SECONDS)

    def _get(self, path: str, key: str) -> Said:
        return self._send("GET", path, key)

    def _send(
        self,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any] | None = None,
        *,
        read_seconds: float = READ_SECONDS,
        root: str = ROOT,
    ) -> Said:
        left = min(self.seconds_left, read_seconds + net.CONNECT_SECONDS)
        if left <= 0:
            raise NodeDown("the server is too slow: the time for this step is over")
        headers = {"X-Api-Key": self._keys[key], "Content-Type": "application/json"}
        raw = json.dumps(body).encode() if body is not None else b""
        try:
            answer = self._client.request(
                method,
                f"{self._base}{root}{path}",
                body=raw,
                headers=headers,
                read_seconds=min(read_seconds, left),
                total_seconds=left,
            )
        except net.NetError as error:
            raise NodeDown(f"the LNbits server does not answer: {error}") from None
        return Said(answer.status, _json(answer.body))


def _json(body: bytes) -> Any:
    try:
        return parse(body)
    except NodeDown:
        return None


def _trouble(what: str, said: Said) -> NodeDown:
    """Never names what was sent: the words come from the server, which knows the key."""
    if said.status in (301, 302, 303, 307, 308):
        return NodeDown("the LNbits server redirects: it is not installed yet, or its address is another one")
    if said.status in (401, 403) or (said.status == 404 and said.reason):
        return NodeDown(f"the LNbits server refuses our key (HTTP {said.status}): its wallet is gone or it is another")
    if said.status == 429:
        return NodeDown("the LNbits server asks for fewer calls (HTTP 429)")
    return NodeDown(f"{what}: the LNbits server answers with something else (HTTP {said.status})")


# -- reading payments --


def _row(payment_hash: str, reply: Reply) -> Row:
    """The answer to one hash: {paid, preimage}, since 0.4 with details, since 1.0 with status."""
    paid = reply.flag("paid")
    if "details" not in reply:
        # 0.2 gives none to anybody, later servers none to a key they do not know.
        fate: Fate = "paid" if paid else "failed" if reply.text("status", "") == "failed" else "pending"
        return Row(payment_hash, fate, preimage=_preimage(reply))
    details = reply.part("details")
    if details.text("payment_hash", payment_hash) != payment_hash:
        raise NodeDown("the LNbits server answers for another payment than the one asked for")
    state = reply.text("status", "") or details.text("status", "")
    return _detailed(payment_hash, details, "paid" if paid else "failed" if state == "failed" else "pending")


def _listed(details: Reply) -> Row:
    """A line of a list: before 1.0 with `pending`, later with `status`."""
    state = details.text("status", "")
    if not state:
        state = "pending" if details.flag("pending") else "success"
    fates: dict[str, Fate] = {"success": "paid", "failed": "failed"}
    return _detailed(details.text("payment_hash").lower(), details, fates.get(state, "pending"))


def _detailed(payment_hash: str, details: Reply, fate: Fate) -> Row:
    amount = details.whole("amount")
    return Row(
        payment_hash,
        fate,
        outgoing=amount < 0,
        amount=abs(amount),
        fee=abs(details.whole("fee", 0)),
        invoice=details.text("bolt11", "").lower() if "bolt11" in details else "",
        preimage=_preimage(details),
        wallet=details.text("wallet_id", "") if "wallet_id" in details else "",
        at=_moment(details),
        keeps_failed=bool(details.text("status", "")),
    )


def _preimage(reply: Reply) -> str:
    found = reply.text("preimage", "") if "preimage" in reply else ""
    return found.lower() if HASH.fullmatch(found.lower()) else ""


def _moment(details: Reply) -> datetime | None:
    """`time` is seconds since 1970 before 1.0, a text later, sometimes without a zone (then UTC)."""
    if "time" not in details:
        return None
    try:
        return datetime.fromtimestamp(details.whole("time"), UTC)
    except NodeDown:
        pass
    except (ValueError, OverflowError, OSError):
        return None
    try:
        found = datetime.fromisoformat(details.text("time"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
