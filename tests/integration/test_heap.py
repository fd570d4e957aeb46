"""Whether the C library takes what it is told, in a process that does not matter."""

import platform
import subprocess
import sys

import pytest

# Reads of a socket as asyncio does them, with something small that lives on after each: what is in use hardly grows.
SERVING = """
import ctypes, sys
from harness.heap import keep_heap_small

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena b c d hblkhd f used free keep".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "small":
    assert keep_heap_small()
kept = []
for number in range(2000):
    reads = [bytearray(256 * 1024) for _ in range(4)]
    kept.append(bytearray(600))
    del reads
print(libc.mallinfo2().arena)
"""


def heap_of(how: str) -> int:
    """Bytes of the heap of such a process at its end."""
    done = subprocess.run([sys.executable, "-c", SERVING, how], capture_output=True, text=True, timeout=30, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap is told anything")
def test_large_blocks_are_not_taken_from_the_heap() -> None:
    as_it_is, small = heap_of("as it is"), heap_of("small")

    assert as_it_is - small > 4 * 256 * 1024 * 0.75
