"""Private test networks made of real daemons. `python -m tests.devnet --help` tells how to run one by hand."""

from __future__ import annotations
