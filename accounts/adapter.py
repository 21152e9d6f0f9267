"""Where allauth asks us. What may happen stands in services."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from accounts import invitations, services
from accounts.audit import client_ip
from accounts.capabilities import Team
from accounts.models import User
from accounts.preferences import as_read_by
from wallets_site.base import crypto
from wallets_site.base.errors import NotAllowed


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "invited_other_email": "This invitation is for another e-mail address. Type the one it was sent to.",
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
        """With a second factor enrolled the password alone confirms nobody."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return factors or methods

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
