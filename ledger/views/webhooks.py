"""Webhooks on the site: where they go, what they hear, what became of every message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import proof
from accounts.audit import client_ip
from accounts.capabilities import Capability
from accounts.stepup import reauthenticate_redirect
from ledger.forms_keys import ResendForm, WebhookForm
from ledger.services import feed, webhooks
from ledger.views.http import needs, number, person, posted_key
from wallets_site.base.errors import ProofRequired, WalletError
from wallets_site.base.ids import new_key

PAGE = 25


@require_safe
@needs(Capability.USE_API)
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "ledger/webhooks.html", {"rows": webhooks.of(person(request)), "section": "webhooks"})


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.USE_API)
@sensitive_variables("secret")
def new(request: HttpRequest) -> HttpResponse:
    """Asks first who is there, so that nothing that was typed is lost to the question."""
    form = WebhookForm(request.POST or None, names=feed.names(), initial=WebhookForm.typed_before(request.GET))
    try:
        evidence = proof.of_request(request)
        if request.method == "POST" and form.is_valid():
            row, secret = webhooks.create(
                user=person(request), proof=evidence, key=posted_key(request), known=feed.names(), **form.cleaned_data
            )
            return render(request, "ledger/webhook_secret.html", {"row": row, "secret": secret})
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=f"{reverse('webhook_new')}?{form.typed()}")
    except WalletError as error:
        form.add_error("url" if error.code == "invalid_request" else None, error.message)
    key = posted_key(request) if request.method == "POST" else new_key()
    return render(request, "ledger/webhook_new.html", {"form": form, "key": key, "section": "webhooks"})


@require_safe
@needs(Capability.USE_API)
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Its messages, newest first, each with every attempt; with a subject in the address, those of that one."""
    subject = request.GET.get("subject", "")[:60]
    return _page(request, pk, ResendForm(initial={"subject": subject}), subject)


def _page(request: HttpRequest, pk: int, form: ResendForm, subject: str = "") -> HttpResponse:
    user = person(request)
    row, before = webhooks.find(user, pk), number(request.GET.get("before", ""))
    found = webhooks.pushes(user, webhook_id=pk, subject=subject, before=before, limit=PAGE + 1)
    context = {
        "row": row, "pushes": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "before": before, "subject": subject, "resend": form, "most": webhooks.MOST_RESENT, "key": new_key(),
        "section": "webhooks",
    }  # fmt: skip
    return render(request, "ledger/webhook.html", context)


@require_safe
@needs(Capability.USE_API)
def once(request: HttpRequest) -> HttpResponse:
    """What was pushed to addresses that programs gave with their invoices."""
    before = number(request.GET.get("before", ""))
    found = webhooks.pushed_once(person(request), before=before, limit=PAGE + 1)
    context = {
        "pushes": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None, "before": before,
        "section": "webhooks",
    }  # fmt: skip
    return render(request, "ledger/webhook_once.html", context)


@require_POST
@needs(Capability.USE_API)
def resend_once(request: HttpRequest, push: int) -> HttpResponse:
    webhooks.resend_once(user=person(request), push_id=push)
    messages.success(request, _("The message is pushed once more."))
    return redirect("webhook_once")


@require_POST
@needs(Capability.USE_API)
@sensitive_variables("secret")
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        row, made = webhooks.rotate_secret(user=person(request), webhook_id=pk, proof=proof.of_request(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("webhook", args=[pk]))
    return render(request, "ledger/webhook_secret.html", {"row": row, "secret": made, "renewed": True})


@require_POST
@needs(Capability.USE_API)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    return _done(
        request, pk, _("A test message is on its way. Reload this page in a moment."),
        lambda: webhooks.test(user=person(request), webhook_id=pk, key=posted_key(request)),
    )  # fmt: skip


@require_POST
@needs(Capability.USE_API)
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    on = request.POST.get("on") == "1"
    words = _("The webhook is on again.") if on else _("The webhook is off. What happens meanwhile is not pushed.")
    return _done(request, pk, words, lambda: webhooks.switch(user=person(request), webhook_id=pk, on=on))


@require_POST
@needs(Capability.USE_API)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    webhooks.remove(user=person(request), webhook_id=pk, where=client_ip(request))
    messages.success(request, _("The webhook is removed, with its list of messages."))
    return redirect("webhooks")


@require_POST
@needs(Capability.USE_API)
def resend(request: HttpRequest, pk: int, push: int) -> HttpResponse:
    webhooks.find(person(request), pk)
    return _done(
        request, pk, _("The message is pushed once more."),
        lambda: webhooks.resend(user=person(request), push_id=push),
    )  # fmt: skip


@require_POST
@needs(Capability.USE_API)
def resend_many(request: HttpRequest, pk: int) -> HttpResponse:
    form = ResendForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, form)
    count = webhooks.resend_many(user=person(request), webhook_id=pk, **form.cleaned_data)
    words = ngettext("%(count)s message is pushed once more.", "%(count)s messages are pushed once more.", count)
    messages.success(request, words % {"count": count} if count else _("No message fits. Nothing is pushed again."))
    return redirect("webhook", pk=pk)


def _done(request: HttpRequest, pk: int, words: str, do: Callable[[], Any]) -> HttpResponse:
    try:
        do()
    except WalletError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return redirect("webhook", pk=pk)
