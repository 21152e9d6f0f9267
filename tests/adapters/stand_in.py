"""A node that answers each call as a test tells it, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.devnet.proxy import Answered, Exchange, Proxy, with_id

Answer = Callable[[Exchange, dict[str, str]], Answered]


class _Line:
    def __init__(self, answer: Answer, own_ids: bool) -> None:
        self._answer, self._own_ids = answer, own_ids

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        status, more, raw = self._answer(exchange, headers)
        return status, more, raw if self._own_ids else with_id(raw, body)

    def close(self) -> None:
        pass


@contextmanager
def node(answer: Answer, *, own_ids: bool = True) -> Iterator[Proxy]:
    """own_ids: answers are sent as they are; else with the id of the call."""
    proxy = Proxy(lambda: _Line(answer, own_ids))
    try:
        yield proxy
    finally:
        proxy.close()


def body(text: str | bytes, status: int = 200) -> Answer:
    """The same bytes for every call."""
    raw = text.encode() if isinstance(text, str) else text
    return lambda exchange, headers: (status, {}, raw)


def error(code: int, message: str = "no") -> bytes:
    return json.dumps({"result": None, "error": {"code": code, "message": message}, "id": 1}).encode()
