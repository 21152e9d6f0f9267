from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import proof
from accounts.audit import client_ip
from accounts.capabilities import Capability
from accounts.stepup import reauthenticate_redirect
from ledger import queries
from ledger.forms import ContactForm
from ledger.services import contacts
from ledger.views.http import needs, person
from wallets_site.base.errors import ProofRequired, WalletError


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.HAS_WALLETS)
def index(request: HttpRequest) -> HttpResponse:
    """Everybody this person pays; a form to add one, with each refusal beside its field."""
    user, coins = person(request), queries.coins()
    form = ContactForm(request.POST or None, coins=coins, initial={"to": request.GET.get("to", "")[:1000]})
    if request.method == "POST" and form.is_valid() and _add(request, form):
        return redirect("contacts")
    rows = [{"contact": each, "usable_from": contacts.usable_from(each)} for each in contacts.of(user)]
    return render(request, "ledger/contacts.html", {"form": form, "rows": rows, "section": "contacts"})


def _add(request: HttpRequest, form: ContactForm) -> bool:
    said = form.cleaned_data
    try:
        made = contacts.add(
            user=person(request), label=said["label"], to=said["to"], coin=form.chosen_coin, extra=said["extra"]
        )
    except WalletError as error:
        form.add_error("to", error.message)
        return False
    if made.confirmed_at is None:
        messages.info(request, _("We sent you a mail. The contact counts once you followed its link, within an hour."))
    else:
        messages.success(request, _("%(label)s is one of your contacts now.") % {"label": made.label})
    return True


@require_POST
@needs(Capability.HAS_WALLETS)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    contacts.remove(user=person(request), contact_id=pk)
    messages.success(request, _("The contact is removed."))
    return redirect("contacts")


@require_POST
@needs(Capability.HAS_WALLETS)
def ask_again(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        contacts.ask_again(user=person(request), contact_id=pk)
    except WalletError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    else:
        messages.info(request, _("We sent you another mail. Its link works for an hour."))
    return redirect("contacts")


@require_POST
@needs(Capability.HAS_WALLETS)
def lock(request: HttpRequest) -> HttpResponse:
    contacts.lock(user=person(request), where=client_ip(request))
    messages.success(request, _("From now on your coins go to your confirmed contacts only."))
    return redirect("contacts")


@require_POST
@needs(Capability.HAS_WALLETS)
def unlock(request: HttpRequest) -> HttpResponse:
    user = person(request)
    try:
        opens = contacts.unlock(user=user, proof=proof.of_request(request), where=client_ip(request))
    except ProofRequired as error:
        messages.info(request, error.message)
        return reauthenticate_redirect(request, back=reverse("contacts"))
    except WalletError as error:
        messages.error(request, error.message)
    else:
        at = f"{timezone.localtime(opens):%Y-%m-%d %H:%M}"
        messages.info(request, _("The lock opens at %(at)s. We told you by mail as well.") % {"at": at})
    return redirect("contacts")


@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the mail's link: shows what is confirmed; only the button confirms it."""
    if request.method == "POST":
        try:
            made = contacts.confirm(token, where=client_ip(request))
        except WalletError as error:
            return render(request, "ledger/contact_confirm.html", {"refusal": error.message}, status=error.status)
        return render(request, "ledger/contact_confirm.html", {"done": made})
    contact = contacts.asked_by(token)
    if contact is None:
        raise Http404
    return render(request, "ledger/contact_confirm.html", {"contact": contact, "token": token})
