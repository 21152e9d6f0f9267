from __future__ import annotations

from tests.devnet.fixtures import monero

__all__ = ["monero"]
