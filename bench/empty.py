"""An empty Django view and nothing else: what everything over HTTP is measured against."""

from __future__ import annotations

from django.conf import settings

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], ROOT_URLCONF=__name__, SECRET_KEY="bench")

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={"Content-Length": "0"})


urlpatterns = [path("", empty)]
application = get_wsgi_application()
