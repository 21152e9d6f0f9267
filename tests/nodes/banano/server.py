"""The stand-in on the wire: one process, HTTP on 127.0.0.1, and a second way in for what tests do to it.

Started as `python -m tests.nodes.banano.server PORT_FILE`; it writes its port there and ends with its parent.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapters.codecs import banano_crypto as crypto
from tests.nodes.banano.calls import Calls
from tests.nodes.banano.ledger import ZERO, Block, Ledger
from tests.nodes.banano.wallet import WalletCalls
from tests.nodes.banano.words import account_key, address

CONTROL = "/-/tests"
HEADERS = {
    "Allow": "POST, OPTIONS",
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Language, Content-Type",
    "Connection": "close",
}
GENESIS_KEY = "34F0A37AAD20F4A260F0A5B3CB3D7FB50673212263E58A380BC10474BB039CE4"
EASY = 0xF000000000000000


class StandIn:
    """A node and its switches."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ledger = Ledger(bytes.fromhex(GENESIS_KEY), EASY)
        self.calls = Calls(self.ledger)
        self.wallets = WalletCalls(self.calls)
        self.ledger.on_confirmed = self._confirmed
        self.failures: list[tuple[str, str]] = []  # (action or "", how), each for one call; "says X": an error instead
        self.mode = ""  # outage, rubbish: until healed
        self.callback = ""
        self.seen: list[str] = []  # actions asked for, in order

    # -- what the wire asks --

    def answer(self, body: bytes) -> tuple[str, Any]:
        """How to answer ("" plainly), and what."""
        with self.lock:
            action = _action(body)
            self.seen.append(action)
            if self.mode:
                return self.mode, {}
            how = self._failure(action)
            if how == "lost_call":
                return how, {}
            if how.startswith("says "):
                return "", {"error": how[5:]}
            return how, self.calls.answer(body)

    def _failure(self, action: str) -> str:
        for number, (wanted, how) in enumerate(self.failures):
            if wanted in ("", action):
                del self.failures[number]
                return how
        return ""

    def _confirmed(self, block: Block) -> None:
        self.wallets.pocket_confirmed(block)
        if self.callback:
            threading.Thread(target=self._call_back, args=(self.callback_body(block),), daemon=True).start()

    def callback_body(self, block: Block) -> bytes:
        """As the node posts it: the block as text, is_send for sends alone."""
        told = {
            "account": address(block.account),
            "hash": block.hash,
            "block": json.dumps(self.calls.contents(block), indent=4) + "\n",
            "amount": str(block.amount),
            **({"is_send": "true"} if block.subtype == "send" else {}),
            "subtype": block.subtype,
        }
        return json.dumps(told).encode()

    def _call_back(self, body: bytes) -> None:
        request = urllib.request.Request(self.callback, body, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError:
            return  # never told again, as the real one

    # -- what tests do --

    def steer(self, name: str, fields: dict[str, Any]) -> Any:
        with self.lock:
            return getattr(self, f"test_{name}")(**fields)

    def test_fund(self, to: str, amount: str, confirm: bool = False, key: str = GENESIS_KEY) -> str:
        """A send from the genesis account, or from any other whose key is given; its name."""
        private = bytes.fromhex(key)
        head = self.ledger.head(crypto.public_key(private).hex().upper())
        assert head is not None
        return self._sign_and_put(private, head, head.balance - int(amount), account_key(to), confirm)

    def test_receive(self, key: str, send: str, confirm: bool = False) -> str:
        private = bytes.fromhex(key)
        account = crypto.public_key(private).hex().upper()
        held = self.ledger.receivable[account][send]
        head = self.ledger.head(account) or Block(account, ZERO, self.ledger.genesis, 0, ZERO, "", "", hash=ZERO)
        return self._sign_and_put(private, head, head.balance + held.amount, send, confirm)

    def test_rival(self, key: str, block: dict[str, str], confirm: bool = True) -> str:
        """Another block of the same account in the same place wins the election; its name."""
        previous, private = block["previous"], bytes.fromhex(key)
        rival = Block(
            account_key(block["account"]), previous, self.ledger.genesis, self._balance_at(previous), ZERO, "", ""
        )
        rival.signature = crypto.sign(private, bytes.fromhex(rival.name())).hex().upper()
        rival.work = "0" * 16
        verdict = self.ledger.force(rival)
        assert not verdict, verdict
        if confirm:
            self.ledger.confirm(rival.hash)
        return rival.hash

    def _balance_at(self, previous: str) -> int:
        return 0 if previous == ZERO else self.ledger.blocks[previous].balance

    def test_epoch(self, account: str, confirm: bool = True, number: int = 1) -> str:
        key = account_key(account)
        link = f"epoch v{number} block".encode().ljust(32, b"\0").hex().upper()
        head = self.ledger.head(key) or Block(key, ZERO, ZERO, 0, ZERO, "", "", hash=ZERO)
        voter = head.representative if key in self.ledger.accounts else ZERO
        block = Block(key, head.hash, voter, head.balance, link, "", "0" * 16)
        block.signature = crypto.sign(self.ledger.genesis_key, bytes.fromhex(block.name())).hex().upper()
        verdict = self.ledger.process(block)
        assert not verdict, verdict
        if confirm:
            self.ledger.confirm(block.hash)
        return block.hash

    def _sign_and_put(self, private: bytes, head: Block, balance: int, link: str, confirm: bool) -> str:
        block = Block(head.account, head.hash, head.representative, balance, link, "", "0" * 16)
        block.signature = crypto.sign(private, bytes.fromhex(block.name())).hex().upper()
        verdict = self.ledger.process(block)
        assert not verdict, verdict
        if confirm:
            self.ledger.confirm(block.hash)
        return block.hash

    def test_confirm(self, name: str) -> list[str]:
        return self.ledger.confirm(name)

    def test_confirm_all(self, but: tuple[str, ...] = ()) -> int:
        return self.ledger.confirm_all(but)

    def test_unconfirmed(self) -> list[str]:
        return [name for name, block in self.ledger.blocks.items() if not block.confirmed]

    def test_rollback(self, name: str, restored: bool = False) -> list[str]:
        return self.ledger.rollback(name, restored=restored)

    def test_restart(self) -> None:
        self.ledger.restart()

    def test_fail(self, how: str, action: str = "process") -> None:
        self.failures.append((action, how))

    def test_set(self, **switches: Any) -> None:
        """version, control, peers, extra_backlog; voting, online, threshold; mode; callback; receive_minimum."""
        for name, value in switches.items():
            homes = (self, self.calls, self.ledger, self.wallets)
            home = next(one for one in homes if hasattr(one, name))
            setattr(home, name, value)

    def test_sent(self, id: str) -> str:
        """The block of a payment the node's wallet was asked for by this id, or ""."""
        return self.wallets.sent.get(id, "")

    def test_forget(self) -> None:
        """The wallet's file is restored from before all payments: their ids are gone."""
        self.wallets.sent.clear()

    def test_asked(self) -> list[str]:
        seen, self.seen = self.seen, []
        return seen

    def test_paid_to(self, to: str) -> list[str]:
        """The amount of each send to this address that stands in the ledger."""
        key = account_key(to)
        sends = [block for block in self.ledger.blocks.values() if block.subtype == "send" and block.link == key]
        return [str(block.amount) for block in sends]

    def test_many(self, addresses: list[str], amount: str) -> None:
        """Confirmed sends to all of them, from the genesis account, without signatures: for measuring."""
        for to in addresses:
            head = self.ledger.head(self.ledger.genesis)
            assert head is not None
            block = Block(
                head.account, head.hash, head.representative, head.balance - int(amount), account_key(to), "", ""
            )
            block.hash = block.name()
            self.ledger._append(block, "send", int(amount))
            block.confirmed = True
            self.ledger.active.discard(block.hash)
        self.ledger.accounts[self.ledger.genesis].confirmed_height = len(self.ledger.blocks)


def _action(body: bytes) -> str:
    try:
        return str(json.loads(body)["action"])
    except (ValueError, TypeError, KeyError):
        return ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    node: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a busy test would fill the screen."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            fields = json.loads(body)
            self._send(json.dumps(self.node.steer(fields.pop("do"), fields)).encode())
            return
        how, answer = self.node.answer(body)
        text = (json.dumps(answer, indent=4) + "\n").encode()
        if how in ("lost_call", "lost_answer", "outage"):
            self.close_connection = True
        elif how == "truncated":
            self._send(text[: len(text) // 2])
        elif how == "http_502":
            self._send(b"<html>Bad Gateway</html>", status=502)
        elif how == "rubbish":
            self._send(b'["nonsense"]')
        else:
            self._send(text)

    def do_GET(self) -> None:
        self._send(b'{\n    "error": "Can only POST requests"\n}\n')

    do_PUT = do_GET

    def do_OPTIONS(self) -> None:
        self._send(b"")

    def _send(self, body: bytes, *, status: int = 200) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


def main(port_file: Path) -> None:
    Handler.node = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = port_file.with_suffix(".new")
    made.write_text(str(server.server_address[1]))
    made.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
