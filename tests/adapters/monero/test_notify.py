"""The configuration lines that a manager pastes make the real programs call us, and what they call is a hint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adapters.base import AddressRequest, Hint
from adapters.monero import Monero as Adapter
from adapters.monero import MoneroOptions
from tests.devnet.monero import Monero
from tests.devnet.rpc import HOST
from tests.support.components import needs

SECONDS = 60


class Listener:
    """A web server that remembers what it was asked for."""

    def __init__(self) -> None:
        paths: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keeps the test's output quiet."""

        self.paths = paths
        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, wanted: Callable[[str], bool]) -> str:
        """The first path that fits. Fails after a minute."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = next((path for path in list(self.paths) if wanted(path)), None)
            if found is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"never called; calls were {self.paths}")


@pytest.fixture
def listener() -> Iterator[Listener]:
    needs("curl")
    made = Listener()
    yield made
    made.close()


def test_the_pasted_lines_make_wallet_and_daemon_call_us(monero: Monero, listener: Listener):
    adapter = Adapter(MoneroOptions(**monero.options()))
    lines = adapter.setup_lines(f"{listener.url}/wallets/notify/XMR/{{kind}}/%s").splitlines()
    middle = lines.index("# in the configuration file of monerod")
    monero.stop_node()
    monero.start_node(lines[middle:])
    monero.restart_wallet("site", *lines[:middle])
    try:
        monero.site("auto_refresh", enable=True, period=1)
        address = adapter.new_address(AddressRequest(number=1)).address
        txid = monero.pay({address: 10**12})["tx_hash"]
        monero.mine(1)
        top = monero.node("get_last_block_header")["block_header"]["hash"]

        wallet = listener.wait(lambda path: path.endswith(f"/wallet/{txid}"))
        block = listener.wait(lambda path: path.endswith(f"/block/{top}"))
    finally:
        monero.stop_node()
        monero.start_node()
        monero.restart_wallet("site")

    assert wallet == f"/wallets/notify/XMR/wallet/{txid}"
    assert adapter.hint("wallet", wallet.rsplit("/", 1)[1], b"") == Hint(txid)
    assert adapter.hint("block", block.rsplit("/", 1)[1], b"") == Hint("")
    adapter.close()
