"""The server's settings for tests: alone on SQLite, or on the services that the environment names.

``TEST_DATABASE_URL`` puts every test on PostgreSQL; ``TEST_REDIS_URL`` is for the tests that ask
for Redis by their marker. Neither the ``.env`` nor a server's variables reach the tests.
"""

import os
import tempfile
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="octoserver-tests-")
Path(FOLDER.name, "static").mkdir()

os.environ |= {
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "REDIS_URL": "",
    "VAR_DIR": FOLDER.name,
    "SECRET_KEY": "only-for-tests",
    "VARIABLES_KEY": "only-for-tests-too",
    "PRODUCTION": "",
    "DEBUG": "",
    "ALLOWED_HOSTS": "",
    "CSRF_TRUSTED_ORIGINS": "",
    "EMAIL_URL": "memorymail://",
    "EMAIL_FROM": "octoserver@example.com",
    "BASE_URL": "",
    "NODE_NAME": "node-of-the-tests",
    "TASK_CAP": "5",
    "TASK_SYSTEM_INTERVALS": "",
    "TIME_ZONE": "UTC",
    "LOG_LEVEL": "INFO",
}

from octoserver.settings import *  # noqa: E402, F403 the variables come first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}

# What a test publishes stays in its process.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, because SQLite's memory shared by threads has other locks than a server's file.
    DATABASES["default"]["TEST"] = {"NAME": f"{FOLDER.name}/tests.sqlite3"}  # noqa: F405
