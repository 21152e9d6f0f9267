"""/api/v1/payments/sse: payments to a purse as they arrive, as LNbits up to 0.12 streams them.

Each stream holds a thread of the web server, so there are only so many: of one wallet and in all. A full house
answers 503 with Retry-After. Nothing is compressed or kept by a proxy, or its lines would come late.
"""

from __future__ import annotations

import json
import logging
import select
import socket
import time
from collections.abc import Generator, Iterator
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.http import StreamingHttpResponse

from ledger.api.lnbits.answers import Refusal, cors
from ledger.api.lnbits.asked import Asked
from ledger.api.lnbits.waiting import Seats
from ledger.services import purse_payments, purses
from ledger.services.purse_payments import Payment

log = logging.getLogger(__name__)

PAUSE: Final = 0.5  # seconds between two looks
PING: Final = 10.0  # seconds; proxies and clients give a silent line up after 30 or 60
LONGEST: Final = 3600.0  # seconds; then the client comes again
OVERLAP: Final = 100  # events read again: one that was numbered before others may be committed after them

listeners = Seats(all=settings.LNBITS_STREAMS, each=settings.LNBITS_STREAMS_EACH)


def stream(asked: Asked) -> StreamingHttpResponse:
    holder = asked.holder()
    if not listeners.take(holder.purse.ident):
        raise Refusal(503, "Too many streams are open. Close one, or ask for payments instead.", wait=30)
    response = StreamingHttpResponse(
        Listener(holder, asked.key, asked.request.META.get("gunicorn.socket")), content_type="text/event-stream"
    )
    cors(response)
    response["Cache-Control"] = "no-cache, no-store, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


class Listener:
    """The lines of one stream. Its seat is given back by close(), which Django calls however the response ends."""

    def __init__(self, holder: purses.Holder, key: str, line: socket.socket | None) -> None:
        self._holder, self._key, self._line = holder, key, line
        self._after = max(0, purse_payments.newest_event() - OVERLAP)
        self._told: set[str] = set()
        self._arrived()  # what came before this stream is not news
        self._lines = self._run()
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._lines.close()
            listeners.leave(self._holder.purse.ident)

    def _run(self) -> Generator[bytes, None, None]:
        yield b": connected\r\n\r\n"
        ends, spoke = time.monotonic() + LONGEST, time.monotonic()
        while time.monotonic() < ends and not self._gone():
            found = self._look()
            if found:
                yield found
                spoke = time.monotonic()
            elif time.monotonic() - spoke >= PING:
                if purses.holder_of(self._key) is None:  # renewed, closed or shut out meanwhile
                    return
                yield b": ping\r\n\r\n"
                spoke = time.monotonic()
            connections.close_all()
            time.sleep(PAUSE)

    def _look(self) -> bytes:
        return b"".join(_event(purse_payments.shape(each, self._holder.purse)) for each in self._arrived())

    def _arrived(self) -> list[Payment]:
        holder = self._holder
        found, newest = purse_payments.arrivals(holder.purse, holder.user.pk, self._after, self._told)
        self._told |= {each.payment_hash for each in found}
        self._after = max(self._after, newest - OVERLAP)
        return found

    def _gone(self) -> bool:
        """Whether the client hung up, told without writing to it."""
        if self._line is None:
            return False
        try:
            ready, _, _ = select.select([self._line], [], [], 0)
            return bool(ready) and self._line.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


def _event(said: dict[str, Any]) -> bytes:
    return f"event: payment-received\r\ndata: {json.dumps(said)}\r\n\r\n".encode()
