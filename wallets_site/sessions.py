"""Sessions in the database, as Django keeps them; what every request asks of them is built once."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session

from wallets_site.base.clock import now
from wallets_site.base.prepared import Prepared, Question

_BY_KEY: Final = Prepared(
    lambda key: Session.objects.filter(session_key=key).values_list("session_data", "expire_date"), key=str
)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def question(self) -> Question | None:
        """What reading this session will ask, for who asks ahead."""
        key = self.session_key
        return _BY_KEY(key=key) if key and key.isascii() and key.isalnum() else None

    def _get_session_from_db(self) -> Any:
        key = self.session_key
        row = _BY_KEY.first(key=key) if key and key.isascii() and key.isalnum() else None
        if row is None or row[1] <= now():
            self._session_key = None
            return None
        return Session(session_key=str(key), session_data=row[0], expire_date=row[1])
