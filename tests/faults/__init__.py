"""Exactly once, proven by force: the product's worker is killed again and again while it pays, and its nodes lie,
stop and reorganise meanwhile. What arrived is counted in the payees' wallets. `make faults` runs it at length.
"""

from __future__ import annotations
