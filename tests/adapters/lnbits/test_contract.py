"""The invoice contract on a stand-in for an old and a new LNbits, and on a real LNbits 1.6.2."""

from __future__ import annotations

import pytest

from tests.adapters.invoice_contract import InvoiceContract, InvoiceWorld
from tests.adapters.lnbits.world import LnbitsWorld


class TestNewLnbits(InvoiceContract):
    @pytest.fixture
    def world(self, new: LnbitsWorld) -> InvoiceWorld:
        return new


class TestOldLnbits(InvoiceContract):
    @pytest.fixture
    def world(self, old: LnbitsWorld) -> InvoiceWorld:
        return old


class TestRealLnbits(InvoiceContract):
    @pytest.fixture
    def world(self, live: LnbitsWorld) -> InvoiceWorld:
        return live
