"""The printed steps, obeyed one by one on a model: the fault is gone, nothing red is new, and at no moment does a connector
that worked stand without a usable certificate. And each of them is PowerShell with known cmdlets and parameters."""
import collections
import copy
import dataclasses
import json
import pathlib

import pytest

import binary
import cases
import powershell
import report
import simulator
from faults_more import FAULTS
from model import working

ROUNDS = 5  # of each shape of a fault
PAIRS = 400
TABLE = json.loads(pathlib.Path(__file__).with_name("cmdlets.json").read_text())
PARAMETERS = {name.lower(): {p.lower() for p in own + TABLE["common"]} for name, own in TABLE["cmdlets"].items()}

SWITCHES = {name.lower() for name in TABLE["switches"]}


def mendable():
    for case in cases.singles(ROUNDS * len(FAULTS)):
        if case.listed and not FAULTS[case.keys[0]].exempt:
            yield dataclasses.replace(case, style=dataclasses.replace(case.style, kind="list-all"))


def obey(case, diagnosis, codes):
    """What goes wrong on the way, as lines; and how often the lines of one step leave a gap between them."""
    shell = simulator.Shell(case.world, key_is_here=case.seed % 2 == 0, same_issuer=case.seed % 3 != 0)
    steps = [step for f in diagnosis["findings"] if f["fault"] in codes for step in f["steps"]]
    wrong = [] if steps else ["there are no steps"]
    for step in steps:
        try:
            lost = shell.run(step["command"], step["answer"])
        except (simulator.Refused, powershell.Unreadable) as error:
            return [*wrong, f"refused: {error}, at {step['command']!r}"], shell
        if lost:
            wrong.append(f"{sorted(lost)} stopped working at {step['command']!r}")
    return wrong, shell


@pytest.mark.bounded(240)
def test_steps_mend_and_never_break():
    made = list(mendable())
    before = binary.diagnose_all([case.files() for case in made])
    tried, gaps = collections.Counter(), collections.Counter()
    wrong = {}
    for case, diagnosis in zip(made, before):
        problems, shell = obey(case, diagnosis, case.codes)
        tried[case.keys[0]] += 1
        gaps[case.keys[0]] += bool(shell.exposed)
        wrong[id(case)] = problems
    for case, first, now in zip(made, before, binary.diagnose_all([case.files() for case in made])):
        wrong[id(case)] += judge_afterwards(case, first, now)
    report.tell("Exchange faults: the printed steps obeyed", as_text(tried, gaps), "exchange-fixes.txt")
    bad = [f"seed {case.seed} {case.keys[0]}: {problem}" for case in made for problem in wrong[id(case)]]
    assert not bad, "\n".join(bad[:20])


@pytest.mark.bounded(240)
def test_steps_for_two_faults():
    """All that is printed, obeyed in its order; what only the mended state shows, in a second round."""
    made = [dataclasses.replace(case, style=dataclasses.replace(case.style, kind="list-all")) for case in cases.doubles(PAIRS)
            if not any(FAULTS[key].exempt for key in case.keys)]
    bad, left = [], made
    for turn in (1, 2, 3):
        out = binary.diagnose_all([case.files() for case in left])
        still = [(case, diagnosis) for case, diagnosis in zip(left, out) if unmended(case, diagnosis)]
        if turn == 3:
            bad += [f"seed {case.seed} {case.keys}: is still there: {binary.faults(diagnosis)}" for case, diagnosis in still]
            continue
        left = [case for case, _ in still]
        for case, diagnosis in still:
            problems, _ = obey(case, diagnosis, set(binary.faults(diagnosis)))
            bad += [f"seed {case.seed} {case.keys}: {problem}" for problem in problems]
    assert not bad, "\n".join(bad[:20])


def unmended(case, diagnosis):
    found = binary.faults(diagnosis)
    return [key for key in case.keys if FAULTS[key].code in found and not (FAULTS[key].gone and FAULTS[key].gone(case.world))]


def judge_afterwards(case, first, now):
    code = case.codes[0]
    fault, found = FAULTS[case.keys[0]], binary.faults(now)
    out = []
    if code in found and not (fault.gone and fault.gone(case.world)):
        out.append(f"is still there: {[f['subject'] + ': ' + f['text'] for f in now['findings'] if f['fault'] == code][:2]}")
    new = [f["fault"] for f in now["findings"] if f["severity"] == "red" and f["fault"] not in binary.faults(first)]
    return out + ([f"has made {new}"] if new else [])


def as_text(tried, gaps):
    exempt = "\n".join(f"  {key}: {fault.exempt}" for key, fault in sorted(FAULTS.items()) if fault.exempt)
    done = ", ".join(f"{code} {n}" for code, n in sorted(tried.items()))
    held = ", ".join(f"{code} {n}" for code, n in sorted(gaps.items()) if n)
    return (f"{sum(tried.values())} cases obeyed step by step: {done}\n"
            f"between the lines of one step (import, then enable) a connector stood without SMTP: {held or 'never'}\n"
            f"not tried on the model:\n{exempt}")


def test_the_model_notices():
    """A step in the wrong order, a wrong answer and a wrong name must be seen, or the test above proves nothing."""
    def shell_of(code, seed):
        return simulator.Shell(cases.build(seed, (code,)).world)
    shell = shell_of("F10", 1)
    own = shell.world.servers[0].own
    with pytest.raises(simulator.Refused):
        shell.run(f"Enable-ExchangeCertificate -Thumbprint '{own.thumbprint}' -Services SMTP", "")
    with pytest.raises(simulator.Refused):
        shell.run("Set-ReceiveConnector -Identity 'NOBODY\\Web' -TlsCertificateName $null", "")
    front = shell.world.servers[0].connector("Default Frontend")
    assert shell.run(f"Set-ReceiveConnector -Identity '{front.identity}' -TlsCertificateName '<I>CN=a<S>CN=b'", "") == {front.identity}
    shell = shell_of("F11", 2)
    new = max(shell.world.servers[0].certificates, key=lambda c: c.not_before)
    with pytest.raises(simulator.Refused):
        shell.run(f"Remove-ExchangeCertificate -Thumbprint '{new.thumbprint}'", "Y, remove it")
    assert working(copy.deepcopy(shell.world)) == working(shell.world)


# ---- the checker of PowerShell ----

def complaints(command):
    try:
        statements = powershell.read(command)
    except powershell.Unreadable as error:
        return [f"{error}: {command!r}"]
    out = []
    for one in powershell.commands_of(statements):
        known = PARAMETERS.get(one.name.lower())
        if known is None and one.name not in TABLE["programs"]:
            out.append(f"{one.name} is no cmdlet of the table: {command!r}")
        out += [f"{one.name} -{p} has no value: {command!r}" for p, value in one.arguments
                if known is not None and p and value is None and p.lower() not in SWITCHES]
        out += [f"{one.name} has no parameter -{p}" for p, _ in one.arguments if known is not None and p and p.lower() not in known]
    return out


def printed(diagnosis):
    for finding in diagnosis["findings"]:
        yield from (step["command"] for step in finding["steps"] + finding["verify"])
    yield from (question["command"] for question in diagnosis["unknown"])


def test_printed_powershell():
    made = list(cases.singles(4 * len(FAULTS)))
    commands = {command for d in binary.diagnose_all([case.files() for case in made]) for command in printed(d)}
    bad = [problem for command in sorted(commands) for problem in complaints(command)]
    assert len(commands) > 300
    assert not bad, "\n".join(bad[:20])


@pytest.mark.parametrize("wrong", [
    "Set-ReceiveConnector -Identity 'O'Hara' -Fqdn 'a'", "Get-ExchangeCertificate | FL (Thumbprint", "Get-Nothing -All",
    "Set-ReceiveConnector -Server 'EX1'", "New-ExchangeCertificate -DomainName -Services SMTP", "Enable-ExchangeCertificate -Service SMTPP -Thumb 'a'", "Write-Output \"$(a b)\"",
    "Get-ReceiveConnector 'it\u2019s'"])
def test_the_checker_complains(wrong):
    assert complaints(wrong)


@pytest.mark.parametrize("right", [
    "Set-ReceiveConnector -Identity 'O''Hara' -Fqdn $null", "# nothing", "$a = (Get-Date).AddMinutes(-15)",
    "Get-ReceiveConnector 'it\u2019\u2019s' | FL Name,Fqdn; Get-Queue | Where-Object {$_.Status -eq 'Retry'} | Suspend-Queue"])
def test_the_checker_lets_pass(right):
    assert not complaints(right)
