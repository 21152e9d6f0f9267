"""The rules for payments: which version is in force, drafts with their replay, and every decision with its facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.audit import client_ip
from accounts.capabilities import Capability, may
from ledger import money
from ledger.admin.readonly import ReadOnlyAdmin, amount_text
from ledger.models import Coin, PolicyDecision, PolicyRule, RuleSet
from ledger.services import policy_replay, policy_sets, policy_words
from wallets_site.base.errors import InvalidAmount, InvalidRequest, WalletError

if TYPE_CHECKING:
    from accounts.models import User

    _RuleForm = forms.ModelForm[PolicyRule]
    _Admin = admin.ModelAdmin[RuleSet]
else:
    _RuleForm = forms.ModelForm
    _Admin = admin.ModelAdmin

OF_A_COIN = ("amount_above", "day_above", "month_above")
VALUES = ("value_above", "day_value_above", "month_value_above")
CENTS = 2


def _bound_field(label: Any) -> forms.CharField:
    return forms.CharField(required=False, max_length=90, label=label)


class RuleForm(_RuleForm):
    """Amounts are typed in coin units, values in the site's first currency."""

    initiators = forms.MultipleChoiceField(
        choices=[(str(name), words) for name, words in policy_words.INITIATORS.items()], required=False,
        widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Asked for"), help_text=gettext_lazy("None: anywhere."),
    )  # fmt: skip
    groups = forms.ModelMultipleChoiceField(
        Group.objects.all(), required=False, label=gettext_lazy("From people in"),
        help_text=gettext_lazy("None: from everybody."),
    )  # fmt: skip
    amount_above = _bound_field(gettext_lazy("More than (of the coin)"))
    day_above = _bound_field(gettext_lazy("Together in 24 h more than (of the coin)"))
    month_above = _bound_field(gettext_lazy("Together in 30 days more than (of the coin)"))
    value_above = _bound_field(gettext_lazy("Worth more than"))
    day_value_above = _bound_field(gettext_lazy("All coins together in 24 h worth more than"))
    month_value_above = _bound_field(gettext_lazy("All coins together in 30 days worth more than"))

    class Meta:
        model = PolicyRule
        fields = (
            "position", "name", "destination", "coin", "account_younger", "destination_younger", "from_hour", "to_hour",
            "verdict", "hours", "people", "approvers", "words",
        )  # fmt: skip
        labels: ClassVar = {
            "account_younger": gettext_lazy("Account younger than (hours)"),
            "destination_younger": gettext_lazy("Recipient first paid less than (hours) ago"),
            "from_hour": gettext_lazy("From (hour of the day)"),
            "to_hour": gettext_lazy("Until before (hour of the day)"),
            "hours": gettext_lazy("Wait (hours)"),
            "people": gettext_lazy("How many people approve"),
            "approvers": gettext_lazy("Only people of this group approve"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        coin = self.instance.coin if self.instance.coin_id else None
        for name in (*OF_A_COIN, *VALUES):
            bound = getattr(self.instance, name)
            decimals = CENTS if name in VALUES else coin.decimals if coin else 0
            self.fields[name].initial = self.initial[name] = "" if bound is None else money.plain(bound, decimals)
        self.initial["groups"] = self.instance.groups

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        coin: Coin | None = values.get("coin")
        for name in (*OF_A_COIN, *VALUES):
            try:
                values[name] = self._bound(name, values.get(name) or "", coin)
            except InvalidAmount as error:
                self.add_error(name, error.message)
        values["groups"] = sorted(group.pk for group in values.get("groups") or ())
        verdict = values.get("verdict")
        for name, only in (("hours", "wait"), ("people", "people"), ("approvers", "people")):
            if verdict != only:
                values[name] = None
            elif not values.get(name) and name != "approvers":
                self.add_error(name, _("Say how many."))
        if (values.get("from_hour") is None) != (values.get("to_hour") is None):
            self.add_error("to_hour", _("Give both hours, or none."))
        return values

    def _bound(self, name: str, text: str, coin: Coin | None) -> int | None:
        if not text:
            return None
        if name in VALUES:
            return money.parse(text, CENTS)
        if coin is None:
            raise InvalidAmount(_("Name the coin, or give a value in %(currency)s.")
                                % {"currency": settings.WALLETS_CURRENCIES[0]})  # fmt: skip
        return money.parse(text, coin.decimals)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                policy_sets.demand_sound(self.instance)
            except InvalidRequest as error:
                self.add_error(None, error.message)


class Rules(admin.StackedInline):  # type: ignore[type-arg]
    model = PolicyRule
    form = RuleForm
    extra = 0
    fieldsets = (
        (None, {"fields": (("position", "name"), ("verdict", "hours", "people", "approvers"), "words")}),
        (gettext_lazy("Which payments: the more is given, the fewer"), {"fields": (
            ("destination", "coin"), OF_A_COIN, VALUES, ("account_younger", "destination_younger"),
            ("from_hour", "to_hour"), ("initiators", "groups"))}),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        """A version that is no draft is told in words instead. Without one it is asked which rows may be read."""
        return _manages(request) and (obj is None or obj.state == RuleSet.State.DRAFT)

    def has_change_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        return self.has_add_permission(request, obj)


@admin.register(RuleSet)
class RuleSetAdmin(_Admin):
    change_list_template = "admin/ledger/rule_sets.html"
    change_form_template = "admin/ledger/rule_set.html"
    inlines = (Rules,)
    fields = ("note",)
    list_display = ("__str__", "stands", "rules_count", "note", "drafted_by", "published_by", "effective_at")
    list_select_related = ("drafted_by", "published_by")
    ordering = ("-id",)
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        doing = ((name, getattr(self, name)) for name in ("replay", "publish", "drop"))
        own = [path(f"<int:pk>/{name}/", view(require_POST(do)), name=f"rules_{name}") for name, do in doing]
        return [path("draft/", view(require_POST(self.draft)), name="rules_draft"), *own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        return _manages(request) and obj is not None and obj.state == RuleSet.State.DRAFT

    def save_model(self, request: HttpRequest, obj: RuleSet, form: Any, change: bool) -> None:
        policy_sets.begin_edit(user=_person(request), rule_set_id=obj.pk, where=client_ip(request))
        obj.save(update_fields=["note"])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        present = policy_sets.in_force()
        more = {"question": self._answer(present), "may_draft": _manages(request), "present": _spelled(present)}
        return super().changelist_view(request, {**(extra_context or {}), **more})

    def _answer(self, present: RuleSet | None) -> str:
        said = [
            _("Version %(version)s is in force: the first rule that fits a payment decides.") % {"version": present.pk}
            if present is not None and present.rules.exists()
            else _("No rules are in force: every payment is allowed, within each coin's limits.")
        ]
        if (coming := policy_sets.waiting()) is not None and coming.effective_at is not None:
            at = f"{coming.effective_at:%Y-%m-%d %H:%M}"
            said.append(_("Version %(version)s loosens them at %(at)s UTC.") % {"version": coming.pk, "at": at})
        drafts = RuleSet.objects.filter(state=RuleSet.State.DRAFT).count()
        if drafts:
            said.append(_("Drafts that nobody published: %(drafts)s.") % {"drafts": drafts})
        return " ".join(said)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **more: Any) -> Any:
        row: RuleSet | None = more.get("obj")
        if row is not None:
            context |= {
                "spelled": _spelled(row), "replay_words": policy_replay.in_words(row.replay),
                "examples": row.replay.get("examples", []), "is_draft": row.state == RuleSet.State.DRAFT,
                "waits": policy_sets.waiting() == row, "manages": _manages(request),
                "publishable": policy_sets.may_publish(_person(request), row), "stands": self.stands(row),
                "loosen_hours": settings.WALLETS_LOOSEN_HOURS,
                "counts": [(rule, row.replay.get("rules", {}).get(str(rule.pk), 0)) for rule in row.rules.all()],
            }  # fmt: skip
        return super().render_change_form(request, context, *args, **more)

    def draft(self, request: HttpRequest) -> HttpResponseBase:
        made = policy_sets.draft(user=_person(request), where=client_ip(request))
        return redirect("admin:ledger_ruleset_change", made.pk)

    def replay(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._do(request, pk, lambda: policy_sets.replay(user=_person(request), rule_set_id=pk), _("Replayed."))

    def publish(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        do = lambda: policy_sets.publish(  # noqa: E731
            user=_person(request), rule_set_id=pk, where=client_ip(request)
        )
        return self._do(request, pk, do, _("Published: the top of this page says from when it counts."))

    def drop(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        do = lambda: policy_sets.drop(  # noqa: E731
            user=_person(request), rule_set_id=pk, where=client_ip(request)
        )
        return self._do(request, pk, do, _("Dropped."))

    def _do(self, request: HttpRequest, pk: int, do: Any, done: str) -> HttpResponseBase:
        try:
            row = do()
        except WalletError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{done} {policy_replay.in_words(row.replay)}" if row.replay else done)
        return redirect("admin:ledger_ruleset_change", pk)

    @admin.display(description=gettext_lazy("stands"))
    def stands(self, row: RuleSet) -> str:
        if row.state != RuleSet.State.PUBLISHED or row.effective_at is None:
            return str(row.get_state_display())
        if row == policy_sets.in_force():
            return _("in force")
        if row == policy_sets.waiting():
            return _("in force from %(at)s UTC") % {"at": f"{row.effective_at:%Y-%m-%d %H:%M}"}
        return _("replaced")

    @admin.display(description=gettext_lazy("rules"))
    def rules_count(self, row: RuleSet) -> int:
        return row.rules.count()


@admin.register(PolicyDecision)
class PolicyDecisionAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "user", "amount", "verdict", "rule_link", "waits_for", "operation")
    list_filter = ("verdict", "coin", "rule_set")
    list_select_related = ("user", "coin", "rule", "rule_set", "operation")
    fields = (
        "created_at", "user", "coin", "operation", "version", "verdict", "rule_link", "screened", "facts", "wait_until",
        "step_up", "stepped_up_at", "people", "approvers", "closed_at",
    )  # fmt: skip
    readonly_fields = ("rule_link", "facts")
    ordering = ("-id",)

    def answer(self, request: HttpRequest) -> str:
        held = PolicyDecision.objects.filter(operation__status="unconfirmed").exclude(verdict="allow", people=0)
        return _(
            "What the rules decided about each payment, from which facts. %(held)s payments wait because of them."
        ) % {"held": held.values("operation").distinct().count()}

    @admin.display(description=gettext_lazy("amount"))
    def amount(self, row: PolicyDecision) -> str:
        text = row.inputs.get("amount")
        if text is None:
            return amount_text(row.operation.net, row.coin) if row.operation else ""
        return amount_text(int(text), row.coin)

    @admin.display(description=gettext_lazy("rule"))
    def rule_link(self, row: PolicyDecision) -> str:
        if row.rule is None:
            return _("no rule was about it") if row.rule_set_id else _("the screening")
        link = reverse("admin:ledger_ruleset_change", args=[row.rule_set_id])
        return format_html('<a href="{}">{}, {}</a>', link, row.rule.name, row.rule_set)

    @admin.display(description=gettext_lazy("waits for"))
    def waits_for(self, row: PolicyDecision) -> str:
        said = [
            _("until %(at)s UTC") % {"at": f"{row.wait_until:%Y-%m-%d %H:%M}"} if row.wait_until else "",
            _("its owner's second factor") if row.step_up and row.stepped_up_at is None else "",
            _("%(people)s people") % {"people": row.people} if row.people else "",
            row.screened,
        ]
        return "; ".join(part for part in said if part)

    @admin.display(description=gettext_lazy("facts"))
    def facts(self, row: PolicyDecision) -> str:
        return format_html("<pre>{}</pre>", json.dumps(row.inputs, indent=1, ensure_ascii=False))


def _spelled(row: RuleSet | None) -> list[tuple[int, str, str]]:
    if row is None:
        return []
    rules = row.rules.select_related("coin", "approvers")
    return [(rule.position, rule.name, policy_words.rule_in_words(rule)) for rule in rules]


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _manages(request: HttpRequest) -> bool:
    return may(_person(request), Capability.MANAGE_WALLETS)
