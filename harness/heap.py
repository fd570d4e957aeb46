"""The C heap of a process that serves for long: made to give back what it no longer needs.

Beside the line: called once by the programs that keep a stack up.
"""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_BYTES: Final = 128 * 1024
"""glibc's own first values. Once they are set it no longer raises them by itself (mallopt(3))."""


def keep_heap_small() -> bool:
    """Have large blocks mapped apart and freed to the system; whether this C library can do so.

    asyncio asks for 256 KiB at every read of a socket. After the first one that is freed glibc takes blocks of that
    size from the heap, where small ones that live longer settle between them: in ten minutes of load the engine grew
    by 9.5 % while the memory that Python had in use stayed the same (docs/load.md, the soak).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _BYTES) and mallopt(_M_TRIM_THRESHOLD, _BYTES))
