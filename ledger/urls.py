from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ledger.views import (
    activity,
    contacts,
    documents,
    home,
    invoices,
    keys,
    live,
    notifications,
    privacy,
    purses,
    receive,
    send,
    status,
    webhooks,
)

receive_urls = [
    path("", receive.receive, name="receive"),
    path("live/", receive.live, name="receive_live"),
    path("new-address/", receive.new_address, name="new_address"),
    path("test-coins/", receive.test_coins, name="test_coins"),
    path("new-invoice/", invoices.new_invoice, name="new_invoice"),
    path("invoices/<slug:payment_hash>/", invoices.invoice, name="invoice"),
    path("invoices/<slug:payment_hash>/live/", invoices.live, name="invoice_live"),
    path("invoices/<slug:payment_hash>/test-coins/", invoices.test_coins, name="invoice_test_coins"),
    path("addresses/<int:pk>/label/", receive.label, name="address_label"),
]

send_urls = [
    path("", send.send, name="send"),
    path("lookup/", send.lookup, name="send_lookup"),
    path("review/<slug:key>/", send.review, name="send_review"),
    path("review/<slug:key>/figures/", send.figures, name="send_figures"),
]

activity_urls = [
    path("", activity.activity, name="activity"),
    path("live/", activity.activity_live, name="activity_live"),
    path("activity.csv", activity.as_csv, name="activity_csv"),
    path("<int:pk>/", activity.operation, name="operation"),
    path("<int:pk>/receipt/", documents.receipt, name="receipt"),
    path("<int:pk>/proof/", activity.proof, name="operation_proof"),
    path("<int:pk>/note/", activity.note, name="operation_note"),
    path("<int:pk>/live/", activity.live, name="operation_live"),
    path("<int:pk>/cancel/", activity.cancel, name="cancel"),
    path("<int:pk>/confirm/", activity.confirm, name="operation_confirm"),
]

contacts_urls = [
    path("", contacts.index, name="contacts"),
    path("lock/", contacts.lock, name="contacts_lock"),
    path("unlock/", contacts.unlock, name="contacts_unlock"),
    path("<int:pk>/remove/", contacts.remove, name="contact_remove"),
    path("<int:pk>/ask-again/", contacts.ask_again, name="contact_ask_again"),
    path("confirm/<str:token>/", contacts.confirm, name="contact_confirm"),
]

notification_urls = [
    path("", notifications.index, name="notifications"),
    path("bell/", notifications.bell, name="notifications_bell"),
    path("choices/", notifications.choices, name="notification_choices"),
]

purse_urls = [
    path("", purses.index, name="purses"),
    path("new/", purses.create, name="purse_create"),
    path("<slug:ident>/", purses.purse, name="purse"),
    path("<slug:ident>/keys/", purses.show_keys, name="purse_keys"),
    path("<slug:ident>/keys/renew/", purses.renew_keys, name="purse_renew_keys"),
    path("<slug:ident>/name/", purses.rename, name="purse_rename"),
    path("<slug:ident>/carry/", purses.carry, name="purse_carry"),
    path("<slug:ident>/close/", purses.close, name="purse_close"),
    path("<slug:ident>/open/", purses.reopen, name="purse_reopen"),
]

keys_urls = [
    path("", keys.index, name="keys"),
    path("new/", keys.new, name="key_new"),
    path("<int:pk>/revoke/", keys.revoke, name="key_revoke"),
]

webhooks_urls = [
    path("", webhooks.index, name="webhooks"),
    path("new/", webhooks.new, name="webhook_new"),
    path("invoices/", webhooks.once, name="webhook_once"),
    path("invoices/<int:push>/again/", webhooks.resend_once, name="webhook_once_resend"),
    path("<int:pk>/", webhooks.one, name="webhook"),
    path("<int:pk>/test/", webhooks.test, name="webhook_test"),
    path("<int:pk>/secret/", webhooks.secret, name="webhook_secret"),
    path("<int:pk>/switch/", webhooks.switch, name="webhook_switch"),
    path("<int:pk>/remove/", webhooks.remove, name="webhook_remove"),
    path("<int:pk>/again/", webhooks.resend_many, name="webhook_resend_many"),
    path("<int:pk>/messages/<int:push>/again/", webhooks.resend, name="webhook_resend"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("live/", live.live, name="live"),
    path("home/live/", home.live, name="home_live"),
    path("receive/<slug:symbol>/", include(receive_urls)),
    path("send/", send.anywhere, name="send_any"),
    path("send/<slug:symbol>/", include(send_urls)),
    path("activity/", include(activity_urls)),
    path("purses/", include(purse_urls)),
    path("statements/<slug:symbol>.csv", status.my_statement, name="statement"),
    path("contacts/", include(contacts_urls)),
    path("keys/", include(keys_urls)),
    path("webhooks/", include(webhooks_urls)),
    path("notifications/", include(notification_urls)),
    path("statements/", documents.index, name="statements"),
    path("statements/<slug:symbol>/<slug:month>/", documents.statement, name="month_statement"),
    path("privacy/", privacy.index, name="privacy"),
    path("privacy/export/", privacy.export, name="privacy_export"),
    path("privacy/forget/", privacy.forget, name="privacy_forget"),
    path("rates/", status.rates, name="rates"),
    path("status/", status.status, name="status"),
    path("status/<slug:symbol>/liabilities.json", status.root, name="liabilities_root"),
    path("status/<slug:symbol>/my-proof.json", status.my_proof, name="liabilities_proof"),
]
