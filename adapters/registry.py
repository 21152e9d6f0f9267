"""kind -> dotted path, imported on first use. A new coin family is one file and one line here."""

from __future__ import annotations

import dataclasses
import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ImproperlyConfigured

from adapters.base import CoinAdapter

if TYPE_CHECKING:
    from adapters.models import Wallet

FAMILIES: dict[str, str] = {
    "banano": "adapters.banano.Banano",
    "banano_node": "adapters.banano.node_wallet.BananoNodeWallet",
    "bitcoinlike": "adapters.bitcoinlike.BitcoinLike",
    "demo": "adapters.demo.Demo",
    "demo_ln": "adapters.demo_invoice.DemoInvoice",
    "lnbits": "adapters.lnbits.Lnbits",
    "monero": "adapters.monero.Monero",
    "forknote": "adapters.forknote.Forknote",
}

_open = threading.local()


def family(kind: str) -> type[CoinAdapter]:
    """The adapter class; raises ImproperlyConfigured for a kind nobody registered."""
    path = FAMILIES.get(kind)
    if path is None:
        raise ImproperlyConfigured(f"no coin family is called {kind!r}; known: {', '.join(sorted(FAMILIES))}")
    module, name = path.rsplit(".", 1)
    return cast("type[CoinAdapter]", getattr(import_module(module), name))


def build(kind: str, values: dict[str, Any]) -> CoinAdapter:
    """An adapter from option values; an unknown or missing option is an error, not a guess."""
    made = family(kind)
    known = {item.name for item in dataclasses.fields(made.Options)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ImproperlyConfigured(f"{kind}: unknown option {unknown[0]!r}; known: {', '.join(sorted(known))}")
    try:
        options = made.Options(**values)
    except TypeError as error:
        raise ImproperlyConfigured(f"{kind}: {error}") from error
    return made(options)


def open(wallet: Wallet) -> CoinAdapter:
    """The adapter of this wallet, cached per process, thread and wallet version.

    Monero's digest login is bound to a connection, and no connection survives a fork.
    """
    cache: dict[int, tuple[int, int, CoinAdapter]] = _open.__dict__.setdefault("adapters", {})
    held = cache.get(wallet.pk)
    if held is not None and held[:2] == (os.getpid(), wallet.version):
        return held[2]
    adapter = build(wallet.kind, wallet.read_options())
    cache[wallet.pk] = (os.getpid(), wallet.version, adapter)
    return adapter
