"""End with the process that started this one, however that one ends."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_it() -> None:
    """Have the kernel kill this process when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
