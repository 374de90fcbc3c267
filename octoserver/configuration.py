"""Parse and check what the environment says, wording each mistake in one sentence.

Every function raises ``ImproperlyConfigured`` with what is wrong and what to set instead.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from environ import Env

PLACEHOLDER_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
SQLITE_OPTIONS = {
    # A transaction that starts as a reader and then writes fails at once when another has written
    # in between, whatever the timeout is; IMMEDIATE waits for its turn instead.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL",
}

# Seconds, and milliseconds, after which a server that has vanished without a word counts as dead:
# without them whoever waits for its answer, a node's heartbeat for one, does so for two hours.
DEAD_SERVER = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def boolean(env: Env, name: str, *, default: bool) -> bool:
    """Return the truth value of a variable: true, false, yes, no, on, off, 1 or 0."""
    text = str(env.str(name, default=str(default))).strip().lower()
    if text in {"true", "yes", "on", "1"}:
        return True
    if text in {"false", "no", "off", "0", ""}:
        return False
    raise ImproperlyConfigured(f"{name}={text!r} is neither true nor false: set one of the two.")


def positive(env: Env, name: str, *, default: int) -> int:
    """Return a whole number of at least 1."""
    text = str(env.str(name, default=str(default))).strip()
    if not text.isdigit() or int(text) < 1:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number of at least 1.")
    return int(text)


def time_zone(env: Env, name: str, *, default: str) -> str:
    """Return the name of a time zone that this machine knows."""
    text = str(env.str(name, default=default))
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise ImproperlyConfigured(
            f"{name}={text!r} is no time zone known here: set one such as Europe/Berlin."
        ) from None
    return text


def secret_key(env: Env, *, production: bool, folder: Path) -> str:
    """Return ``SECRET_KEY``; the embedded default makes one and keeps it in ``folder``."""
    key = str(env.str("SECRET_KEY", default=""))
    if key:
        return key
    if production:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: set it to 50 or more random characters, the same on every node."
        )
    return _kept_secret(folder / "secret_key")


def variables_keys(env: Env, *, production: bool, folder: Path) -> list[str]:
    """Return the keys of sensitive variables: the first one encrypts, all of them decrypt."""
    text = str(env.str("VARIABLES_KEY", default=""))
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if not keys and production:
        raise ImproperlyConfigured(
            "VARIABLES_KEY is not set: set it to 50 or more random characters, the same on every "
            "node. Sensitive variables are encrypted with it."
        )
    return keys or [_kept_secret(folder / "variables_key")]


def _kept_secret(path: Path) -> str:
    """Return the secret in ``path``, making it at the first call; safe when two processes race."""
    with _writing_to(path.parent):
        if not path.exists():
            _make_secret(path)
        return path.read_text().strip()


def _make_secret(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Make the folder, and word what the system has against using it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {folder} cannot be used ({error.strerror}): "
            "set VAR_DIR to a folder that this user may write to."
        ) from None


def allowed_hosts(env: Env, *, production: bool) -> list[str]:
    """Return the host names that requests may carry; only the loopback's unless told."""
    hosts: list[str] = env.list("ALLOWED_HOSTS", default=[])
    if hosts:
        return hosts
    if production:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS is not set: set it to the names that people reach this server by, "
            "for example octoserver.example.com."
        )
    return PLACEHOLDER_HOSTS


def database(env: Env, *, folder: Path) -> dict[str, Any]:
    """Return Django's description of what ``DATABASE_URL`` names; SQLite by default."""
    url = str(env.str("DATABASE_URL", default="")) or f"sqlite:///{folder / 'octoserver.sqlite3'}"
    scheme = url.partition("://")[0]
    if scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name or "
            "sqlite:////path/to/file."
        )
    try:
        config: dict[str, Any] = env.db_url_config(url)
    except Exception:  # noqa: BLE001 the parser raises whatever its parts raise
        config = {}
    if not config.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL names no database: it must look like "
            "postgresql://user:password@host:5432/name or sqlite:////path/to/file."
        )
    if scheme == "sqlite":
        with _writing_to(Path(config["NAME"]).parent):
            pass
        return config | {"CONN_MAX_AGE": 60, "OPTIONS": SQLITE_OPTIONS}
    options = DEAD_SERVER | config.get("OPTIONS", {})
    return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def broker(env: Env, *, folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the broker's address and its transport options: Redis by ``REDIS_URL``, else files."""
    url = str(env.str("REDIS_URL", default=""))
    if not url:
        return "fsq://localhost", {
            "data_folder_in": str(folder / "broker"),
            "data_folder_out": str(folder / "broker"),
            "control_folder": str(folder / "broker" / "control"),
            "polling_interval": 0.05,
        }
    if not url.startswith(("redis://", "rediss://")):
        raise ImproperlyConfigured("REDIS_URL must look like redis://host:6379/0.")
    return url, {
        "global_keyprefix": "octoserver:",
        # Wake-ups are acknowledged on arrival and carry no time, so a short time-out is safe.
        "visibility_timeout": 300,
        # Longer than the one second for which a worker blocks on an empty queue.
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def email(env: Env) -> dict[str, Any]:
    """Return Django's settings of mail: a server by ``EMAIL_URL``, or any other ``EMAIL_BACKEND``.

    Without either the server sends none.
    """
    url, backend = (str(env.str(name, default="")) for name in ("EMAIL_URL", "EMAIL_BACKEND"))
    sender = str(env.str("EMAIL_FROM", default=""))
    if not (url or backend):
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        found: dict[str, Any] = Env.email_url_config(url, backend=backend or None)
    except Exception:  # noqa: BLE001 the parser raises whatever its parts raise
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp+tls://USER:PASSWORD@mail.example.com:587."
        ) from None
    if not sender:
        raise ImproperlyConfigured(
            "EMAIL_FROM is not set: set it to the address that mail comes from, for example "
            "octoserver@example.com."
        )
    # A mail server that does not answer holds up one thread for so many seconds.
    found |= {"EMAIL_TIMEOUT": 10, "DEFAULT_FROM_EMAIL": sender, "SERVER_EMAIL": sender}
    return {name: value for name, value in found.items() if name != "OPTIONS"}


def base_url(env: Env, name: str) -> str:
    """Return the address that people reach the server by, without a slash at its end."""
    text = str(env.str(name, default="")).strip().rstrip("/")
    if text and not text.startswith(("https://", "http://")):
        raise ImproperlyConfigured(
            f"{name}={text!r} must look like https://octoserver.example.com."
        )
    return text


def intervals(env: Env, name: str) -> dict[str, float]:
    """Return the intervals, in seconds by task kind, that replace those in the code."""
    text = str(env.str(name, default="")) or "{}"
    try:
        value = json.loads(text)
        return {str(kind): float(seconds) for kind, seconds in value.items() if seconds > 0}
    except (ValueError, TypeError, AttributeError):
        raise ImproperlyConfigured(
            f'{name}={text!r} must be JSON such as {{"Health": 300}}: seconds by task kind.'
        ) from None
