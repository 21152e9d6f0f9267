"""Every refusal of the REST API as problem+json (RFC 9457): type, title, status, code, detail, data."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from wallets_site.base.errors import WalletError

CONTENT_TYPE = "application/problem+json"


def problem(code: str, status: int, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    return Response({**body, **more}, status=status, content_type=CONTENT_TYPE)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: None leaves the error to the server's own page."""
    set_rollback()
    if isinstance(error, WalletError):
        refusal = problem(error.code, error.status, error.message, data=error.data)
        if "retry_after" in error.data:
            refusal["Retry-After"] = str(error.data["retry_after"])
        return refusal
    if isinstance(error, Http404):
        return problem("not_found", 404, "There is no such thing.")
    if isinstance(error, exceptions.ValidationError):
        return problem("invalid_request", 400, "Some fields need another look.", fields=error.detail)
    if isinstance(error, exceptions.APIException):
        code = str(error.get_codes()) if isinstance(error.get_codes(), str) else error.default_code
        response = problem(code, error.status_code, str(error.detail))
        if wait := getattr(error, "wait", None):
            response["Retry-After"] = str(max(1, int(wait)))
        if header := getattr(error, "auth_header", None):
            response["WWW-Authenticate"] = header
        return response
    return None
