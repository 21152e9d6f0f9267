"""Keys for programs: a list, a form, the key itself this once, and its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import api_keys, proof
from accounts.audit import client_ip
from accounts.capabilities import Capability
from accounts.stepup import reauthenticate_redirect
from ledger import queries
from ledger.forms_keys import ApiKeyForm
from ledger.services import key_caps
from ledger.views.http import needs, person, posted_key
from wallets_site.base.clock import now
from wallets_site.base.errors import ProofRequired, WalletError
from wallets_site.base.ids import new_key


@require_safe
@needs(Capability.USE_API)
def index(request: HttpRequest) -> HttpResponse:
    user = person(request)
    usable = list(api_keys.of(user).filter(revoked_at=None))
    caps = key_caps.caps_of_many(usable)
    rows = [{"key": each, "caps": caps[each.pk]} for each in usable]
    ended = api_keys.of(user).exclude(revoked_at=None)[:20]
    context = {"rows": rows, "ended": ended, "base": settings.SITE_URL, "section": "keys"}
    return render(request, "ledger/keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.USE_API)
@sensitive_variables("text")
def new(request: HttpRequest) -> HttpResponse:
    """Asks first who is there, so that nothing that was typed is lost to the question."""
    user, coins = person(request), queries.coins()
    form = ApiKeyForm(request.POST or None, coins=coins, initial=ApiKeyForm.typed_before(request.GET))
    try:
        evidence = proof.of_request(request)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            row, text = key_caps.make_key(
                user=user, name=said["name"], scopes=said["scopes"], proof=evidence, key=posted_key(request),
                expires_at=_end(said["days"]),
                addresses=said["addresses"], caps=form.caps,
            )  # fmt: skip
            return render(request, "ledger/key_made.html", {"row": row, "text": text, "base": settings.SITE_URL})
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=f"{reverse('key_new')}?{form.typed()}")
    except WalletError as error:
        form.add_error(None, error.message)
    key = posted_key(request) if request.method == "POST" else new_key()
    return render(request, "ledger/key_new.html", {"form": form, "key": key, "section": "keys"})


def _end(days: int) -> datetime | None:
    """The end of that day, UTC: pressing the button twice asks for the same key. None: never."""
    return (now() + timedelta(days=days + 1)).replace(hour=0, minute=0, second=0, microsecond=0) if days else None


@require_POST
@needs(Capability.USE_API)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    row = api_keys.revoke(user=person(request), key_id=pk, where=client_ip(request))
    messages.success(request, _("The key “%(name)s” opens nothing any more.") % {"name": row.name})
    return redirect("keys")
