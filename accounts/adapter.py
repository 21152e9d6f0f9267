"""Where allauth asks us. What may happen stands in services."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import devices, factors, freeze_links, holds, invitations, proof, queries, services
from accounts.audit import client_ip
from accounts.capabilities import Team
from accounts.models import User
from accounts.preferences import as_read_by
from wallets_site.base import crypto
from wallets_site.base.errors import NotAllowed


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "invited_other_email": gettext_lazy(
            "This invitation is for another e-mail address. Type the one it was sent to."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGNUP == "invitation":
            return invitations.of_session(request) is not None
        return bool(settings.SIGNUP == "open")

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """The person, the invitation spent and the first rights: all of it or nothing."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit)
                self._spend_invitation(request, saved)
                services.join(saved, Team.HOLDERS)
        except NotAllowed as error:
            raise ImmediateHttpResponse(redirect("account_signup")) from error
        except IntegrityError as error:
            # Two sign-ups with one e-mail at the same moment: the later one sees what any second one sees.
            raise ImmediateHttpResponse(redirect("account_email_verification_sent")) from error
        return saved

    def send_account_already_exists_mail(self, email: str) -> None:
        """A taken e-mail spends the invitation too: a link that still works would tell that it is taken."""
        try:
            self._spend_invitation(self.request, None)
        except NotAllowed as error:
            raise ImmediateHttpResponse(redirect("account_signup")) from error
        super().send_account_already_exists_mail(email)

    def get_client_ip(self, request: HttpRequest) -> str:
        """As everywhere on this site. An address that cannot be known (a socket file) has one bucket for all."""
        return client_ip(request) or "0.0.0.0"  # noqa: S104 - a name for "unknown", nothing listens on it

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if getattr(request.user, "username", "") is None:
            return reverse("choose_handle")
        return str(super().get_login_redirect_url(request))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The strongest way first; with a second factor enrolled the password alone confirms nobody."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        kinds = factors.kinds_of(user) if user.is_authenticated else frozenset()
        if not kinds:
            return methods
        second = [method for method in methods if method["id"] != "reauthenticate"]
        if factors.Kind.WEBAUTHN not in kinds:
            return second
        for method in second:
            if method["id"] == "mfa_reauthenticate":
                method["description"] = _("Lost it? Use a recovery code")
        second = [each for each in second if each["id"] != "mfa_reauthenticate" or factors.Kind.RECOVERY_CODES in kinds]
        return sorted(second, key=lambda method: method["id"] != "mfa_reauthenticate:webauthn")

    def is_reauthentication_required(self, *, app: str = "", **kwargs: Any) -> bool:
        """Asked before anything about signing in changes: the strongest factor must have been shown lately."""
        if not proof.may_change_settings(context.request):
            raise ReauthenticationRequired
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong passwords of a browser that its owner signed in with before are counted apart from a stranger's."""
        shared = str(super()._get_login_attempts_cache_key(request, **credentials))
        owner = devices.owner_of_email(request, str(credentials.get("email", "")))
        return devices.bucket(request, owner, shared)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Every mail about security lets its reader stop the account."""
        told = email or user.email
        said = {**(context or {}), "freeze_url": freeze_links.new_link(user, told)}
        super().send_notification_mail(template_prefix, user, said, told)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Not to an address that is new: whoever put it there would own the account."""
        held = queries.open_holds(user).filter(reason=holds.Reason.EMAIL_CHANGED).exists()
        if not held:
            super().send_password_reset_mail(user, email, context)

    def set_password(self, user: User, password: str) -> None:
        """A link from before the account was shut opens nothing."""
        if not user.is_active:
            raise ImmediateHttpResponse(redirect("account_inactive"))
        super().set_password(user, password)

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """A change of address is confirmed by its owner, signed in; a first address by whoever reads its mail."""
        others = EmailAddress.objects.filter(user_id=email_address.user_id, verified=True).exclude(pk=email_address.pk)
        if others.exists() and request.user.pk != email_address.user_id:
            messages.info(request, _("Sign in with your present address first, then open the link again."))
            raise ImmediateHttpResponse(redirect("account_login"))
        if others.exists():
            holds.demand_payouts(email_address.user)
        return bool(super().confirm_email(request, email_address))

    def render_mail(self, template_prefix: str, email: Any, context: dict[str, Any], headers: Any = None) -> Any:
        """In the language its reader chose; before they chose one, in that of whoever asked for the mail."""
        told = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL, **_at_our_host(context)}
        reader: User | None = context.get("user") or self._reader(email)
        if reader is None or not reader.language:
            return super().render_mail(template_prefix, email, told, headers)
        with as_read_by(reader):
            return super().render_mail(template_prefix, email, told, headers)

    def _reader(self, email: Any) -> User | None:
        """Whom a notice about somebody's own account goes to."""
        user = getattr(self.request, "user", None)
        return user if isinstance(user, User) and email == user.email else None

    def _spend_invitation(self, request: HttpRequest, user: User | None) -> None:
        if settings.SIGNUP == "invitation":
            digest = invitations.forget(request)
            services.use_invitation(digest=digest, user=user, where=client_ip(request))


def _at_our_host(context: dict[str, Any]) -> dict[str, Any]:
    """Links in mails lead to the site's own address, whatever host the request named."""
    return {name: _canonical(value) if isinstance(value, str) else value for name, value in context.items()}


def _canonical(text: str) -> str:
    parts = urlsplit(text) if text.startswith(("http://", "https://")) else None
    return text if parts is None else settings.SITE_URL + urlunsplit(("", "", parts.path, parts.query, ""))


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second-factor secrets are encrypted at rest; staff keep at least one factor."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "weak_code": gettext_lazy(
            "This is not enough here. Use your passkey or security key, or one of your recovery codes."
        ),
        "too_many_codes": gettext_lazy("Too many wrong codes. Wait five minutes, or use a passkey."),
    }

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return str(settings.SITE_NAME)

    def build_totp_svg(self, url: str) -> str:
        image = io.BytesIO()
        segno.make(url, error="m").save(image, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
        return image.getvalue().decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the site's own host, whatever host a request names."""
        return {"id": str(urlsplit(settings.SITE_URL).hostname), "name": settings.SITE_NAME}

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        if not authenticator.user.is_staff or settings.DEMO:
            return True
        kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
        others = Authenticator.objects.filter(user=authenticator.user, type__in=kinds).exclude(pk=authenticator.pk)
        return bool(others.exists())
