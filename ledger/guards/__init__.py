from __future__ import annotations

from typing import Any


def apply_after_migrate(**_: Any) -> None:
    return
