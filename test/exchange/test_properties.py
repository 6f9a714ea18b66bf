"""What holds for every print: less of it never makes a healthy server certainly ill, the order of the files does not
matter, what web pages and consoles do to texts is survived, and what the collector writes is read completely."""
import dataclasses
import random
import re

import pytest

import binary
import cases
import collected
import generator
import printers
from printers import Style

TRIES = 150


def alarms(diagnosis):
    return [f"{f['fault']} {f['subject']}: {f['text']}" for f in diagnosis["findings"]
            if f["severity"] == "red" and f["certainty"] == "certain"]


def none_alarms(files, notes):
    for note, diagnosis in zip(notes, binary.diagnose_all(files)):
        assert not alarms(diagnosis), f"{note}: {alarms(diagnosis)}"


def styled(seed, **style):
    world = generator.healthy(seed)
    (name, content), = printers.print_world(world, Style(**style))
    return world, name, content.decode()


@pytest.mark.bounded(180)
def test_cut_at_any_line():
    files, notes = [], []
    for n in range(TRIES * 2):
        rng = random.Random(n)
        _, name, text = styled(300_000 + n // 6, kind=rng.choice(["list", "list-all", "list-some", "table"]),
                               locale=rng.choice(printers.LOCALES), width=0)
        lines = text.splitlines(keepends=True)
        keep = rng.randrange(1, len(lines))
        files.append([(name, "".join(lines[:keep]).encode())])
        notes.append(f"seed {300_000 + n // 6}, first {keep} lines")
    none_alarms(files, notes)


@pytest.mark.bounded(180)
def test_one_of_several_prints_cut():
    """Each cmdlet's output in a file of its own, one of them cut: at any line, or an export anywhere."""
    files, notes = [], []
    for n in range(TRIES * 2):
        rng = random.Random(n)
        seed, kind = 305_000 + n // 6, rng.choice(["list", "list-all", "list-some", "table", "clixml", "json"])
        parts = printers.print_world(generator.healthy(seed), Style(kind))
        if kind not in ("clixml", "json"):
            text = parts[0][1].decode()
            parts = [(f"{i}.txt", part.encode()) for i, part in enumerate(re.split(r"(?=^\[PS\])", text, flags=re.M)[1:])]
        at = rng.randrange(len(parts))
        name, content = parts[at]
        lines = content.splitlines(keepends=True)
        keep = content[:rng.randrange(1, len(content))] if name.endswith(("xml", "json")) else b"".join(lines[:rng.randrange(1, len(lines))])
        parts[at] = (name, keep)
        files.append(parts)
        notes.append(f"seed {seed}, {kind}, {name} cut to {len(keep)} bytes")
    none_alarms(files, notes)


@pytest.mark.bounded(180)
def test_without_a_property():
    """Missing is "cannot tell", never "no"."""
    files, notes = [], []
    for n in range(TRIES * 2):
        rng = random.Random(n)
        _, name, text = styled(310_000 + n // 8, kind="list-all")
        names = sorted(set(re.findall(r"^(\w+) +:", text, re.M)) - {"Name", "Identity"})
        gone = set(rng.sample(names, rng.choice([1, 1, 2, 4])))
        kept = [line for line in text.splitlines(keepends=True) if not (m := re.match(r"(\w+) +:", line)) or m[1] not in gone]
        files.append([(name, "".join(kept).encode())])
        notes.append(f"seed {310_000 + n // 8} without {sorted(gone)}")
    none_alarms(files, notes)


@pytest.mark.bounded(180)
def test_with_an_empty_property():
    """As on servers where a property is printed without its value."""
    files, notes = [], []
    for n in range(TRIES):
        rng = random.Random(n)
        _, name, text = styled(320_000 + n // 8, kind="list-all")
        gone = rng.choice(["Services", "Status", "RootCAType", "HasPrivateKey", "NotAfter", "NotBefore", "IsSelfSigned", "Issuer", "Subject"])
        files.append([(name, re.sub(rf"^({gone} +:).*$", r"\1", text, flags=re.M).encode())])
        notes.append(f"seed {320_000 + n // 8} with empty {gone}")
    none_alarms(files, notes)


@pytest.mark.bounded(120)
def test_short_lists_and_narrow_tables():
    """$FormatEnumerationLimit cuts lists, and a window cuts tables."""
    files, notes = [], []
    for n in range(TRIES):
        world = generator.healthy(330_000 + n)
        if n % 2:
            files.append(printers.print_world(world, Style("list-all", enumeration_limit=1)))
        else:
            text = printers.print_world(world, Style("table"))[0][1].decode()
            width = random.Random(n).choice([80, 120, 200])
            files.append([("table.txt", "\n".join(cut_row(line, width) for line in text.splitlines()).encode())])
        notes.append(f"seed {330_000 + n}")
    none_alarms(files, notes)


def cut_row(line, width):
    return line if len(line) <= width or line.startswith("[PS]") else line[:width - 4] + "..."


def named(diagnosis):
    return sorted((f["fault"] or "", f["name"], f["severity"], f["subject"]) for f in diagnosis["findings"])


@pytest.mark.bounded(120)
def test_order_of_files_does_not_matter():
    made = [case for case in cases.singles(TRIES) if case.listed]
    there, shuffled = [], []
    for case in made:
        case = dataclasses.replace(case, style=Style(random.Random(case.seed).choice(["clixml", "json"]), encoding="utf-8"))
        files = case.files()
        there.append(files)
        shuffled.append(random.Random(case.seed).sample(files, len(files)))
    for case, a, b in zip(made, binary.diagnose_all(there), binary.diagnose_all(shuffled)):
        assert named(a) == named(b), f"seed {case.seed} {case.codes}"


# ---- what happens to texts on the way ----

def eaten(text):
    """A page that takes <...> for HTML."""
    return re.sub(r"<I>.*?<S>[^\n]*?(?= in the personal store|\. If the connector)", "", text)


def typographic(text):
    return text.replace("'", "\u2019").replace(" - ", " \u2013 ")


def spaced(text):
    return text.replace("\n", "\n\n")


def on_one_line(text):
    return " ".join(text.split()) + "\n"


@pytest.mark.bounded(120)
@pytest.mark.parametrize("damage,codes", [
    (eaten, ["F03"]), (typographic, ["F01", "F04", "F06", "F12", "F13", "F16"]), (spaced, ["F03", "F06", "F15", "F21"]),
    (on_one_line, ["F03", "F06", "F13", "F17", "F21"])], ids=lambda v: getattr(v, "__name__", ""))
def test_damaged_symptoms_still_tell(damage, codes):
    made = [case for n in range(12) for code in codes if (case := cases.build(340_000 + n, (code,), alone=True)) 
            and case.told() and not (damage is on_one_line and "[PS]" in case.told())]
    files = [[("told.txt", damage(case.told()).encode())] for case in made]
    for case, diagnosis in zip(made, binary.diagnose_all(files)):
        assert binary.faults(diagnosis)[:1] == [case.codes[0]], f"seed {case.seed} {case.codes}: {binary.faults(diagnosis)}\n" + \
            damage(case.told())


# ---- the collector ----

def test_collector_prints_what_is_imitated():
    """The parts and properties of the script are those that collected.py writes."""
    script = (binary.ROOT / "src/cli/data/collect-exchange.ps1").read_text()
    sample = collected.write(generator.healthy(1, ("public",)), {})
    for command in re.findall(r"^    Add-Part '([^']+)'", script, re.M):
        assert f"[PS] C:\\>{command}\n" in sample, command
    for command in re.findall(r'^        Add-Part "([^"$|]+)', script, re.M):
        assert command.split(" -")[0] in sample, command
    block = script[script.index("Get-ExchangeCertificate -Server $name | Format-List @("):script.index('Add-Part "Get-ReceiveConnector')]
    for name in set(re.findall(r"n = '(\w+)'", block) + re.findall(r"'(\w+)'(?=,|\n)", block)):
        assert re.search(rf"^{name} +:", sample, re.M), name


@pytest.mark.bounded(120)
def test_what_the_collector_writes_is_read_completely():
    worlds = [generator.healthy(350_000 + n) for n in range(12)]
    files = [[("exchange-diagnosis.txt", collected.write(world, {}).encode("utf-8-sig"))] for world in worlds]
    for world, diagnosis in zip(worlds, binary.diagnose_all(files)):
        assert diagnosis["unread"] == [], world.seed
        assert not binary.faults(diagnosis), f"seed {world.seed}: {alarms(diagnosis)}"
        assert diagnosis["read"]["certificates"] == sum(len(s.certificates) for s in world.servers)
        assert diagnosis["read"]["servers"] == len(world.servers)
        assert not diagnosis["unknown"], diagnosis["unknown"]


@pytest.mark.bounded(120)
def test_faults_in_what_the_collector_writes():
    made = [case for n in range(4) for code in ("F01", "F03", "F04", "F05", "F06", "F15", "F25") if (case := cases.build(360_000 + n, (code,)))]
    files = [[("exchange-diagnosis.txt", collected.write(case.world, collected.events_of(case)).encode("utf-8-sig"))] for case in made]
    for case, diagnosis in zip(made, binary.diagnose_all(files)):
        assert binary.faults(diagnosis)[:1] == [case.codes[0]], f"seed {case.seed} {case.codes}: {binary.faults(diagnosis)}"
        assert diagnosis["unread"] == [], f"seed {case.seed} {case.codes}: {diagnosis['unread']}"
