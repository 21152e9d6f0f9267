"""The reading calls of bitcoind and its forks, for managers to look things up.

None shows a key, makes or moves anything. Left out of the reading ones: what takes minutes (gettxoutsetinfo), and
what tells of keys (listdescriptors).
"""

from __future__ import annotations

from typing import Any, Final

from adapters.bitcoinlike.node import Node
from adapters.readings import Reading, readings
from adapters.rpc import RpcError

NODE, WALLET = "node", "wallet"

# Source: Bitcoin Core 0.21; parameters go by their names.
READS: Final = readings(
    NODE,
    {
        "getblockchaininfo": "",
        "getblockcount": "",
        "getbestblockhash": "",
        "getblockhash": "height#*",
        "getblockheader": "blockhash* verbose?",
        "getblock": "blockhash* verbosity#",
        "getblockstats": "hash_or_height* stats[]",
        "getchaintips": "",
        "getchaintxstats": "nblocks# blockhash",
        "getdifficulty": "",
        "getmempoolinfo": "",
        "getmempoolentry": "txid*",
        "getmempoolancestors": "txid* verbose?",
        "getmempooldescendants": "txid* verbose?",
        "getrawmempool": "verbose?",
        "getrawtransaction": "txid* verbose? blockhash",
        "gettxout": "txid* n#* include_mempool?",
        "gettxoutproof": "txids[]* blockhash",
        "getnetworkinfo": "",
        "getnettotals": "",
        "getpeerinfo": "",
        "getconnectioncount": "",
        "uptime": "",
        "estimatesmartfee": "conf_target#* estimate_mode",
        "validateaddress": "address*",
        "decoderawtransaction": "hexstring*",
        "decodescript": "hexstring*",
        "verifymessage": "address* signature* message*",
    },
) + readings(
    WALLET,
    {
        "getwalletinfo": "",
        "getbalance": "minconf#",
        "getbalances": "",
        "getaddressinfo": "address*",
        "getaddressesbylabel": "label*",
        "getreceivedbyaddress": "address* minconf#",
        "gettransaction": "txid* verbose?",
        "listtransactions": "label count# skip#",
        "listsinceblock": "blockhash target_confirmations#",
        "listunspent": "minconf# maxconf# addresses[] include_unsafe?",
        "listlockunspent": "",
        "listlabels": "",
        "listreceivedbyaddress": "minconf# include_empty?",
        "listaddressgroupings": "",
        "listwallets": "",
    },
)


def read(node: Node, reading: Reading, params: dict[str, Any]) -> Any:
    """The `result` as it came, or the error object."""
    if reading.method == "getblockstats" and str(params["hash_or_height"]).isdecimal():
        params = {**params, "hash_or_height": int(params["hash_or_height"])}
    try:
        return node.read(reading.method, params, of_wallet=reading.program == WALLET)
    except RpcError as error:
        return {"error": {"code": error.code, "message": error.message}}
