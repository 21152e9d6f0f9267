"""What is kept in memory of fees, limits and settings never outlives its change in the database."""

from __future__ import annotations

import pytest
from django.db import transaction

from adapters.models import Wallet
from ledger.models import Coin, CoinWallet, FeeRule, Freeze, Limit, Purpose, SiteSettings
from ledger.services import rules, site_settings
from ledger.services.fees import fee_for
from tests.support.money import charge
from wallets_site.base.clock import now

pytestmark = pytest.mark.both_databases


def freeze_alice(coin, alice):
    return Freeze.objects.create(cause="manual", reason="asked by alice", subject="alice", coin=coin, user=alice)


CHANGES = {
    "a coin": lambda coin, alice: Coin.objects.filter(pk=coin.pk).update(is_active=False),
    "a fee": lambda coin, alice: FeeRule.objects.create(coin=coin, purpose=Purpose.MOVE, fixed=3),
    "a limit": lambda coin, alice: Limit.objects.create(coin=coin, purpose=Purpose.MOVE, maximum=3),
    "a freeze": freeze_alice,
    "payouts": lambda coin, alice: CoinWallet.objects.filter(coin=coin).update(payouts_on=False),
    "a node": lambda coin, alice: Wallet.objects.update(state=Wallet.State.DOWN),
    "settings": lambda coin, alice: SiteSettings.objects.update(confirm_move_admin=True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_at_once(coin, alice, what):
    site_settings.current()
    before = rules.current()
    assert rules.current() is before

    CHANGES[what](coin, alice)

    assert rules.current().version > before.version


def test_each_kind_of_change_is_read(coin, alice):
    for change in CHANGES.values():
        change(coin, alice)

    known = rules.current().of(coin)

    assert coin.symbol not in rules.current().symbols
    assert (known.fee(Purpose.MOVE), known.limits[Purpose.MOVE].maximum) == ((3, 0), 3)
    assert known.frozen == {alice.pk: "asked by alice"}
    assert known.use is not None
    assert (known.use.payouts_on, known.use.wallet.state) == (False, Wallet.State.DOWN)


def test_a_freeze_that_ended_is_forgotten(coin, alice):
    freeze_alice(coin, alice)
    assert rules.current().of(coin).frozen
    Freeze.objects.update(ended_at=now())
    assert rules.current().of(coin).frozen == {}


def test_a_change_that_was_rolled_back_is_not_kept(coin, alice):
    charge(coin, Purpose.MOVE, fixed=5)
    assert fee_for(coin, Purpose.MOVE, 100) == 5
    with transaction.atomic():
        FeeRule.objects.update(fixed=7)
        assert fee_for(coin, Purpose.MOVE, 100) == 7
        transaction.set_rollback(True)
    assert fee_for(coin, Purpose.MOVE, 100) == 5

    FeeRule.objects.update(fixed=9)
    assert fee_for(coin, Purpose.MOVE, 100) == 9


def test_unchanged_rules_cost_one_statement(coin, alice, django_assert_num_queries_of):
    rules.current()
    with django_assert_num_queries_of() as counted:
        rules.current()
    assert len(counted.statements) == 1
