"""A stand-in for walletd and its daemon: it computes what the real ones answer from a model of chain and wallet.

Started as a program of its own (`python -m tests.nodes.forknote`); standin.py starts it and steers it.
"""
