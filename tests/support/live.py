"""The site as a real gunicorn on 127.0.0.1, over the test's own databases."""

from __future__ import annotations

import os
import re
import socket
from typing import Any

import requests
from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.support.databases import Database
from tests.support.processes import PYTHON, Child, wait_for


def child_environment(database: Database, **more: str) -> dict[str, str]:
    """What a child needs to be part of this test's site, and nothing from this machine's environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        **database.environment,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": settings.SECRET_KEY,
        "WALLETS_FIELD_KEYS": ",".join(settings.WALLETS_FIELD_KEYS),
        "WALLETS_KEY_SECRET": settings.WALLETS_KEY_SECRET,
        **more,
    }


class Visitor(requests.Session):
    """A browser without JavaScript: cookies, and forms sent as the page gave them."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.trust_env = False

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 30)
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self.url + path if path.startswith("/") else path, *args, **kwargs)

    def submit(self, path: str, *, form_at: str = "", **fields: str) -> requests.Response:
        """Opens the page with the form, then posts it to `path` with the page's CSRF token."""
        page = self.get(form_at or path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, f"no form on {form_at or path}: {page.status_code}"
        headers = {"Referer": page.url}
        return self.post(path, data={"csrfmiddlewaretoken": token[1], **fields}, headers=headers)


class LiveSite:
    def __init__(
        self, database: Database, *, workers: int = 1, threads: int = 8, application: str = "wallets_site.wsgi",
        ready: str = "/accounts/login/", host: str = "127.0.0.1", **environment: str,
    ) -> None:  # fmt: skip
        """ready: the path that answers once the application serves. host: in the site's own address."""
        self.database, self.ready = database, ready
        self.log = database.folder / "web.log"
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.set_inheritable(True)
        self.port: int = listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self.environment = child_environment(database, WALLETS_SITE_URL=self.url, **environment)
        options = f"--workers {workers} --threads {threads} --worker-class gthread --no-control-socket"
        command = [PYTHON, "-m", "gunicorn", application, "--bind", f"fd://{listener.fileno()}"]
        self.child = Child(
            [*command, *options.split()], log=self.log, env=self.environment, pass_fds=[listener.fileno()]
        )
        listener.close()
        wait_for(f"the web server\n{self.child.output()}", self._answers)

    def _answers(self) -> bool:
        assert self.child.running, self.child.output()
        try:
            requests.get(self.url + self.ready, timeout=10, allow_redirects=False)
        except requests.RequestException:
            return False
        return True

    def visitor(self, user: User | None = None) -> Visitor:
        """Somebody's browser; with a user, one already signed in."""
        visitor = Visitor(self.url)
        if user is not None:
            client = Client()
            client.force_login(user)
            visitor.cookies.set(
                settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value, domain="127.0.0.1"
            )
        return visitor

    def stop(self) -> None:
        self.child.stop()
