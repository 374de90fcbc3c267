"""Django's defaults, the mode's application, and one gate or another as the last middleware.

``BENCH_DATABASE`` is the address of the database, ``BENCH_VARIANT`` the name of the gate,
``BENCH_FOLDER`` where files go and ``BENCH_VIEW_TIME`` the longest time in milliseconds that the
unsafe view takes of its own. The variant ``all`` is for the process that compares them.
"""

import importlib.util
import logging
import os
from http import HTTPStatus
from typing import Any

import environ

URL = os.environ["BENCH_DATABASE"]
VARIANT = os.environ["BENCH_VARIANT"]
FOLDER = os.environ["BENCH_FOLDER"]
VIEW_TIME = float(os.environ.get("BENCH_VIEW_TIME", "20")) / 1000

# What stands last in MIDDLEWARE, by variant.
GATES = {
    "none": [],
    "ours": ["maintenance.middleware.MaintenanceModeMiddleware"],
    "flag": ["tests.benchmarks.gate_project.flag.FlagMiddleware"],
    "django_maintenance_mode": ["maintenance_mode.middleware.MaintenanceModeMiddleware"],
}
STOCK = "django.contrib.auth.backends.ModelBackend"
BACKENDS = {"ours": "maintenance.backends.ModeAwareModelBackend"}

SECRET_KEY = "only-for-benchmarks"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "maintenance",
    "tests.benchmarks.gate_project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *GATES.get(VARIANT, []),
]
# Where one process serves all the variants, the session says which backend loads its person.
AUTHENTICATION_BACKENDS = (
    [STOCK, BACKENDS["ours"]] if VARIANT == "all" else [BACKENDS.get(VARIANT, STOCK)]
)
ROOT_URLCONF = "tests.benchmarks.gate_project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def is_fault(record: logging.LogRecord) -> bool:
    """As on the server, a refusal is an answer and no line in a log, whichever gate gave it."""
    return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"faults": {"()": "django.utils.log.CallbackFilter", "callback": is_fault}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["faults"]}},
    "loggers": {"django.request": {"level": "ERROR", "handlers": ["console"]}},
}

if importlib.util.find_spec("maintenance_mode"):
    INSTALLED_APPS.append("maintenance_mode")
    MAINTENANCE_MODE_STATE_FILE_PATH = f"{FOLDER}/maintenance_mode_state.txt"
    MAINTENANCE_MODE_IGNORE_STAFF = True


def database() -> dict[str, Any]:
    """Return the database as the server sets it up."""
    config: dict[str, Any] = environ.Env.db_url_config(URL)
    if URL.startswith("sqlite"):
        pragmas = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL"
        return config | {
            "CONN_MAX_AGE": None,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas},
        }
    return config | {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5},
    }


DATABASES = {"default": database()}
