"""The processes of one server: started together, accounted together, ended together.

Processor time is that of a control group where the system lets us make one, so that children that have ended count as
well; otherwise it is summed over the processes that descend from the ones that were started. The kernel's own threads
(the journal of the file system) are in neither."""
import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def raise_file_limit(wanted=65536):
    """As many descriptors as the system gives; returns how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (max(wanted, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            return most
        except (OSError, ValueError):
            continue
    return soft


def adopt_orphans():
    """Processes whose parent ends become ours, so that they can be waited for (PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _control_group(name):
    for controller, account in (("/sys/fs/cgroup/cpuacct", "cpuacct.usage"), ("/sys/fs/cgroup", "cpu.stat")):
        folder = pathlib.Path(controller, name)
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / account).exists():
            return folder
        folder.rmdir()
    return None


def _stat(pid):
    """Fields of /proc/PID/stat behind the name, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def descendants(roots):
    """The living processes among roots and all that they have started."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(entry)):
            parents.setdefault(int(fields[1]), []).append(int(entry))
    found, left = [], [pid for pid in roots if _stat(pid)]
    while left:
        pid = left.pop()
        found.append(pid)
        left += parents.get(pid, [])
    return found


class Group:
    def __init__(self, name):
        self.folder = _control_group(f"sealpost-bench-{os.getpid()}-{name}")
        self.started = []

    def spawn(self, argv, log, cpus=None, **options):
        def enter():
            if self.folder:
                (self.folder / "cgroup.procs").write_text(str(os.getpid()))
            if cpus is not None:
                os.sched_setaffinity(0, cpus)
        with open(log, "ab") as out:
            process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, preexec_fn=enter, start_new_session=True, **options)
        self.started.append(process)
        return process

    def pids(self):
        if self.folder:
            return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]
        return descendants([process.pid for process in self.started])

    def cpu_seconds(self):
        """User and system time since the group was made."""
        if self.folder and (self.folder / "cpuacct.usage").exists():
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        if self.folder:
            return int((self.folder / "cpu.stat").read_text().split()[1]) / 1e6
        fields = [_stat(pid) for pid in self.pids()]
        return sum(int(value) for f in fields if f for value in f[11:15]) / TICK

    def settle(self, seconds=3):
        """Waits until the processes have nothing left to do."""
        deadline, before = time.monotonic() + seconds, self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.15)
            now = self.cpu_seconds()
            if now - before < 0.005:
                return
            before = now

    def pss_bytes(self):
        """Proportional set size: a page that n processes share counts for a n-th in each."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    total += next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
            except (OSError, StopIteration):
                continue
        return total

    def rss_bytes(self):
        """Resident memory that is not backed by files, quickly: for sampling while something runs."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                    fields = file.read().split()
                total += (int(fields[1]) - int(fields[2])) * PAGE
            except (OSError, IndexError):
                continue
        return total

    def signal(self, number, pids=None):
        for pid in pids if pids is not None else self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def end(self, seconds=20):
        """Waits for processes that were told to end, and insists."""
        begin, orphans = time.monotonic(), set()
        while pids := self.pids():
            orphans.update(pids)
            if time.monotonic() - begin > seconds:
                self.signal(signal.SIGKILL, pids)
            if time.monotonic() - begin > seconds + 10:
                raise RuntimeError(f"these processes do not end: {pids}")
            self.reap(orphans)
            time.sleep(0.03)
        self.reap(orphans)
        self.started.clear()

    def reap(self, orphans):
        """Takes the status of our children, and of those whose parent has ended before them."""
        for process in self.started:
            process.poll()
        for pid in list(orphans - {process.pid for process in self.started}):
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    orphans.discard(pid)
            except ChildProcessError:
                continue

    def remove(self):
        if self.folder:
            self.folder.rmdir()
            self.folder = None
