from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from accounts import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.profile, name="profile"),
    path("key/renew/", views.renew_key, name="renew_key"),
    path("preferences/", views.preferences, name="preferences"),
    path("hide-balances/", views.hide_balances, name="hide_balances"),
    path("security/", views.security, name="security"),
    path("name/", views.choose_handle, name="choose_handle"),
    path("invitation/<str:code>/", views.accept_invitation, name="accept_invitation"),
]
