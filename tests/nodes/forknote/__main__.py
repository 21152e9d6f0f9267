"""Serves the stand-in on three ports of 127.0.0.1: walletd, the daemon, and the controls of tests."""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.nodes.forknote.machine import Machine

HOST = "127.0.0.1"
Ask = Callable[[bytes], bytes | None]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news."""


def handler(ask: Ask, path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or "0"))
            if self.path != path:
                self._give(404, b"Requested url is not found\n")
                return
            said = ask(body)
            if said is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._give(200, said)

        do_GET = do_PUT = do_DELETE = do_POST  # the verb does not matter

        def _give(self, status: int, body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Server", "CryptoNote-based HTTP server")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    return Handler


def controls(machine: Machine) -> Ask:
    def ask(body: bytes) -> bytes:
        asked = json.loads(body)
        try:
            said = {"result": machine.control(asked["do"], asked["with"])}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        return json.dumps(said).encode()

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description="Stand-in for walletd and its daemon.")
    parser.add_argument("--dialect", choices=("snake", "camel"), required=True)
    parser.add_argument("--ports", type=Path, required=True, help="file to write the three ports to")
    parser.add_argument("--password", default="", help="rpc-password, as TurtleCoin has it")
    parser.add_argument("--domain-code", type=int, default=-32000, help="Karbo and TurtleCoin use -32700")
    parser.add_argument("--port", type=int, default=0, help="port of walletd; 0: any")
    given = parser.parse_args()
    machine = Machine(given.dialect, password=given.password, domain_code=given.domain_code)
    servers = [
        Server((HOST, given.port), handler(machine.ask_wallet, "/json_rpc")),
        Server((HOST, 0), handler(machine.ask_daemon, "/json_rpc")),
        Server((HOST, 0), handler(controls(machine), "/control")),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    written = given.ports.with_suffix(".part")
    written.write_text(json.dumps([server.server_address[1] for server in servers]))
    written.replace(given.ports)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
