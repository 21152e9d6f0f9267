"""What a report of an exception may say: where it happened, and nothing of what was in hand there."""

from __future__ import annotations

from collections.abc import ItemsView
from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter


class NoValues(SafeExceptionReporterFilter):
    """No variables, no settings, no form fields, no cookies: any of them may hold a password, a key or a seed."""

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> ItemsView[str, Any]:
        return dict[str, Any]().items()


class Reporter(ExceptionReporter):
    """Without the request's address, whose query may hold a key."""

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        for name in ("request", "request_meta", "request_insecure_uri", "request_GET_items", "user_str"):
            data.pop(name, None)
        return {**data, "request_GET_items": [], "request_FILES_items": [], "request_COOKIES_items": []}
