from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.capabilities import Capability
from ledger.services import inbox
from ledger.views.http import needs, number, person


@require_safe
@needs(Capability.HAS_WALLETS)
def index(request: HttpRequest) -> HttpResponse:
    user, before = person(request), number(request.GET.get("before", ""))
    page, seen = inbox.page(user, before=before), inbox.seen_until(user)
    rows = [{"event": each, "words": inbox.words_of(each), "new": each.pk > seen} for each in page.rows]
    answer = render(
        request, "ledger/notifications.html",
        {"rows": rows, "older": page.next_before, "before": before, "section": "notifications", "unread": ""},
    )  # fmt: skip
    if page.rows and before is None and request.method == "GET":
        inbox.mark_seen(user=user, until=page.rows[0].pk)
    return answer


@require_safe
@needs(Capability.HAS_WALLETS)
def bell(request: HttpRequest) -> HttpResponse:
    """The bell alone, for a page that stays open."""
    return render(request, "_bell.html")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.HAS_WALLETS)
def choices(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if request.method == "POST":
        pairs = (text.partition(":") for text in request.POST.getlist("hear"))
        inbox.choose(user=user, wanted=[(name, channel) for name, _colon, channel in pairs])
        messages.success(request, _("Your choice is saved."))
        return redirect("notification_choices")
    shown = {"choices": inbox.choices(user), "always": [_(words) for words in inbox.ALWAYS.values()]}
    return render(request, "ledger/notification_choices.html", {**shown, "section": "notifications"})
