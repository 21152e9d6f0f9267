"""Every address of the API, with and without a slash at its end, and without a redirect between the two."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from ledger.api.lnbits import payments, stream, users, wallets
from ledger.api.lnbits.door import Handler, door, nowhere


def at(route: str, name: str, **handlers: Handler) -> URLPattern:
    return re_path(rf"^{route}/?$", door(**handlers), name=f"lnbits-{name}")


ID = r"(?P<ident>[^/]{1,100})"
urlpatterns = [
    at("api/v1/health", "health", GET=wallets.health),
    at("api/v1/wallet", "wallet", GET=wallets.read, PUT=wallets.rename, PATCH=wallets.change),
    at("api/v1/wallet/(?P<name>[^/]{1,200})", "wallet-name", PUT=wallets.rename),
    at("api/v1/wallets", "wallets", GET=wallets.every),
    at("api/v1/payments", "payments", GET=payments.listed, POST=payments.make),
    at("api/v1/payments/paginated", "paginated", GET=payments.paginated),
    at("api/v1/payments/decode", "decode", POST=payments.decode),
    at("api/v1/payments/fee-reserve", "fee-reserve", GET=payments.fee_reserve),
    at("api/v1/payments/sse", "stream", GET=stream.stream),
    at("api/v1/payments/(?P<payment_hash>[^/]{1,100})", "payment", GET=payments.one),
    at("usermanager/api/v1/users", "users", GET=users.list_people, POST=users.make_person),
    at(f"usermanager/api/v1/users/{ID}", "user", GET=users.one_person, DELETE=users.delete_person),
    at("usermanager/api/v1/wallets", "managed", GET=users.list_purses, POST=users.make_purse),
    at(f"usermanager/api/v1/wallets/{ID}", "managed-of", GET=users.purses_of, DELETE=users.delete_purse),
    at(r"usermanager/api/v1/(?:transactions/|wallets)(?P<ident>[0-9a-f]{32})", "transactions", GET=users.transactions),
    at("usermanager/api/v1/extensions", "extensions", POST=users.switch_extension),
    re_path(r"^.*$", door(GET=nowhere, POST=nowhere, PUT=nowhere, PATCH=nowhere, DELETE=nowhere), name="lnbits"),
]
