"""The results for a terminal, or for a README: tables in Markdown that can be read as they are."""
COLUMNS = {
    "per_second": "per second", "cpu_us": "CPU µs", "accept_us_p50": "accept p50 µs", "accept_us_p99": "accept p99 µs",
    "flushes": "flushes each", "errors": "errors", "missing": "missing", "left": "still queued", "damaged": "damaged", "duplicates": "twice",
    "accept_per_second": "accepted/s", "ehlo_us_p50": "EHLO after TLS µs", "ehlo_us_p99": "EHLO p99 µs", "session_us_p50": "session p50 µs",
    "session_us_p99": "session p99 µs", "resumed": "resumed", "bytes_each": "bytes each", "before_mib": "empty MiB",
    "after_mib": "full MiB", "processes": "processes", "open_seconds": "opened in s", "mb_per_second": "MB/s",
    "cpu_ms_per_mib": "CPU ms/MiB", "growth_mib": "growth MiB", "queued": "queued", "full_share": "full : empty rate",
    "empty_per_second": "empty/s", "full_per_second": "full/s", "ready_seconds": "ready in s", "page_ms": "first page ms",
    "restarted_mib": "restarted MiB", "all_seconds": "all in s", "changes": "changes",
    "session_p99_growth": "session p99 : still", "accept_p99_growth": "accept p99 : still",
}


def number(value):
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _lines(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["| " + " | ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) + " |"
            for row in rows]
    rule = "|" + "|".join("-" * (w + 2) if i < 2 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [text[0], rule, *text[1:]]


def _ratio(ours, theirs):
    return f"{ours / theirs:.2f} x" if ours is not None and theirs else "-"


def _compared(found, figure):
    """A median with the least and the most."""
    low, high = found.spread(figure)
    middle = number(found.median(figure))
    return middle if len(found.values.get(figure, ())) < 2 else f"{middle} ({number(low)} to {number(high)})"


def scenario_table(outcome):
    figures = outcome.scenario.figures
    rows = [["cell", "server", *(COLUMNS[f] for f in figures), ": best peer", ": limit"]]
    for cell in outcome.cells:
        _, best = outcome.best_peer(cell, figures[0])
        limit = outcome.median(cell, "limit", figures[0])
        for server, found in outcome.servers(cell):
            ours = found.median(figures[0])
            first = _compared(found, figures[0]) if ours is not None else "not measured"
            rows.append([cell, server, first, *(number(found.median(f)) for f in figures[1:]),
                         _ratio(ours, best) if server.startswith("sealpost") else "",
                         _ratio(ours, limit) if server != "limit" else ""])
    return _lines(rows) if len(rows) > 1 else ["nothing was measured"]


def target_lines(outcome):
    marks = {True: "met", False: "MISSED", None: "not measured"}
    rows = [["target", "result", "measured", "bound"]]
    rows += [[v.text(), marks[v.met], number(v.value), number(v.bound)] for v in outcome.verdicts()]
    return _lines(rows) if len(rows) > 1 else []


def note_lines(outcome):
    for cell in outcome.cells:
        for server, found in outcome.servers(cell):
            yield from (f"- {cell}, {server}: {note}" for note in found.notes)
    better = outcome.scenario.better
    for cell, name, theirs, ours in outcome.peers_ahead():
        yield f"- **{name} is better in {cell}**: {number(theirs)} against {number(ours)} ({better} is better)"


def scenario_lines(outcome):
    """Its table, what there is to say about it, and its targets."""
    lines = [*scenario_table(outcome), ""]
    gauges = [f"{name} {number(outcome.gauges.median(name))}" for name in outcome.gauges.values]
    lines += ["The machine: " + ", ".join(gauges), ""] if gauges else []
    notes = list(note_lines(outcome))
    lines += [*notes, ""] if notes else []
    targets = target_lines(outcome)
    return lines + ([*targets, ""] if targets else [])


def render_scenario(outcome):
    return "\n".join([f"## {outcome.scenario.name}: {outcome.scenario.title}", "", *scenario_lines(outcome)])


def machine_line(results):
    machine = results.machine
    return (f"{machine['processors']} x {machine['model']}, {machine['memory_gib']} GiB, Linux {machine['kernel']}, "
            f"{machine['openssl'].split(' (')[0]}")


def versions_line(results):
    return ", ".join(f"{name} {version}".strip() for name, version in results.versions.items())


def render_end(results, limit):
    disturbed = results.disturbed(limit)
    met = [verdict.met for outcome in results.outcomes.values() for verdict in outcome.verdicts()]
    lines = [machine_line(results), versions_line(results),
             f"Targets: {met.count(True)} met, {met.count(False)} missed, {met.count(None)} not measured"]
    if disturbed:
        lines.append(f"NOISE: in {len(disturbed)} of {len(results.speeds)} measurements the machine was more than "
                     f"{limit:.0%} slower than at its best (worst: {min(min(b, a) for _, b, a in disturbed):.0%}); "
                     "repeat what matters on a quiet machine")
    else:
        lines.append(f"No noise: the machine's speed stayed within {limit:.0%} in {len(results.speeds)} measurements")
    return "\n".join(lines)
