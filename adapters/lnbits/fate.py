"""What became of a payment.

Money is released when the server keeps the payment as failed, when it knows none after the one definite no to its
only try, or when it knows none long after the invoice expired. That it knows none is believed only of the wallet
that was to pay: a key of another wallet sees none of our payments, a key of no wallet sees everybody's.

The same hash may be sent again only to servers that keep failed payments (since 1.0): there the row stands before
the route is tried, and a second try of a hash with a row never pays. Older servers delete failed rows and would
leave it to the node behind them, so there one waits.
"""

from __future__ import annotations

from datetime import timedelta

from adapters import lightning
from adapters.base import Absent, Confirmed, Dead, LookupResult, NodeDown, Pending, Tried, Unknown
from adapters.lightning import FINAL
from adapters.lnbits.payments import Blob
from adapters.lnbits.server import Row, Server
from wallets_site.base.clock import now


def look_up(server: Server, tried: Tried, release_minutes: int) -> LookupResult:
    """Never raises."""
    try:
        blob = Blob.read(tried.prepared.blob)
        row = find(server, tried.prepared.id, blob)
        if row is not None and row.outgoing:
            return _of_row(row, blob)
        if row is not None and row.outgoing is None:
            return Unknown("The LNbits server knows this payment but does not say whether it came or went.")
        return _of_nothing(server, tried, blob, release_minutes)
    except NodeDown as error:
        return Unknown(str(error))


def find(server: Server, payment_hash: str, blob: Blob) -> Row | None:
    """The row of the paying wallet. Raises NodeDown when the admin key is not that wallet's."""
    row = server.payment(payment_hash, "admin")
    if row is not None and row.outgoing is not None and row.wallet in ("", blob.wallet):
        return row
    if server.wallet("admin").id != blob.wallet:
        raise NodeDown("The admin key is not that of the wallet which was to pay: nothing can be told.")
    if row is not None and row.outgoing is None:
        return _in_list(server, row)
    return row


def _in_list(server: Server, row: Row) -> Row:
    """The oldest servers give no details of a single payment, but of each in their list."""
    same = [one for one in server.rows(100, key="admin") if one.payment_hash == row.payment_hash and one.outgoing]
    return same[0] if same and same[0].fate == row.fate else row


def _of_row(row: Row, blob: Blob) -> LookupResult:
    if row.amount != blob.amount:
        return Unknown("The LNbits server shows another amount for this payment.")
    if row.fate == "paid":
        return Confirmed(FINAL, row.payment_hash, row.fee, lightning.proven(row.preimage, row.payment_hash))
    if row.fate == "failed":
        return Dead("The Lightning network did not find a way to the recipient.")
    return Pending(row.payment_hash)


def _of_nothing(server: Server, tried: Tried, blob: Blob, release_minutes: int) -> LookupResult:
    expired = blob.expires <= now()
    if not tried.attempts:
        return Absent()  # of an expired invoice too: broadcast() refuses it, and that is the proof
    if tried.attempts == 1 and tried.outcome == "refused":
        return Dead("The LNbits server refused to pay it.")
    keeps = any(row.keeps_failed for row in server.rows(1, key="admin"))
    if tried.outcome == "sent" and keeps:
        return Unknown("The LNbits server took this payment and does not know it any more: a person must look.")
    if expired and now() > blob.expires + timedelta(minutes=release_minutes):
        return Dead("The invoice expired, and the LNbits server knows no payment of it.")
    if keeps and not expired:
        return Absent()
    return Unknown("No news of this payment. It is given up some time after its invoice has expired.")
