"""Somebody's newest rows cost the same, however many others have been written since."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from ledger import posting, queries
from ledger.models import Kind, Operation
from tests.support.money import make_coin
from wallets_site.base.newest import newest_of

MANY = 3_000


def lived(user, coin, times: int) -> list[Operation]:
    account = posting.account(coin, Kind.USER, owner_id=user.pk)
    return Operation.objects.bulk_create(
        Operation(user=user, account=account, coin=coin, kind="move", incoming=True, status="done", gross=5)
        for _ in range(times)
    )


def removed_by_filters(plan) -> int:
    return int(plan.get("Rows Removed by Filter", 0)) + sum(removed_by_filters(each) for each in plan.get("Plans", ()))


@pytest.mark.both_databases
def test_pages_hold_each_row_once_newest_first_and_nobody_elses(alice, bob):
    coin = make_coin()
    lived(bob, coin, 3)
    mine = [row.pk for row in lived(alice, coin, 60)]
    lived(bob, coin, 3)

    pages, before = [], None
    for _ in range(3):
        page = queries.activity(alice, before=before)
        pages.append([row.pk for row in page.operations])
        before = page.next_before

    assert [len(page) for page in pages] == [25, 25, 10]
    assert [pk for page in pages for pk in page] == mine[::-1]
    assert before is None


@pytest.mark.postgresql
@pytest.mark.parametrize("deep", [False, True], ids=["first page", "deep page"])
def test_a_page_reads_no_row_that_others_wrote(alice, bob, deep):
    coin = make_coin()
    mine = lived(alice, coin, MANY)
    lived(bob, coin, MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_operation")

    def skipped(rows) -> int:
        text = rows[:25].explain(analyze=True, format="json")
        return removed_by_filters(json.loads(text)[0]["Plan"])

    before = mine[MANY // 2].pk if deep else None
    assert skipped(newest_of(Operation.objects.all(), alice.pk, before)) == 0
    assert skipped(Operation.objects.filter(user=alice).order_by("-pk")) >= MANY  # what it is there for
