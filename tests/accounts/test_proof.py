from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from accounts import proof
from accounts.models import User
from accounts.stepup import reauthenticate_redirect
from tests.accounts.people import code_of, enrol, sign_in, signed_in
from tests.support.factories import PASSWORD
from wallets_site.base.errors import ProofRequired

pytestmark = pytest.mark.usefixtures("site")


def request_of(client: Client, user: User, path: str = "/send/", **post: str) -> HttpRequest:
    """A request as it arrives in a view of this browser."""
    factory = RequestFactory(REMOTE_ADDR="192.0.2.7")
    request = factory.post(path, post) if post else factory.get(path)
    request.session = client.session
    request.user = user
    return request


def test_a_fresh_sign_in_is_a_proof_that_says_by_what_and_from_where(alice):
    made = proof.of_request(request_of(signed_in(alice), alice))
    assert (made.user_id, made.factor, made.where) == (alice.pk, proof.Factor.PASSWORD, "192.0.2.7")
    assert proof.demand(made, alice) is made


def test_after_five_minutes_it_must_be_confirmed_again(alice, time_machine_now):
    client = signed_in(alice)
    time_machine_now.shift(299)
    proof.of_request(request_of(client, alice))
    time_machine_now.shift(2)
    with pytest.raises(ProofRequired, match="confirm that it is you"):
        proof.of_request(request_of(client, alice))
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/"})
    assert proof.of_request(request_of(client, alice)).factor == proof.Factor.PASSWORD


def test_a_wrong_password_confirms_nothing(alice, time_machine_now):
    client = signed_in(alice)
    time_machine_now.shift(301)
    assert "Incorrect password" in client.post("/accounts/reauthenticate/", {"password": "wrong"}).text
    with pytest.raises(ProofRequired):
        proof.of_request(request_of(client, alice))


def test_with_a_second_factor_enrolled_the_password_is_no_proof(alice):
    client = signed_in(alice)
    secret = enrol(alice)
    with pytest.raises(ProofRequired) as refusal:
        proof.of_request(request_of(client, alice))
    assert refusal.value.data == {"factor": "mfa"}
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/"})
    assert answer["Location"] == "/accounts/2fa/reauthenticate/?next=%2Faccounts%2F", "the password page is not offered"
    with pytest.raises(ProofRequired):
        proof.of_request(request_of(client, alice))
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": "/accounts/"})
    assert proof.of_request(request_of(client, alice)).factor == proof.Factor.MFA


def test_a_sign_in_with_the_second_factor_is_a_proof(alice):
    secret, client = enrol(alice), Client()
    sign_in(client, alice)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    request = request_of(client, alice)
    assert proof.of_request(request).factor == proof.Factor.MFA
    assert proof.signed_in_with_second_factor(request)


def test_the_record_of_one_person_proves_nothing_about_another(alice, bob):
    with pytest.raises(ProofRequired):
        proof.of_request(request_of(signed_in(alice), bob))


def test_a_person_with_neither_password_nor_factor_is_refused(alice):
    client = signed_in(alice)
    alice.set_unusable_password()
    with pytest.raises(ProofRequired, match="Set a password or a second factor first"):
        proof.of_request(request_of(client, alice))


def test_an_inactive_person_proves_nothing(alice):
    client = signed_in(alice)
    alice.is_active = False
    with pytest.raises(ProofRequired):
        proof.of_request(request_of(client, alice))


def test_a_proof_is_made_here_or_not_at_all(alice, bob):
    made = proof.of_system(alice, "seed")
    assert (made.factor, made.where) == (proof.Factor.SYSTEM, "seed")
    with pytest.raises(TypeError):
        proof.Proof(alice.pk, proof.Factor.MFA, made.at, "nowhere")
    for wrong in (None, proof.of_system(bob, "seed")):
        with pytest.raises(ProofRequired):
            proof.demand(wrong, alice)


def test_step_up_leads_back_to_the_review_and_keeps_nothing_of_what_was_posted(alice):
    client = signed_in(alice)
    request = request_of(client, alice, "/send/LTC/?draft=abc", to="bob", amount="5")
    assert (
        reauthenticate_redirect(request)["Location"] == "/accounts/reauthenticate/?next=%2Fsend%2FLTC%2F%3Fdraft%3Dabc"
    )
    stored = str(dict(request.session))
    assert "bob" not in stored
    assert "account_reauthentication_state" not in stored
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/send/LTC/?draft=abc"})
    assert (answer.status_code, answer["Location"]) == (302, "/send/LTC/?draft=abc")


def test_step_up_asks_for_the_second_factor_of_who_has_one(alice):
    enrol(alice)
    request = request_of(signed_in_any(alice), alice)
    assert reauthenticate_redirect(request, back="/x/")["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fx%2F"


def signed_in_any(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
