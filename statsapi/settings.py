"""All settings, each read once from the environment; docs/settings.md describes them. Importing writes nothing."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from statsapi import env, var_dir
from statsapi.operations import logs
from statsapi.settings_api import CORS_EXPOSE_HEADERS as CORS_EXPOSE_HEADERS
from statsapi.settings_api import REST_FRAMEWORK as REST_FRAMEWORK
from statsapi.settings_api import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from statsapi.settings_middleware import PROBES, TABLE
from tsdb import embedded
from tsdb.client import MOST_CONNECTIONS
from tsdb.cluster import CLUSTER_SCHEMES
from tsdb.rollups import DEFAULT_ROLLUPS, RollupError, parse_rollups

BASE_DIR = var_dir.BASE_DIR

# --- Where it runs -------------------------------------------------------------------------------------------
VAR_DIR = var_dir.var_dir()
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", env.DEFAULT_PORT, minimum=1, maximum=65535)
# A worker is one small process. Add workers when one core is busy.
WEB_WORKERS = env.integer("WEB_WORKERS", 1, minimum=1, maximum=256)
# The threads of a worker that run Django. More are started while these wait for the stores (statsapi/door/threads.py).
WEB_THREADS = env.integer("WEB_THREADS", 4, minimum=1, maximum=64)
# The longest that a request waits for its body (statsapi/door/body.py).
BODY_TIMEOUT = env.seconds("BODY_TIMEOUT", 30, minimum=0.1, maximum=3600)
# The address that users type. It is part of each DSN, and decides whether cookies and redirects are for HTTPS only.
_LISTENS_AT = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, f"[{HOST}]" if ":" in HOST else HOST)  # noqa: S104
# `make run` writes down where it listens, so that a command in another shell prints the same DSNs. PORT or HOST in the
# environment of the command wins.
LOCAL_ADDRESS_FILE = VAR_DIR / var_dir.ADDRESS
_ADDRESS_IS_GIVEN = any(os.environ.get(name) for name in ("PORT", "HOST"))
PUBLIC_URL = env.url(
    "PUBLIC_URL",
    (None if _ADDRESS_IS_GIVEN else var_dir.read(LOCAL_ADDRESS_FILE)) or f"http://{_LISTENS_AT}:{PORT}",
    schemes=("http", "https"),
).rstrip("/")
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", [urlsplit(PUBLIC_URL).hostname or "", "localhost", "127.0.0.1", "[::1]"])
for _host in ALLOWED_HOSTS:
    if "/" in _host or " " in _host:
        raise ImproperlyConfigured(f"ALLOWED_HOSTS holds names alone, separated by commas, not {_host!r}.")

# --- Secrets -------------------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
LOCAL_SECRET_KEY_FILE = VAR_DIR / var_dir.SECRET_KEY


def _secret_key() -> str:
    key = env.secret("SECRET_KEY")
    if key is None:
        key = var_dir.read(LOCAL_SECRET_KEY_FILE)
    if key is None and DEBUG:
        key = "insecure-key-for-debugging-alone"
    if key is None:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set SECRET_KEY (or SECRET_KEY_FILE) to 50 or more random characters; "
            "for a local try, `make run` makes one and keeps it in VAR_DIR."
        )
    return key


SECRET_KEY = _secret_key()

# --- What is stored where ------------------------------------------------------------------------------------
DATABASE_URL = env.url(
    "DATABASE_URL", f"sqlite:///{VAR_DIR / var_dir.DATABASE}", schemes=("sqlite", "postgres", "postgresql")
)
# The most connections of a worker to PostgreSQL, which takes 100 in all by default.
DATABASE_CONNECTIONS = env.integer("DATABASE_CONNECTIONS", 20, minimum=1, maximum=1000)
# The longest that a request waits for one answer of the database, which may be locked or hang. It is long enough for a
# slow day, and short enough that no thread is held for long. Commands wait as long as they need.
DATABASE_TIMEOUT = env.seconds("DATABASE_TIMEOUT", 3, minimum=0.1, maximum=600)
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if "?" in DATABASE_URL:
        raise ImproperlyConfigured("DATABASE_URL: options after a ? are for PostgreSQL alone.")
    DATABASES["default"]["CONN_MAX_AGE"] = 600
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock when it begins, and waits its turn. Upgrading a lock later would fail at once.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "statsapi.postgresql"
    # If the host is gone, connecting fails within two seconds, and so does asking over a kept connection.
    options = DATABASES["default"].setdefault("OPTIONS", {})
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 2, "tcp_user_timeout": 2000, **options}
    DATABASES["default"]["OPTIONS"]["connections"] = DATABASE_CONNECTIONS

_EMBEDDED = f"unix://{quote(str(embedded.socket_path(VAR_DIR)))}"
_REDIS_SCHEMES = ("unix", "redis", "rediss")
TSDB_URL = env.url("TSDB_URL", f"{_EMBEDDED}?db=0", schemes=(*_REDIS_SCHEMES, *CLUSTER_SCHEMES))
CACHE_URL = env.url("CACHE_URL", f"{_EMBEDDED}?db=1", schemes=_REDIS_SCHEMES)
TSDB_IS_EMBEDDED = TSDB_URL.startswith(_EMBEDDED)
CACHE_IS_EMBEDDED = CACHE_URL.startswith(_EMBEDDED)
# Above this the embedded server refuses to count. Without a bound the kernel would kill it or another process. Half of
# the memory is left to all others, and to the copy that Valkey makes when it rewrites its file.
EMBEDDED_MAXMEMORY = env.size("EMBEDDED_MAXMEMORY", env.memory() // 2, minimum=16 * 1024 * 1024)
# The longest that a request waits for one answer of Redis.
TSDB_TIMEOUT = env.seconds("TSDB_TIMEOUT", 0.8, minimum=0.01, maximum=60)
try:
    TSDB_ROLLUPS = parse_rollups(env.text("TSDB_ROLLUPS", DEFAULT_ROLLUPS))
except RollupError as error:
    raise ImproperlyConfigured(f"TSDB_ROLLUPS: {error}") from error

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "statsapi",
        "OPTIONS": {
            "CONNECTION_FACTORY": "projects.connections.CacheConnectionFactory",
            # JSON, not pickle: a person who can write to Redis must not be able to run code here.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_TIMEOUT": TSDB_TIMEOUT,
            "SOCKET_CONNECT_TIMEOUT": TSDB_TIMEOUT,
            "CONNECTION_POOL_CLASS": "tsdb.client.Pool",
            "CONNECTION_POOL_KWARGS": {"max_connections": MOST_CONNECTIONS},
            "REDIS_CLIENT_CLASS": "tsdb.client.Client",
        },
    }
}

# --- The application -----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "projects.apps.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "projects.apps.ProjectsConfig",
    "statsapi.pages",
    "statsapi",
]
CORS_ALLOWED_ORIGINS = env.listing("CORS_ORIGINS")
for _origin in CORS_ALLOWED_ORIGINS:
    if not re.fullmatch(r"https?://[^\s/?#@]+", _origin):
        raise ImproperlyConfigured(f"CORS_ORIGINS holds origins as https://example.com, not {_origin!r}.")
CORS_URLS_REGEX = r"^/api/0/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS"]  # other origins may read; writing is for servers
MIDDLEWARE = [one.middleware for one in TABLE if CORS_ALLOWED_ORIGINS or not one.middleware.startswith("corsheaders.")]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "statsapi.pages.shell.shell",
            ]
        },
    }
]
ROOT_URLCONF = "statsapi.urls"
APPEND_SLASH = False  # a redirect would lose the body of a POST; the 404 says what to do
SESSION_ENGINE = "statsapi.sign_in.sessions"  # in the database, so the admin works while Redis does not
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3 * 86400  # seconds that a link to choose a password works
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Mail ----------------------------------------------------------------------------------------------------
# Only links to choose a password are mailed. Without a server nothing is.
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = env.mail("EMAIL_URL")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds, for each answer of the server
DEFAULT_FROM_EMAIL = env.sender("EMAIL_FROM", needed=bool(EMAIL_HOST))

# --- Limits and metrics --------------------------------------------------------------------------------------
# Requests of one token, and in how many seconds, such as 5/1. Off by default: only the operator knows a fair limit.
API_RATE_LIMIT = env.rate("API_RATE_LIMIT")
METRICS_TOKEN = env.secret("METRICS_TOKEN")
if METRICS_TOKEN:
    MIDDLEWARE.insert(0, "statsapi.operations.metrics.measure")
METRICS_DIR = VAR_DIR / var_dir.METRICS

# --- How many objects there may be: above a limit objects stay, and only adding is refused -------------------
# Each worker that counts into a project loads all of its keys.
PROJECT_MAX_KEYS = env.integer("PROJECT_MAX_KEYS", 100, minimum=1, maximum=10_000)
# Far more than anybody hands out. Each is a way in that somebody has to remember.
PROJECT_MAX_LINKS = env.integer("PROJECT_MAX_LINKS", 100, minimum=1, maximum=10_000)
# A series takes some 15 KB of Redis, so a project takes at most some 150 MB, however many facts a client invents.
PROJECT_MAX_SERIES = env.integer("PROJECT_MAX_SERIES", 10_000, minimum=1, maximum=1_000_000)
# The stats of an organization are added up from three rings of each project. 1000 projects are read in some 30 ms.
ORGANIZATION_MAX_PROJECTS = env.integer("ORGANIZATION_MAX_PROJECTS", 1000, minimum=1, maximum=100_000)
# Far more than people and programs use. A leaked token that may create others cannot fill the database.
ORGANIZATION_MAX_TOKENS = env.integer("ORGANIZATION_MAX_TOKENS", 1000, minimum=1, maximum=100_000)
ORGANIZATION_MAX_MEMBERS = env.integer("ORGANIZATION_MAX_MEMBERS", 1000, minimum=1, maximum=100_000)

# --- Event intake --------------------------------------------------------------------------------------------
# An event id is counted once in this time, and takes some 120 bytes of Redis for as long. 0 turns it off.
INGEST_DEDUPE_SECONDS = env.integer("INGEST_DEDUPE_SECONDS", 3600, minimum=0, maximum=7 * 86400)
# The limits of Sentry's own intake, or close to them. A refusal names the setting. An item has a limit if it is held in
# memory. An envelope is not: it is passed over as it comes.
INGEST_MAX_ITEM_BYTES = env.integer("INGEST_MAX_ITEM_BYTES", 1024 * 1024, minimum=1024, maximum=2**30)
INGEST_MAX_ENVELOPE_BYTES = env.integer("INGEST_MAX_ENVELOPE_BYTES", 200 * 1024 * 1024, minimum=1024, maximum=2**30)
INGEST_MAX_ENVELOPE_UNPACKED_BYTES = env.integer(
    "INGEST_MAX_ENVELOPE_UNPACKED_BYTES", 200 * 1024 * 1024, minimum=1024, maximum=2**31
)
INGEST_MAX_STORE_BYTES = env.integer("INGEST_MAX_STORE_BYTES", 200 * 1024, minimum=1024, maximum=2**30)
INGEST_MAX_STORE_UNPACKED_BYTES = env.integer(
    "INGEST_MAX_STORE_UNPACKED_BYTES", 1024 * 1024, minimum=1024, maximum=2**30
)
INGEST_MAX_HEADER_BYTES = env.integer("INGEST_MAX_HEADER_BYTES", 8 * 1024, minimum=256, maximum=2**20)
INGEST_MAX_ITEMS = env.integer("INGEST_MAX_ITEMS", 100, minimum=1, maximum=10_000)

# --- Language and time ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i"
TIME_ZONE = "UTC"  # days are UTC days; a check refuses any other zone
USE_TZ = True

# --- Static files --------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves from the packages: no collectstatic to forget
WHITENOISE_AUTOREFRESH = DEBUG

# --- Security ------------------------------------------------------------------------------------------------
# Pages hold no inline scripts or styles: both are files of this service. Style sheets of Swagger UI and of the admin
# have some arrows as data: URLs, and an image can do no harm.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
CSRF_FAILURE_VIEW = "statsapi.http.refusal_pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
# Both bind a whole domain, which may serve other things too. Preloading cannot be undone for months.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.boolean("HSTS_PRELOAD", False)
# Django's checks of these two would refuse every start that leaves them off.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REDIRECT_EXEMPT = [f"^{PROBES.pattern.removeprefix('/')}$"]
# Only behind a proxy that sets this header itself: with it any other client could claim HTTPS.
TRUST_PROXY = env.boolean("TRUST_PROXY", False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Wrong passwords (statsapi/sign_in/passwords.py).
AXES_HANDLER = "statsapi.sign_in.passwords.Guesses"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "statsapi.sign_in.passwords.guessing_address"
AXES_LOCKOUT_CALLABLE = "statsapi.sign_in.passwords.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# The admin posts six fields a key on a project's page, which may have 250 keys, and four a member of an organization.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# No form takes a file. Django's other handler would write a file of any size to the disk, even one that a stranger
# sends to the login page. This handler skips what is larger than FILE_UPLOAD_MAX_MEMORY_SIZE.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Logs ----------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logs.configuration(LOG_LEVEL)
