"""Read every setting of the server from the environment, and fail loudly where one is wrong.

Without any setting the server is the embedded default: SQLite and a broker made of files, both
under ``var/``, answering on the loopback only. ``DATABASE_URL`` and ``REDIS_URL`` move the same
code to PostgreSQL and Redis; ``PRODUCTION=true`` demands what a server on a network must have.
"""

import socket
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from octoserver import __version__, configuration

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

PRODUCTION = configuration.boolean(env, "PRODUCTION", default=False)
DEBUG = configuration.boolean(env, "DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()

SECRET_KEY = configuration.secret_key(env, production=PRODUCTION, folder=VAR_DIR)
VARIABLES_KEYS = configuration.variables_keys(env, production=PRODUCTION, folder=VAR_DIR)
ALLOWED_HOSTS = configuration.allowed_hosts(env, production=PRODUCTION)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG=true shows secrets to anybody: unset DEBUG or PRODUCTION.")

# The server's name in the cluster; the task pages and the Nodes page show it.
NODE_NAME = env.str("NODE_NAME", default=socket.gethostname())
VERSION = __version__

INSTALLED_APPS = [
    "octoserver.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "maintenance",
    "tasks",
    "octoserver.deployments.apps.DeploymentsConfig",
    # Last, so that every permission exists when its roles are synchronised after a migrate.
    "octoserver",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "octoserver.compression.PageCompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "octoserver.access.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "octoserver.access.AccessMiddleware",
    # Last: everything that may answer before a refusal stands above it.
    "maintenance.middleware.MaintenanceModeMiddleware",
]

ROOT_URLCONF = "octoserver.urls"
WSGI_APPLICATION = "octoserver.wsgi.application"

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
                "maintenance.context_processors.maintenance",
                "tasks.context_processors.queue_pause",
                "octoserver.context_processors.server",
            ],
        },
    }
]

# People

AUTHENTICATION_BACKENDS = ["maintenance.backends.ModeAwareModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# The web process: one Python interpreter with several threads is the embedded default.

WEB_BIND = env.str("WEB_BIND", default="127.0.0.1:8000")
WEB_WORKERS = configuration.positive(env, "WEB_WORKERS", default=1)
WEB_THREADS = configuration.positive(env, "WEB_THREADS", default=8)

# Data

DATABASES = {"default": configuration.database(env, folder=VAR_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The largest script is 1 MiB; as a form field it may take three times that, and the form has more.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# The broker only ever carries wake-ups without arguments; every task is a row. See docs/queue.md.

CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = configuration.broker(env, folder=VAR_DIR)
REDIS_IN_USE = CELERY_BROKER_URL.startswith(("redis://", "rediss://"))
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SERIALIZER = "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

# Tasks. Sources of the numbers: Octopus Deploy's documentation, see docs/queue.md.

TASK_CAP = configuration.positive(env, "TASK_CAP", default=5)
TASK_SYSTEM_INTERVALS = configuration.intervals(env, "TASK_SYSTEM_INTERVALS")
# Seconds without a word from a node after which its tasks count as abandoned.
TASK_NODE_SILENCE = configuration.positive(env, "TASK_NODE_SILENCE", default=30)
# Seconds without any scheduler after which tasks that expired meanwhile wait for a decision, and
# for how long they do.
TASK_OUTAGE = configuration.positive(env, "TASK_OUTAGE", default=60)
TASK_DECISION_TIME = configuration.positive(env, "TASK_DECISION_TIME", default=3600)
# Seconds for which a worker that was asked to stop lets running tasks go on, before it ends them.
TASK_STOP_TIMEOUT = configuration.positive(env, "TASK_STOP_TIMEOUT", default=3600)
TASK_LOG_LIMIT = configuration.positive(env, "TASK_LOG_LIMIT", default=10 * 1024 * 1024)
TASK_RETENTION_DAYS = configuration.positive(env, "TASK_RETENTION_DAYS", default=90)
TASK_RETENTION_COUNT = configuration.positive(env, "TASK_RETENTION_COUNT", default=1_000_000)

# Hours before a maintenance window from which every page announces it.
MAINTENANCE_NOTICE_AHEAD = configuration.positive(env, "MAINTENANCE_NOTICE_AHEAD", default=24)

# Telling people. Without a mail server nobody is offered letters.

MAIL = configuration.email(env)
globals().update(MAIL)
MAINTENANCE_SENDS_EMAIL = "DEFAULT_FROM_EMAIL" in MAIL
MAINTENANCE_BASE_URL = configuration.base_url(env, "BASE_URL")
MAINTENANCE_NOTICE_DAYS = configuration.positive(env, "MAINTENANCE_NOTICE_DAYS", default=365)
# The secrets of webhooks are kept as sensitive variables are.
MAINTENANCE_VAULT = "octoserver.deployments.vault"

# Text, time, files

# What is recorded, and what commands print, is in the first language; pages are in the reader's.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "octoserver" / "locale"]
FORMAT_MODULE_PATH = ["octoserver.formats"]
TIME_ZONE = configuration.time_zone(env, "TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "octoserver.stylesheets.SiteStorage"},
}

# What a browser is told

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "octoserver.views.csrf_failure"

if PRODUCTION:
    SECURE_SSL_REDIRECT = configuration.boolean(env, "SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^octopusservernodes/ping$"]
    SECURE_HSTS_SECONDS = configuration.positive(env, "SECURE_HSTS_SECONDS", default=31_536_000)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Whether subdomains and browsers' preload lists are bound too is the domain owner's decision.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    if configuration.boolean(env, "BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO").upper()},
    "loggers": {
        # A refusal and a page that is not there are answers, not faults.
        "django.request": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
