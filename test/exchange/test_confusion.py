"""The confusion table: the fault that was put in is the one that is named first; two faults are the first two, the more
severe one first; and a healthy server has no finding."""
import collections
import os

import pytest

import binary
import cases
import report
from faults import RED
from faults_more import FAULTS

SINGLES = int(os.environ.get("EXCHANGE_SINGLES", len(FAULTS) * 18))
DOUBLES = int(os.environ.get("EXCHANGE_DOUBLES", 640))
HEALTHY = int(os.environ.get("EXCHANGE_HEALTHY", 400))
SANITIZED = 300  # of all, with the sanitized binary as well


def describe(case, diagnosis):
    told = "; ".join(f"{f['fault']} {f['severity']} {f['certainty']} {f['subject']}" for f in diagnosis["findings"])
    return f"seed {case.seed} {' + '.join(case.keys)} {case.style}: {told or 'nothing'}"


def rows(made, out):
    """What was put in -> how often which was named first, of listings and of symptoms alone."""
    table = collections.defaultdict(collections.Counter)
    for case, diagnosis in zip(made, out):
        found = binary.faults(diagnosis)
        table[case.keys[0] if case.listed else case.keys[0] + ", symptom alone"][found[0] if found else "nothing"] += 1
    return table


def as_text(table, doubles, healthy):
    wrong = sum(n for code, row in table.items() for named, n in row.items() if named != code[:3])
    total = sum(map(sum, (row.values() for row in table.values())))
    lines = [f"{total} single faults, {wrong} not named first; {doubles[0]} pairs, {doubles[1]} not both first in order; "
             f"{healthy[0]} healthy, {healthy[1]} with a finding", "", f"{'put in':<38}{'cases':>6}{'first':>7}  else named first"]
    for code in sorted(table):
        row = table[code]
        others = ", ".join(f"{named} {n}" for named, n in sorted(row.items()) if named != code[:3])
        lines.append(f"{code:<38}{sum(row.values()):>6}{row[code[:3]]:>7}  {others}".rstrip())
    return "\n".join(lines)


def in_order(case, diagnosis):
    """Both first, and no yellow one before a red one. Which of two red ones comes first is open."""
    found = binary.faults(diagnosis)[:2]
    red = {FAULTS[key].code: FAULTS[key].severity == RED for key in case.keys}
    severities = [red.get(code, False) for code in found]
    return set(found) == set(case.codes) and severities == sorted(severities, reverse=True)


@pytest.mark.bounded(240)
def test_confusion_table():
    singles, doubles, healthy = list(cases.singles(SINGLES)), list(cases.doubles(DOUBLES)), list(cases.healthies(HEALTHY))
    made = singles + doubles + healthy
    assert len(made) >= 2000 or "EXCHANGE_SINGLES" in os.environ
    out = dict(zip(map(id, made), binary.diagnose_all([case.files() for case in made])))
    bad = [case for case in singles if binary.faults(out[id(case)])[:1] != [case.codes[0]]]
    bad_doubles = [case for case in doubles if not in_order(case, out[id(case)])]
    alarms = [case for case in healthy if binary.faults(out[id(case)])]
    table = rows(singles, [out[id(case)] for case in singles])
    report.tell("Exchange faults: put in, and named",
                as_text(table, (len(doubles), len(bad_doubles)), (len(healthy), len(alarms))), "exchange-confusion.txt")
    wrong = bad + bad_doubles + alarms
    assert not wrong, "\n".join(describe(case, out[id(case)]) for case in wrong[:20])


@pytest.mark.bounded(240)
def test_a_part_of_it_with_sanitizers():
    made = list(cases.singles(SANITIZED // 2)) + list(cases.doubles(SANITIZED // 4)) + list(cases.healthies(SANITIZED // 4))
    for case, diagnosis in zip(made, binary.diagnose_all([case.files() for case in made], binary.sanitized())):
        assert binary.faults(diagnosis)[:1] in [[code] for code in case.codes] or not case.codes, describe(case, diagnosis)


def test_what_is_handed_over_is_read():
    """Whatever the printers make of a healthy world: no line of it is left unread."""
    made = list(cases.healthies(60))
    for case, diagnosis in zip(made, binary.diagnose_all([case.files() for case in made])):
        assert not diagnosis["unread"], describe(case, diagnosis) + str(diagnosis["unread"])
        assert diagnosis["read"]["certificates"] == sum(len(s.certificates) for s in case.world.servers)
        assert diagnosis["read"]["receive-connectors"] == sum(len(s.receive) for s in case.world.servers)
