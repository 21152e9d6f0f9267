"""Everything that is kept about a person, for them to take away; and what is left when they ask to be forgotten."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, QuerySet
from django.utils.translation import gettext as _

from accounts import proof as proofs
from accounts.audit import What, record
from accounts.capabilities import Capability, require
from ledger import statements
from ledger.models import Account, Kind
from ledger.queries import Wanted
from wallets_site.base.clock import now
from wallets_site.base.errors import InvalidRequest

if TYPE_CHECKING:
    from accounts.models import User

IN_MEMORY: Final = 4 * 1024 * 1024  # bytes; more goes through a temporary file
# How each table is a person's: the way from it to them. tests/ledger/test_privacy.py demands that none is forgotten.
OURS: Final = {
    "account.EmailAddress": "user", "mfa.Authenticator": "user", "usersessions.UserSession": "user",
    "accounts.AuditEvent": "about", "accounts.DerivedKey": "owner", "accounts.ApiKey": "owner",
    "accounts.PayoutHold": "user", "accounts.FreezeLink": "user", "accounts.AccessHelp": "user",
    "ledger.Account": "owner", "ledger.Hold": "user",
    "ledger.Operation": "user", "ledger.Withdrawal": "operation__user", "ledger.Deposit": "operation__user",
    "ledger.Address": "account__owner", "ledger.Invoice": "account__owner",
    "ledger.InvoiceNote": "invoice__account__owner",
    "ledger.Purse": "account__owner", "ledger.Contact": "user", "ledger.Freeze": "user", "ledger.Event": "user",
    "ledger.Delivery": "user", "ledger.Mute": "user", "ledger.Inbox": "user", "ledger.Feed": "user",
    "ledger.FeedItem": "user", "ledger.Webhook": "user", "ledger.Push": "user", "ledger.PolicyDecision": "user",
}  # fmt: skip
# Keys, and what opens them: of no use to their owner, and dangerous in a file.
SECRET: Final = frozenset(
    (
        "password",
        "digest",
        "salt",
        "secret",
        "previous_secret",
        "session_key",
        "confirm_digest",
        "prefix",
        "request_key",
        "sealed_preimage",
    )
)
# Of a second step only its kind and its times.
SHAPES: Final = {"mfa.Authenticator": ("id", "type", "created_at", "last_used_at")}

README: Final = """\
Everything this site keeps about you, as of {at}.

profile.json      your account
activity.csv      your payments, as the activity page shows them
*.json            the tables themselves; amounts are in the smallest units of their coin, times in UTC
statement-*.csv   every line of your balance of one coin
Passwords, keys and secrets are not in here.
"""


def export(*, user: User, actor: User, proof: proofs.Proof | None = None, where: str = "") -> IO[bytes]:
    """A ZIP of everything about a person. Themselves by a fresh Proof, anybody else with MANAGE_WALLETS."""
    if actor.pk == user.pk:
        proofs.demand(proof, user)
    else:
        require(actor, Capability.MANAGE_WALLETS)
    record(What.DATA_EXPORTED, who=actor, ip=where, about=user, object=f"user {user.pk}")
    out: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - whoever reads it closes it
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(at=f"{now():%Y-%m-%d %H:%M} UTC"))
        for name, parts in _files(user):
            with archive.open(name, "w") as entry:
                for part in parts:
                    entry.write(part.encode())
    out.seek(0)
    return out


def _files(user: User) -> Iterator[tuple[str, Iterable[str]]]:
    yield "profile.json", [_json(_row(user, ()))]
    for label, way in OURS.items():
        rows: QuerySet[Any] = apps.get_model(label)._default_manager.filter(**{way: user}).order_by("pk")
        yield f"{label.replace('.', '-').lower()}.json", _listed(rows, SHAPES.get(label, ()))
    yield "activity.csv", statements.csv_operations(user, Wanted())
    for account in Account.objects.select_related("coin").filter(owner=user, kind=Kind.USER).order_by("pk"):
        number = f"-{account.number}" if account.number else ""
        yield f"statement-{account.coin.symbol}{number}.csv", statements.csv_statement(account)


def _listed(rows: QuerySet[Any], names: Iterable[str]) -> Iterator[str]:
    """A JSON array, a row at a time."""
    before = "[\n"
    for row in rows.iterator(chunk_size=500):
        yield before + _json(_row(row, names))
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _row(row: Model, names: Iterable[str]) -> dict[str, Any]:
    fields = [one for one in row._meta.concrete_fields if one.name not in SECRET and (not names or one.name in names)]
    return {field.attname: _value(row, field) for field in fields}


def _value(row: Model, field: Field[Any, Any]) -> Any:
    """Whole numbers beyond what other programs read exactly go as text."""
    found = field.value_from_object(row)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) and abs(found) > 2**53 else found


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def demand_typed(user: User, typed: str) -> None:
    """The person means this account. Raises InvalidRequest."""
    if typed.strip().lower() != user.email.lower():
        raise InvalidRequest(_("Type your own e-mail address to say that you mean it."))
