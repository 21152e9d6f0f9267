"""One tree of errors. Every surface (HTML, REST, v3, LNbits, admin) renders these and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar


class WalletError(Exception):
    """A refusal a person can read.

    code: stable machine name. status: HTTP status of our own API. message: a sentence that says what
    to do next, already free of secrets. data: machine-readable details, JSON-safe.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return self.message


class InvalidAmount(WalletError):
    code = "invalid_amount"


class InvalidAddress(WalletError):
    """An address that cannot be paid: wrong checksum, other network, other coin. `reason` is a sentence."""

    code = "invalid_address"


class InvalidRequest(WalletError):
    code = "invalid_request"


class InvalidExtra(InvalidRequest):
    """A payment id or tag that cannot be, or that stands beside an address which has one built in."""

    code = "invalid_extra"


class InsufficientFunds(WalletError):
    code = "insufficient_funds"
    status = 409


class LimitReached(WalletError):
    code = "limit_reached"
    status = 409


class IdempotencyConflict(WalletError):
    """The same key came with another request."""

    code = "idempotency_conflict"
    status = 409


class WrongState(WalletError):
    """The thing is no longer (or not yet) in a state that allows this."""

    code = "wrong_state"
    status = 409


class InvoicePaid(WalletError):
    """An invoice is paid once at most, and this one was, or is being paid."""

    code = "invoice_paid"
    status = 409


class QuoteExpired(WalletError):
    code = "quote_expired"
    status = 409


class NotAllowed(WalletError):
    code = "not_allowed"
    status = 403


class PayoutsHeld(NotAllowed):
    """Nothing goes out of this account for a while. `until`: an ISO time. `reason`: of accounts.models.PayoutHold."""

    code = "payouts_held"


class ProofRequired(WalletError):
    """Step-up needed: confirm who you are, then repeat."""

    code = "proof_required"
    status = 403


class NotFound(WalletError):
    code = "not_found"
    status = 404


class TooManyRequests(WalletError):
    code = "too_many_requests"
    status = 429


class SiteReadOnly(WalletError):
    """Managers let the site only be read for now."""

    code = "read_only"
    status = 503


class CoinUnavailable(WalletError):
    """The coin's node does not answer, is on the wrong network, or is paused; balances stay readable."""

    code = "coin_unavailable"
    status = 503


class Unavailable(WalletError):
    """A part of the site that everything here needs is away; nothing was done."""

    code = "unavailable"
    status = 503
