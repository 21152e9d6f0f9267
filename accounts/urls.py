from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from accounts import session_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.profile, name="profile"),
    path("key/", views.plugin_key, name="plugin_key"),
    path("preferences/", views.preferences, name="preferences"),
    path("hide-balances/", views.hide_balances, name="hide_balances"),
    path("security/", views.security, name="security"),
    path("name/", views.choose_handle, name="choose_handle"),
    path("sessions/", session_views.index, name="usersessions_list"),
    path("sessions/<int:pk>/end/", session_views.end, name="session_end"),
    path("sessions/end-others/", session_views.end_others, name="sessions_end_others"),
    path("freeze/<str:token>/", views.freeze, name="freeze"),
    path("invitation/<str:code>/", views.accept_invitation, name="accept_invitation"),
]
