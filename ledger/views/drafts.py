"""What a person typed into the send form, kept in their session until it is sent.

The key of a draft is the idempotency key of its payment: however often its review is confirmed, it pays once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from django.http import Http404, HttpRequest

from accounts.models import User
from ledger import queries
from ledger.services import contacts
from ledger.services.quotes import Quote
from ledger.services.sending import preview_send
from wallets_site.base.ids import new_key

KEPT: Final = 5
MOST_REQUOTES: Final = 10
_NAME: Final = "drafts"


@dataclass
class Draft:
    """amount: atomic units as text, unless `everything` asks for all that is available."""

    coin: str
    to: str
    amount: str = "0"
    everything: bool = False
    comment: str = ""
    extra: str = ""
    level: str = ""
    key: str = ""
    token: str = ""
    total: str = ""
    requotes: int = 0
    operation: int | None = None

    def quote_again(self, user: User) -> Quote:
        """Ask what it costs now; raises WalletError as preview_send does."""
        coin = queries.coin(self.coin)
        contact = contacts.named(user, coin, self.to)
        to = contacts.target(contact) if contact else self.to
        quote = preview_send(
            user=user,
            coin=coin,
            to=to,
            amount=int(self.amount),
            extra=contact.extra if contact else self.extra,
            max_amount=self.everything,
            level=self.level,
        )
        self.token, self.total = quote.token, str(quote.total)
        return quote


def save(request: HttpRequest, draft: Draft) -> Draft:
    """Keep the newest few; a new draft gets its key here."""
    draft.key = draft.key or new_key()
    kept = {key: value for key, value in request.session.get(_NAME, {}).items() if key != draft.key}
    kept[draft.key] = asdict(draft)
    request.session[_NAME] = dict(list(kept.items())[-KEPT:])
    return draft


def find(request: HttpRequest, key: str) -> Draft:
    """Raises Http404 for a draft that is not in this session."""
    stored = request.session.get(_NAME, {}).get(key)
    if stored is None:
        raise Http404
    return Draft(**stored)
