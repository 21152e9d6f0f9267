"""The plugin's settings (4.3.1) under its names, with its defaults and bounds, on one page; changes in the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from ledger.models import Coin, CronRun, SiteSettings
from ledger.services import site_settings
from wallets_site.base.clock import now

# name: (default, least, most). cron_batch_size: 100, and 8 in the plugin (docs/api-v3.md, D28).
NUMBERS = {
    "cron_interval": (3, 1, 30),
    "cron_batch_size": (100, 1, 1000),
    "cron_autocancel": (1440, 0, 10_080),
    "retries_move": (1, 1, 10),
    "confirm_redirect_seconds": (3, 1, 60),
}
FLAGS = {
    "confirm_withdraw_user": True, "confirm_withdraw_admin": True, "confirm_move_user": True,
    "confirm_move_admin": False, "confirm_receive_move": True, "confirm_inform_admins": True, "email_enabled": True,
    "email_withdraw": True, "email_withdraw_failed": True, "email_move_send": True, "email_move_send_failed": True,
    "email_move_receive": True, "email_deposit": True, "legacy_json_apis": False,
}  # fmt: skip
TEXTS = ("email_from", "email_from_name", "confirm_redirect_url")
OF_A_COIN = {"confirmations": (6, None), "tries_max": (3, 11), "addresses_max": (10, None)}


def is_refused(row: models.Model, name: str, value: Any) -> bool:
    field = row._meta.get_field(name)
    assert isinstance(field, models.Field)
    try:
        field.clean(value, row)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_the_plugins_default_and_bounds(site, name):
    default, least, most = NUMBERS[name]
    row = site_settings.current()
    assert getattr(row, name) == default
    assert [is_refused(row, name, value) for value in (least - 1, least, most, most + 1)] == [True, False, False, True]


@pytest.mark.parametrize("name", FLAGS)
def test_a_switch_has_the_plugins_default(site, name):
    assert getattr(site_settings.current(), name) is FLAGS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_empty_until_somebody_sets_it(site, name):
    assert getattr(site_settings.current(), name) == ""


@pytest.mark.parametrize("name", OF_A_COIN)
def test_what_stands_with_a_coin_has_the_plugins_default(site, name):
    default, too_much = OF_A_COIN[name]
    coin = Coin.objects.create(symbol="TST", name="Testcoin", decimals=8)
    assert getattr(coin, name) == default
    if too_much:
        assert is_refused(coin, name, too_much)


def test_the_page_shows_the_cron_line_its_last_run_and_what_came_of_it(site, manager):
    row = site_settings.current()
    CronRun.objects.create(started_at=now() - timedelta(minutes=2), finished_at=now(), result="not done: rates")
    staff = Client()
    staff.force_login(manager)
    page = staff.get(reverse("admin:ledger_sitesettings_change", args=[row.pk])).content.decode()
    assert f"*/{row.cron_interval} * * * * curl" in page
    assert f"__wallets_cron_nonce={row.cron_nonce}" in page.replace("&amp;", "&")
    assert "not done: rates" in page


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_each_switch_that_is_turned_stands_in_the_trail(site, manager, name):
    row = site_settings.current()
    staff = Client()
    staff.force_login(manager)
    page = reverse("admin:ledger_sitesettings_change", args=[row.pk])
    form = {key: value for key, value in staff.get(page).context["adminform"].form.initial.items() if value}
    form.pop(name, None)
    assert staff.post(page, form | ({} if FLAGS[name] else {name: "on"})).status_code == 302
    event = AuditEvent.objects.get(what="settings_changed")
    assert (event.who, event.data["changes"]) == (manager, {name: [str(FLAGS[name]), str(not FLAGS[name])]})
    assert getattr(SiteSettings.objects.get(), name) is not FLAGS[name]
