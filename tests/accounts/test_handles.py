from __future__ import annotations

import pytest

from accounts import services
from accounts.models import User
from tests.accounts.people import signed_in
from tests.support.factories import make_user
from tests.support.threads import at_once
from wallets_site.base.errors import InvalidRequest, NotAllowed, WrongState

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def newcomer(site) -> User:
    user = make_user("newcomer")
    User.objects.update(username=None)
    user.refresh_from_db()
    return user


@pytest.mark.parametrize(
    ("typed", "stored"), [("Dora", "dora"), (" d.ora_7-x ", "d.ora_7-x"), ("7up", "7up"), ("a" * 30, "a" * 30)]
)
def test_it_stores_the_name_in_small_letters(newcomer, typed, stored):
    assert services.choose_handle(user=newcomer, handle=typed).username == stored
    assert User.objects.get().username == stored


@pytest.mark.parametrize(
    "typed",
    ["", "ab", "a" * 31, "12345", "do ra", "dora@example.com", ".dora", "dora-", "do/ra", "дора", "ａlice", "аlice",
     "\u212aevin", "dora\n", "do\x00ra", "١٢٣٤", "admin", "ADMIN", "r.o_o-t", "support", "hot", "cold", "wallets"],
)  # fmt: skip
def test_it_refuses_names_that_mislead_or_cannot_be_typed(newcomer, typed):
    if typed == "dora\n":
        assert services.choose_handle(user=newcomer, handle=typed).username == "dora", "a stray newline is not a name"
        return
    with pytest.raises(InvalidRequest):
        services.choose_handle(user=newcomer, handle=typed)
    assert User.objects.get().username is None


def test_it_refuses_the_name_of_somebody_else_whatever_the_case(newcomer, alice):
    with pytest.raises(InvalidRequest, match="taken"):
        services.choose_handle(user=newcomer, handle="ALICE")
    newcomer.refresh_from_db()
    assert newcomer.username is None


def test_it_is_chosen_once(alice):
    with pytest.raises(WrongState, match="cannot be changed"):
        services.choose_handle(user=alice, handle="alicia")
    alice.refresh_from_db()
    assert alice.username == "alice"


def test_it_waits_for_a_proven_mail():
    user = make_user("dora", proven=False)
    User.objects.update(username=None)
    with pytest.raises(NotAllowed, match="confirm your e-mail"):
        services.choose_handle(user=user, handle="dora")


@pytest.mark.both_databases
def test_of_six_who_want_one_name_at_once_one_gets_it(site):
    people = [make_user(f"user{number}x") for number in range(6)]
    User.objects.update(username=None)
    answers = at_once(6, lambda number: services.choose_handle(user=people[number], handle="dora").pk)
    refusals = [str(answer) for answer in answers if isinstance(answer, InvalidRequest)]
    assert refusals == ["This name is taken. Please choose another one."] * 5
    assert User.objects.filter(username="dora").count() == 1


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(newcomer):
    client = signed_in(newcomer)
    answer = client.post("/accounts/name/", {"username": "admin"})
    assert "This name is not available" in answer.text
    assert 'value="admin"' in answer.text
    assert client.post("/accounts/name/", {"username": "Dora"})["Location"] == "/"
    assert client.get("/accounts/name/")["Location"] == "/accounts/"
