"""The node explorer: what no page needs, a manager can still see. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from accounts.audit import client_ip
from accounts.capabilities import Capability, require
from accounts.models import User
from adapters.models import Wallet
from ledger import nodes
from ledger.services import exploring
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    from adapters.base import Reading, ReadingField


class ReadingForm(forms.Form):
    """One input for each field of a reading call. The names of its fields are the node's, so they are prefixed."""

    prefix = "field"

    def __init__(self, reading: Reading, data: dict[str, str] | None = None) -> None:
        super().__init__(data)
        for field in reading.fields:
            self.fields[field.name] = _input(field)

    def typed(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.cleaned_data.items()}


def _input(field: ReadingField) -> forms.Field:
    if field.kind == "flag":
        choices = [("", _("as the node likes")), ("true", _("yes")), ("false", _("no"))]
        return forms.ChoiceField(label=field.name, required=field.required, choices=choices)
    help_text = {
        "whole": _("A whole number."),
        "texts": _("Several with commas between them."),
        "wholes": _("Whole numbers with commas between them."),
    }.get(field.kind, "")
    box = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "vTextField"})
    return forms.CharField(label=field.name, required=field.required, help_text=help_text, widget=box)


def page(request: HttpRequest, pk: int, site: AdminSite) -> HttpResponse:
    """GET shows the calls and the form of one; POST makes that call. A GET asks no node."""
    assert isinstance(request.user, User)
    require(request.user, Capability.MANAGE_WALLETS)
    wallet = get_object_or_404(Wallet, pk=pk)
    offered = nodes.readings(wallet)
    chosen = _chosen(request, offered)
    form = ReadingForm(chosen, request.POST.dict() if request.method == "POST" else None) if chosen else None
    answer = _ask(request, wallet, chosen, form) if chosen and form and request.method == "POST" else None
    context = {
        **site.each_context(request), "title": _("Look things up at “%(wallet)s”") % {"wallet": wallet.name},
        "wallet": wallet, "programs": _by_program(offered), "chosen": chosen, "form": form, "answer": answer,
    }  # fmt: skip
    return render(request, "admin/ledger/explore.html", context)


def _chosen(request: HttpRequest, offered: tuple[Reading, ...]) -> Reading | None:
    wanted = request.GET.get("program", ""), request.GET.get("call", "")
    return next((one for one in offered if (one.program, one.method) == wanted), None)


def _by_program(offered: tuple[Reading, ...]) -> dict[str, list[Reading]]:
    made: dict[str, list[Reading]] = {}
    for one in offered:
        made.setdefault(one.program, []).append(one)
    return made


def _ask(request: HttpRequest, wallet: Wallet, chosen: Reading, form: ReadingForm) -> exploring.Answer | None:
    if not form.is_valid() or not isinstance(request.user, User):
        return None
    try:
        return exploring.look_up(
            user=request.user, wallet=wallet, program=chosen.program, method=chosen.method, typed=form.typed(),
            where=client_ip(request),
        )  # fmt: skip
    except WalletError as error:
        messages.error(request, error.message)
        return None
