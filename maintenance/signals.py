"""Signals sent after a switch has committed (``mode``) and after a refusal (``request``, ``view``).

Receivers cannot undo what happened; their exceptions are logged and go no further.
"""

from django.dispatch import Signal

mode_enabled = Signal()
mode_disabled = Signal()
request_refused = Signal()
