"""Settings of Jobwarden, all from environment variables. The table of them is in docs/settings.md.

Without any variable set this is a *local* installation: SQLite and generated secrets under ``var/``, loopback only.
``ENVIRONMENT=production`` takes nothing for granted: missing secrets and names are refused by the system checks.
"""

import os
import socket
from pathlib import Path
from typing import Any

from config import keys, logs
from config.environment import Environment
from config.unfold import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)

# --- Kind and place of this installation ---------------------------------------------------------------------------
ENVIRONMENT = env.choice("ENVIRONMENT", choices=("local", "production"), default="local")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.flag("DEBUG", default=False)
VAR_DIR = env.folder("VAR_DIR", default="var", base=BASE_DIR)
SITE_ID = env.text("SITE_ID", default="" if PRODUCTION else "local")
DEMO = env.flag("DEMO", default=not PRODUCTION)
SECRET_KEY = keys.secret_key(env, var_dir=VAR_DIR, production=PRODUCTION)
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")

# --- Web -----------------------------------------------------------------------------------------------------------
HOST = env.text("HOST", default="127.0.0.1")
PORT = env.number("PORT", default=8000, most=65_535)
WEB_PROCESSES = env.number("WEB_PROCESSES", default=2, most=64)
ALLOWED_HOSTS = env.names(
    "ALLOWED_HOSTS",
    default=() if PRODUCTION else ("localhost", "127.0.0.1", "[::1]", HOST, socket.gethostname().lower()),
)
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
# None means not told: then production marks cookies secure, but neither redirects nor promises TLS to browsers.
HTTPS = env.flag("HTTPS", default=None)
TRUST_PROXY_HEADERS = env.flag("TRUST_PROXY_HEADERS", default=False)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION if HTTPS is None else HTTPS
# Browsers send a cookie to every port of a host: two local installations must not sign each other out.
_cookie_suffix = "" if PRODUCTION else f"_{PORT}"
SESSION_COOKIE_NAME = f"jobwarden_session{_cookie_suffix}"
CSRF_COOKIE_NAME = f"jobwarden_csrf{_cookie_suffix}"
SECURE_SSL_REDIRECT = bool(HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", default=31_536_000, least=0) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY_HEADERS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.admin.JobwardenAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "axes",
    "auditlog",
    "csp",
    "jobqueue",
    "notifications",
    "packages",
    "refresher",
    "config.apps.HouseConfig",
    *(["config.demo"] if DEMO else []),
    *env.apps("EXTRA_APPS"),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.content_security.AdminContentSecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "jobqueue.admin.company.CompanyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.audit.AuditMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
NOTHING = "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NOTHING],
        "img-src": ["'self'"],
        "style-src": ["'self'"],
        "base-uri": [NOTHING],
        "form-action": ["'self'"],
        "frame-ancestors": [NOTHING],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static" if PRODUCTION else None
MEDIA_ROOT = VAR_DIR / "media"
# Production serves hashed, compressed, long-cached files made by collectstatic; locally no such step is needed.
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}

# --- Databases -----------------------------------------------------------------------------------------------------
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",  # WAL with deferred transactions fails more often than no WAL at all
    # On the disk at every commit, so that a power failure takes nothing back; workers flush by hand, once for each run.
    # The same few pages change with every run: written back every 64 MB of log instead of 4, they go out less often.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16000",
}
POSTGRESQL_OPTIONS = {"connect_timeout": 10}


def _connection(found: dict[str, Any]) -> dict[str, Any]:
    """Persistent connections on both databases; never a pool, which breaks in forked workers (check config.E010)."""
    on_sqlite = found["ENGINE"].endswith("sqlite3")
    options = {**(SQLITE_OPTIONS if on_sqlite else POSTGRESQL_OPTIONS), **found.get("OPTIONS", {})}
    return {**found, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": not on_sqlite, "OPTIONS": options}


def _read_only(found: dict[str, Any]) -> dict[str, Any]:
    """A connection for SQL reports that cannot write, whatever the report says."""
    if found["ENGINE"].endswith("sqlite3"):
        found = {
            **found,
            "NAME": f"{Path(found['NAME']).absolute().as_uri()}?mode=ro",
            "OPTIONS": {"timeout": 20},
        }
    elif found["ENGINE"].endswith("postgresql"):
        options = found.get("OPTIONS", {})
        started = f"{options.get('options', '')} -c default_transaction_read_only=on".strip()
        found = {**found, "OPTIONS": {**options, "options": started}}
    return {**found, "CONN_MAX_AGE": 60}


DATABASES = {"default": _connection(env.database("DATABASE_URL", default=VAR_DIR / "db.sqlite3"))}
if env.text("REPORTING_DATABASE_URL"):
    DATABASES["reporting"] = _read_only(env.database("REPORTING_DATABASE_URL"))
if DEMO:
    demo_shop = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "demo" / "shop.sqlite3")}
    DATABASES["demo_shop"] = _read_only(demo_shop)
DATABASE_ROUTERS = ["config.routers.ReadOnlyAliases"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # What all web processes must agree on, such as how many calls a token made: files reach those of one host.
    "shared": env.cache("CACHE_URL", default=VAR_DIR / "cache"),
}

# --- Time, words, mail, log ----------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_CODE = "en"

globals().update(env.email("EMAIL_URL", default=VAR_DIR / "mail"))  # EMAIL_BACKEND, EMAIL_HOST, …
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", default="Jobwarden <jobwarden@localhost>")
NOTIFICATIONS: dict[str, Any] = {
    "ENVIRONMENT": "" if SITE_ID == "local" else SITE_ID,
    "PUBLIC_URL": env.text("PUBLIC_URL", default="" if PRODUCTION else f"http://{HOST}:{PORT}"),
    "RETRY_HOURS": env.number("MESSAGE_RETRY_HOURS", default=72, most=720),
    "MESSAGE_RETENTION_DAYS": env.number("MESSAGE_RETENTION_DAYS", default=90, most=36_500),
}

LOG_FORMAT = env.choice(
    "LOG_FORMAT", choices=("console", "json"), default="json" if PRODUCTION else "console"
)
LOG_LEVEL = env.choice(
    "LOG_LEVEL", choices=("debug", "info", "warning", "error"), default="info" if PRODUCTION else "warning"
).upper()
LOGGING = logs.dictionary(layout=LOG_FORMAT, level=LOG_LEVEL)

# --- People --------------------------------------------------------------------------------------------------------
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
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
AXES_CLIENT_IP_CALLABLE = "config.client_address.client_address"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_TEMPLATE = "429.html"  # says a quarter of an hour, as the cool-off above

# --- API -----------------------------------------------------------------------------------------------------------
API_CALLS_PER_MINUTE = env.number("API_CALLS_PER_MINUTE", default=1_200, most=1_000_000)
LIVE_STREAMS = env.number("LIVE_STREAMS", default=100, most=10_000)
API_V2_WRITES = env.flag("API_V2_WRITES", default=False)
API_REFUSALS_PER_MINUTE = 60  # of one address; more are not even looked at
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobqueue.api.authentication.BearerAuthentication",
        "jobqueue.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["jobqueue.api.levels.LevelPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["jobqueue.api.throttling.CallerThrottle"],
    "DEFAULT_PAGINATION_CLASS": "jobqueue.api.pagination.PagePages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["jobqueue.api.parsers.StrictJSONParser"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "DEFAULT_VERSION": "v1",
    "DEFAULT_SCHEMA_CLASS": "jobqueue.api.document.Schema",
    "EXCEPTION_HANDLER": "jobqueue.api.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Jobwarden",
    "VERSION": "1.1.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["jobqueue.api.levels.LevelPermission"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jobqueue.api.schema.add_refusals",
        "config.api_examples.add_examples",
        "jobqueue.api.document.complete",
    ],
    "WEBHOOKS": "notifications.api.events.WEBHOOKS",
    "ENUM_NAME_OVERRIDES": {
        "DoctorState": "jobqueue.api.overview.DOCTOR_STATES",
        "TokenState": "jobqueue.api.tokens.TOKEN_STATES",
        "TokenKind": "jobqueue.api.tokens.TOKEN_KINDS",
        "CredentialKind": "jobqueue.api.credentials.CREDENTIAL_KINDS",
        "SetupAction": "jobqueue.api.setup_changes.SETUP_ACTIONS",
        "Origin": "jobqueue.api.overview.ORIGINS",
        "AdoptedEntries": "jobqueue.api.site.ADOPTED_ENTRIES",
        "EntryStatus": "jobqueue.api.words.ENTRY_STATUS",
        "LogStatus": "jobqueue.api.words.LOG_STATUS",
        "ObjectType": "jobqueue.api.words.OBJECT_TYPE",
        "OutputType": "jobqueue.api.words.OUTPUT_TYPE",
        "Priority": "jobqueue.api.words.PRIORITY",
        "MessageLevel": "jobqueue.api.words.MESSAGE_LEVEL",
        "PackageStatus": "packages.api.words.PACKAGE_STATUS",
        "OnError": "packages.api.words.ON_ERROR",
        "MissedRun": "packages.api.words.MISSED_RUN",
        "RunOutcome": "packages.api.words.RUN_OUTCOME",
        "RunTrigger": "packages.api.words.RUN_TRIGGER",
        "LineResult": "packages.api.words.LINE_RESULT",
        "MessageState": "notifications.api.words.MESSAGE_STATE",
        "MessageChannel": "notifications.api.words.MESSAGE_CHANNEL",
        "ToldAs": "notifications.api.words.TOLD_AS",
        "TargetKind": "notifications.api.words.TARGET_KIND",
        "DeliveryOutcome": "notifications.api.words.DELIVERY_OUTCOME",
    },
}

# --- Entra ID ------------------------------------------------------------------------------------------------------
ENTRA: dict[str, Any] = {
    "LOGIN_AUTHORITY": env.text("ENTRA_LOGIN_AUTHORITY", default="https://login.microsoftonline.com").rstrip(
        "/"
    ),
    "GRAPH_ADDRESS": env.text("ENTRA_GRAPH_ADDRESS", default="https://graph.microsoft.com").rstrip("/"),
    "CA_FILE": env.text("ENTRA_CA_FILE"),
    "CLOCK_LEEWAY_SECONDS": 120,
    "TIMEOUT_SECONDS": 15,
}

# --- The job queue and its engine ----------------------------------------------------------------------------------
WORKERS = env.number("WORKERS", default=2, most=256)
JOBQUEUE: dict[str, Any] = {
    "WORKERS": WORKERS,
    "POLL_SECONDS": 0.5,
    "SQLITE_WATCH_SECONDS": 0.02,
    "SITE_LIMIT": env.optional_number("SITE_LIMIT"),
    "USER_LIMIT": env.optional_number("USER_LIMIT"),
    "LEASE_SECONDS": 30,
    "HEARTBEAT_SECONDS": 5,
    "STOP_GRACE_SECONDS": env.number("STOP_GRACE_SECONDS", default=30, most=3_600),
    "MAX_TIMEOUT_SECONDS": 86_399,
    "DEFAULT_TIMEOUT_SECONDS": env.number("DEFAULT_TIMEOUT_SECONDS", default=43_200, most=86_399),
    "HARD_KILL_GRACE_SECONDS": 5,
    "ALLOWED_COMMANDS": env.names("ALLOWED_COMMANDS"),
    "OUTBOUND_ALLOWED_HOSTS": env.names("OUTBOUND_ALLOWED_HOSTS"),
    "SQL_REPORT_ALIASES": env.names(
        "SQL_REPORT_ALIASES", default=[name for name in DATABASES if name != "default"]
    ),
    "REPORT_RETENTION_DAYS": env.number("REPORT_RETENTION_DAYS", default=28, most=36_500),
    "LOG_RETENTION_DAYS": env.optional_number("LOG_RETENTION_DAYS"),
    # Not below the 72 hours the poison guard looks back.
    "SESSION_EVENT_DAYS": env.number("SESSION_EVENT_DAYS", default=5, least=3, most=3_650),
    "CREDENTIAL_KEYS": keys.credential_keys(env, var_dir=VAR_DIR, production=PRODUCTION),
    # The copy guard: whose database this is, and the heartbeat kept beside it.
    "SITE_ID": SITE_ID,
    "HEARTBEAT_DIR": VAR_DIR / "heartbeats",
    "RESTORE_TOLERANCE_SECONDS": env.number("RESTORE_TOLERANCE_SECONDS", default=0, least=0, most=86_400),
}
PACKAGES: dict[str, Any] = {
    "LOG_RETENTION_DAYS": env.number("PACKAGE_LOG_RETENTION_DAYS", default=90, most=36_500)
}
READY_TASK_AGE_SECONDS = env.number("READY_TASK_AGE_SECONDS", default=900)  # /readyz fails beyond it
# Timeout and retry only concern plain async_task() calls; job queue messages carry a timeout of their own.
Q_CLUSTER: dict[str, Any] = {
    "name": "jobwarden",
    "broker_class": "jobqueue.scheduler.broker.TaskBroker",
    "orm": "default",
    "scheduler": False,
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "guard_cycle": 0.5,
    "timeout": 3_600,
    "retry": 4_200,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "label": "Task engine",
    "log_level": LOG_LEVEL,
}

CONFIGURATION_PROBLEMS = env.problems
