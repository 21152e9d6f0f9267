"""The form of every answer, for the description of the API. What fills them: services/shapes.py."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from ledger.api.serializers import AmountText

Any_ = s.Serializer[Any]


class Me(Any_):
    id = s.IntegerField()
    username = s.CharField(allow_null=True)
    email = s.EmailField()
    key = s.CharField(allow_null=True)
    scopes = s.ListField(child=s.CharField())
    capabilities = s.ListField(child=s.CharField())


class Terms(Any_):
    move_fee = s.CharField()
    withdrawal_fee = s.CharField()
    move_minimum = s.CharField()
    withdrawal_minimum = s.CharField()
    withdrawal_maximum = s.CharField()
    withdrawal_daily = s.CharField()


class ExtraWords(Any_):
    name = s.CharField()
    help = s.CharField()


class Coin(Any_):
    symbol = s.CharField()
    name = s.CharField()
    decimals = s.IntegerField()
    confirmations = s.IntegerField()
    extra = ExtraWords(allow_null=True, help_text="How a second part of its addresses is called, such as a payment id.")
    fee_levels = s.ListField(child=s.CharField(), help_text="What `level` of a payment to an address may be.")
    terms = Terms()


class Coins(Any_):
    coins = Coin(many=True)


class AccountAnswer(Any_):
    coin = s.CharField()
    balance = AmountText()
    available = AmountText()
    held = AmountText()
    incoming = AmountText()
    deposits = s.BooleanField()
    withdrawals = s.BooleanField()
    reason = s.CharField()


class Accounts(Any_):
    accounts = AccountAnswer(many=True)


class Bound(Any_):
    coin = s.CharField()
    purpose = s.CharField()
    minimum = AmountText(allow_null=True)
    maximum = AmountText(allow_null=True)
    daily = AmountText(allow_null=True)
    used = AmountText()
    left = AmountText(allow_null=True)


class KeyBound(Any_):
    coin = s.CharField()
    daily = AmountText()
    left = AmountText()


class Limits(Any_):
    limits = Bound(many=True)
    key = KeyBound(many=True)


class Rate(Any_):
    coin = s.CharField()
    price = AmountText()
    at = s.DateTimeField()
    stale = s.BooleanField()
    source = s.CharField()  # type: ignore[assignment]


class Rates(Any_):
    currency = s.CharField()
    rates = Rate(many=True)


class Waiting(Any_):
    words = s.CharField(help_text="What it waits for, as on its page.")
    who = s.ChoiceField(["you", "sender", "manager", "network", "site"], help_text="Who must act next.")
    elapsed = s.IntegerField(help_text="Seconds since it began.")
    p50 = s.IntegerField(allow_null=True, help_text="Half of those before it took at most so many seconds.")
    p90 = s.IntegerField(allow_null=True, help_text="Nine of ten before it took at most so many seconds.")
    sample = s.IntegerField(help_text="How many finished ones of this site the two are taken from.")
    likely_left = s.IntegerField(allow_null=True)
    nearly_sure_left = s.IntegerField(allow_null=True)
    until = s.DateTimeField(allow_null=True, help_text="Where a rule says exactly how long.")


class Operation(Any_):
    id = s.IntegerField()
    kind = s.CharField()
    incoming = s.BooleanField()
    coin = s.CharField()
    status = s.CharField()
    purse = s.IntegerField()
    amount = AmountText()
    fee = AmountText()
    total = AmountText()
    counterpart = s.CharField(allow_null=True)
    address = s.CharField()
    extra = s.CharField()
    txid = s.CharField()
    payment_hash = s.CharField()
    confirmations = s.IntegerField()
    confirmed = s.BooleanField()
    comment = s.CharField()
    created = s.DateTimeField()
    updated = s.DateTimeField()
    done = s.DateTimeField(allow_null=True)
    waiting_for = s.CharField()
    waiting = Waiting(allow_null=True)


class Operations(Any_):
    operations = Operation(many=True)
    next_before = s.IntegerField(allow_null=True)


class Address(Any_):
    id = s.IntegerField()
    coin = s.CharField()
    address = s.CharField()
    extra = s.CharField()
    label = s.CharField()  # type: ignore[assignment]
    customer_ref = s.CharField()
    uri = s.CharField()
    created = s.DateTimeField()


class Addresses(Any_):
    addresses = Address(many=True)


class Invoice(Any_):
    payment_hash = s.CharField()
    coin = s.CharField()
    invoice = s.CharField()
    amount = AmountText()
    memo = s.CharField()
    status = s.ChoiceField(["open", "paid", "expired"])
    created = s.DateTimeField()
    expires = s.DateTimeField()
    paid = s.DateTimeField(allow_null=True)
    operation = s.IntegerField(allow_null=True)


class Invoices(Any_):
    invoices = Invoice(many=True)
    next_before = s.IntegerField(allow_null=True)


class Quote(Any_):
    kind = s.CharField()
    coin = s.CharField()
    amount = AmountText()
    fee = AmountText()
    network_reserve = AmountText()
    total = AmountText()
    address = s.CharField()
    extra = s.CharField()
    recipient = s.CharField(allow_null=True)
    level = s.CharField(help_text="Of the network's fee; what it costs above the usual one is part of the fee.")
    wait = s.CharField(help_text="How long the network takes, in words.")
    warnings = s.ListField(child=s.CharField())
    expires = s.DateTimeField()


class Contact(Any_):
    id = s.IntegerField()
    label = s.CharField()  # type: ignore[assignment]
    member = s.CharField(allow_null=True)
    coin = s.CharField(allow_null=True)
    address = s.CharField()
    extra = s.CharField()
    confirmed = s.DateTimeField(allow_null=True)
    usable_from = s.DateTimeField(allow_null=True)


class Contacts(Any_):
    contacts = Contact(many=True)


class Key(Any_):
    id = s.IntegerField()
    name = s.CharField()
    prefix = s.CharField()
    scopes = s.ListField(child=s.CharField())
    addresses = s.ListField(child=s.CharField())
    caps = KeyBound(many=True)
    created = s.DateTimeField()
    expires = s.DateTimeField(allow_null=True)
    revoked = s.DateTimeField(allow_null=True)
    last_used = s.DateTimeField(allow_null=True)
    last_ip = s.CharField(allow_null=True)


class Keys(Any_):
    keys = Key(many=True)


class NewKey(Key):
    key = s.CharField(help_text="The key itself, this once; empty when the request is a repeat.")


class Webhook(Any_):
    id = s.IntegerField()
    url = s.CharField()
    label = s.CharField()  # type: ignore[assignment]
    names = s.ListField(child=s.CharField())
    active = s.BooleanField()
    reason = s.CharField()
    failures = s.IntegerField()
    created = s.DateTimeField()
    previous_secret_until = s.DateTimeField(allow_null=True)


class Webhooks(Any_):
    webhooks = Webhook(many=True)
    names = s.ListField(child=s.CharField())


class WebhookSecret(Webhook):
    secret = s.CharField(help_text="This once; empty when the request is a repeat.")


class Attempt(Any_):
    at = s.DateTimeField()
    status = s.IntegerField(allow_null=True)
    error = s.CharField()
    milliseconds = s.IntegerField()


class Delivery(Any_):
    id = s.IntegerField()
    webhook = s.IntegerField(allow_null=True)
    name = s.CharField()
    subject = s.CharField()
    state = s.CharField()
    created = s.DateTimeField()
    sent = s.DateTimeField(allow_null=True)
    next = s.DateTimeField(allow_null=True)
    attempts = Attempt(many=True)


class Deliveries(Any_):
    deliveries = Delivery(many=True)
    next_before = s.IntegerField(allow_null=True)


class Resent(Any_):
    resent = s.IntegerField()


class Event(Any_):
    number = s.IntegerField()
    name = s.CharField()
    subject = s.CharField()
    created = s.DateTimeField()
    data = s.DictField()  # type: ignore[assignment]


class Events(Any_):
    events = Event(many=True)
    next_after = s.IntegerField()
