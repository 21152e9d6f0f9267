"""The invoice contract's World around an LNbits: the real one, or a stand-in for it or for an old one."""

from __future__ import annotations

import json
from typing import Any

from adapters.base import Prepared
from adapters.codecs import bolt11
from adapters.lnbits import Lnbits, LnbitsOptions
from tests.adapters.invoice_contract import InvoiceWorld
from tests.lnbits.front import Call, Front
from tests.lnbits.server import Keys


class LnbitsWorld(InvoiceWorld):
    def __init__(self, front: Front, hot: Keys, outside: Keys, *, keeps_failed: bool = True) -> None:
        super().__init__()
        self.front, self.hot, self.outside = front, hot, outside
        self.keeps_failed = keeps_failed
        self._made: list[Lnbits] = []
        self.adapter: Lnbits = self.make_adapter()

    def make_adapter(self, **options: Any) -> Lnbits:
        """One more adapter of the same wallet with other options; closed with the world."""
        settings = {"url": f"{self.front.url}/", "admin_key": self.hot.admin, "invoice_key": self.hot.invoice}
        made = Lnbits(LnbitsOptions(**{**settings, **options}))
        self._made.append(made)
        return made

    def close(self) -> None:
        for adapter in self._made:
            adapter.close()

    def call(self, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
        """Straight to the server, past every fault."""
        status, raw = self.front.upstream(Call(method, f"/api/v1{path}", key, body))
        return status, json.loads(raw)

    def pay_from(self, keys: Keys, invoice: str) -> None:
        status, data = self.call("POST", "/payments", keys.admin, {"out": True, "bolt11": invoice})
        assert status == 201, data

    # -- what the contract asks for --

    def pay_in(self, invoice: str) -> None:
        self.pay_from(self.outside, invoice)

    def outside_invoice(self, amount: int) -> str:
        body = {"out": False, "amount": amount // 1000, "memo": "from outside"}
        _, data = self.call("POST", "/payments", self.outside.invoice, body)
        return str(data["payment_request"])

    def arrived(self, invoice: str) -> bool:
        name = bolt11.decode(invoice).payment_hash
        return bool(self.call("GET", f"/payments/{name}", self.outside.invoice)[1]["paid"])

    def steal(self, invoice: str) -> None:
        self.pay_from(self.hot, invoice)

    def kill(self, prepared: Prepared) -> None:
        """Somebody else pays that invoice first."""
        self.pay_from(self.outside, json.loads(prepared.blob)["invoice"])

    def outage(self) -> None:
        self.front.shut = True

    def rubbish(self) -> None:
        self.front.always(502, "<html>Bad gateway")

    def heal(self) -> None:
        self.front.heal()

    def lose_answer(self) -> None:
        self.front.lose_answer_to = lambda call: call.pays

    def lose_call(self) -> None:
        self.front.lose = lambda call: call.pays
