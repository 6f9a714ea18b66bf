"""The scenarios as data, made complete: each cell with its scenario's defaults."""
import pathlib

import yaml

SCENARIO_KEYS = {"title", "cells", "targets", "figures", "servers", "better", "gauges", "plot", "fresh", "measure", "most"}
FILE = pathlib.Path(__file__).resolve().with_name("scenarios.yaml")


class Scenario:
    def __init__(self, name, data):
        self.name, self.title, self.measure = name, data["title"], data["measure"]
        self.servers, self.figures, self.better = data["servers"], data["figures"], data["better"]
        self.targets, self.gauges = data.get("targets", []), data.get("gauges", [])
        self.fresh, self.plot, self.most = data.get("fresh", False), data.get("plot", "bars"), data.get("most", {})
        defaults = {key: value for key, value in data.items() if key not in SCENARIO_KEYS}
        self.cells = {str(cell): {**defaults, **keys} for cell, keys in data["cells"].items()}

    def shorten(self):
        """For --quick: half the time, without the long cells."""
        self.cells = {name: cell for name, cell in self.cells.items() if not cell.get("long")}
        for cell in self.cells.values():
            if "seconds" in cell:
                cell["seconds"] /= 2

    def resize(self, sizes):
        """For tests: other values for keys that cells have."""
        for cell in self.cells.values():
            cell.update({key: value for key, value in sizes.items() if key in cell})

    def takes(self, server, cell):
        """Whether a server is measured in a cell."""
        keys = self.cells[cell]
        if "only" in keys:
            return server in keys["only"]
        return all(keys[key] <= most for key, most in self.most.get(server, {}).items())

    def names(self, peers):
        found = []
        for name in self.servers:
            found += peers if name == "peers" else [name]
        return found


def read():
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: Scenario(name, keys) for name, keys in data.items()}
