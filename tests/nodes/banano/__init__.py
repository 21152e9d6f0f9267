"""A stand-in Banano node: a ledger that computes, spoken to over HTTP as a child process. It holds no recorded answer.

ledger.py is the state and what a block may do to it, calls.py the RPC, wallet.py the node's own wallet, server.py
the wire with its failure switches, client.py what tests hold.
"""
