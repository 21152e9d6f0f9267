"""The one endpoint that live pages poll: what changed since the version they show, or 304."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.capabilities import Capability
from ledger.services import news
from ledger.views.http import needs, person

LONGEST = 80


@require_safe
@needs(Capability.HAS_WALLETS)
def live(request: HttpRequest) -> HttpResponse:
    """?after=VERSION or If-None-Match: {version, changed, says}; `changed` names regions, `says` is for the ear."""
    after = request.GET.get("after", "") or request.headers.get("If-None-Match", "").strip('W/"')
    found = news.since(person(request), after[:LONGEST])
    if found is None:
        answer = HttpResponse(status=304)
        answer["ETag"] = f'"{after}"'
        return answer
    said = JsonResponse({"version": found.version, "changed": found.changed, "says": found.says})
    said["ETag"] = f'"{found.version}"'
    return said
