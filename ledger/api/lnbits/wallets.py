"""/api/v1/wallet, /wallets and /health."""

from __future__ import annotations

import time
from typing import Final

from django.http import HttpResponse

from accounts import keys
from ledger.api.lnbits import shapes
from ledger.api.lnbits.answers import answer
from ledger.api.lnbits.asked import Asked
from ledger.services import purses

LONGEST_NAME: Final = 200
_STARTED: Final = time.time()


def read(asked: Asked) -> HttpResponse:
    return answer(shapes.brief(asked.holder()))


def rename(asked: Asked, name: str = "") -> HttpResponse:
    holder = asked.admin()
    purses.rename(purse=holder.purse, name=name or asked.required("name", longest=LONGEST_NAME))
    return answer(shapes.brief(holder))


def change(asked: Asked) -> HttpResponse:
    """PATCH: of all that 1.x keeps about a wallet we keep its name."""
    holder = asked.admin()
    if name := asked.text("name", longest=LONGEST_NAME):
        purses.rename(purse=holder.purse, name=name)
    shown = keys.purse_keys({holder.purse.ident: holder.user})[holder.purse.ident]
    return answer(shapes.whole(holder.purse, holder.user, shown))


def every(asked: Asked) -> HttpResponse:
    """All wallets of the key's owner. A key shows no keys but its own wallet's."""
    holder = asked.admin()
    shown = keys.purse_keys({holder.purse.ident: holder.user})
    return answer([shapes.whole(each, holder.user, shown.get(each.ident)) for each in purses.of(holder.user)])


def health(asked: Asked) -> HttpResponse:
    up = int(time.time() - _STARTED)
    text = f"{up // 3600:02}:{up // 60 % 60:02}:{up % 60:02}"
    return answer({"server_time": int(time.time()), "up_time": text})
