"""Is the machine as fast and as free now as it was before? A fixed piece of work on every processor, timed."""
import concurrent.futures
import hashlib
import os
import time

BLOCK = bytes(1 << 20)


def _work(blocks):
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(BLOCK)  # without Python's lock, so that all processors work


class Noise:
    """Keeps the fastest speed that was seen; 1.0 is that one."""

    LIMIT = 0.10

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self.blocks = 16
        self.best = 0.0
        took = self._time()
        self.blocks = max(4, int(self.blocks * 0.05 / took))
        for _ in range(5):
            self.speed()

    def _time(self):
        begin = time.perf_counter()
        list(self.pool.map(_work, [self.blocks] * os.cpu_count()))
        return time.perf_counter() - begin

    def speed(self):
        """Against the best so far: below 1, somebody else uses the machine, or it has become slower."""
        speed = self.blocks / self._time()
        self.best = max(self.best, speed)
        return speed / self.best

    def wait_for_quiet(self, seconds):
        deadline = time.monotonic() + seconds
        while (speed := self.speed()) < 1 - self.LIMIT and time.monotonic() < deadline:
            time.sleep(0.3)
        return speed


def busy_seconds():
    """Processor time that anybody has used so far, the kernel included."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(value) for value in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def disk_flushes(path):
    """How often the disk below path was told to make durable what it holds; None where the kernel does not say."""
    device = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat", encoding="ascii") as file:
            return int(file.read().split()[15])
    except (OSError, IndexError):
        return None
