"""The site's settings, one page; and the address that cron calls."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.audit import client_ip
from accounts.models import User
from ledger.models import CronRun, SiteSettings
from ledger.models.site import ONE
from ledger.services import site_settings
from wallets_site.base.clock import now

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[SiteSettings]
else:
    _Admin = admin.ModelAdmin


@admin.register(SiteSettings)
class SiteSettingsAdmin(_Admin):
    readonly_fields = ("cron_address", "crontab_line", "last_run")
    change_form_template = "admin/ledger/site_settings.html"
    fieldsets: ClassVar = (
        (None, {"fields": ("notice",)}),
        ("Confirmations", {"fields": (
            "confirm_withdraw_user", "confirm_withdraw_admin", "approve_withdrawals", "confirm_move_user",
            "confirm_move_admin", "confirm_link_hours", "confirm_redirect_url", "confirm_redirect_seconds",
            "cron_autocancel")}),
        ("Background work", {"fields": (
            "cron_address", "crontab_line", "last_run", "cron_interval", "cron_batch_size", "notify_secret")}),
        ("WordPress API", {"fields": ("legacy_json_apis", "wp_login", "retries_move")}),
        ("Mail", {"fields": (
            "email_enabled", "email_withdraw", "email_withdraw_failed", "email_deposit", "email_move_send",
            "email_move_send_failed", "email_move_receive", "confirm_receive_move", "confirm_inform_admins",
            "email_from", "email_from_name")}),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        rotate = self.admin_site.admin_view(require_POST(self.rotate))
        return [path("rotate-cron/", rotate, name="rotate_cron"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SiteSettings | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        site_settings.current()
        return redirect(reverse("admin:ledger_sitesettings_change", args=[ONE]))

    def save_model(self, request: HttpRequest, obj: SiteSettings, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        site_settings.save(user=request.user, settings=obj, where=client_ip(request))

    def rotate(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_change_permission(request) or not isinstance(request.user, User):
            return HttpResponse(status=403)
        site_settings.rotate_cron_nonce(user=request.user, where=client_ip(request))
        messages.success(request, "The cron address is a new one. Change it in your crontab.")
        return redirect(reverse("admin:ledger_sitesettings_change", args=[ONE]))

    @admin.display(description="cron address")
    def cron_address(self, row: SiteSettings) -> str:
        query = f"__wallets_apiversion=3&__wallets_action=do_cron&__wallets_cron_nonce={row.cron_nonce}"
        return f"{settings.SITE_URL}/?{query}"

    @admin.display(description="line for your crontab")
    def crontab_line(self, row: SiteSettings) -> str:
        line = f"*/{row.cron_interval} * * * * curl -fsS -m 60 -o /dev/null '{self.cron_address(row)}'"
        return format_html("<code>{}</code>", line)

    @admin.display(description="last call")
    def last_run(self, row: SiteSettings) -> str:
        last = CronRun.objects.order_by("-pk").first()
        if last is None:
            return "never" + ("" if settings.CLUSTER_ON else ": nothing works in the background until it is called!")
        late = now() - last.started_at > timedelta(minutes=3 * row.cron_interval)
        said = f"{last.started_at:%Y-%m-%d %H:%M:%S} UTC: {last}"
        return said + (" — later than it should be." if late and not settings.CLUSTER_ON else "")
