"""People, invitations and the audit trail in the admin. Nobody is deleted, no hash or secret is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import audit_admin as _audit_admin  # noqa: F401 - registers itself
from accounts import (
    hold_admin,  # noqa: F401 - registers payout holds
    services,
)
from accounts.audit import What, client_ip, record
from accounts.capabilities import Capability, has_proven_email, may
from accounts.forms import InvitationForm, PersonAddForm
from accounts.models import Invitation, User
from wallets_site.base.errors import WalletError

if TYPE_CHECKING:
    _People = admin.ModelAdmin[User]
    _Invitations = admin.ModelAdmin[Invitation]
    _Groups = admin.ModelAdmin[Group]
else:
    _People = _Invitations = _Groups = admin.ModelAdmin

# What these hold is managed by its owner on the account pages; here it could be read or changed past them.
for model in (EmailAddress, EmailConfirmation, Authenticator, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(_People):
    list_display = ("id", "email", "username", "proven", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "username", "=id")
    ordering = ("-id",)
    filter_horizontal = ("groups", "user_permissions")
    actions = ["let_in", "shut_out", "sign_out"]
    fieldsets: ClassVar = (
        (None, {"fields": ("id", "email", "proven", "username", "is_active", "date_joined", "last_login")}),
        ("Rights", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    rights: ClassVar = ("is_staff", "is_superuser", "groups", "user_permissions")
    shown: ClassVar = ("id", "email", "proven", "username", "is_active", "date_joined", "last_login")

    @admin.display(boolean=True, description="e-mail proven")
    def proven(self, user: User) -> bool:
        return has_proven_email(user)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("email", "password1", "password2")}),)
        return self.fieldsets

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return PersonAddForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Rights are given by those who have them all; nobody makes themselves a manager."""
        if obj is None:
            return ()
        return self.shown if _actor(request).is_superuser else self.shown + self.rights

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            record(
                What.PERSON_CHANGED,
                who=_actor(request),
                ip=client_ip(request),
                object=f"user {obj.pk}",
                fields=form.changed_data,
            )
            return
        made = services.create_person(
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password1"],
            by=_actor(request),
            where=client_ip(request),
        )
        obj.pk, obj._state.adding = made.pk, False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change:
            super().save_related(request, form, formsets, change)

    @admin.action(description="Let in again", permissions=["change"])
    def let_in(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._switch(request, people, active=True)

    @admin.action(description="Shut out at once", permissions=["change"])
    def shut_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self._switch(request, people, active=False)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        for user in people:
            services.sign_out(user=user, actor=_actor(request), where=client_ip(request))
            self.message_user(request, f"{user} is signed out everywhere.")

    def _switch(self, request: HttpRequest, people: QuerySet[User], *, active: bool) -> None:
        for user in people:
            try:
                services.set_active(user=user, active=active, actor=_actor(request), where=client_ip(request))
            except WalletError as refusal:
                self.message_user(request, f"{user}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{user}: {'may sign in' if active else 'is shut out'}.")


@admin.register(Invitation)
class InvitationAdmin(ReadOnly, _Invitations):
    list_display = ("id", "email", "created_by", "created_at", "expires_at", "used_by", "used_at")
    list_filter = ("used_at", "expires_at")
    list_select_related = ("created_by", "used_by")
    search_fields = ("email", "created_by__email", "used_by__email")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(_actor(request), Capability.MANAGE_WALLETS)

    def has_view_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return self.has_add_permission(request) or super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Makes an invitation and shows its link, this once."""
        form = InvitationForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Make an invitation",
            "form": form,
        }
        if request.method == "POST" and form.is_valid():
            try:
                _invitation, code = services.make_invitation(
                    actor=_actor(request), where=client_ip(request), **form.cleaned_data
                )
            except WalletError as refusal:
                form.add_error(None, str(refusal))
            else:
                context["link"] = settings.SITE_URL + reverse("accept_invitation", args=[code])
        return TemplateResponse(request, "accounts/admin/invitation.html", context)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(_Groups):
    """The matrix of rights. Only who may do everything changes it: it hands out rights."""

    filter_horizontal = ("permissions",)
    search_fields = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _actor(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _actor(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _actor(request).is_superuser
