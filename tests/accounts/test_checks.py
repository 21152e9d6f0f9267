from __future__ import annotations

import pytest
from django.core.checks import run_checks

OURS = ("wallets.E010", "wallets.E011", "wallets.E012", "wallets.E013")


def found() -> list[str]:
    return [check.msg for check in run_checks() if check.id in OURS]


def test_the_settings_as_they_are_pass():
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGNUP", "maybe", "WALLETS_SIGNUP must be"),
        ("ACCOUNT_LOGIN_METHODS", {"email", "username"}, "ACCOUNT_LOGIN_METHODS must be"),
        ("ACCOUNT_EMAIL_VERIFICATION", "optional", "ACCOUNT_EMAIL_VERIFICATION must be"),
        ("ACCOUNT_PREVENT_ENUMERATION", False, "ACCOUNT_PREVENT_ENUMERATION must be"),
        ("ACCOUNT_REAUTHENTICATION_REQUIRED", False, "ACCOUNT_REAUTHENTICATION_REQUIRED must be"),
        ("ACCOUNT_LOGIN_ON_PASSWORD_RESET", True, "must not sign anybody in"),
        ("ACCOUNT_LOGIN_BY_CODE_ENABLED", True, "Mail is not a factor"),
        ("ACCOUNT_RATE_LIMITS", False, "ACCOUNT_RATE_LIMITS must limit"),
        ("MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", True, "turns off the origin check"),
        ("MFA_TOTP_TOLERANCE", 1, "a code works twice"),
        ("MFA_FORMS", {}, "MFA_FORMS must be ours"),
        ("MFA_TRUST_ENABLED", True, "a cookie is not a factor"),
        ("MFA_ALLOW_UNVERIFIED_EMAIL", True, "MFA_ALLOW_UNVERIFIED_EMAIL must be"),
        ("MFA_ADAPTER", "allauth.mfa.adapter.DefaultMFAAdapter", "MFA_ADAPTER must encrypt"),
        ("ALLAUTH_TRUSTED_PROXY_COUNT", 2, "the same number of proxies"),
    ],
)
def test_a_setting_that_opens_a_door_is_refused(settings, name, value, said):
    setattr(settings, name, value)
    assert [message for message in found() if said in message]
