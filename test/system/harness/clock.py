"""A wall clock that a test moves, for all programs that it starts with the clock's environment: see test/clock/clock.c."""
import ctypes
import datetime
import mmap
import platform
import subprocess
import time

import pytest

from .daemon import ROOT
from .peers import need

SYS_FUTEX, FUTEX_WAKE, EVERYBODY = 202, 1, 2**31 - 1  # of x86-64


class Page(ctypes.Structure):
    """struct page"""
    _fields_ = [("ahead_s", ctypes.c_int64), ("moves", ctypes.c_uint32)]


class Clock:
    def __init__(self, folder):
        if platform.machine() != "x86_64":
            pytest.skip("the movable clock is made for x86-64")
        library, path = folder / "clock.so", folder / "wall-clock"
        subprocess.run([need("cc", "gcc"), "-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread",
                        "-o", library, ROOT / "test/clock/clock.c"], check=True)
        path.write_bytes(bytes(Page()))
        with open(path, "r+b") as file:
            self.page = Page.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(Page)))
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(path)}

    def move(self, seconds):
        """Ahead, and wakes who waits to be told."""
        self.page.ahead_s += seconds
        self.page.moves += 1
        address = ctypes.addressof(self.page) + Page.moves.offset
        ctypes.CDLL(None).syscall(SYS_FUTEX, ctypes.c_void_p(address), FUTEX_WAKE, EVERYBODY, None, None, 0)

    def time(self):
        return time.time() + self.page.ahead_s

    def now(self):
        return datetime.datetime.utcfromtimestamp(self.time())
