from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm as AllauthAddEmailForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.forms import BaseUserCreationForm
from django.utils.translation import gettext_lazy as _

from accounts import holds, invitations
from accounts.models import User
from accounts.services import INVITATION_DAYS, LONGEST_INVITATION_DAYS
from wallets_site.base.errors import PayoutsHeld


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Sign-up; an invitation made for one e-mail admits only that one."""

    def clean_email(self) -> str:
        typed = str(self.cleaned_data["email"]).lower()
        if settings.SIGNUP == "invitation":
            invitation = invitations.of_session(context.request)
            if invitation is not None and invitation.email not in ("", typed):
                raise get_adapter().validation_error("invited_other_email")
        return str(super().clean_email())


class AddEmailForm(AllauthAddEmailForm):  # type: ignore[misc]
    """Not while payouts wait: a thief would take one thing after the other."""

    def clean_email(self) -> str:
        try:
            holds.demand_payouts(self.user)
        except PayoutsHeld as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        return str(super().clean_email())


class HandleForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        max_length=30,
        help_text=_("3 to 30 letters, digits, dots, dashes or underscores. It is public, and you choose it once."),
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="Only for this e-mail", required=False, help_text="Leave empty to let whoever has the link sign up."
    )
    days = forms.IntegerField(
        label="Days until it expires", initial=INVITATION_DAYS, min_value=1, max_value=LONGEST_INVITATION_DAYS
    )


class PersonAddForm(BaseUserCreationForm):  # type: ignore[type-arg]
    """Staff add a person: the address must be proven by its owner before any money moves."""

    class Meta:
        model = User
        fields: ClassVar = ("email",)
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError("There is an account with this e-mail.")
        return str(email)
