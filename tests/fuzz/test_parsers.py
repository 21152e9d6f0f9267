"""Each reader of what strangers write, over ten thousand cases: an answer or a refusal, soon and in little room."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import Parser, catalogue

PARSERS = catalogue()
CASES, EXAMPLES, EACH = 10_000, 200, 50
LARGE, SECONDS, ROOM = 100_000, 0.05, 10_000_000
ALPHABET = (
    "0123456789abcdefABCDEFxyz+-.,:;/?&=%#@_ \t\r\n\0\\\"'{}[]()<>|~`$ßéı١９²½五\u200b\u202e\ufeff\ud800😀"
    "nulltruefalseNaNInfinity"
)


def spoilt(good: str, chance: random.Random) -> str:
    """A good text with something cut out, put in, doubled or exchanged; or no good text at all."""
    if chance.random() < 0.2:
        return "".join(chance.choices(ALPHABET, k=chance.randrange(40)))
    for _ in range(chance.randrange(1, 4)):
        at, end = sorted(chance.randrange(len(good) + 1) for _ in range(2))
        end = min(end, at + chance.choice((1, 1, 2, 8, 64)))
        piece = "".join(chance.choices(ALPHABET, k=chance.randrange(4)))
        good = chance.choice((good[:at] + piece + good[end:], good[:at] + good[at:end] * 3 + good[end:], good[:at]))
    return good


def ask(parser: Parser, text: str) -> None:
    said = text.encode(errors="surrogatepass") if parser.raw else text
    try:
        parser.read(said)
    except parser.refusals:
        return


def test_no_kind_of_reader_is_forgotten():
    names = {parser.name.partition(":")[0] for parser in PARSERS}
    assert names >= {
        "amount", "address", "URL", "bolt11", "JSON-RPC reply", "webhook", "CSV cell", "nonce", "key", "JSON body",
    }  # fmt: skip
    by_link = [parser for parser in PARSERS for text in parser.good if ":" in text and parser.name[:7] == "address"]
    assert len(by_link) >= 5, "addresses are read from payment links too"


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_ten_thousand_cases_end_in_an_answer_or_a_refusal(parser: Parser):
    done = 0

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**64), st.text(max_size=60))
    def one(seed: int, free: str) -> None:
        nonlocal done
        chance = random.Random(seed)
        ask(parser, free)
        for _ in range(EACH):
            ask(parser, spoilt(chance.choice(parser.good), chance))
        done += EACH + 1

    one()
    assert done >= CASES


def bombs(parser: Parser) -> list[str]:
    """Texts of 100 kB that would hurt a reader that looks back, copies or nests."""
    good = parser.good[0]
    pieces = [
        "0",
        "1",
        "a",
        "(",
        "[",
        '{"a":',
        " ",
        "=",
        ".",
        "-",
        "9",
        '"',
        "\\",
        "ä",
        "\0",
        good,
        good[:-1],
        good + "?",
        "%41",
        "&amount=1",
    ]
    found = [(piece * (LARGE // len(piece) + 1))[:LARGE] for piece in pieces if piece]
    found += [(head + "q" * LARGE)[:LARGE] for head in ("bc1", "ltc1", "lnbc1", "ban_1", "4", "wk_", good, good[:20])]
    return [
        *found,
        "[" * (LARGE // 2) + "]" * (LARGE // 2),
        '{"a":' + "9" * LARGE + "}",
        "0." + "1" * LARGE,
        "1e" + "9" * 99,
        "1.5e" + "9" * 40,
        '{"a":1.5e' + "9" * 30 + "}",
    ]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_hundred_thousand_characters_take_no_time_and_no_room(parser: Parser):
    """CPU time of this thread, the best of several runs: a busy machine makes nothing slow here."""
    slow = []
    for text in bombs(parser):
        spent = timed(parser, text)
        for _ in range(6):
            if spent <= SECONDS:
                break
            spent = min(spent, timed(parser, text))
        if spent > SECONDS:
            slow.append((text[:12], round(spent, 3)))
    assert slow == []


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_no_text_makes_a_reader_take_much_room(parser: Parser):
    for text in bombs(parser)[::3]:
        tracemalloc.start()
        ask(parser, text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < ROOM, text[:12]


def timed(parser: Parser, text: str) -> float:
    started = time.thread_time()
    ask(parser, text)
    return time.thread_time() - started
