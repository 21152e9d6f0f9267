"""What every address of this API goes through: the method, the refusals in their one form, CORS."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from ledger.api.lnbits.answers import Refusal, of_wallet_error, preflight, refuse
from ledger.api.lnbits.asked import Asked
from ledger.services import purses, rules
from wallets_site.base.errors import WalletError
from wallets_site.base.prepared import Question, ahead

log = logging.getLogger(__name__)
Handler = Callable[..., HttpResponseBase]
View = Callable[..., HttpResponseBase]


def door(**handlers: Handler) -> View:
    """A view from one handler a method. No session and no CSRF check: the key in the request is who it is."""

    @csrf_exempt
    @login_not_required
    def view(request: HttpRequest, **path: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return preflight()
        handler = handlers.get("GET" if request.method == "HEAD" else request.method or "")
        try:
            if handler is None:
                raise Refusal(405, "Method Not Allowed")
            asked = Asked(request)
            with rules.asked_once(), ahead(*_questions(asked)):
                return handler(asked, **path)
        except Refusal as refusal:
            return refuse(refusal)
        except WalletError as error:
            return refuse(
                of_wallet_error(
                    error, payment=request.method == "POST" and request.path.rstrip("/").endswith("/payments")
                )
            )
        except Exception:
            log.exception("the LNbits API could not answer %s %s", request.method, request.path)
            return refuse(Refusal(500, "Something went wrong here. Look the payment up before you try it again.",
                                  fate="pending"))  # fmt: skip

    return view


def _questions(asked: Asked) -> Iterator[Question | None]:
    """All that is known at the start to be asked of the database."""
    yield from purses.questions(asked.key)
    if asked.request.method == "POST":
        yield rules.question()
        yield purses.wallet_question()


def nowhere(asked: Asked, **path: Any) -> HttpResponseBase:
    raise Refusal(404, "Not Found")
