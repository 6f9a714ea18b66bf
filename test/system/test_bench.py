"""The benchmark's runner: a short run of it, and what it makes of figures. What the figures are is not judged here."""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from harness.daemon import ROOT

sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

import flame
import plan
import plot
import resolver
import results
import table


@pytest.fixture
def measured():
    """Results with one scenario that has two cells."""
    scenario = plan.Scenario("accept", {
        "title": "of a test", "measure": "accept", "servers": ["sealpost", "peers", "limit"], "better": "more",
        "figures": ["per_second", "cpu_us", "errors"], "mode": "queue", "seconds": 2,
        "cells": {"1x1": {"connections": 1}, "9x9": {"connections": 9, "long": True}},
        "targets": [{"cell": "1x1", "figure": "per_second", "at-least": 10, "of": "postfix"},
                    {"cell": "1x1", "figure": "cpu_us", "at-most": 1, "of": "fdatasync", "of-figure": "x_p50"},
                    {"cell": "9x9", "figure": "per_second", "at-least": 1, "of": "best"}]})
    found = results.Results("a test", {"sealpost": "1"})
    outcome = found.begin(scenario)
    for value in (900, 1000, 5000):
        outcome.of("1x1", "sealpost").add({"per_second": value, "cpu_us": 50, "errors": 0})
    outcome.of("1x1", "postfix").add({"per_second": 100, "cpu_us": 500, "errors": 0})
    outcome.of("1x1", "exim").add({"per_second": 90000, "errors": 3, "first_error": "421 no"})
    outcome.gauges.add({"fdatasync_p50": 49})
    return found


def test_targets_are_judged_by_medians(measured):
    verdicts = measured.outcomes["accept"].verdicts()
    assert [verdict.met for verdict in verdicts] == [True, False, None]
    assert verdicts[0].bound == 1000 and verdicts[1].bound == 49


def test_a_server_with_errors_is_no_best_peer(measured):
    assert measured.outcomes["accept"].best_peer("1x1", "per_second") == ("postfix", 100)


def test_it_says_where_a_peer_is_better(measured):
    outcome = measured.outcomes["accept"]
    assert "is better" not in table.render_scenario(outcome)
    outcome.of("9x9", "sealpost").add({"per_second": 5, "errors": 0})
    outcome.of("9x9", "exim").add({"per_second": 6, "errors": 0})
    text = table.render_scenario(outcome)
    assert "**exim is better in 9x9**" in text and "421 no" in text and "MISSED" in text


def test_noise_is_told(measured):
    measured.note_speed("somewhere", 0.97, 0.95)
    assert "No noise" in table.render_end(measured, 0.1)
    measured.note_speed("elsewhere", 0.97, 0.80)
    assert "NOISE: in 1 of 2" in table.render_end(measured, 0.1)


def test_quick_is_shorter_and_sizes_can_be_set(measured):
    scenario = measured.outcomes["accept"].scenario
    scenario.shorten()
    assert list(scenario.cells) == ["1x1"] and scenario.cells["1x1"]["seconds"] == 1
    scenario.resize({"seconds": 0.1, "unknown": 1})
    assert scenario.cells["1x1"]["seconds"] == 0.1 and "unknown" not in scenario.cells["1x1"]


def test_all_scenarios_are_sound():
    for scenario in plan.read().values():
        assert set(scenario.figures) <= set(table.COLUMNS), scenario.name
        for target in scenario.targets:
            assert str(target["cell"]) in scenario.cells and ("at-least" in target) != ("at-most" in target)
            assert target["figure"] in table.COLUMNS, target
            assert target.get("server", "sealpost") in scenario.servers, target


SAMPLES = """store  1234
\t    55d0 fdatasync+0x1a (/usr/lib/libc.so.6)
\t    4410 segments_sync (/opt/sealpost)
\t    1000 start_thread (/usr/lib/libc.so.6)

store  1234
\t    4411 segments_sync (/opt/sealpost)
\t    1000 start_thread (/usr/lib/libc.so.6)

receive
\t    99 [unknown] (/usr/lib/libssl.so.3)

"""


def test_flame_graph(tmp_path):
    stacks = flame.fold(SAMPLES)
    assert stacks == {("store", "start_thread", "segments_sync", "fdatasync"): 1,
                      ("store", "start_thread", "segments_sync"): 1, ("receive", "[libssl.so.3]"): 1}
    assert dict(flame.leaves(stacks))["fdatasync"] == pytest.approx(1 / 3)
    drawn = xml.etree.ElementTree.fromstring(flame.draw(stacks, "a <test>"))
    widths = {box[0].text: float(box[1].get("width")) for box in drawn.iter("{http://www.w3.org/2000/svg}g")}
    assert widths["segments_sync: 66.7%"] == pytest.approx(2 * widths["fdatasync: 33.3%"], abs=1)
    assert drawn.find("{http://www.w3.org/2000/svg}text").text == "a <test>: 3 samples"
    assert flame.draw(flame.fold(""), "nothing").endswith("</svg>\n")


@pytest.mark.parametrize("values, logarithmic", [([1, 2, 15], False), ([1, 400], True), ([3], False), ([0, 0.02], False)])
def test_axis_holds_all_values(values, logarithmic):
    axis = plot.Axis(values)
    assert axis.logarithmic == logarithmic
    assert all(plot.TOP <= axis.y(value) <= plot.HEIGHT - plot.BOTTOM for value in values)


def test_name_server():
    def ask(name, kind):
        labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
        return resolver.answer(b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0" + labels + b"\0" + bytes([0, kind, 0, 1]),
                               ["127.0.0.1", "127.0.0.2", "127.0.0.3"])
    last = [ask(f"d{n}.dest.test", resolver.A)[-1] for n in range(100)]
    assert (last.count(1), last.count(2), last.count(3)) == (90, 5, 5)
    assert ask("D7.dest.test", resolver.MX)[3] & 15 == 0 and ask("d7x.dest.test", resolver.A)[3] & 15 == 3


@pytest.mark.bounded(60)
def test_a_short_run(tmp_path):
    if not (ROOT / "build/release/bench/bench-load").exists():
        pytest.skip("the programs of bench/ are not built (ninja -C build/release bench-tools)")
    done = subprocess.run([ROOT / "bench/run", "accept", "relay", "--peers", "", "--cell", "10x20", "--repeat", "2", "--set",
                           "seconds=0.2", "--patience", "0", "--json", tmp_path / "r.json", "--svg", tmp_path / "r.svg",
                           "--work", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| 10x20 +\| sealpost .*\n\| 10x20 +\| limit", done.stdout), done.stdout
    scenarios = json.loads((tmp_path / "r.json").read_text())["scenarios"]
    accept, relay = (scenarios[name]["cells"]["10x20"]["sealpost"]["figures"] for name in ("accept", "relay"))
    assert all(figures[key]["values"] == [0, 0] for figures, keys in ((accept, ["errors"]), (relay, [
        "errors", "missing", "left", "damaged", "duplicates"])) for key in keys)
    assert accept["per_second"]["median"] > 0 and accept["cpu_us"]["median"] > 0 and relay["per_second"]["median"] > 0
    assert xml.etree.ElementTree.parse(tmp_path / "r.svg").getroot().tag.endswith("svg")
    assert not list(tmp_path.glob("sealpost-bench-*"))
