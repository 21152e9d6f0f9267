"""The site's rules hold for purses as for everybody."""

from __future__ import annotations

import pytest

from ledger.models import Invoice, Operation
from ledger.services import lifecycle
from tests.api_lnbits.client import Program, admin_of, purse_of, refused
from tests.api_lnbits.test_payments import SAT, balance, fill, invoice, pay, standing
from tests.support.policy import in_force


@pytest.fixture
def till(coin, bob) -> Program:
    return admin_of(purse_of(bob, "till"), bob)


def test_what_a_rule_blocks_moves_nothing_and_leaves_the_invoice_open(coin, admin, till, manager):
    fill(admin, coin, 1_000)
    bill = invoice(till, 100)
    in_force(manager, {"verdict": "block", "initiators": ["lnbits"], "words": "Ask us first."})
    before = standing()
    refused(pay(admin, bill["bolt11"]), 403, "Ask us first.")
    assert standing() == before
    assert Invoice.objects.get(payment_hash=bill["payment_hash"]).paid_at is None


def test_what_people_must_approve_is_pending_and_pays_its_invoice_once_they_did(coin, admin, till, manager):
    fill(admin, coin, 1_000)
    bill = invoice(till, 100)
    in_force(manager, {"verdict": "people", "people": 1, "initiators": ["lnbits"]})

    assert pay(admin, bill["bolt11"]).status_code == 201
    shown = admin.ok("GET", f"/api/v1/payments/{bill['payment_hash']}")
    assert (shown["paid"], balance(admin), balance(till)) == (False, 900 * SAT, 0)
    assert Invoice.objects.get(payment_hash=bill["payment_hash"]).paid_at is None

    sent = Operation.objects.get(incoming=False)
    lifecycle.approve(user=manager, operation_id=sent.pk)
    assert balance(till) == 100 * SAT
    assert Invoice.objects.get(payment_hash=bill["payment_hash"]).paid_at is not None
