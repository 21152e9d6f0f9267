"""The signer's socket: who may ask is told by the kernel, what is answered by judge.py."""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import Error, close_old_connections

from ledger.drains.signer.books import Disagrees
from ledger.drains.signer.judge import Terms, judge
from ledger.drains.signer.memory import Memory
from ledger.drains.signer.words import LONGEST_LINE, message_of

log = logging.getLogger(__name__)
PATIENCE: Final = 5  # seconds for a question to arrive


class Signer:
    def __init__(self, key: Ed25519PrivateKey, memory: Memory, terms: Terms) -> None:
        self._key, self._memory, self._terms = key, memory, terms

    def answer(self, line: bytes) -> dict[str, Any]:
        """{"signature": …}, or {"refused": why, "later": whether it may be asked again}. Never raises."""
        close_old_connections()
        try:
            row = judge(_asked(line), self._memory, self._terms)
        except Disagrees as answer:
            log.warning("not signed: %s", answer)
            return {"refused": str(answer), "later": answer.later}
        except Error as error:
            log.error("the books cannot be read: %s", str(error).partition("\n")[0][:200])
            return {"refused": "the signer cannot read the books now", "later": True}
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is no signature
            log.error("not signed: %s", type(error).__name__)
            return {"refused": "the signer could not come to an opinion", "later": True}
        log.info("signed dispatch %s", row.pk)
        return {"signature": b64encode(self._key.sign(message_of(row))).decode()}


def _asked(line: bytes) -> int:
    try:
        number = json.loads(line)["dispatch"]
    except (ValueError, TypeError, KeyError, RecursionError):
        number = None
    if type(number) is not int or not 0 < number < 2**63:
        raise Disagrees("this is no question")
    return number


class Server(socketserver.UnixStreamServer):
    """One question at a time, in the order they come."""

    def __init__(self, path: Path, signer: Signer, may_ask: Callable[[int], bool]) -> None:
        path.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        self.signer, self.may_ask = signer, may_ask


class _Handler(socketserver.StreamRequestHandler):
    timeout = PATIENCE
    server: Server

    def handle(self) -> None:
        if not self.server.may_ask(uid_of(self.request)):
            log.warning("a stranger asked: user id %s", uid_of(self.request))
            return
        try:
            line = self.rfile.readline(LONGEST_LINE)
        except OSError:
            return
        self.wfile.write(json.dumps(self.server.signer.answer(line)).encode() + b"\n")


def uid_of(connection: socket.socket) -> int:
    """Who is at the other end, as the kernel knows it (SO_PEERCRED)."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", found)[1])
