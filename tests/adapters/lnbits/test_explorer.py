from __future__ import annotations

from tests.adapters.lnbits.world import LnbitsWorld


def test_a_manager_sees_the_wallet_and_its_payments_but_no_key_and_no_preimage(either: LnbitsWorld):
    invoice = either.outside_invoice(5_000)
    either.steal(invoice)
    wallet = either.adapter.explore("GET /api/v1/wallet", {})
    (first, *_) = either.adapter.explore("GET /api/v1/payments", {"limit": "2"})
    one = either.adapter.explore("GET /api/v1/payments/{payment_hash}", {"payment_hash": first["payment_hash"]})

    assert wallet["balance"] == 9_995_000
    assert first["amount"] == -5_000
    assert one["paid"] is True
    assert one["preimage"] in ("(not shown)", "", None)


def test_the_servers_own_refusal_is_shown_with_its_status(either: LnbitsWorld):
    said = either.adapter.explore("GET /api/v1/payments/{payment_hash}", {"payment_hash": "ab" * 32})

    assert said["status"] == 404
    assert said["body"]["detail"]
