"""What the site's people decide. Names and bounds are those of the WordPress plugin "wallets" 4.3.1."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

ONE: Final = 1
SECRET_FIELDS: Final = ("cron_nonce", "notify_secret")


def new_cron_nonce() -> str:
    """32 hex digits, as clients of the plugin know it."""
    return secrets.token_hex(16)


def _between(low: int, high: int) -> list[Any]:
    return [MinValueValidator(low), MaxValueValidator(high)]


class SiteSettings(models.Model):
    """One row. Fees, limits, confirmations of the chain and retries of withdrawals stand with each coin."""

    confirm_withdraw_user = models.BooleanField(
        "withdrawals: confirm by mail", default=True,
        help_text="Asked of programs that use the WordPress API; on the pages people confirm by password or factor.",
    )  # fmt: skip
    confirm_withdraw_admin = models.BooleanField(
        "withdrawals by program: a manager approves", default=True,
        help_text="Each one that a program asks for by the WordPress API.",
    )  # fmt: skip
    approve_withdrawals = models.BooleanField(
        "all other withdrawals: a manager approves", default=False,
        help_text="Each one, wherever it was asked for; each coin's limits can ask for it above an amount only.",
    )  # fmt: skip
    confirm_move_user = models.BooleanField(
        "transfers: confirm by mail", default=True, help_text="Asked of programs that use the WordPress API."
    )
    confirm_move_admin = models.BooleanField(
        "transfers: a manager approves", default=False, help_text="Every one of them."
    )
    confirm_link_hours = models.PositiveSmallIntegerField(
        default=24, validators=_between(1, 168), help_text="How long a link in a confirmation mail works."
    )
    confirm_redirect_url = models.CharField(
        "after a confirmation by mail, lead to", max_length=200, blank=True,
        validators=[RegexValidator(r"^(https://[^\s<>\"']+|/(?!/)[^\s<>\"']*)\Z", "a path, or an https address")],
        help_text="A path of this site or an https address; empty: stay on the page that says so.",
    )  # fmt: skip
    confirm_redirect_seconds = models.PositiveSmallIntegerField(
        "after how many seconds", default=3, validators=_between(1, 60),
        help_text="How long the sentence stays before it leads on.",
    )  # fmt: skip
    retries_move = models.PositiveSmallIntegerField(
        default=1, validators=_between(1, 10), help_text="Told to programs; a transfer here is settled or refused."
    )
    cron_interval = models.PositiveSmallIntegerField(
        "minutes between cron calls", default=3, validators=_between(1, 30),
        help_text="For the crontab line, and for the warning when none came.",
    )  # fmt: skip
    cron_batch_size = models.PositiveSmallIntegerField(
        "payouts in a batch", default=100, validators=_between(1, 1000),
        help_text="How many withdrawals are prepared together, where a coin can pay several at once.",
    )  # fmt: skip
    cron_autocancel = models.PositiveIntegerField(
        "cancel unconfirmed requests after (minutes)", default=1440, validators=_between(0, 10_080),
        help_text="0: never. Deposits and confirmed requests are never cancelled.",
    )  # fmt: skip
    cron_nonce = models.CharField(max_length=32, default=new_cron_nonce, editable=False)
    legacy_json_apis = models.BooleanField(
        "versions 1 and 2 of the WordPress API", default=False, help_text="For old clients only."
    )
    wp_login = models.BooleanField(
        "sign-in by /wp-login.php", default=True, help_text="For programs that fetch their key with a password."
    )
    notify_secret = models.CharField(
        max_length=64, blank=True, validators=[RegexValidator(r"^[0-9A-Za-z]{16,64}\Z", "16 to 64 letters or digits")],
        help_text="When set, daemons must call /wallets/notify-SECRET/…; other notifications do nothing.",
    )  # fmt: skip
    notice = models.CharField(max_length=300, blank=True, help_text="Shown on every page.")
    email_enabled = models.BooleanField(
        "mail about payments", default=True, help_text="Requests for a confirmation are sent in any case."
    )
    email_withdraw = models.BooleanField(
        "withdrawal sent", default=True, help_text="To its owner, when the network has it for good."
    )
    email_withdraw_failed = models.BooleanField(
        "withdrawal failed or cancelled", default=True, help_text="To its owner, with the reason."
    )
    email_deposit = models.BooleanField(
        "deposit seen", default=True, help_text="To whom the address belongs, at first sight, before it is credited."
    )
    email_move_send = models.BooleanField("transfer sent", default=True, help_text="To its sender.")
    email_move_send_failed = models.BooleanField(
        "transfer failed or cancelled", default=True, help_text="To its sender, with the reason."
    )
    email_move_receive = models.BooleanField("transfer received", default=True, help_text="To its recipient.")
    confirm_receive_move = models.BooleanField(
        "transfer to you waits for a confirmation",
        default=True,
        help_text="To its recipient, before the sender or a manager has confirmed it.",
    )
    confirm_inform_admins = models.BooleanField(
        "managers: something waits for approval", default=True, help_text="To everybody who may approve."
    )
    email_from = models.EmailField(blank=True, help_text="Sender of these mails; empty: the site's own.")
    email_from_name = models.CharField(
        max_length=60, blank=True, help_text="The sender's name in these mails; empty: the address alone."
    )

    class Meta:
        verbose_name = verbose_name_plural = "site settings"
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=ONE), name="site_settings_one")]

    def __str__(self) -> str:
        return "Site settings"


class CronRun(models.Model):
    """One do_cron: when, and what it did in words."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.result or "under way"


class RulesVersion(models.Model):
    """One row. Its number grows, by the database's own triggers, with every change of a coin, a fee, a limit, a
    freeze, a node's state or the site's settings: whoever keeps those in memory sees when to read them again."""

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
