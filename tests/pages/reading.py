"""How tests read a page: by what stands in it, not by how it is built."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

INLINE = {"a", "b", "code", "data", "span", "strong", "svg", "time", "use"}


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("head", "script", "style")
        self.words.append("" if tag in INLINE else " ")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("head", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def text_of(page: Any) -> str:
    """The page's words in reading order, white space collapsed."""
    reader = _Words()
    reader.feed(page.content.decode())
    return re.sub(r"\s+", " ", "".join(reader.words))


def amounts_of(page: Any) -> list[str]:
    """Every amount on the page with its symbol, as its title gives it."""
    return re.findall(r'<data class="amount[^"]*" value="[^"]*" title="([^"]*)"', page.content.decode())


def errors_beside(page: Any, field: str) -> list[str]:
    """The messages of the error list that is wired to this input by aria-describedby."""
    html = page.content.decode()
    listed = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', html, re.DOTALL)
    if listed is None:
        return []
    control = re.search(rf'<input[^>]*id="id_{field}"[^>]*>', html)
    assert control is not None
    assert 'aria-invalid="true"' in control[0]
    described = re.search(r'aria-describedby="([^"]*)"', control[0])
    assert described is not None
    assert f"id_{field}_error" in described[1].split()
    return [unescape(each) for each in re.findall(r"<li>(.*?)</li>", listed[1], re.DOTALL)]


def value_of(page: Any, name: str) -> str:
    """What the input of this name holds."""
    control = re.search(rf'<input[^>]*name="{name}"[^>]*>', page.content.decode())
    assert control is not None, f"no input called {name}"
    value = re.search(r'value="([^"]*)"', control[0])
    return unescape(value[1]) if value else ""
