from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """height: number of blocks, so that confirmations are height minus a block's index. reason: why not believed."""

    height: int
    reason: str
    version: str
