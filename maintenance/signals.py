"""Signals of the mode, each sent once what it tells of has committed.

``mode_enabled`` and ``mode_disabled`` have ``mode``, as it stands now, and ``switch``, the entry of
the trail, which names the window if one made it. ``window_planned``, ``window_edited`` and
``window_called_off`` have ``window``. ``request_refused`` has ``request`` and ``view``.

Receivers cannot undo what happened; their exceptions are logged and go no further.
"""

from django.dispatch import Signal

mode_enabled = Signal()
mode_disabled = Signal()
window_planned = Signal()
window_edited = Signal()
window_called_off = Signal()
request_refused = Signal()
