"""Who a session belongs to, read with what they may do in one question."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.auth_backends import AuthenticationBackend

from accounts import people
from accounts.models import User
from wallets_site.base.prepared import Prepared

_BY_NUMBER: Final = Prepared(lambda pk: User.objects.filter(pk=pk).values_list(*people.columns()), pk=int)


class Backend(AuthenticationBackend):  # type: ignore[misc]
    def get_user(self, user_id: Any) -> User | None:
        row = _BY_NUMBER.first(pk=int(user_id))
        user = None if row is None else people.read(row)
        return user if user is not None and self.user_can_authenticate(user) else None
