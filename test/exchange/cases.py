"""Generated cases: a world, the faults put into it, and the files that its administrator hands over."""
import dataclasses
import random

import generator
import printers
import texts
from faults_more import FAULTS
from printers import encode

ALONE_SHARE = 0.2  # of the cases of a fault that its symptom proves: without any listing


@dataclasses.dataclass
class Case:
    seed: int
    keys: tuple  # of FAULTS
    world: object
    symptoms: list
    style: printers.Style
    listed: bool  # with the listings, not the symptoms only

    @property
    def codes(self):
        return tuple(FAULTS[key].code for key in self.keys)

    @property
    def teller(self):
        return texts.Teller(self.seed, self.style.locale)

    def told(self):
        teller = self.teller
        return "".join(tell(self.world, teller) for tell in self.symptoms)

    def files(self):
        files = printers.print_world(self.world, self.style) if self.listed else []
        text = self.told()
        plain = dataclasses.replace(self.style, nbsp=False)
        return files + ([("told.txt", encode(text, plain))] if text else [])


def build(seed, keys, style=None, alone=False):
    """None where the faults cannot be put together in a world of this seed."""
    rng = random.Random(f"{seed} {keys}")
    need = {word for key in keys for word in FAULTS[key].need}
    if {"plain", "public"} <= need or {"plain", "exact"} <= need or {"plain", "wildcard"} <= need or {"exact", "wildcard"} <= need:
        return None
    world = generator.healthy(seed, tuple(need))
    symptoms = [FAULTS[key].inject(world, rng) for key in keys]
    style = style or printers.style_of(seed)
    if any(FAULTS[key].every for key in keys) and style.kind in ("list", "list-some", "table"):
        style = dataclasses.replace(style, kind="list-all")
    return Case(seed, tuple(keys), world, symptoms, style, not alone)


def can_coexist(a, b):
    one, other = FAULTS[a], FAULTS[b]
    kinds = set(one.need) | set(other.need)
    conflict = any(pair <= kinds for pair in ({"plain", "public"}, {"plain", "exact"}, {"plain", "wildcard"}, {"exact", "wildcard"},
                                              {"edge", "relay"}, {"edge", "two"}, {"edge", "exact"}, {"edge", "public"},
                                              {"edge", "wildcard"}))
    conflict = conflict or one.lone or other.lone
    return a < b and one.code != other.code and not one.touches & other.touches and not conflict


def pairs():
    return [(a, b) for a in sorted(FAULTS) for b in sorted(FAULTS) if can_coexist(a, b)]


def singles(count):
    keys = sorted(FAULTS)
    for n in range(count):
        key = keys[n % len(keys)]
        turn = n // len(keys)
        alone = FAULTS[key].alone and random.Random(n).random() < ALONE_SHARE and turn > 0
        yield build(n, (key,), alone=alone)


def doubles(count):
    every = pairs()
    random.Random(1).shuffle(every)
    for n in range(count):
        yield build(100_000 + n, every[n % len(every)])


def healthies(count):
    for n in range(count):
        yield Case(200_000 + n, (), generator.healthy(200_000 + n, ("edge",) if n % 12 == 0 else ()), [],
                   printers.style_of(200_000 + n), True)

