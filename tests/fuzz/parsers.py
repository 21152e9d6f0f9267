"""Every reader of what strangers write: what it is given, what it may raise, and good examples to spoil.

Used by tests/fuzz/test_parsers.py (hypothesis, with the other tests) and by tests/fuzz/__main__.py (atheris).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.core import signing
from django.test import RequestFactory

from accounts import api_keys, keys, nonces
from accounts.queries import _number
from adapters import registry, rpc
from adapters.base import NodeError
from adapters.codecs import bolt11, cryptonote_base58
from adapters.demo import encode_address
from adapters.forknote.addresses import integrated, payment_id_of
from ledger import money
from ledger.api import parsers
from ledger.api.lnbits.answers import Refusal
from ledger.api.lnbits.asked import _read
from ledger.drains import rates as rates_drain
from ledger.services import confirmations, rates
from wallets_site.base import caller, crypto, tables
from wallets_site.base.errors import WalletError
from wallets_site.base.net import NetError, urlsplit_safely

FORKNOTE = cryptonote_base58.encode_address(6, bytes(range(64)))
MONERO = "45ote3kXBhPXQbxFTnjhAvLcxjRnqnSNz6p3TLbgbNQkWLmAuHtTPRXZjudgYbk1KcWjCdMPMz5eeKGkPVWSRMoLPR5xyp4"
BANANO = "ban_3e3j5tkog48pnny9dmfzj1r16pg8t1e76dz5tmac6iq689wyjfpiij4txtdo"
LITECOIN = "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"
BITCOIN = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
INVOICES = [
    row["text"]
    for row in json.loads((Path(__file__).parents[1] / "adapters" / "lnbits" / "bolt11.json").read_text())["good"]
]
URL = "http://127.0.0.1:9"
FAMILIES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "bitcoin": ("bitcoinlike", {"url": URL, "coin": "bitcoin"}, [BITCOIN, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]),
    "litecoin": ("bitcoinlike", {"url": URL, "coin": "litecoin"}, [LITECOIN, f"litecoin:{LITECOIN}?amount=0.5"]),
    "monero": ("monero", {"wallet_url": URL, "daemon_url": URL}, [MONERO, f"monero:{MONERO}?tx_amount=1.5"]),
    "forknote": ("forknote", {"url": URL}, [FORKNOTE, integrated(FORKNOTE, "ab" * 32)]),
    "banano": ("banano", {"url": URL, "seed": "AB" * 32}, [BANANO, f"ban:{BANANO}?amount=100"]),
    "lnbits": ("lnbits", {"url": URL, "admin_key": "ab" * 16}, [*INVOICES, f"lightning:{INVOICES[0]}"]),
    "demo": (
        "demo", {"chain_file": "/nonexistent", "prefix": "tst", "decimals": 8},
        [encode_address("tst", b"\x09" * 20), f"tst:{encode_address('tst', bytes(20))}?amount=1"],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """read: takes a text (or bytes, when `raw`). refusals: all that may come out of it beside an answer."""

    name: str
    read: Callable[[Any], Any]
    refusals: tuple[type[Exception], ...]
    good: tuple[str, ...]
    raw: bool = False


def _address_parsers() -> list[Parser]:
    found = []
    for name, (kind, options, good) in FAMILIES.items():
        adapter = registry.build(kind, options)
        found.append(Parser(f"address: {name}", adapter.check_address, (WalletError,), tuple(good)))
        found.append(
            Parser(
                f"webhook: {name}", partial(adapter.hint, "callback", ""), (NodeError,),
                ('{"hash":"AB","block":"{\\"link_as_account\\":\\"ban_1\\"}"}', '{"payment_hash":"ab"}'),
                raw=True,
            )
        )  # fmt: skip
    return found


def _rpc(body: bytes) -> Any:
    reply = rpc.Reply(rpc.parse(body), "fuzz")
    for read in (reply.text, reply.whole, reply.flag, reply.part, reply.parts, reply.texts, reply.wholes):
        try:
            read("a")
        except NodeError:
            continue
    return reply.amount("a", 8)


def _lnbits(body: bytes) -> Any:
    return _read(SimpleNamespace(body=body))  # type: ignore[arg-type]


def _nonce(text: str) -> bool:
    request: Any = RequestFactory().get("/")
    request.session = SimpleNamespace(session_key="one")
    return nonces.is_good_nonce(request, SimpleNamespace(pk=1), "wallets-do-move", text)  # type: ignore[arg-type]


def _key(text: str) -> Any:
    return api_keys._SHAPE.fullmatch(text), keys._SHAPE.fullmatch(text), keys._PURSE_SHAPE.fullmatch(text)


def _caller(text: str) -> str:
    request: Any = SimpleNamespace(META={"HTTP_X_FORWARDED_FOR": text, "REMOTE_ADDR": text})
    return caller.address_of(request)


def _cell(text: str) -> str:
    cell = tables.cell(text)
    assert not re.match(r"[=+\-@\t\r\n|;]", cell)
    return cell


def catalogue() -> list[Parser]:
    """Needs Django's settings; asks no database and no node."""
    body = '{"coin":"TST","to":"bob","amount":"0.5","names":["a"],"deep":{"a":[1,2]}}'
    return [
        *_address_parsers(),
        Parser("amount", lambda text: money.parse(text, 8), (WalletError,), ("0.5", "1", "12345678.12345678")),
        Parser("price", rates.parse_price, (WalletError,), ("64.2", "1e-7", "0.00000001")),
        Parser("rates", rates_drain.read, (ValueError,), ('{"bitcoin":{"eur":64.2,"usd":7e4}}', "[1.5e-7]"), raw=True),
        Parser("bolt11", bolt11.decode, (ValueError,), tuple(INVOICES)),
        Parser("tx extra", payment_id_of, (), ("022100" + "ab" * 32, "01" + "cd" * 32)),
        Parser("JSON-RPC reply", _rpc, (NodeError,), ('{"a":1.5}', '{"result":{"a":[1,2]},"error":null}'), raw=True),
        Parser("JSON body", parsers.load, (ValueError,), (body,), raw=True),
        Parser("LNbits body", _lnbits, (Refusal,), (body, '{"out":true,"amount":21,"memo":"x"}'), raw=True),
        Parser("CSV cell", _cell, (), ("=1+1", "plain", "a,b", '"x"')),
        Parser("nonce", _nonce, (), ("0123456789", "abcdef0123")),
        Parser("confirmation", confirmations.TOKEN.fullmatch, (), ("0" * 32,)),
        Parser("signed text", lambda text: crypto.unsign(text, salt="fuzz", max_age=9), (signing.BadSignature,),
               (crypto.sign({"a": 1}, salt="fuzz"),)),
        Parser("key", _key, (), ("wk_" + "a" * 43, "f" * 64, "a" * 32)),
        Parser("number of a person", _number, (), ("1", "12345")),
        Parser("caller's address", _caller, (), ("1.2.3.4", "[::1]:80, 9.9.9.9", "::ffff:1.2.3.4")),
        Parser("URL", urlsplit_safely, (NetError,), ("https://a.example:80/x?y#z", "http://[::1]/")),
    ]  # fmt: skip
