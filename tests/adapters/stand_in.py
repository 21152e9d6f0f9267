"""A node that answers each call as a test tells it, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.devnet.proxy import Answered, Exchange, Proxy

Answer = Callable[[Exchange, dict[str, str]], Answered]


class _Line:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def ask(self, exchange: Exchange, headers: dict[str, str], body: bytes) -> Answered:
        return self._answer(exchange, headers)

    def close(self) -> None:
        pass


@contextmanager
def node(answer: Answer) -> Iterator[Proxy]:
    proxy = Proxy(lambda: _Line(answer))
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


def results(answers: dict[str, Any]) -> Callable[[Exchange], bytes]:
    """A JSON-RPC answer by method; an int stands for an error of that code."""

    def give(exchange: Exchange) -> bytes:
        answer = answers[exchange.method]
        if isinstance(answer, int) and not isinstance(answer, bool):
            return error(answer)
        return json.dumps({"result": answer, "error": None}).encode()

    return give
