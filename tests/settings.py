"""Settings of the tests: the site's own, kept away from this machine's environment and ./data.

Children of tests (web servers, clusters) load this module too; their environment is then set by the test.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "ALLOWED_HOSTS",
    "LOG_LEVEL",
    "LOG_FORMAT",
)

if "pytest" in sys.modules and "WALLETS_TEST_ROOT" not in os.environ:
    for _name in list(os.environ):
        if _name.removesuffix("_FILE") in FOREIGN or _name.startswith("WALLETS_"):
            del os.environ[_name]
    # Made once, by the first process; the workers of pytest-xdist inherit it.
    os.environ["WALLETS_TEST_ROOT"] = tempfile.mkdtemp(prefix="wallets-tests-")
    atexit.register(shutil.rmtree, os.environ["WALLETS_TEST_ROOT"], ignore_errors=True)
    os.environ["WALLETS_DATA_DIR"] = os.environ["WALLETS_TEST_ROOT"] + "/data"

if "pytest" in sys.modules:
    # Secrets that carry the word of tests/support/marker.py; children are given them in their environment.
    _word = "Kanarienvogel"
    os.environ.setdefault("SECRET_KEY", f"{_word}-signs-{_word}-signs-{_word}-signs-{_word}-0123456789")
    os.environ.setdefault("WALLETS_KEY_SECRET", f"{_word}-derives-{_word}-derives-{_word}")
    os.environ.setdefault("WALLETS_FIELD_KEYS", (_word * 4)[:42] + "A=")

from wallets_site.settings import *  # noqa: E402, F403

TESTING = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
