from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from adapters.models import Wallet
from ledger.fields import AmountField


class Coin(models.Model):
    """What a coin costs and allows. `decimals` is fixed once an account exists (the database refuses)."""

    symbol = models.CharField(
        max_length=10, unique=True, validators=[RegexValidator(r"^[A-Z0-9]{2,10}\Z", "2 to 10 capitals or digits.")]
    )
    name = models.CharField(max_length=60)
    decimals = models.PositiveSmallIntegerField(validators=[MaxValueValidator(36)])
    confirmations = models.PositiveSmallIntegerField(
        default=6, help_text="Blocks before a deposit is credited.", validators=[MaxValueValidator(1000)]
    )
    watch_confirmations = models.PositiveSmallIntegerField(
        default=100, help_text="Blocks for which a credited deposit is still looked up, in case the chain changes."
    )
    min_deposit = AmountField(default=0)
    is_active = models.BooleanField(default=True)
    deposits_on = models.BooleanField(default=True)
    withdrawals_on = models.BooleanField(default=True)
    notice = models.CharField(max_length=200, blank=True, help_text="Shown to everybody on this coin's pages.")
    explorer_tx = models.CharField(max_length=200, blank=True, help_text="https address with {txid} in it.")
    addresses_max = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1)], help_text="Deposit addresses a person may have at a time."
    )
    pool_size = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1)], help_text="Unused addresses kept ready, so that no page waits."
    )
    tries_max = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="How often a withdrawal is prepared anew after the network definitely refused it.",
    )
    solvency_margin = AmountField(default=0)
    hot_cap = AmountField(null=True, blank=True)  # the most that is kept in the hot wallet
    position = models.PositiveSmallIntegerField(default=100)
    is_fiat = models.BooleanField(default=False, help_text="A state's money, kept here by hand.")
    is_crypto = models.BooleanField(default=True)
    pattern = models.CharField(
        max_length=30,
        blank=True,
        validators=[RegexValidator(r"^[^%]*%01\.[0-9]{1,2}f[^%]*\Z", "Text with one %01.8f")],
        help_text="How programs print an amount, such as ฿%01.8f; empty: symbol and decimals.",
    )
    icon_url = models.CharField(max_length=200, blank=True, help_text="Told to programs; empty: this site's own icon.")
    explorer_address = models.CharField(max_length=200, blank=True, help_text="https address with {address} in it.")
    extra_label = models.CharField(
        max_length=60, blank=True, default="Destination address label (optional)",
        help_text="What programs call the second field of a withdrawal.",
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["position", "symbol"]
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(decimals__lte=36), name="coin_decimals")]

    def __str__(self) -> str:
        return self.symbol


class CoinWallet(models.Model):
    """Which node wallet serves a coin. Retired ones are still scanned and credited, never paid from."""

    coin = models.ForeignKey(Coin, on_delete=models.PROTECT, related_name="wallets")
    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="use")
    is_active = models.BooleanField(default=True)
    next_number = models.PositiveBigIntegerField(default=1, editable=False)
    payouts_on = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["coin"], condition=models.Q(is_active=True), name="one_active_wallet")
        ]

    def __str__(self) -> str:
        return f"{self.coin} at {self.wallet}"


class Purpose(models.TextChoices):
    MOVE = "move", "send to a member"
    WITHDRAWAL = "withdrawal", "withdrawal"


class FeeRule(models.Model):
    """Fee = fixed + amount * ppm / 1,000,000, rounded up, on top of what the recipient gets."""

    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="fees")
    purpose = models.CharField(max_length=12, choices=Purpose)
    fixed = AmountField(default=0)
    ppm = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(500_000)])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["coin", "purpose"], name="one_fee_rule")]

    def __str__(self) -> str:
        return f"{self.coin} {self.purpose} fee"


class Limit(models.Model):
    """Bounds of one payment and of a person's last 24 hours; empty means no bound."""

    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="limits")
    purpose = models.CharField(max_length=12, choices=Purpose)
    minimum = AmountField(null=True, blank=True)
    maximum = AmountField(null=True, blank=True)
    daily = AmountField(null=True, blank=True)
    approve_above = AmountField(null=True, blank=True)  # larger ones wait for a manager

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["coin", "purpose"], name="one_limit")]

    def __str__(self) -> str:
        return f"{self.coin} {self.purpose} limit"


class Rate(models.Model):
    """What one whole coin is worth now. price: in 10^-12 of the currency's unit, so 64.2 EUR is 64_200_000_000_000."""

    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="rates")
    currency = models.CharField(max_length=3, validators=[RegexValidator(r"^[A-Z]{3}\Z", "Three capitals, as in EUR.")])
    price = AmountField()
    source = models.CharField(max_length=60, help_text="Who says so.")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["coin__position", "coin__symbol", "currency"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["coin", "currency"], name="one_rate")]

    def __str__(self) -> str:
        return f"{self.coin} in {self.currency}"


class RatePoint(models.Model):
    """A rate as it stood in some hour, for the change over a day. Old ones are thrown away."""

    coin = models.ForeignKey(Coin, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3)
    hour = models.DateTimeField()
    price = AmountField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["currency", "hour", "coin"], name="one_rate_an_hour")]

    def __str__(self) -> str:
        return f"{self.currency} {self.hour:%Y-%m-%d %H:%M}"
