from __future__ import annotations

from tests.devnet.fixtures import litecoin

__all__ = ["litecoin"]
