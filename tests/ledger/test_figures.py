"""Every figure that enters goes through one validator: traps of floats, Decimal, int() and forms, at every door."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, User
from adapters.demo import encode_address
from ledger import money
from ledger.fields import MAX_AMOUNT, check_amount
from ledger.models import Account, Adjustment, Coin, FeeRule, Kind
from ledger.services import fees
from tests.accounts.people import signed_in
from tests.api3.client import with_key
from tests.api_lnbits.client import Program, keys_of, purse_of
from tests.support.factories import make_manager
from tests.support.lightning import fill, lightning_coin
from tests.support.money import fund, make_coin
from wallets_site.base.errors import InvalidAmount

# What some reader of numbers takes for a figure, and no person meant. Coins here have 8 decimals.
TRAPS = {
    "a float that loses its last digit": "1.00000000000000000000000000001",
    "a double that loses 38 digits": "123456789012345678901234567890.123456789",
    "underscores, as int() and Decimal() take them": "1_0",
    "an exponent": "1e3", "an exponent that is huge": "1e999999", "infinity by overflow": "1e400",
    "a negative exponent": "1E-8",
    "a sign": "+1", "a minus": "-1", "minus zero": "-0", "a minus of another script": "−1",
    "a comma": "1,5", "thousands": "1,000", "thousands by space": "1 000", "thousands by apostrophe": "1'000",
    "letters behind": "0.5abc", "letters before": "x1", "a unit": "0.5 TST",
    "not a number": "NaN", "infinity": "Infinity", "inf": "inf",
    "hexadecimal": "0x10", "octal": "0o7", "boolean": "True",
    "Arabic digits": "١٢٣", "full-width digits": "１", "a digit that is none": "²", "a fraction sign": "½",
    "a line break inside": "1\n2", "a NUL": "1\x00", "a joiner": "1\u200d2",
    "two dots": "1.2.3", "a dot alone": ".", "no whole": ".5",
    "no fraction": "1.", "a leading zero": "01", "51 digits": "9" * 51, "5000 digits": "9" * 5000,
    "more decimals than the coin has": "0.000000001", "a list": "[1]", "SQL": "1; DROP TABLE x", "a formula": "=1+1",
}  # fmt: skip
EMPTY = {"nothing": "", "a space": " ", "zero": "0", "zero with decimals": "0.00"}
# In JSON a figure is a text: what parsers make of numbers cannot be trusted.
NO_TEXT = [1, 0.5, True, None, ["1"], {"a": "1"}, 9007199254740993.0, 10**40]


@pytest.mark.parametrize("text", [*TRAPS.values(), *EMPTY.values(), "1\n", " 1", "1 ", "\t1"])
def test_the_validator_refuses_every_trap_in_one_sentence(text):
    with pytest.raises(InvalidAmount) as refused:
        money.parse_positive(text, 8)
    assert refused.value.message.endswith((".", '"'))
    assert len(refused.value.message) < 120


@pytest.mark.parametrize("value", [*NO_TEXT, b"1", Decimal("1.5")])
def test_the_validator_takes_text_alone(value):
    with pytest.raises(InvalidAmount, match="Write the amount as text"):
        money.parse(value, 8)


@pytest.mark.parametrize(("text", "decimals", "units"), [
    ("0.29", 8, 29_000_000), ("1.00000001", 8, 100_000_001), ("0.1", 29, 10**28),
    ("340282366920938463463374607431768211455", 0, 2**128 - 1), ("9007199254740993", 0, 9_007_199_254_740_993),
    ("1.50", 1, 15), ("2.10000000", 1, 21), ("0", 8, 0), ("9" * 50, 0, MAX_AMOUNT),
])  # fmt: skip
def test_the_validator_is_exact_and_so_is_the_way_back(text, decimals, units):
    assert money.parse(text, decimals) == units
    assert money.parse(money.plain(units, decimals), decimals) == units
    assert money.parse(money.fixed(units, decimals), decimals) == units


@pytest.mark.parametrize(("units", "decimals", "text"), [
    (1, 8, "0.00000001"), (1, 29, "0." + "0" * 28 + "1"), (10**20, 8, "1000000000000"), (0, 8, "0"), (-5, 2, "-0.05"),
])  # fmt: skip
def test_figures_are_written_without_exponent(units, decimals, text):
    assert money.plain(units, decimals) == text


@pytest.mark.parametrize("value", [True, 1.0, "1", Decimal(1), None, -1, MAX_AMOUNT + 1, float("nan")])
def test_the_books_take_whole_numbers_alone(value):
    with pytest.raises(ValueError, match="an amount"):
        check_amount(value)


@pytest.mark.parametrize(("fixed", "ppm", "amount", "fee"), [
    (0, 500_000, 1, 1), (0, 500_000, 3, 2), (0, 500_000, 5, 3), (0, 1, 1, 1), (7, 0, 10**40, 7),
    (0, 2_500, 10**38 + 1, 25 * 10**34 + 1), (1, 1_000_000, 2**128 - 1, 2**128),
])  # fmt: skip
def test_fees_are_whole_numbers_and_rounded_up_never_to_even(fixed, ppm, amount, fee):
    assert fees.charge(fixed, ppm, amount) == fee


# Doors ---------------------------------------------------------------------------------------------------
@pytest.fixture
def coin(site, alice, bob) -> Coin:
    coin = make_coin()
    fund(alice, coin, 10**10)
    return coin


def books() -> list[tuple[object, ...]]:
    """Every row of the ledger's own tables."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name.startswith("ledger_")]
        found: list[tuple[object, ...]] = []
        for table in sorted(tables):
            cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
            found += cursor.fetchall()
    return found


Door = Callable[[Any], bool]  # whether it took the figure


def by_rest(alice: User, coin: Coin) -> Door:
    client = signed_in(alice)

    def enter(figure: Any) -> bool:
        body = json.dumps({"coin": coin.symbol, "to": "bob", "amount": figure})
        headers = {"Idempotency-Key": "k"}
        answer = client.post("/api/v1/sends", body, content_type="application/json", headers=headers)
        assert answer.status_code in (201, 400), answer.content
        return bool(answer.status_code == 201)

    return enter


def by_page(alice: User, coin: Coin) -> Door:
    return _form(signed_in(alice), f"/send/{coin.symbol}/", "amount", {"to": "bob", "comment": ""})


def by_key_cap(alice: User, coin: Coin) -> Door:
    form = {"name": "shop", "scopes": ["send"], "days": "30", "addresses": "", "key": "0" * 22}
    enter = _form(signed_in(alice), "/keys/new/", f"cap_{coin.symbol}", form)
    return lambda figure: enter(figure) or ApiKey.objects.filter(caps__isnull=False).exists()


def by_fee(_alice: User, coin: Coin) -> Door:
    page = reverse("admin:ledger_coin_change", args=[coin.pk])
    return _form(_staff(), page, "fees-0-fixed", {
        "symbol": "TST", "name": "Testcoin", "decimals": "8", "position": "1", "is_active": "on", "deposits_on": "on",
        "withdrawals_on": "on", "confirmations": "3", "watch_confirmations": "9", "min_deposit": "0",
        "addresses_max": "10", "pool_size": "5", "tries_max": "3", "fees-TOTAL_FORMS": "1", "fees-INITIAL_FORMS": "0",
        "fees-0-purpose": "move", "fees-0-ppm": "0", "limits-TOTAL_FORMS": "0", "limits-INITIAL_FORMS": "0",
    })  # fmt: skip


def by_adjustment(_alice: User, coin: Coin) -> Door:
    """It leads back to its page with a sentence in either case."""
    debit, credit = Account.objects.get(kind=Kind.USER, coin=coin), Account.objects.get(kind=Kind.HOT, coin=coin)
    enter = _form(_staff(), reverse("admin:ledger_adjustment_add"), "amount", {
        "debit": debit.pk, "credit": credit.pk, "reason": "gone", "key": "k",
    })  # fmt: skip
    return lambda figure: enter(figure) and Adjustment.objects.exists()


def by_move(alice: User, coin: Coin) -> Door:
    program, asked = with_key(alice), {"symbol": coin.symbol, "move_toaccount": "bob"}
    return lambda figure: bool(program.ask("do_move", move_amount=figure, **asked)["result"] == "success")


def by_withdrawal(alice: User, coin: Coin) -> Door:
    program, asked = with_key(alice), {"symbol": coin.symbol, "withdraw_address": encode_address("tst", bytes(20))}
    return lambda figure: bool(program.ask("do_withdraw", withdraw_amount=figure, **asked)["result"] == "success")


def by_link(alice: User, coin: Coin) -> Door:
    """The amount of a payment link, which is shown to be paid."""
    client = signed_in(alice)
    return lambda figure: "?amount=" in client.get(f"/receive/{coin.symbol}/", {"amount": figure}).content.decode()


def _staff() -> Client:
    client = Client()
    client.force_login(make_manager())
    return client


def _form(client: Client, page: str, field: str, others: dict[str, Any]) -> Door:
    """A form that leads on when it is satisfied, and is shown again when not."""

    def enter(figure: Any) -> bool:
        answer = client.post(page, {**others, field: figure})
        assert answer.status_code in (200, 302), answer.status_code
        return bool(answer.status_code == 302)

    return enter


DOORS: dict[str, Callable[[User, Coin], Door]] = {
    "REST": by_rest, "page": by_page, "v3 move": by_move, "v3 withdrawal": by_withdrawal, "link": by_link,
    "key's bound": by_key_cap, "fee": by_fee, "adjustment": by_adjustment,
}  # fmt: skip
MAY_BE_EMPTY = {"link", "key's bound", "fee"}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_takes_a_trap(coin, alice, door):
    """All traps at one door in one test: a site is made once for them."""
    enter = DOORS[door](alice, coin)
    enter("x")  # what a first visit writes is there before
    before = books()
    traps: dict[str, Any] = TRAPS | ({} if door in MAY_BE_EMPTY else EMPTY)
    traps |= {repr(figure): figure for figure in NO_TEXT} if door == "REST" else {}
    for name, figure in traps.items():
        assert not enter(figure), name
        assert books() == before, name


@pytest.mark.parametrize("door", DOORS)
def test_each_door_takes_a_plain_figure(coin, alice, door):
    """So that the test above cannot pass because the door is shut."""
    assert DOORS[door](alice, coin)("0.29")
    assert FeeRule.objects.filter(fixed=29_000_000).count() == (door == "fee")
    assert Adjustment.objects.filter(amount=29_000_000).count() == (door == "adjustment")


def test_no_trap_is_an_invoice_or_fills_a_purse(alice):
    """Programs of LNbits count in whole sats; so does who fills a purse."""
    fill(alice, lightning_coin(), 10**12)
    purse = purse_of(alice)
    program, browser = Program(keys_of(purse, alice)[0]), signed_in(alice)
    page = f"/purses/{purse.ident}/"
    assert browser.get(page).status_code == 200
    program.post("/api/v1/payments", {"out": False, "amount": "x"})
    carry = f"{page}carry/"
    before = books()
    for name, figure in {**TRAPS, **EMPTY, "half a sat": "0.5"}.items():
        answer = program.post("/api/v1/payments", {"out": False, "amount": figure, "memo": "x"})
        assert 400 <= answer.status_code < 500, (name, answer.content)
        browser.post(carry, {"sats": figure, "key": "k"})
        assert books() == before, name
