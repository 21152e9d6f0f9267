"""The reading calls of an LNbits server, for managers to look things up. None of them pays or makes anything.

Left out of the reading ones: lists of users, because a user's id is a login on older servers.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

from adapters.base import NodeRefused
from adapters.lnbits.server import Server
from adapters.readings import Reading, readings

# Source: LNbits 0.2 to 1.6.2. Decoding is a POST there, and writes nothing.
READS: Final = readings(
    "",
    {
        "GET /api/v1/wallet": "",
        "GET /api/v1/payments": "limit# offset#",
        "GET /api/v1/payments/{payment_hash}": "payment_hash*",
        "GET /api/v1/payments/fee-reserve": "invoice*",
        "POST /api/v1/payments/decode": "data*",
        "GET /api/v1/currencies": "",
        "GET /usermanager/api/v1/wallets/{user_id}": "user_id*",
    },
)
FEWEST: Final = 10  # payments, where no limit was typed: servers before 1.0 would send all


def read(server: Server, reading: Reading, params: dict[str, Any]) -> Any:
    """The body as it came, with the HTTP status where that is not 200. Raises NodeRefused for what is no path."""
    verb, path = reading.method.split(" ")
    left = dict(params)
    for name in [one for one in params if f"{{{one}}}" in path]:
        value = str(left.pop(name))
        if not value.isalnum():
            raise NodeRefused(f"{name} has letters and digits only.")
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    if path == "/api/v1/payments":
        left = {"limit": FEWEST, **left}
    if verb == "GET" and left:
        path, left = f"{path}?{urlencode(left)}", {}
    said = server.read(verb, path, left)
    return said.data if said.status == 200 else {"status": said.status, "body": said.data}
