"""Puts what was measured into README.md: the tables of each scenario between its two marks, and its plot beside it. A scenario
that was not measured keeps what it has."""
import pathlib
import re
import time

import plot
import table

FOLDER = pathlib.Path(__file__).resolve().parent


def provenance(results, name, limit):
    """Where the figures of a scenario are from."""
    speeds = [(before, after) for where, before, after in results.speeds if where.split()[0] == name]
    slow = [pair for pair in speeds if min(pair) < 1 - limit]
    quiet = f"no noise in {len(speeds)} measurements"
    noisy = f"**noise: in {len(slow)} of {len(speeds)} measurements the machine was more than {limit:.0%} slower than at its best**"
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(results.began))
    return f"{day}, `{results.command}`: {table.machine_line(results)}; {table.versions_line(results)}; {noisy if slow else quiet}."


def section(results, outcome, limit):
    name = outcome.scenario.name
    return "\n".join([provenance(results, name, limit), "", *table.scenario_lines(outcome), f"![{name}](figures/{name}.svg)", ""])


def insert(text, name, body):
    """The text with body between the marks of name."""
    pattern = re.compile(rf"(<!-- figures: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no place for {name}: <!-- figures: {name} -->, <!-- end -->")
    return pattern.sub(lambda found: f"{found[1]}\n{body}\n{found[2]}", text)


def record(results, limit):
    readme = FOLDER / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, outcome in results.outcomes.items():
        if not outcome.is_complete:
            continue
        text = insert(text, name, section(results, outcome, limit))
        plot.draw([outcome], FOLDER / "figures" / f"{name}.svg")
    readme.write_text(text, encoding="utf-8")
