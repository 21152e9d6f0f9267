"""One settings file; everything that differs between machines comes from the environment.

A secret NAME may also come from the file named by NAME_FILE. With nothing set the site runs embedded:
three SQLite files under WALLETS_DATA_DIR, the ORM broker, a cache table, mail to the console.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from wallets_site.databases import postgresql, read_only, sqlite

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()


def env_bool(name: str, default: bool) -> bool:
    text = env.str(name, default=str(default))
    if text not in ("True", "False", "1", "0"):
        raise ImproperlyConfigured(f"{name} must be True or False, not {text!r}")
    return text in ("True", "1")


# How it runs ---------------------------------------------------------------------------------------
DEBUG = False
DEMO = env_bool("WALLETS_DEMO", False)
TESTING = "pytest" in sys.modules
DATA_DIR = Path(env.str("WALLETS_DATA_DIR", default=str(BASE_DIR / "data")))
SITE_NAME = env.str("WALLETS_SITE_NAME", default="Wallets")
# An accent of the site's own, one for each theme, such as #0b5c7f; empty: ours.
WALLETS_BRAND_LIGHT = env.str("WALLETS_BRAND_LIGHT", default="")
WALLETS_BRAND_DARK = env.str("WALLETS_BRAND_DARK", default="")
SITE_URL = env.str("WALLETS_SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
HTTPS = SITE_URL.startswith("https://")


def local_secret(name: str, make: Any) -> str:
    """A secret from NAME or NAME_FILE; embedded sites keep one they made themselves beside their data."""
    given = env.str(name, default="")
    if given:
        return str(given)
    path = DATA_DIR / "keys" / name.lower()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text().strip()


SECRET_NAMES = ("SECRET_KEY", "WALLETS_FIELD_KEYS", "WALLETS_KEY_SECRET", "DATABASE_URL", "REDIS_URL", "EMAIL_URL")
SECRET_KEY = local_secret("SECRET_KEY", lambda: secrets.token_urlsafe(64))
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
WALLETS_FIELD_KEYS: list[str] = local_secret("WALLETS_FIELD_KEYS", lambda: Fernet.generate_key().decode()).split(",")
# Derives the keys that people may look at again; with a new secret the previous one still shows the older keys.
WALLETS_KEY_SECRET = local_secret("WALLETS_KEY_SECRET", lambda: secrets.token_urlsafe(48))
WALLETS_KEY_SECRET_PREVIOUS = env.str("WALLETS_KEY_SECRET_PREVIOUS", default="")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("WALLETS_PROXY_COUNT", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

INSTALLED_APPS = [
    "wallets_site.apps.WalletsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts.apps.AccountsConfig",
    "adapters.apps.AdaptersConfig",
    "ledger.apps.LedgerConfig",
    "wallets_site.apps.WalletsSiteConfig",
]

MIDDLEWARE = [
    "wallets_site.middleware.Headers",
    "django.middleware.security.SecurityMiddleware",
    "ledger.api.wp3.middleware.WordPressApi",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "wallets_site.middleware.HiddenKeys",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "wallets_site.personal.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sessions.SessionLife",
    "ledger.api.wp3.middleware.WordPressPages",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "wallets_site.personal.Personal",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.devices.KnownDevices",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "wallets_site.middleware.WalletErrors",
    "ledger.api.closed.ReadOnly",
]

ROOT_URLCONF = "wallets_site.urls"
WSGI_APPLICATION = "wallets_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [DATA_DIR / "templates", BASE_DIR / "templates"],  # a site's own take the place of ours
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wallets_site.context.site",
            ],
        },
    },
]

# Databases: the ledger, and beside it what may be lost (queue of pokes, cache) -------------------------
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
if DATABASE_URL:
    DATABASES = {"default": postgresql(env.db_url_config(DATABASE_URL), pool=env.int("WALLETS_DB_POOL", default=8))}
else:
    DATABASES = {
        "default": sqlite(DATA_DIR / "ledger.sqlite3", synchronous="FULL"),
        "queue": sqlite(DATA_DIR / "queue.sqlite3", synchronous="NORMAL"),
        "cache": sqlite(DATA_DIR / "cache.sqlite3", synchronous="NORMAL"),
    }
# False behind a pooler that hands one connection to many in turn (pgbouncer in transaction mode).
WALLETS_DB_PREPARE = env_bool("WALLETS_DB_PREPARE", True)
DATABASE_ROUTERS = ["wallets_site.databases.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# True for a process that must only read, such as the signer: the database refuses the rest.
WALLETS_DB_READONLY = env_bool("WALLETS_DB_READONLY", False)
if WALLETS_DB_READONLY:
    read_only(DATABASES["default"])

if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "wallets_cache"}}

# A database that speaks PostgreSQL without stored functions posts by single statements, at half the speed.
WALLETS_PORTABLE_POSTING = env.bool("WALLETS_PORTABLE_POSTING", default=False)

# Background work: a poke may run 0, 1 or 5 times; truth stands in our tables --------------------------------
# A drain takes no new item after 30 s and no adapter call lasts over 75 s: 75 + 30 < timeout < retry.
Q_CLUSTER: dict[str, Any] = {
    "name": "wallets",
    "workers": env.int("WALLETS_WORKERS", default=2),
    "timeout": 150,
    "retry": 1800,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "recycle": 500,
    "save_limit": -1,
    "poll": 0.2,
    "queue_limit": 50,
    "label": "Queue",
    "scheduler": False,
}
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "queue" if "queue" in DATABASES else "default"
WEB_WORKERS = env.int("WALLETS_WEB_WORKERS", default=2)
WEB_THREADS = env.int("WALLETS_WEB_THREADS", default=8)
# Streams of the LNbits API hold a thread each: so many in one web process, and of one wallet there.
LNBITS_STREAMS = env.int("WALLETS_LNBITS_STREAMS", default=max(1, WEB_THREADS // 2))
LNBITS_STREAMS_EACH = env.int("WALLETS_LNBITS_STREAMS_EACH", default=2)
LNBITS_PAY_WAIT = env.int("WALLETS_LNBITS_PAY_WAIT", default=5)  # seconds an answer waits for its payment to end
CLUSTER_ON = env_bool("WALLETS_CLUSTER", True)  # False: do_cron alone does the background work

# The plugin's own clients mean by AMOUNT what leaves the sender, fee included; its text says: what arrives.
WALLETS_API3_AMOUNT_INCLUDES_FEE = env_bool("WALLETS_API3_AMOUNT_INCLUDES_FEE", False)

# Currencies that people may see their coins in, the first one unless they choose, and who says what coins are worth:
# an https address whose JSON answer is {"coin name or symbol": {"eur": 64.2}}. Empty: staff enter them, or nobody.
WALLETS_CURRENCIES: list[str] = env.list("WALLETS_CURRENCIES", default=["EUR", "USD", "GBP", "CHF"])
WALLETS_RATES_URL = env.str("WALLETS_RATES_URL", default="")
# How long a new address in somebody's contacts waits after it was confirmed, in hours.
WALLETS_CONTACT_HOLD_HOURS = env.int("WALLETS_CONTACT_HOLD_HOURS", default=24)

# What loosens a rule, a limit or a lock takes effect so many hours after it was asked for; what tightens, at once.
WALLETS_LOOSEN_HOURS = env.int("WALLETS_LOOSEN_HOURS", default=24)
# A function of the site's own that is asked about each payment before it is made (docs/policy.md); empty: none.
WALLETS_SCREEN = env.str("WALLETS_SCREEN", default="")
WALLETS_SCREEN_SECONDS = env.int("WALLETS_SCREEN_SECONDS", default=5)

# Heads of the books' hash chain are appended here; keep a copy away from this machine.
SEAL_FILE = Path(env.str("WALLETS_SEAL_FILE", default=str(DATA_DIR / "seals.log")))

# The same for the audit trail's chain.
AUDIT_SEAL_FILE = Path(env.str("WALLETS_AUDIT_SEAL_FILE", default=str(DATA_DIR / "audit-seals.log")))

# Private targets that members' webhooks may call nevertheless: host:port, separated by commas.
WALLETS_WEBHOOK_PRIVATE: list[str] = env.list("WALLETS_WEBHOOK_PRIVATE", default=[])

# Tells how far this site has got; a database behind it was put back from a backup.
GENERATION_FILE = Path(env.str("WALLETS_GENERATION_FILE", default=str(DATA_DIR / "generation")))

# The second-opinion signer: its Unix socket, and the public half of its key. Empty: payments leave without it.
WALLETS_SIGNER = env.str("WALLETS_SIGNER", default="")
WALLETS_SIGNER_KEY = env.str("WALLETS_SIGNER_KEY", default="")
# For the signer's own process.
WALLETS_SIGNER_PEERS: list[str] = env.list("WALLETS_SIGNER_PEERS", default=[])
WALLETS_SIGNER_DAILY: list[str] = env.list("WALLETS_SIGNER_DAILY", default=[])
WALLETS_SIGNER_UNPROVEN: list[str] = env.list("WALLETS_SIGNER_UNPROVEN", default=[])

# Called with the name of each step of a payout; only the fault tests set it.
WALLETS_STEP_HOOK = env.str("WALLETS_STEP_HOOK", default="")

# People --------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.Backend"]
SESSION_ENGINE = "wallets_site.sessions"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "accounts.passwords.MaximumLengthValidator"},  # first: the others compare and count
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.SiteWordsValidator"},
    {"NAME": "accounts.passwords.CommonWordValidator"},
    {"NAME": "accounts.passwords.BreachedPasswordValidator"},
]
BREACHED_PASSWORDS = env.str("WALLETS_BREACHED_PASSWORDS", default="")
SIGNUP = env.str("WALLETS_SIGNUP", default="open")  # open, invitation, closed
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("home")
ACCOUNT_LOGOUT_REDIRECT_URL = reverse_lazy("account_login")
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm", "add_email": "accounts.forms.AddEmailForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{SITE_NAME}: "
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGIN_TIMEOUT = 300
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_RATE_LIMITS = {"signup": env.str("WALLETS_SIGNUP_RATE", default="5/h/ip"), "reauthenticate": "5/m/user"}
# Minutes without use, and in all, before a session ends; staff work under shorter ones.
WALLETS_SESSION = (env.int("WALLETS_SESSION_IDLE", default=30), 720)
WALLETS_STAFF_SESSION = (env.int("WALLETS_STAFF_SESSION_IDLE", default=15), 480)
WALLETS_POLLED_PATHS = ("/live/",)
MFA_FORMS = {
    "authenticate": "accounts.mfa_forms.AuthenticateForm",
    "reauthenticate": "accounts.mfa_forms.ReauthenticateForm",
    "activate_totp": "accounts.mfa_forms.ActivateTOTPForm",
}
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False
MFA_TOTP_TOLERANCE = 0
MFA_TRUST_ENABLED = False
MFA_ALLOW_UNVERIFIED_EMAIL = False
MFA_REAUTHENTICATION_REQUIRED = True
MFA_RECOVERY_CODE_COUNT = 10
MFA_RECOVERY_CODE_DIGITS = 12
MFA_RECOVERY_CODES_SHOW_ONCE = True
USERSESSIONS_TRACK_ACTIVITY = False

# Mail ----------------------------------------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="wallets@localhost")

# Web -----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [BASE_DIR / "locale"]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# A stored manifest needs collectstatic first; demo and tests serve straight from the source folders.
WHITENOISE_USE_FINDERS = DEMO or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEMO or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = env_bool("WALLETS_HSTS_PRELOAD", False)
if env_bool("WALLETS_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 43_200
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # its cookie could not be named __Host-
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
PASSWORD_RESET_TIMEOUT = 1800
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # HSTS preload is the operator's decision

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "ledger.api.access.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ledger.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "ledger.api.errors.handle",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# Requests a minute: of one key or of one person's sessions, and wrong keys from one address.
WALLETS_API_READS = env.int("WALLETS_API_READS", default=600)
WALLETS_API_WRITES = env.int("WALLETS_API_WRITES", default=120)
WALLETS_API_WRONG_KEYS = env.int("WALLETS_API_WRONG_KEYS", default=30)
SPECTACULAR_SETTINGS = {
    "TITLE": "Wallets",
    "VERSION": "1",
    "DESCRIPTION": "Coins of one person: balances, activity, addresses, payments, a feed of everything, and webhooks. "
    "Amounts are decimal strings. Errors are application/problem+json with a stable code.",
    "SERVERS": [{"url": SITE_URL}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": [],
}

# Reports of exceptions say where, never what.
DEFAULT_EXCEPTION_REPORTER = "wallets_site.reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "wallets_site.reports.NoValues"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "wallets_site.base.logs.Line",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "wallets_site.base.logs.JsonLine"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": env.str("LOG_FORMAT", default="line")}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django-q": {"level": "WARNING"}},
}
