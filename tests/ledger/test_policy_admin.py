"""The managers' pages for rules and switches: they answer in words, and each step goes through its service."""

from __future__ import annotations

import pytest
from django.urls import reverse

from ledger.models import PolicyDecision, PolicyRule, RuleSet, Switch
from ledger.services import policy_sets, rules
from tests.accounts.people import signed_in
from tests.ledger.test_policy import pay
from tests.support.factories import make_manager, make_user
from tests.support.money import fund
from tests.support.policy import in_force
from wallets_site.base.errors import NotAllowed

RULES = "admin:ledger_ruleset_changelist"


@pytest.fixture
def desk(manager):
    return signed_in(manager)


@pytest.fixture
def second(site):
    return make_manager("second")


def page(browser, name, *args):
    answer = browser.get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def rule_fields(**said):
    """A formset with one new rule."""
    values = {
        "position": "1", "name": "large", "verdict": "people", "people": "2", "words": "", "destination": "external",
        **said,
    }  # fmt: skip
    management = {"rules-TOTAL_FORMS": "1", "rules-INITIAL_FORMS": "0", "note": "a note"}
    return {**management, **{f"rules-0-{name}": text for name, text in values.items()}}


class TestRules:
    def test_it_says_that_nothing_is_in_force(self, desk):
        assert "No rules are in force" in page(desk, RULES)

    def test_from_a_draft_to_a_published_version(self, coin, alice, bob, desk, manager, second):
        fund(alice, coin, 1_000_000_000)
        pay(alice, coin, bob, 500_000_000)
        drafted = desk.post(reverse("admin:rules_draft"))
        made = RuleSet.objects.get()
        change = reverse("admin:ledger_ruleset_change", args=[made.pk])
        assert drafted["Location"] == change
        fields = rule_fields(coin=str(coin.pk), amount_above="2.5", destination="", initiators=["page", "api_key"])
        assert desk.post(change, fields).status_code == 302

        rule = PolicyRule.objects.get()
        assert (rule.amount_above, rule.initiators, rule.people) == (250_000_000, ["page", "api_key"], 2)
        said = page(desk, "admin:ledger_ruleset_change", made.pk)
        assert "of more than 2.5 TST, on the pages or by an API key: 2 people must approve." in said

        desk.post(reverse("admin:rules_replay", args=[made.pk]))
        said = page(desk, "admin:ledger_ruleset_change", made.pk)
        assert "it would have held 1 of 1 payments" in said
        assert "somebody else publishes it" in said
        desk.post(reverse("admin:rules_publish", args=[made.pk]))
        assert rules.current().policy is None

        signed_in(second).post(reverse("admin:rules_publish", args=[made.pk]))
        assert [each.version for each in rules.current().policies] == [made.pk]
        assert "in force: the first rule that fits" in page(desk, RULES)

    @pytest.mark.parametrize(("fields", "words"), [
        ({"amount_above": "5"}, "Name the coin"), ({"people": ""}, "Say how many"),
        ({"from_hour": "5"}, "Give both hours"),
        ({"verdict": "allow", "people": "", "value_above": "5"}, "a missing rate would allow everything"),
        ({"amount_above": "x"}, "Name the coin"),
    ])  # fmt: skip
    def test_a_rule_that_cannot_mean_what_it_says_is_refused(self, desk, manager, fields, words):
        made = policy_sets.draft(user=manager)
        answer = desk.post(reverse("admin:ledger_ruleset_change", args=[made.pk]), rule_fields(**fields))
        assert answer.status_code == 200
        assert words in answer.content.decode()
        assert not PolicyRule.objects.exists()

    def test_the_rules_of_a_draft_are_changed_and_taken_out(self, coin, desk, manager):
        in_force(manager, {"verdict": "block", "coin": coin, "amount_above": 7}, {"verdict": "wait", "hours": 1})
        made = policy_sets.draft(user=manager)
        first, second = made.rules.all()
        change = reverse("admin:ledger_ruleset_change", args=[made.pk])
        assert 'value="0.00000007"' in desk.get(change).content.decode()
        fields = rule_fields(coin=str(coin.pk), amount_above="0.00000009", verdict="block", people="")
        for number, rule in ((0, first), (1, second)):
            fields |= {f"rules-{number}-id": str(rule.pk), f"rules-{number}-rule_set": str(made.pk)}
        fields |= {"rules-TOTAL_FORMS": "2", "rules-INITIAL_FORMS": "2", "rules-1-DELETE": "on"}
        fields |= {"rules-1-position": "2", "rules-1-name": "x", "rules-1-verdict": "wait", "rules-1-hours": "1"}
        answer = desk.post(change, fields)
        assert answer.status_code == 302
        assert [(rule.pk, rule.amount_above) for rule in made.rules.all()] == [(first.pk, 9)]
        assert PolicyRule.objects.exclude(rule_set=made).count() == 2

    def test_a_published_version_is_read_and_never_written(self, desk, manager, second):
        made = in_force(manager, {"verdict": "block"})
        change = reverse("admin:ledger_ruleset_change", args=[made.pk])
        assert "All payments: refused." in desk.get(change).content.decode()
        assert desk.post(change, rule_fields()).status_code == 403
        assert desk.post(reverse("admin:ledger_ruleset_delete", args=[made.pk]), {"post": "yes"}).status_code == 403
        assert made.rules.count() == 1

    def test_people_without_the_right_only_read(self, site, manager):
        auditor = signed_in(make_user("auditor", groups=("Auditors",), staff=True))
        made = policy_sets.draft(user=manager)
        for name in ("rules_replay", "rules_publish", "rules_drop"):
            auditor.post(reverse(f"admin:{name}", args=[made.pk]))
        auditor.post(reverse("admin:rules_draft"))
        made.refresh_from_db()
        assert (made.state, made.replayed_at, RuleSet.objects.count()) == ("draft", None, 1)

    def test_each_decision_is_shown_with_its_facts(self, coin, alice, bob, desk, manager):
        fund(alice, coin, 100)
        in_force(manager, {"verdict": "block", "name": "nobody pays"})
        with pytest.raises(NotAllowed):
            pay(alice, coin, bob, 7)
        said = page(desk, "admin:ledger_policydecision_changelist")
        assert "nobody pays" in said
        said = page(desk, "admin:ledger_policydecision_change", PolicyDecision.objects.get().pk)
        assert "&quot;amount&quot;: &quot;7&quot;" in said


class TestSwitches:
    def test_stop_and_let_go_on_by_two(self, coin, desk, manager, second):
        assert "Nothing is stopped by hand" in page(desk, "admin:ledger_switch_changelist")
        desk.post(reverse("admin:ledger_switch_add"), {"what": "payouts", "coin": "", "reason": "We look into it."})
        row = Switch.objects.get()
        assert "withdrawals (all coins)" in page(desk, "admin:ledger_switch_changelist")
        desk.post(reverse("admin:switch_off", args=[row.pk]), {"reason": "Fine."})
        desk.post(reverse("admin:switch_confirm", args=[row.pk]))
        row.refresh_from_db()
        assert row.off_at is None
        signed_in(second).post(reverse("admin:switch_confirm", args=[row.pk]))
        row.refresh_from_db()
        assert row.off_by == second
