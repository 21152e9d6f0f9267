from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ledger.views import activity, home, receive, send, status

receive_urls = [
    path("", receive.receive, name="receive"),
    path("live/", receive.live, name="receive_live"),
    path("new-address/", receive.new_address, name="new_address"),
    path("test-coins/", receive.test_coins, name="test_coins"),
    path("addresses/<int:pk>/label/", receive.label, name="address_label"),
]

send_urls = [
    path("", send.send, name="send"),
    path("review/<slug:key>/", send.review, name="send_review"),
    path("review/<slug:key>/figures/", send.figures, name="send_figures"),
]

activity_urls = [
    path("", activity.activity, name="activity"),
    path("<int:pk>/", activity.operation, name="operation"),
    path("<int:pk>/live/", activity.live, name="operation_live"),
    path("<int:pk>/cancel/", activity.cancel, name="cancel"),
]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("live/", home.live, name="home_live"),
    path("receive/<slug:symbol>/", include(receive_urls)),
    path("send/<slug:symbol>/", include(send_urls)),
    path("activity/", include(activity_urls)),
    path("statements/<slug:symbol>.csv", status.my_statement, name="statement"),
    path("status/", status.status, name="status"),
    path("status/<slug:symbol>/liabilities.json", status.root, name="liabilities_root"),
    path("status/<slug:symbol>/my-proof.json", status.my_proof, name="liabilities_proof"),
]
