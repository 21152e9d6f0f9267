from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    _Manager = BaseUserManager["User"]
else:
    _Manager = BaseUserManager


class UserManager(_Manager):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class Theme(models.TextChoices):
    AUTO = "", _("as the device has it")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a program's owner. Signs in by e-mail; `username` is the public handle, chosen later."""

    email = models.EmailField(_("e-mail"), unique=True)
    username = models.CharField(
        _("user name"),
        max_length=30,
        null=True,
        blank=True,
        unique=True,
        validators=[
            RegexValidator(
                r"^(?![0-9]+\Z)[a-z0-9](?:[a-z0-9_.-]{1,28})[a-z0-9]\Z",
                _("3 to 30 letters a-z, digits, dot, dash or underscore; not digits alone."),
            )
        ],
    )
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # An account that another one made through the API and answers for: it has keys, and nobody signs in to it.
    managed_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="managed", editable=False)
    label = models.CharField(max_length=60, blank=True, editable=False)  # its owner's name for it; may repeat
    date_joined = models.DateTimeField(default=timezone.now)
    # How this person likes the pages. They stand here because every page reads them with the person.
    currency = models.CharField(_("currency"), max_length=3, blank=True)  # empty: the site's first
    language = models.CharField(_("language"), max_length=10, blank=True)  # empty: the browser's
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True)  # empty: the site's
    theme = models.CharField(_("theme"), max_length=5, blank=True, choices=Theme)
    hide_balances = models.BooleanField(_("hide balances"), default=False)
    # Money goes to confirmed contacts only, from the first moment until the second, which is a day after it was asked.
    contacts_only_since = models.DateTimeField(null=True, blank=True)
    contacts_only_until = models.DateTimeField(null=True, blank=True)
    # The latest end of this person's payout holds, so that asking costs payments nothing; the rows are the record.
    held_until = models.DateTimeField(null=True, editable=False)
    # Somebody who reads this person's mail stopped the account: nothing leaves it, until two of the staff free it.
    frozen_at = models.DateTimeField(null=True, editable=False)
    # The number of the 30 seconds whose code from the authenticator app was used last: no code works twice.
    totp_counter = models.BigIntegerField(null=True, editable=False)
    sessions_epoch = models.PositiveIntegerField(default=0, editable=False)  # sessions of an earlier one are over

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_ci"),
            models.CheckConstraint(
                condition=models.Q(username__isnull=True) | models.Q(username=Lower("username")),
                name="user_username_lower",
            ),
        ]
        # The WordPress plugin's capabilities, spelled right.
        permissions: ClassVar = [
            ("manage_wallets", "Can manage coins, wallets and settings"),
            ("has_wallets", "Can hold balances"),
            ("list_wallet_transactions", "Can see own activity"),
            ("generate_wallet_address", "Can make deposit addresses"),
            ("send_funds_to_user", "Can send to other members"),
            ("withdraw_funds_from_wallet", "Can withdraw to outside addresses"),
            ("view_wallets_profile", "Can see own wallet profile"),
            ("access_wallets_api", "Can use API keys"),
            # Two the plugin has no word for: the second pair of eyes, and the reader.
            ("approve_payments", "Can approve other people's payments"),
            ("view_books", "Can read the books"),
            ("manage_api_users", "Can make and manage accounts through the API"),
        ]

    def __str__(self) -> str:
        return self.username or self.email

    def get_username(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """A session is good for one password and one epoch."""
        said = f"{self.password}:{self.sessions_epoch}"
        return salted_hmac("accounts.session", said, secret=secret, algorithm="sha256").hexdigest()

    @property
    def pays_contacts_only(self) -> bool:
        until = self.contacts_only_until
        return self.contacts_only_since is not None and (until is None or timezone.now() < until)


class Invitation(models.Model):
    """A link that lets one person sign up. Only the digest of its code is kept; the link is shown once."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(_("only for this e-mail"), blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations_made")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="invitations_used")
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class AuditEvent(models.Model):
    """What somebody did to an account or to the site, from where. Rows are only ever added; the database refuses the
    rest, but for one thing: the details of a row may be erased for good when the person it is about is forgotten.

    digest: of salt, object, ip and data. The chain of AuditSeal is made over it, so that it holds after an erasure.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    who = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="audit_events")
    about = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="audited")
    what = models.CharField(max_length=40, db_index=True)
    object = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True)
    data = models.JSONField(default=dict)
    salt = models.CharField(max_length=32, default="", editable=False)
    digest = models.CharField(max_length=64, default="", editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.in_words} {self.object}".strip()

    @property
    def in_words(self) -> str:
        return gettext(self.what.replace("_", " ").capitalize())


class AuditSeal(models.Model):
    """A block of the chain over the trail: which events, and a hash over them and the block before."""

    number = models.PositiveBigIntegerField(unique=True)
    ids = models.TextField()  # "1-3,7"
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"block {self.number} of the audit trail"


class DerivedKey(models.Model):
    """A key that must be shown again is derived, never stored: here stands only its digest and its generation."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="derived_keys")
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=40, blank=True)  # what of its owner's it opens; empty: the account
    generation = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, unique=True)
    renewed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "kind", "subject"], name="one_derived_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} key of {self.owner_id}"


class ApiKey(models.Model):
    """What one program of a person's may do. The key itself is shown once; here stands its digest.

    scopes: names of accounts.api_keys.Scope. addresses: networks it may come from, such as "192.0.2.0/24"; none: any.
    """

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    addresses = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_ip = models.GenericIPAddressField(null=True)
    request_key = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "request_key"], name="api_key_request_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class PayoutHold(models.Model):
    """Why nothing goes out of somebody's account for a while. Its owner cannot lift it; two of the staff can."""

    class Reason(models.TextChoices):
        PASSWORD_CHANGED = "password_changed", _("the password was changed")
        PASSWORD_RESET = "password_reset", _("the password was reset by mail")
        FACTOR_CHANGED = "factor_changed", _("a second step was added or removed")
        WEAKER_FACTOR = "weaker_factor", _("somebody signed in with a weaker second step than the strongest one")
        RECOVERY_CODE = "recovery_code", _("a recovery code was used")
        EMAIL_CHANGED = "email_changed", _("the e-mail address was changed")
        HELP = "help", _("the staff were asked to let somebody in again")
        FROZEN = "frozen", _("the account was frozen by a link in a mail")

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="payout_holds")
    reason = models.CharField(max_length=20, choices=Reason)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # to lift it
    asked_reason = models.CharField(max_length=300, blank=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(lifted_by__isnull=True, lifted_at__isnull=True)
                | models.Q(lifted_by__isnull=False, lifted_at__isnull=False, asked_by__isnull=False)
                & ~models.Q(lifted_by=models.F("asked_by"))
                & ~models.Q(lifted_by=models.F("user"))
                & ~models.Q(asked_by=models.F("user")),
                name="payout_hold_two_others",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "until"], condition=models.Q(lifted_at=None), name="payout_hold_open"),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk} of {self.user_id}: {self.reason}"

    @property
    def is_endless(self) -> bool:
        return self.reason == self.Reason.FROZEN


class FreezeLink(models.Model):
    """What stops an account: it stands in one mail, works once and for seven days, and only its digest is kept."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="freeze_links")
    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField()  # whose mailbox it was sent to
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"freeze link {self.pk}"


class AccessHelp(models.Model):
    """Two of the staff let somebody in again, three days after the second one agreed, unless it is stopped."""

    class Kind(models.TextChoices):
        LOST_FACTOR = "lost_factor", _("lost their second step: take it away")
        NEW_EMAIL = "new_email", _("lost their mailbox: a new address")

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        AGREED = "agreed", _("waits for its day")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    OPEN: ClassVar = (State.ASKED, State.AGREED)

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="helped")
    kind = models.CharField(max_length=12, choices=Kind)
    new_email = models.EmailField(blank=True)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    agreed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "access help"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state__in=["asked", "agreed"]), name="access_help_one_open"
            ),
            models.CheckConstraint(
                condition=~models.Q(asked_by=models.F("user"))
                & (
                    models.Q(agreed_by__isnull=True, state__in=["asked", "stopped"])
                    | models.Q(agreed_by__isnull=False, due_at__isnull=False)
                    & ~models.Q(agreed_by=models.F("asked_by"))
                    & ~models.Q(agreed_by=models.F("user"))
                ),
                name="access_help_two_others",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
