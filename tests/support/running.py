"""The whole product as its own parent runs it: web server and worker cluster over a test's databases."""

from __future__ import annotations

import html
import re
import socket
from functools import partial

import requests

from tests.support.databases import Database
from tests.support.live import Visitor, child_environment
from tests.support.marker import MARKER
from tests.support.processes import PYTHON, Child, wait_for

PASSWORD = f"a long enough {MARKER}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningSite:
    """`manage.py run` on a port of its own; mail goes into files."""

    def __init__(self, database: Database, *, beat: int = 1, **environment: str) -> None:
        """beat: seconds between two sweeps, which find what no hint told of; the product's own is 10."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mail = database.folder / "mail"
        self.mail.mkdir(exist_ok=True)
        env = child_environment(
            database, WALLETS_SITE_URL=self.url, EMAIL_URL=f"filemail:///{self.mail}", WALLETS_SIGNUP_RATE="50/h/ip",
            **environment,
        )  # fmt: skip
        self.log = database.folder / "run.log"
        command = [PYTHON, "manage.py", "run", "--port", self.port, "--beat", beat]
        self._spawn = partial(Child, command, log=self.log, env=env)
        self.start()

    def start(self) -> None:
        """Also after stop(): the same site on the same port."""
        self.child = self._spawn()
        wait_for("the site", self._answers, seconds=60)

    def _answers(self) -> bool:
        assert self.child.running, self.child.output()
        try:
            return requests.get(self.url + "/accounts/login/", timeout=10).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        self.child.stop()

    def mails_to(self, email: str) -> list[str]:
        texts = [path.read_text() for path in sorted(self.mail.iterdir())]
        return [text for whole in texts for text in whole.split("-" * 79) if f"To: {email}" in text]

    def visitor(self) -> Visitor:
        return Visitor(self.url)


class Member:
    """Somebody who uses the site through its pages alone."""

    def __init__(self, site: RunningSite, name: str) -> None:
        self.site, self.email, self.browser = site, f"{name}@example.com", site.visitor()

    def sign_up(self) -> Member:
        words = {"email": self.email, "password1": PASSWORD, "password2": PASSWORD}
        assert self.browser.submit("/accounts/signup/", **words).ok
        mail = wait_for("the confirmation mail", lambda: self.site.mails_to(self.email), seconds=30)[-1]
        link = re.search(r"http://\S+confirm-email\S+", mail.replace("=\n", ""))
        assert link, mail
        path = link[0].removeprefix(self.site.url)
        assert self.browser.submit(path).ok
        return self.sign_in()

    def sign_in(self) -> Member:
        answer = self.browser.submit("/accounts/login/", login=self.email, password=PASSWORD)
        assert answer.ok, answer.status_code
        assert self.email in self.read("/accounts/"), "not signed in"
        return self

    def read(self, path: str) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return html.unescape(answer.text)

    def new_address(self, symbol: str) -> str:
        """Presses "new address" and reads the newest one off the page."""
        page = self.browser.get(f"/receive/{symbol}/")
        key = re.search(r'name="key" value="([^"]+)"', page.text)
        assert key, page.text[:2000]
        answer = self.browser.submit(f"/receive/{symbol}/new-address/", form_at=f"/receive/{symbol}/", key=key[1])
        assert answer.ok
        found = re.search(r'data-copy="([^"]+)"', answer.text) or re.search(
            r"<code[^>]*>\s*(\S+)\s*</code>", answer.text
        )
        assert found, answer.text
        return html.unescape(found[1])

    def send(self, symbol: str, to: str, amount: str) -> str:
        """Types, reviews, confirms; the path of the operation's page."""
        review = self.browser.submit(f"/send/{symbol}/", to=to, amount=amount, comment="")
        assert "/review/" in review.url, _errors(review.text)
        quote = re.search(r'name="quote" value="([^"]+)"', review.text)
        assert quote, review.text
        path = review.url.removeprefix(self.site.url)
        done = self.browser.submit(path, quote=html.unescape(quote[1]))
        assert "/activity/" in done.url, (done.url, _errors(done.text))
        return done.url.removeprefix(self.site.url)

    def refused(self, symbol: str, to: str, amount: str) -> str:
        """The whole page that answers a payment that is refused at the first step."""
        answer = self.browser.submit(f"/send/{symbol}/", to=to, amount=amount, comment="")
        assert "/review/" not in answer.url
        return html.unescape(answer.text)

    def account(self, symbol: str) -> dict[str, str]:
        rows = self.browser.get("/api/v1/accounts").json()["accounts"]
        return dict(next(row for row in rows if row["coin"] == symbol))

    def available(self, symbol: str) -> str:
        return self.account(symbol)["available"]

    def operation(self, path: str) -> dict[str, str]:
        number = path.rstrip("/").rsplit("/", 1)[-1]
        return dict(self.browser.get(f"/api/v1/operations/{number}").json())


def _errors(text: str) -> list[str]:
    return [
        html.unescape(re.sub(r"<[^>]+>", " ", found)).strip()
        for found in re.findall(r"(?s)<small[^>]*>.*?</small>|role=\"alert\".*?</", text)
    ]
