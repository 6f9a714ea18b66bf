"""What is measured, one function for each kind of scenario. Each takes a server that runs, the cell (scenarios.yaml) and
the bench, and returns its figures by name."""
import statistics
import threading
import time

from tools import Load, Sink, Watch, command_ms, load, make_certificate
from noise import disk_flushes

MIB = 1 << 20
LOAD_KEYS = ("connections", "messages", "size", "starttls", "resume", "tls1.2", "domains", "quit_nowait")


def load_options(cell, **more):
    return {key: cell[key] for key in LOAD_KEYS if key in cell} | more


def faults(done):
    """Errors of the load, with an example of them."""
    return {"errors": done["errors"], "first_error": done.get("first_error") or ""}


def percentiles(done, name, figure):
    found = done.get(name) or {}
    return {f"{figure}_{p}": found[p] for p in ("p50", "p99") if found.get(p) is not None}


def accept(server, cell, bench):
    """Messages that were accepted, durably, and are kept."""
    watch, flushes = Watch(server.group), disk_flushes(server.folder)
    done = load(server.address, **load_options(cell, seconds=cell["seconds"]))
    if cell.get("settle"):
        server.group.settle()
    cpu, others = watch.result()
    count = max(1, done["transactions"])
    figures = {"per_second": done["per_second"], "cpu_us": cpu / count * 1e6, "others": others, **faults(done),
               **percentiles(done, "latency_us", "accept_us")}
    if flushes is not None:
        figures["flushes"] = (disk_flushes(server.folder) - flushes) / count
    return figures


def relay_total(server, cell):
    """As many as the server does in the time of a run, in whole sessions."""
    rate = getattr(server, "rate", None)
    whole = cell["connections"] * cell["messages"]
    if rate is None:
        return min(whole, 200)
    return max(cell["connections"], round(rate * cell["seconds"] / cell["messages"]) * cell["messages"])


def relay(server, cell, bench):
    """Messages that were accepted, delivered to a sink that verifies them, and removed."""
    total = relay_total(server, cell)
    sink = Sink(server.setup.next_hop, expect=total, deadline=cell["deadline"])
    try:
        watch = Watch(server.group)
        sending = Load(server.address, **load_options(cell, total=total, deadline=cell["deadline"]))
        done, received = sending.finish(), sink.result()
    finally:
        sink.close()
    elapsed = received["done_at_unix"] - sending.began if received["messages"] else cell["deadline"]
    missing = max(0, done["transactions"] - received["messages"])
    if not missing:
        server.group.settle()
    cpu, _ = watch.result()
    count = max(1, received["messages"])
    server.rate = received["messages"] / max(0.01, elapsed)
    return {"per_second": server.rate, "cpu_us": cpu / count * 1e6, "missing": missing, "damaged": received["damaged"],
            "duplicates": received["duplicates"], "accept_per_second": done["per_second"], "left": server.queued(), **faults(done),
            **percentiles(done, "latency_us", "accept_us")}


def handshakes(server, cell, bench):
    """Sessions of EHLO, STARTTLS, EHLO, QUIT."""
    watch = Watch(server.group)
    done = load(server.address, handshakes=True, cpus=bench.client_cpus, seconds=cell["seconds"],
                starttls=True, **load_options(cell))
    cpu, others = watch.result()
    count = max(1, done["sessions"])
    return {"per_second": done["sessions"] / done["seconds"], "cpu_us": cpu / count * 1e6, "others": others,
            "resumed": done["resumed"] / count, **faults(done), **percentiles(done, "session_us", "session_us"),
            **percentiles(done, "ehlo_after_tls_us", "ehlo_us")}


def idle(server, cell, bench):
    """What an open connection costs that does nothing: the growth of proportional set size, divided."""
    load(server.address, connections=1, messages=1, total=1, starttls=cell.get("starttls", False))
    time.sleep(2)  # what a server does once, soon after its start, is no connection's cost
    server.group.settle()
    before, begin = server.group.pss_bytes(), time.monotonic()
    holding = Load(server.address, idle=True, connections=cell["connections"], starttls=cell.get("starttls", False),
                   deadline=cell["deadline"])
    holding.wait_ready(cell["deadline"])
    took = time.monotonic() - begin
    server.group.settle()
    after = server.group.pss_bytes()
    done = holding.finish()  # closes its standard input
    return {"bytes_each": max(0, after - before) / cell["connections"], "before_mib": before / MIB, "after_mib": after / MIB,
            "open_seconds": took, "processes": len(server.group.pids()), **faults(done)}


class PeakMemory(threading.Thread):
    """The most private memory that a group of processes had while this ran."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.before, self.peak = group, group.rss_bytes(), 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.03):
            self.peak = max(self.peak, self.group.rss_bytes())

    def growth(self):
        self.over.set()
        self.join()
        return max(0, self.peak - self.before)


def large(server, cell, bench):
    """Megabytes of content per second, and how much more memory that takes."""
    memory, watch = PeakMemory(server.group), Watch(server.group)
    done = load(server.address, **load_options(cell, total=cell["total"]))
    cpu, others = watch.result()
    megabytes = done["transactions"] * cell["size"] / 1e6
    return {"mb_per_second": megabytes / done["seconds"], "cpu_ms_per_mib": cpu * 1000 / max(1, megabytes * 1e6 / MIB),
            "growth_mib": memory.growth() / MIB, "others": others, **faults(done)}


def fill(server, cell, count):
    """Accepts count more messages, or as many as go into the time; returns how many."""
    options = load_options(cell, total=count, deadline=cell["fill_seconds"])
    options["messages"] = max(1, count // cell["connections"])
    return load(server.address, **options)["transactions"]


def probe(server, cell):
    """The rate of short runs, the middle one of three after one that does not count; all that was accepted; and errors."""
    runs = [load(server.address, **load_options(cell, total=cell["probe"], deadline=cell["fill_seconds"])) for _ in range(4)]
    return (statistics.median(run["per_second"] for run in runs[1:]), sum(run["transactions"] for run in runs),
            sum(run["errors"] for run in runs))


def queue(server, cell, bench):
    """A long queue to a next hop that nobody answers for: does accepting slow down, how long does a restart take, how
    much memory does a recipient that waits need, and how soon is the first page of the queue there?"""
    time.sleep(2)  # what a server does once, soon after its start, is no recipient's cost
    server.group.settle()
    empty = server.group.pss_bytes()
    rate_empty, queued, errors = probe(server, cell)
    queued += fill(server, cell, cell["total"] - 8 * cell["probe"])
    server.group.settle(10)
    rate_full, more, errors_full = probe(server, cell)
    queued += more
    server.group.settle(10)
    memory = server.group.pss_bytes() - empty
    page = statistics.median(command_ms(server.first_page()) for _ in range(5))
    server.stop()
    ready = server.start(seconds=300)
    page_after = statistics.median(command_ms(server.first_page()) for _ in range(5))
    server.group.settle(30)
    return {"queued": queued, "empty_per_second": rate_empty, "full_per_second": rate_full,
            "full_share": rate_full / max(1, rate_empty), "bytes_each": memory / max(1, queued), "ready_seconds": ready,
            "page_ms": max(page, page_after), "restarted_mib": server.group.pss_bytes() / MIB, "errors": errors + errors_full}


def destinations(server, cell, bench):
    """One message for each of many destinations, of which a tenth, where the cell is troubled, is dead or silent: how fast do
    the others get theirs? The same mail is counted in both cells, that of the nine tenths which are healthy in either."""
    healthy, *doubtful = bench.resolver.hosts
    port, total = server.setup.next_port, cell["domains"]
    sinks, silent = [Sink(f"{healthy}:{port}", expect=total * 9 // 10, deadline=cell["deadline"])], None
    try:
        if cell.get("troubled"):
            silent = Sink(f"{doubtful[1]}:{port}", silent=True, deadline=cell["deadline"] + 30)
        else:
            sinks += [Sink(f"{host}:{port}", expect=total // 20, deadline=cell["deadline"]) for host in doubtful]
        sending = Load(server.address, **load_options(cell, total=total, deadline=cell["deadline"]))
        done, received = sending.finish(), [sink.result() for sink in sinks]
    finally:
        for sink in filter(None, [*sinks, silent]):
            sink.close()
    counted, expect = received[0]["messages"], total * (9 if cell.get("troubled") else 10) // 10
    elapsed = received[0]["done_at_unix"] - sending.began if counted else cell["deadline"]
    return {"per_second": counted / elapsed, "all_seconds": elapsed,
            "missing": max(0, expect - sum(sink["messages"] for sink in received)),
            "damaged": sum(sink["damaged"] for sink in received),
            "duplicates": sum(sink["duplicates"] for sink in received), **faults(done)}


def starttls_load(server, cell, bench, changes):
    """A load of STARTTLS sessions, while the certificate is changed every second, or not; and how often it was."""
    sending, number = Load(server.address, **load_options(cell, seconds=cell["seconds"])), 0
    while changes and sending.process.poll() is None:
        number += 1
        server.change_certificate(*make_certificate(bench.certificates, "ecdsa", number % 20))
        sending.wait(1)
    return sending.finish(), number


def rotation(server, cell, bench):
    """The same load twice: with the certificate as it is, and changed every second."""
    still, _ = starttls_load(server, cell, bench, False)
    done, changes = starttls_load(server, cell, bench, True)
    figures = {"per_second": done["per_second"], "changes": changes, "errors": done["errors"] + still["errors"],
               "first_error": done["first_error"] or still["first_error"], **percentiles(done, "latency_us", "accept_us"),
               **percentiles(done, "session_us", "session_us")}
    for name, figure in (("latency_us", "accept_p99_growth"), ("session_us", "session_p99_growth")):
        figures[figure] = done[name]["p99"] / still[name]["p99"]
    return figures


MEASURES = {function.__name__: function for function in (
    accept, relay, handshakes, idle, large, queue, destinations, rotation)}
