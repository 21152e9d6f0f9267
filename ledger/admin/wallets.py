"""Node connections: their options as a form, a connection test, and the lines to paste into the daemon."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from adapters.base import NodeError
from adapters.models import Wallet
from ledger import nodes
from ledger.admin import exploring
from ledger.admin.readonly import amount_text
from ledger.models import Coin, CoinWallet, WalletFunds
from ledger.services import site_settings, wallets
from wallets_site.base.errors import InvalidRequest

if TYPE_CHECKING:
    _Form = forms.ModelForm[Wallet]
    _Admin = admin.ModelAdmin[Wallet]
else:
    _Form = forms.ModelForm
    _Admin = admin.ModelAdmin

PREFIX = "option_"


class WalletForm(_Form):
    """One input for each option of the coin family; a secret left empty keeps its value."""

    coin = forms.ModelChoiceField(
        Coin.objects.all(), help_text="The wallet it has now is retired: scanned, not paid from."
    )

    class Meta:
        model = Wallet
        fields: ClassVar = ["name"]

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.held = self.instance.read_options() if self.instance.pk else {}
        self.items = nodes.option_fields(kind)
        if self.instance.pk:
            del self.fields["coin"]
        for item in self.items:
            self.fields[PREFIX + item.name] = _input(item, self.held)

    def options(self) -> dict[str, Any]:
        """The values to keep, in the types the family declares."""
        values: dict[str, Any] = {}
        for item in self.items:
            given = self.cleaned_data.get(PREFIX + item.name)
            if item.metadata.get("secret") and not given:
                given = self.held.get(item.name, "")
            if given not in (None, ""):
                values[item.name] = given
        return values

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                nodes.check_options(self.kind, self.options())
                if values.get("coin") is not None:
                    nodes.check_coin(self.kind, values["coin"])
            except (ImproperlyConfigured, InvalidRequest) as error:
                raise forms.ValidationError(str(error)) from error
        return values


def _input(item: dataclasses.Field[Any], held: dict[str, Any]) -> forms.Field:
    help_text, choices = item.metadata.get("help", ""), item.metadata.get("choices", ())
    required = item.default is dataclasses.MISSING
    initial = held.get(item.name, "" if required else item.default)
    label = item.name.replace("_", " ").capitalize()
    if item.type in ("bool", bool):
        return forms.BooleanField(required=False, initial=initial, label=label, help_text=help_text)
    if item.type in ("int", int):
        return forms.IntegerField(required=required, initial=initial, label=label, help_text=help_text)
    if choices:
        pairs = [(choice, choice) for choice in choices]
        return forms.ChoiceField(choices=pairs, required=required, initial=initial, label=label, help_text=help_text)
    if item.metadata.get("secret"):
        known = item.name in held
        note = f"{help_text} Leave empty to keep the one stored." if known else help_text
        box = forms.PasswordInput(attrs={"autocomplete": "off"})
        return forms.CharField(required=required and not known, label=label, help_text=note, widget=box)
    return forms.CharField(required=required, initial=initial, label=label, help_text=help_text)


def _funds_text(coin: Coin, total: int, spendable: int, locked: int | None, ready: int | None) -> str:
    parts = [_("%(amount)s in all") % {"amount": amount_text(total, coin)}]
    parts.append(_("%(amount)s can be spent now") % {"amount": amount_text(spendable, coin)})
    if locked is not None:
        parts.append(_("%(amount)s are locked until more blocks have come") % {"amount": amount_text(locked, coin)})
    if ready is not None:
        parts.append(_("%(count)s coins are ready for payments") % {"count": ready})
    return ", ".join(parts)


@admin.register(Wallet)
class WalletAdmin(_Admin):
    list_display = ("name", "kind", "coin_symbol", "state", "reason", "height", "checked_at", "test_link")
    readonly_fields = (
        *("kind", "state", "reason", "node_version", "height", "checked_at", "answered_at", "holds", "setup"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("use__coin")

    def has_delete_permission(self, request: HttpRequest, obj: Wallet | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/test/", self.admin_site.admin_view(require_POST(self.test)), name="wallet_test"),
            path("<int:pk>/look-up/", self.admin_site.admin_view(self.look_up), name="wallet_look_up"),
            *super().get_urls(),
        ]

    def look_up(self, request: HttpRequest, pk: int) -> HttpResponse:
        return exploring.page(request, pk, self.admin_site)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        question = "Which node serves which coin, and whether it answers. Open one to test it or change its options."
        return super().changelist_view(request, {**(extra_context or {}), "question": question})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if request.GET.get("kind") in dict(nodes.kinds()):
            return super().add_view(request, form_url, extra_context)
        context = {**self.admin_site.each_context(request), "title": "Connect a node", "kinds": nodes.kinds()}
        return render(request, "admin/ledger/wallet_kinds.html", context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        shown = context.get("original")
        steps = nodes.setup_steps(shown.kind if shown else request.GET.get("kind", ""))
        return super().render_change_form(request, {**context, "steps": steps}, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Wallet | None = None, change: bool = False, **kwargs: Any) -> Any:
        kind = obj.kind if obj else request.GET.get("kind", "")
        extra = {"coin": WalletForm.base_fields["coin"]} if obj is None else {}
        inputs = {PREFIX + item.name: _input(item, {}) for item in nodes.option_fields(kind)}

        def build(form: WalletForm, *args: Any, **values: Any) -> None:
            WalletForm.__init__(form, *args, kind=kind, **values)

        # Declared as well, so that the admin's own page knows the fields.
        return type("WalletForm", (WalletForm,), {**extra, **inputs, "__init__": build})

    def get_fields(self, request: HttpRequest, obj: Wallet | None = None) -> Any:
        kind = obj.kind if obj else request.GET.get("kind", "")
        first = ["name"] if obj else ["coin", "name"]
        options = [PREFIX + item.name for item in nodes.option_fields(kind)]
        return [*first, *options, *(self.readonly_fields if obj else ())]

    def save_model(self, request: HttpRequest, obj: Wallet, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name"])
            wallets.configure(wallet=obj, options=form.options())
            return
        use = wallets.connect(coin=form.cleaned_data["coin"], name=obj.name, kind=form.kind, options=form.options())
        obj.pk = use.wallet_id
        obj.refresh_from_db()

    def test(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Ask the node now and say what it answered; nothing is stored."""
        wallet = get_object_or_404(Wallet, pk=pk)
        if not self.has_change_permission(request, wallet):
            return HttpResponse(status=403)
        health = nodes.health(wallet)
        if health.ok:
            note = (
                f"“{wallet.name}” answers: version {health.version}, network {health.network}, height {health.height}."
            )
            messages.success(request, note + (" It is locked and cannot sign." if health.locked else ""))
            self._tell_funds(request, wallet)
        else:
            messages.error(request, f"“{wallet.name}”: {health.reason}")
        return redirect(reverse("admin:adapters_wallet_change", args=[pk]))

    def _tell_funds(self, request: HttpRequest, wallet: Wallet) -> None:
        try:
            funds, ready = nodes.funds(wallet)
        except NodeError as error:
            messages.warning(request, _("It does not say what it holds: %(why)s") % {"why": error})
            return
        use = CoinWallet.objects.select_related("coin").filter(wallet=wallet).first()
        if use is not None:
            messages.success(request, _funds_text(use.coin, funds.total, funds.spendable, funds.locked, ready))

    @admin.display(description=gettext_lazy("holds"))
    def holds(self, wallet: Wallet) -> str:
        """What the worker was told at its last look."""
        kept = WalletFunds.objects.select_related("wallet__use__coin").filter(wallet=wallet).first()
        use = CoinWallet.objects.select_related("coin").filter(wallet=wallet).first()
        if kept is None or use is None:
            return _("not asked yet")
        said = _funds_text(use.coin, kept.total, kept.spendable, kept.locked, kept.ready)
        return _("%(said)s (%(at)s UTC)") % {"said": said, "at": f"{kept.asked_at:%Y-%m-%d %H:%M}"}

    @admin.display(description="coin")
    def coin_symbol(self, wallet: Wallet) -> str:
        use = CoinWallet.objects.select_related("coin").filter(wallet=wallet).first()
        return "" if use is None else use.coin.symbol + ("" if use.is_active else " (retired)")

    @admin.display(description="")
    def test_link(self, wallet: Wallet) -> str:
        change = reverse("admin:adapters_wallet_change", args=[wallet.pk])
        look_up = reverse("admin:wallet_look_up", args=[wallet.pk])
        return format_html('<a href="{}">Test or change</a> · <a href="{}">Look things up</a>', change, look_up)

    @admin.display(description="Lines for the daemon")
    def setup(self, wallet: Wallet) -> str:
        symbol = self.coin_symbol(wallet).split(" ")[0]
        secret = site_settings.current().notify_secret
        path = f"notify-{secret}" if secret else "notify"
        lines = nodes.setup_lines(wallet, f"{settings.SITE_URL}/wallets/{path}/{symbol}/{{kind}}/%s")
        return format_html("<pre>{}</pre>", lines or "This kind of node needs none.")
