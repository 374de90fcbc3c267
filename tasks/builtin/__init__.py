"""The kinds that every server has."""

from tasks.builtin import health, integrity_check, retention, run_script

__all__ = ["health", "integrity_check", "retention", "run_script"]
