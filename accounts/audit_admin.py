"""The audit trail in the admin: found by who, about whom, what, when and from where; given out as CSV or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path

from accounts.audit import What, client_ip, record
from accounts.models import AuditEvent, User
from wallets_site.base.tables import csv_rows

if TYPE_CHECKING:
    _Events = admin.ModelAdmin[AuditEvent]
else:
    _Events = admin.ModelAdmin

COLUMNS: Final = ("id", "at", "who", "about", "what", "object", "ip", "data", "erased_at")
CHUNK: Final = 1000


class PersonFilter(admin.SimpleListFilter):
    """Typed, not chosen: a site may have a hundred thousand people."""

    template = "admin/accounts/typed_filter.html"
    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # without one Django leaves the filter out

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept = [(name, value) for name, value in changelist.get_filters_params().items() if name != self.parameter_name]
        yield {"kept": [(name, one) for name, each in kept for one in (each if isinstance(each, list) else [each])]}

    def queryset(self, request: HttpRequest, rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        typed = (self.value() or "").strip().lower()
        if not typed:
            return rows
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
        people = User.objects.filter(Q(pk=number) | Q(email=typed) | Q(username=typed))
        return rows.filter(**{f"{self.field}__in": people.values("pk")})


class WhoFilter(PersonFilter):
    title, parameter_name, field = "who did it", "by", "who"


class AboutFilter(PersonFilter):
    title, parameter_name, field = "whom it is about", "about_whom", "about"


@admin.register(AuditEvent)
class AuditEventAdmin(_Events):
    list_display = ("at", "who", "what", "about", "object", "ip")
    list_filter = (WhoFilter, AboutFilter, ("what", admin.AllValuesFieldListFilter), "at")
    list_select_related = ("who", "about")
    search_fields = ("who__email", "who__username", "about__email", "about__username", "object", "=ip")
    date_hierarchy = "at"
    ordering = ("-id",)
    show_full_result_count = False
    actions = None
    change_list_template = "admin/accounts/audit_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("export.csv", view(self.as_csv), name="audit_csv"),
            path("export.jsonl", view(self.as_json_lines), name="audit_jsonl"),
            *super().get_urls(),
        ]

    def as_csv(self, request: HttpRequest) -> HttpResponseBase:
        rows = self._chosen(request, "csv")
        return _download(csv_rows(_table(rows)), "audit.csv", "text/csv; charset=utf-8")

    def as_json_lines(self, request: HttpRequest) -> HttpResponseBase:
        rows = self._chosen(request, "json lines")
        return _download(_json_lines(rows), "audit.jsonl", "application/x-ndjson")

    def _chosen(self, request: HttpRequest, form: str) -> QuerySet[AuditEvent]:
        """What the list shows with these filters, oldest first; that it was taken is in the trail itself."""
        chosen = self.get_changelist_instance(request).get_queryset(request).order_by("pk")
        record(
            What.AUDIT_EXPORTED, who=cast("User", request.user), ip=client_ip(request), object=form,
            filters=request.GET.urlencode()[:500],
        )  # fmt: skip
        return chosen


def _cells(row: AuditEvent) -> list[Any]:
    people = [one and f"{one.pk} {one}" for one in (row.who, row.about)]
    ended = row.erased_at.isoformat() if row.erased_at else None
    return [row.pk, row.at.isoformat(), *people, row.what, row.object, row.ip, row.data, ended]


def _table(rows: QuerySet[AuditEvent]) -> Iterator[Sequence[object]]:
    yield COLUMNS
    for row in rows.iterator(chunk_size=CHUNK):
        values = _cells(row)
        values[7] = json.dumps(row.data, ensure_ascii=False, sort_keys=True)
        yield ["" if value is None else value for value in values]


def _json_lines(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    for row in rows.iterator(chunk_size=CHUNK):
        yield json.dumps(dict(zip(COLUMNS, _cells(row), strict=True)), ensure_ascii=True, sort_keys=True) + "\n"


def _download(parts: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        parts, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
