"""What was measured: values of each repetition, their medians, and whether the targets are met."""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time

PEERS = ("postfix", "exim", "opensmtpd")
ORDER = ("sealpost", "sealpost-1", "sealpost-2", *PEERS, "limit")


def machine():
    """What the figures were measured on."""
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 30
    openssl = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    return {"processors": os.cpu_count(), "model": model, "memory_gib": memory, "kernel": platform.release(),
            "openssl": openssl}


class Cell:
    """Of one server in one cell: the values of each figure, one for each repetition."""

    def __init__(self):
        self.values, self.notes = {}, []

    def add(self, figures):
        for name, value in figures.items():
            if isinstance(value, (int, float)):
                self.values.setdefault(name, []).append(value)
        if figures.get("first_error"):
            self.note(f"{figures['errors']} errors, the first: {figures['first_error']}")

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def median(self, figure):
        values = self.values.get(figure)
        return statistics.median(values) if values else None

    def spread(self, figure):
        values = self.values.get(figure) or [0]
        return min(values), max(values)


class Verdict:
    """One target and what became of it; met is None where something was not measured."""

    def __init__(self, target, value, reference):
        self.target, self.value, self.reference = target, value, reference
        self.is_least = "at-least" in target
        factor = target["at-least" if self.is_least else "at-most"]
        self.bound = None if reference is None else factor * reference
        self.met = None
        if value is not None and self.bound is not None:
            self.met = value >= self.bound if self.is_least else value <= self.bound

    def text(self):
        target, word = self.target, "at least" if self.is_least else "at most"
        factor = target["at-least" if self.is_least else "at-most"]
        said = f"{target['server']} " if "server" in target else ""
        said += f"{target['cell']} {target['figure']} {word} {factor:g}"
        if "of" in target:
            other = " ".join(str(target[key]) for key in ("of-cell", "of-figure") if key in target)
            said += f" x {target['of']}" + (f" ({other})" if other else "")
        return said


class Outcome:
    """Of one scenario."""

    def __init__(self, scenario):
        self.scenario, self.cells, self.gauges = scenario, {name: {} for name in scenario.cells}, Cell()
        self.is_complete = False

    def of(self, cell, server):
        return self.cells[cell].setdefault(server, Cell())

    def servers(self, cell):
        """Those that the cell has something of, always in the same order."""
        return [(name, self.cells[cell][name]) for name in ORDER if name in self.cells[cell]]

    def median(self, cell, server, figure):
        found = self.cells.get(cell, {}).get(server)
        return found.median(figure) if found else None

    def best_peer(self, cell, figure):
        """Name and median of the best peer whose figures are without errors."""
        choose = max if self.scenario.better == "more" else min
        found = [(value, name) for name in PEERS if (value := self.median(cell, name, figure)) is not None and
                 not self.median(cell, name, "errors") and not self.median(cell, name, "missing")]
        if not found:
            return None, None
        value, name = choose(found)
        return name, value

    def reference(self, target):
        if "of" not in target:
            return 1
        cell, figure = str(target.get("of-cell", target["cell"])), target.get("of-figure", target["figure"])
        if target["of"] == "best":
            return self.best_peer(cell, figure)[1]
        gauge = self.gauges.median(f"{target['of']}_{figure.rpartition('_')[2]}")
        return gauge if gauge is not None else self.median(cell, target["of"], figure)

    def verdicts(self):
        return [Verdict(target, self.median(str(target["cell"]), target.get("server", "sealpost"), target["figure"]),
                        self.reference(target)) for target in self.scenario.targets]

    def peers_ahead(self):
        """Where a peer is better than Sealpost in the figure that is compared: (cell, peer, its value, ours)."""
        figure, found = self.scenario.figures[0], []
        for cell in self.cells:
            ours, (name, theirs) = self.median(cell, "sealpost", figure), self.best_peer(cell, figure)
            if ours is not None and theirs is not None and (theirs > ours if self.scenario.better == "more" else theirs < ours):
                found.append((cell, name, theirs, ours))
        return found

    def to_data(self):
        cells = {cell: {server: {"figures": {f: {"median": found.median(f), "values": v} for f, v in found.values.items()},
                                 "notes": found.notes} for server, found in servers.items()}
                 for cell, servers in self.cells.items()}
        return {"title": self.scenario.title, "compared": self.scenario.figures[0], "better": self.scenario.better,
                "gauges": {name: {"median": self.gauges.median(name), "values": v} for name, v in self.gauges.values.items()},
                "cells": cells,
                "targets": [{"target": v.text(), "value": v.value, "bound": v.bound, "met": v.met} for v in self.verdicts()]}


class Results:
    def __init__(self, command, versions):
        self.command, self.versions, self.outcomes = command, versions, {}
        self.began, self.machine, self.speeds = time.time(), machine(), []

    def begin(self, scenario):
        self.outcomes[scenario.name] = Outcome(scenario)
        return self.outcomes[scenario.name]

    def note_speed(self, where, before, after):
        self.speeds.append((where, before, after))

    def disturbed(self, limit):
        """Measurements during which the machine's speed was elsewhere than at its best."""
        return [(where, before, after) for where, before, after in self.speeds if min(before, after) < 1 - limit]

    def to_data(self, limit):
        return {"command": self.command, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
                "seconds": round(time.time() - self.began), "machine": self.machine, "versions": self.versions,
                "noise": {"measurements": len(self.speeds), "limit": limit,
                          "disturbed": [{"where": w, "before": round(b, 3), "after": round(a, 3)}
                                        for w, b, a in self.disturbed(limit)]},
                "scenarios": {name: outcome.to_data() for name, outcome in self.outcomes.items()}}

    def save(self, path, limit):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_data(limit), indent=1) + "\n", encoding="utf-8")
