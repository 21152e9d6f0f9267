"""Plays a recording of the real plugin 4.3.1 to this site and says where the answers differ.

What is one's own on each site (addresses, keys, nonces, confirmation tokens, txids, moments, icons) is mapped or
compared by form; everything else must be equal: status, kind of body, fields, order, types and values. Rows of the
same second stand in any order, as in the plugin. Fields the plugin does not have may be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.test import Client

from accounts import keys
from accounts.models import User
from ledger import do_cron
from ledger.models import Operation
from ledger.services import confirmations, site_settings
from tests.support.factories import PASSWORD
from tests.support.processes import wait_for

RECORDINGS = Path(__file__).parent / "recordings"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
OWN = {"icon_url", "created_time", "updated_time", "txid"}
COMPARED_HEADERS = ("Content-Type", "Cache-Control", "Pragma")
FORGED = "Possible request forgery"


@dataclass
class Recorded:
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: str | None
    status: int
    answer_headers: dict[str, str]
    answer: str

    @property
    def cookie(self) -> str:
        return self.headers.get("Cookie", "")

    @property
    def values(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, True) + parse_qsl(self.body or "", True))

    @property
    def action(self) -> str:
        pretty = re.search(r"/wallets/api3/([a-z_]+)", self.path)
        return self.values.get("__wallets_action") or (pretty[1] if pretty else "")

    @property
    def is_json(self) -> bool:
        return "json" in self.answer_headers.get("Content-Type", "")

    @property
    def json(self) -> Any:
        return parse(self.answer)


def load(name: str) -> list[Recorded]:
    found = []
    for line in (RECORDINGS / name).read_text().splitlines():
        raw = json.loads(line)
        found.append(
            Recorded(raw["name"], raw["method"], raw["path"], raw["request_headers"], raw["request_body"],
                     raw["status"], raw["response_headers"], raw["response_body"])
        )  # fmt: skip
    return found


def parse(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def person_of(cookie: str) -> str:
    found = re.search(r"wordpress_logged_in_[0-9a-f]+=([a-z]+)%7C", cookie)
    return found[1] if found else ""


@dataclass
class Difference:
    at: str
    theirs: Any
    ours: Any


@dataclass
class Replay:
    """stage: what the recorder did between two requests, by the request's name."""

    people: dict[str, User]
    stage: dict[str, Callable[[], None]] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)  # theirs -> ours
    sessions: dict[str, Client] = field(default_factory=dict)

    def learn_keys(self, records: list[Recorded]) -> None:
        for one in records:
            if one.action == "get_nonces" and one.is_json and "nonces" in one.json:
                key = one.json["nonces"].get("api_key")
                if key:
                    self.known[key] = keys.show_key(self.people[person_of(one.cookie)], keys.PLUGIN_API)

    def learn_nonces(self, records: list[Recorded]) -> None:
        """A nonce the plugin took is the one of that session and action; the others stay what they are."""
        for one in records:
            nonce = one.values.get("_wpnonce", "")
            if len(nonce) == 10 and one.cookie and one.is_json and FORGED not in one.answer:
                answer = self.session(one.cookie).get("/wallets/api3/get_nonces")
                self.known.setdefault(nonce, parse(answer.content.decode())["nonces"].get(one.action, nonce))

    def session(self, cookie: str) -> Client:
        if cookie not in self.sessions:
            client = self.sessions[cookie] = Client()
            if cookie:
                login = {"log": person_of(cookie), "pwd": PASSWORD}
                assert client.post("/wp-login.php", login).status_code == 302
        return self.sessions[cookie]

    def play(self, one: Recorded) -> list[Difference]:
        if one.name in self.stage:
            self.stage[one.name]()
        answer = self.send(one)
        if one.action == "do_cron" and '"success"' in one.answer:
            wait_for("the cron run", lambda: not do_cron.is_busy())
        found = [Difference("status", one.status, answer.status_code)] if one.status != answer.status_code else []
        kind = "json" in answer.headers.get("Content-Type", "")
        if one.is_json != kind:
            found.append(Difference("kind of body", one.is_json, kind))
        if one.is_json and kind and one.answer and one.answer[0] == "{":
            self._headers(one, answer, found)
            self._compare("", one.json, parse(answer.content.decode()), found, one)
        return found

    def send(self, one: Recorded) -> Any:
        client = self.session(one.cookie)
        token = one.values.get("__wallets_confirm", "")
        if token and one.status == 200:
            self.known.setdefault(token, _newest_token())
        url, query = urlsplit(one.path), parse_qsl(urlsplit(one.path).query, keep_blank_values=True)
        path = quote(url.path) + ("?" + self._encoded(query) if url.query else "")
        headers = {name: self._ours(text) for name, text in one.headers.items() if name in ("Authorization",)}
        headers |= {"Idempotency-Key": f"replay {id(one)}"} if one.method == "POST" else {}
        method = "POST" if token and one.status == 200 else one.method
        body = self._encoded(parse_qsl(one.body or "", keep_blank_values=True))
        content = {"data": body, "content_type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        return client.generic(method, path, **content, headers=headers)  # type: ignore[arg-type]

    def _encoded(self, pairs: list[tuple[str, str]]) -> str:
        cron = site_settings.current().cron_nonce
        changed = []
        for name, text in pairs:
            real = name == "__wallets_cron_nonce" and len(text) == 32
            changed.append((name, cron if real else self._ours(text)))
        return urlencode(changed)

    def _ours(self, text: str) -> str:
        for theirs, ours in self.known.items():
            text = text.replace(theirs, ours).replace(theirs.upper(), ours.upper())
        return text

    def _headers(self, one: Recorded, answer: Any, found: list[Difference]) -> None:
        for name in COMPARED_HEADERS:
            if name in one.answer_headers and one.answer_headers[name] != answer.headers.get(name):
                found.append(Difference(name, one.answer_headers[name], answer.headers.get(name)))

    def _compare(self, at: str, theirs: Any, ours: Any, found: list[Difference], one: Recorded) -> None:
        if type(theirs) is not type(ours):
            found.append(Difference(at, theirs, ours))
        elif isinstance(theirs, dict):
            order = [name for name in ours if name in theirs]
            if order != list(theirs):
                found.append(Difference(f"{at} fields", list(theirs), list(ours)))
            for name in order:
                self._compare(f"{at}/{name}", theirs[name], ours[name], found, one)
        elif isinstance(theirs, list):
            self._rows(at, theirs, ours, found, one)
        elif not self._same(at.rsplit("/", 1)[-1], theirs, ours):
            found.append(Difference(at, theirs, ours))

    def _rows(self, at: str, theirs: list[Any], ours: list[Any], found: list[Difference], one: Recorded) -> None:
        """Each of their rows is one of ours; times never rise. A cut within a second may fall elsewhere."""
        if len(theirs) != len(ours):
            found.append(Difference(f"{at} length", len(theirs), len(ours)))
        everything = self.session(one.cookie).get(
            "/", {"__wallets_apiversion": "3", "__wallets_action": "get_transactions", "__wallets_tx_count": "100",
                  "__wallets_symbol": theirs[0]["symbol"] if theirs else "BTC"},
        )  # fmt: skip
        pool = parse(everything.content.decode())["transactions"]
        times = [row["created_time"] for row in ours]
        if times != sorted(times, reverse=True):
            found.append(Difference(f"{at} order", "newest first", times))
        for number, row in enumerate(theirs):
            fits = [each for each in pool if not self._of_row(row, each, one)]
            if fits:
                pool.remove(fits[0])
            else:
                closest = min(pool, key=lambda each: len(self._of_row(row, each, one)), default=None)
                found.append(Difference(f"{at}/{number}", row, closest))

    def _of_row(self, theirs: Any, ours: Any, one: Recorded) -> list[Difference]:
        """Without learning from a row that is not the one meant."""
        found: list[Difference] = []
        before = dict(self.known)
        self._compare("", theirs, ours, found, one)
        if found:
            self.known = before
        return found

    def _same(self, name: str, theirs: Any, ours: Any) -> bool:
        if name in ("deposit_address", "new_address", "address") and theirs:
            return bool(self.known.setdefault(theirs, ours) == ours)
        if name in ("do_withdraw", "do_move", "do_new_address"):
            return re.fullmatch("[0-9a-f]{10}", ours) is not None and bool(self.known.setdefault(theirs, ours) == ours)
        if name in ("created_time", "updated_time"):
            return MOMENT.fullmatch(ours) is not None
        if name == "txid" and isinstance(theirs, str):
            return bool(re.sub("[0-9a-f]", "", theirs) == re.sub("[0-9a-f]", "", str(ours)))
        if name == "icon_url":
            return str(ours).startswith("http")
        return bool(theirs == ours) if not isinstance(theirs, str) else self._ours(theirs) == ours


def _newest_token() -> str:
    row = Operation.objects.filter(status="unconfirmed", needs_user_confirm=True, user_confirm=False, incoming=False)
    found = row.order_by("-pk").first()
    assert found is not None, "nothing waits for its confirmation"
    return confirmations.token_of(found)
