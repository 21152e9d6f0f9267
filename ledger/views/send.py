"""Send in three steps: type it, read it back with its price, see it as an operation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import holds, proof
from accounts.capabilities import Capability
from accounts.models import User
from accounts.queries import payout_hold
from accounts.stepup import reauthenticate_redirect
from ledger import money, nodes, queries
from ledger.forms import CURRENCY, SendForm, worth_to_amount
from ledger.models import Coin
from ledger.services import contacts, lookalikes, rates, recognise
from ledger.services.quotes import Quote, read_quote
from ledger.services.sending import request_send
from ledger.services.withdrawals import level_costs
from ledger.views import drafts
from ledger.views.http import field_of, needs, person
from wallets_site.base.errors import InvalidAmount, ProofRequired, QuoteExpired, TooManyRequests, WalletError


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.HAS_WALLETS)
def send(request: HttpRequest, symbol: str) -> HttpResponse:
    """Step 1. What was typed is checked and priced at once, so that a refusal stands beside its field."""
    user, coin = person(request), queries.coin(symbol)
    everything = "max" in request.POST
    form = SendForm(
        request.POST or None, coin=coin, everything=everything, extra=nodes.extra_words(coin),
        invoices=nodes.has_invoices(coin), worth=_fresh_worth(user, coin), currency=rates.currency_of(user),
        initial=_typed_before(request, coin),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        amount = "0" if everything else str(said["amount"] or 0)
        draft = drafts.Draft(coin.symbol, said["to"], amount, everything, said["comment"], said.get("extra", ""))
        try:
            draft.quote_again(user)
        except WalletError as error:
            form.add_error(field_of(error), error.message)
        else:
            return redirect("send_review", symbol=coin.symbol, key=drafts.save(request, draft).key)
    labels = [each.label for each in contacts.of(user) if each.coin_id in (None, coin.pk) and each.confirmed_at]
    context = {"coin": coin, "coins": queries.coins(), "form": form, "terms": queries.terms(coin), "labels": labels}
    hold = payout_hold(user)
    context["hold"] = holds.in_words(hold) if hold else ""
    return render(request, "ledger/send.html", {**context, "balance": queries.balance(user, coin)})


@require_safe
@needs(Capability.HAS_WALLETS)
def lookup(request: HttpRequest, symbol: str) -> HttpResponse:
    """While somebody types: who or what the "To" box means, and what the amount would cost. Asks no node."""
    user, coin = person(request), queries.coin(symbol)
    to = request.GET.get("to", "")[:2010]
    context: dict[str, Any] = {"coin": coin, "currency": rates.currency_of(user)}
    try:
        found = context["found"] = recognise.recognise(user=user, coin=coin, to=to) if to.strip() else None
        context["worth"] = worth = rates.current(context["currency"]).get(coin.pk)
        typed = request.GET.get("amount", "")
        if worth and request.GET.get("unit") == CURRENCY:
            amount = context["amount"] = worth_to_amount(typed, coin, worth.price)
        else:
            amount = money.parse_positive(typed, coin.decimals)
    except TooManyRequests as error:
        context["slow"] = error.message
    except InvalidAmount:
        pass
    else:
        if found is not None and found.kind != "other":
            context["figures"] = recognise.figures(user=user, coin=coin, found=found, amount=amount)
        context["value"] = rates.value_of(amount, coin.decimals, worth.price) if worth else None
    return render(request, "ledger/parts/lookup.html", context)


def _fresh_worth(user: User, coin: Coin) -> rates.Worth | None:
    """What amounts may be typed in instead; an old rate would send another amount than was meant."""
    worth = rates.current(rates.currency_of(user)).get(coin.pk)
    return worth if worth is not None and not worth.is_stale else None


@require_safe
@needs(Capability.HAS_WALLETS)
def anywhere(request: HttpRequest) -> HttpResponse:
    """To the form of the first coin this person has something of, with what the link names typed in."""
    held = queries.balances(person(request))
    first = next((each for each in held if each.available), held[0] if held else None)
    if first is None:
        return redirect("home")
    return redirect(f"{reverse('send', args=[first.coin.symbol])}?{request.GET.urlencode()}")


def _typed_before(request: HttpRequest, coin: Coin) -> dict[str, str]:
    if "draft" not in request.GET:
        return {name: request.GET.get(name, "") for name in ("to", "extra", "amount", "comment")}
    draft = drafts.find(request, request.GET["draft"])
    amount = "" if draft.everything or draft.amount == "0" else money.plain(int(draft.amount), coin.decimals)
    return {"to": draft.to, "extra": draft.extra, "amount": amount, "comment": draft.comment}


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Capability.HAS_WALLETS)
def review(request: HttpRequest, symbol: str, key: str) -> HttpResponse:
    """Step 2. The figures shown are the ones confirmed; those over a minute old are worked out again first."""
    draft = drafts.find(request, key)
    if draft.operation is not None:
        return redirect("operation", pk=draft.operation)
    if "level" in request.POST:
        return _choose_level(request, draft)
    if request.method == "POST":
        return _confirm(request, draft)
    try:
        context = {**_figures(request, draft), **_beside(request, draft)}
    except WalletError as error:
        return _back_to_the_form(request, draft, error)
    return render(request, "ledger/send_review.html", context)


@require_safe
@needs(Capability.HAS_WALLETS)
def figures(request: HttpRequest, symbol: str, key: str) -> HttpResponse:
    """The figures alone, for a review that stays open longer than they hold."""
    draft = drafts.find(request, key)
    if draft.operation is not None:
        return redirect("operation", pk=draft.operation)
    try:
        context = _figures(request, draft)
    except WalletError as error:
        context = {"draft": draft, "coin": queries.coin(symbol), "refusal": error.message}
    return render(request, "ledger/parts/figures.html", context)


def _figures(request: HttpRequest, draft: drafts.Draft) -> dict[str, Any]:
    quote, before = _standing_quote(request, draft), int(draft.total)
    again = quote is None
    if quote is None:
        quote = draft.quote_again(person(request))
        draft.requotes += 1
        drafts.save(request, draft)
    changed = before if again and before != quote.total else None
    keep_fresh = draft.requotes < drafts.MOST_REQUOTES
    return {
        "draft": draft, "coin": quote.coin, "quote": quote, "again": again, "changed": changed,
        "keep_fresh": keep_fresh, "twin": _twin(request, quote),
    }  # fmt: skip


def _beside(request: HttpRequest, draft: drafts.Draft) -> dict[str, Any]:
    """What a review says of a payment to the outside: what haste costs, and that nothing went there before."""
    quote = read_quote(draft.token, user=person(request))
    if quote.kind != "withdrawal":
        return {}
    new = quote.bill is None and recognise.first_time(person(request), quote.coin, quote.address)
    return {"levels": level_costs(quote.coin, quote), "first_time": new}


def _choose_level(request: HttpRequest, draft: drafts.Draft) -> HttpResponse:
    """Another fee level of the network; what it costs is worked out at once."""
    before, draft.level = draft.level, request.POST["level"][:20]
    try:
        draft.quote_again(person(request))
    except WalletError as error:
        draft.level = before
        messages.error(request, error.message)
    drafts.save(request, draft)
    return redirect("send_review", symbol=draft.coin, key=draft.key)


def _twin(request: HttpRequest, quote: Quote) -> dict[str, Any] | None:
    """The known address that this one could be mistaken for, and where the two differ."""
    if quote.kind != "withdrawal" or quote.bill is not None:
        return None
    found = lookalikes.like(person(request), quote.coin, quote.address)
    if found is None:
        return None
    return {"label": found.label, "pieces": lookalikes.compared(quote.address, found.address)}


def _standing_quote(request: HttpRequest, draft: drafts.Draft) -> Quote | None:
    try:
        quote = read_quote(draft.token, user=person(request))
    except QuoteExpired:
        return None
    return None if quote.expired else quote


def _confirm(request: HttpRequest, draft: drafts.Draft) -> HttpResponse:
    user = person(request)
    here = reverse("send_review", args=[draft.coin, draft.key])
    try:
        quote = read_quote(request.POST.get("quote", ""), user=user)
        evidence = proof.of_request(request)
        operation = request_send(user=user, quote=quote, proof=evidence, key=draft.key, comment=draft.comment)
    except ProofRequired as error:
        messages.info(request, _("%(message)s What you typed is kept.") % {"message": error.message})
        return reauthenticate_redirect(request, back=here)
    except QuoteExpired as error:
        messages.warning(request, error.message)
        return redirect(here)
    except WalletError as error:
        return _back_to_the_form(request, draft, error)
    draft.operation = operation.pk
    drafts.save(request, draft)
    return redirect("operation", pk=operation.pk)


def _back_to_the_form(request: HttpRequest, draft: drafts.Draft, error: WalletError) -> HttpResponse:
    messages.error(request, error.message)
    return redirect(f"{reverse('send', args=[draft.coin])}?draft={draft.key}")
