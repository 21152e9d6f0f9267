"""Which of two versions is tighter: proven, or else it counts as a loosening. The proof is tried on random payments."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.services.policy_rules import ALLOWED, BOUNDS, EVERY_HOUR, Box, Facts, Policy, Rule, is_tighter


def rule(verdict, *, hours=0, people=0, approvers=None, **box):
    above = tuple(box.pop(name, -1) for name in BOUNDS)
    return Rule(1, "", "", Box(above=above, **box), verdict, hours, people, approvers)


LARGE = rule("people", people=1, coins=frozenset({1}), amount=100)
TIGHTER = {
    "a rule more": ([LARGE], []),
    "the same": ([LARGE], [LARGE]),
    "a lower bound": ([rule("people", people=1, coins=frozenset({1}), amount=50)], [LARGE]),
    "more people": ([rule("people", people=2, coins=frozenset({1}), amount=100)], [LARGE]),
    "certain people": ([rule("people", people=1, approvers=4, coins=frozenset({1}), amount=100)], [LARGE]),
    "refused instead": ([rule("block", coins=frozenset({1}), amount=100)], [LARGE]),
    "all coins": ([rule("people", people=1, amount=100)], [LARGE]),
    "a longer wait": ([rule("wait", hours=48)], [rule("wait", hours=24)]),
    "older accounts too": ([rule("block", younger=(48, 10**9))], [rule("block", younger=(24, 10**9))]),
    "an exception behind a block": ([rule("block"), rule("allow")], [rule("allow")]),
    "an exception where nothing was asked": (
        [rule("allow", destinations=frozenset({"member"})), rule("block")],
        [rule("block", destinations=frozenset({"external"}))],
    ),
}
LOOSER = {
    "a rule less": ([], [LARGE]),
    "a higher bound": ([rule("people", people=1, coins=frozenset({1}), amount=101)], [LARGE]),
    "fewer people": ([rule("people", people=1)], [rule("people", people=2)]),
    "other people": ([rule("people", people=1, approvers=4)], [rule("people", people=1, approvers=5)]),
    "anybody instead of certain people": ([rule("people", people=1)], [rule("people", people=1, approvers=5)]),
    "a shorter wait": ([rule("wait", hours=23)], [rule("wait", hours=24)]),
    "an exception in front": ([rule("allow", groups=frozenset({frozenset({3})})), LARGE], [LARGE]),
    "another kind of verdict": ([rule("wait", hours=720)], [rule("people", people=1)]),
    "fewer hours of the day": (
        [Rule(1, "", "", Box(hours=frozenset(range(6))), "block")], [Rule(1, "", "", Box(), "block")],
    ),
    "one initiator less": (
        [rule("block", initiators=frozenset({"page"}))], [rule("block", initiators=frozenset({"page", "v3"}))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TIGHTER)
def test_it_proves_what_is_tighter(what):
    assert is_tighter(*TIGHTER[what])


@pytest.mark.parametrize("what", LOOSER)
def test_it_never_calls_a_loosening_tighter(what):
    assert not is_tighter(*LOOSER[what])


def test_what_it_cannot_prove_counts_as_a_loosening():
    """Two rules together cover the old one, which is tighter in truth; a single one does not."""
    halves = [
        rule("block", destinations=frozenset({"member"})), rule("block", destinations=frozenset({"external"})),
    ]  # fmt: skip
    assert not is_tighter(halves, [rule("block")])


few = st.sampled_from
boxes = st.builds(
    Box,
    initiators=few([frozenset({"page"}), frozenset({"page", "v3"}), frozenset({"api_key", "v3", "page", "lnbits"})]),
    destinations=few([frozenset({"member"}), frozenset({"member", "external"})]),
    hours=few([EVERY_HOUR, frozenset(range(6))]),
    coins=few([None, frozenset({1}), frozenset({2})]),
    groups=few([frozenset(), frozenset({frozenset({1})}), frozenset({frozenset({1, 2})})]),
    younger=st.tuples(few([10**9, 24, 48]), few([10**9, 24])),
    above=st.tuples(few([-1, 5, 9]), few([-1, 20]), *(st.just(-1) for _ in BOUNDS[2:-1]), few([-1, 7])),
)
verdicts = few(["allow", "wait", "step_up", "people", "block"])
rules = st.lists(
    st.builds(
        lambda box, verdict, count: Rule(
            1, "", "", box, verdict, count if verdict == "wait" else 0, count if verdict == "people" else 0
        ),
        boxes, verdicts, few([1, 2]),
    ),
    max_size=3,
)  # fmt: skip
payments = st.builds(
    Facts,
    initiator=few(["page", "v3", "api_key"]), destination=few(["member", "external"]), coin_id=few([1, 2]),
    amount=few([1, 6, 10]), hour=few([3, 12]), groups=few([frozenset(), frozenset({1}), frozenset({2})]),
    account_age=few([1, 30, 100]), destination_age=few([0, 30]), day=few([10, 21]), month_value=few([None, 3, 8]),
)  # fmt: skip


@settings(max_examples=1_500, deadline=None)
@given(rules, rules, st.lists(payments, min_size=20, max_size=40))
def test_where_it_says_tighter_no_payment_is_asked_for_less(new, old, asked):
    if not is_tighter(new, old):
        return
    after, before = Policy(1, None, tuple(new)), Policy(0, None, tuple(old))
    for facts in asked:
        assert after.decide(facts).is_as_strict_as(before.decide(facts)), facts


def test_a_missing_rate_counts_as_any_worth():
    box = Box(above=(-1, -1, -1, 100, -1, -1))
    assert box.holds(Facts("page", "member", 1, 5, 0, value=None))
    assert not box.holds(Facts("page", "member", 1, 5, 0, value=100))
    assert box.holds(Facts("page", "member", 1, 5, 0, value=101))


def test_what_no_rule_is_about_is_allowed():
    assert Policy(1, None, ()).decide(Facts("page", "member", 1, 5, 0)) is ALLOWED
