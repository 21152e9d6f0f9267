"""Pure address codecs: no network, no settings, no ORM."""

from __future__ import annotations
