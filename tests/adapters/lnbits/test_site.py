"""The whole ledger over an LNbits that says no before it keeps anything of a payment."""

from __future__ import annotations

from accounts.models import User
from ledger.models import Address, Coin, Dispatch, Operation
from ledger.services import invoices, wallets
from tests.adapters.lnbits.world import LnbitsWorld
from tests.lnbits.front import Answered, Call
from tests.support.databases import Database
from tests.support.money import balances, chores_now, fresh_key, pay_now, scan_now, send, use_of

COIN = 1_000_000


def refuse_payments(call: Call) -> Answered | None:
    return (400, b'{"detail": "This account is locked.", "status": "failed"}') if call.pays else None


def connect(world: LnbitsWorld) -> Coin:
    coin = Coin.objects.create(symbol="LNBTC", name="Lightning", decimals=11, confirmations=1)
    options = {"url": world.front.url, "admin_key": world.hot.admin, "invoice_key": world.hot.invoice}
    wallets.connect(coin=coin, name="LNbits", kind="lnbits", options=options)
    scan_now(coin)
    return coin


def test_a_refusal_that_leaves_no_trace_gives_everything_back_and_holds_up_nobody(
    site: Database, new: LnbitsWorld, alice: User
):
    """An invoice is paid under its own name: it cannot be prepared anew under another one, as a transaction can."""
    coin = connect(new)
    new.pay_in(invoices.ask(user=alice, coin=coin, amount=5 * COIN, key=fresh_key()).bolt11)
    scan_now(coin)

    new.front.instead = refuse_payments
    refused = send(alice, coin, new.outside_invoice(COIN), COIN)
    for _ in range(3):
        pay_now(coin)
    new.front.heal()
    paid = send(alice, coin, invoice := new.outside_invoice(COIN), COIN)
    for _ in range(3):
        pay_now(coin)

    refused.refresh_from_db()
    paid.refresh_from_db()
    assert (refused.status, paid.status) == (Operation.Status.FAILED, Operation.Status.DONE)
    assert new.arrived(invoice)
    assert balances(coin, alice) == [(4 * COIN, 0)]
    assert sorted(Dispatch.objects.values_list("state", flat=True)) == ["dead", "final"]


def test_no_invoices_are_made_in_advance(site: Database, new: LnbitsWorld):
    coin = connect(new)
    before = len(new.front.calls)
    chores_now(coin)

    assert not any(call.method == "POST" for call in new.front.calls[before:])
    assert use_of(coin).next_number == 1
    assert not Address.objects.exists()
