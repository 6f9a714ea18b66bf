"""Where a server's processor time goes: perf samples its processes while a measurement runs, and the call stacks become a
flame graph (SVG): a box is a function, its width the share of samples in it and in what it called, above it."""
import collections
import re
import shutil
import subprocess
from xml.sax.saxutils import escape

HERTZ = 499  # prime to the timers of others
WIDTH, ROW, TOP = 1200, 16, 40
NARROWEST = 0.6  # pixels; what is less is left out
FRAME = re.compile(r"^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$")


class Profile:
    """Samples all processes of a group between start and finish. Sampling costs time: the figures of such a run are no
    others' to be compared with."""

    def __init__(self, group, path):
        self.path, self.data = path, path.with_suffix(".perf")
        path.parent.mkdir(parents=True, exist_ok=True)
        pids = ",".join(str(pid) for pid in group.pids())
        self.perf = subprocess.Popen(["perf", "record", "--quiet", "-F", str(HERTZ), "--call-graph", "dwarf,16384", "-p", pids,
                                      "-o", self.data], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)

    def finish(self):
        """Draws the graph; returns the functions that took most themselves, with their shares."""
        self.perf.send_signal(2)  # SIGINT, after which perf writes what it has
        self.perf.wait(60)
        script = subprocess.run(["perf", "script", "-i", self.data, "-F", "comm,ip,sym,dso"], capture_output=True, text=True,
                                errors="replace", check=False, timeout=600).stdout
        self.data.unlink(missing_ok=True)
        stacks = fold(script)
        self.path.write_text(draw(stacks, self.path.stem), encoding="utf-8")
        return leaves(stacks)


def is_available():
    return shutil.which("perf") is not None


def fold(script):
    """What perf script prints, as stacks, outermost first, below the thread's name: how often each was seen."""
    stacks, stack = collections.Counter(), None
    for line in script.splitlines():
        frame = FRAME.match(line)
        if frame and stack is not None:
            name, place = frame.groups()
            stack.append(name if name != "[unknown]" else f"[{place.rsplit('/', 1)[-1]}]")
        elif line.strip() and not line.startswith("\t"):
            stack = [line.split()[0]]
        elif not line.strip() and stack:
            stacks[(stack[0], *reversed(stack[1:]))] += 1
            stack = None
    if stack:
        stacks[(stack[0], *reversed(stack[1:]))] += 1
    return stacks


def leaves(stacks, most=12):
    """The functions in which most samples were, those of the kernel and of libraries included, with their shares."""
    total, alone = max(1, stacks.total()), collections.Counter()
    for stack, count in stacks.items():
        alone[stack[-1]] += count
    return [(name, count / total) for name, count in alone.most_common(most)]


def _box(name, depth, x, width, share, deepest):
    y = TOP + (deepest - depth) * ROW
    hue = 20 + sum(name.encode()) % 35
    shown = name[:int(width / 6.5)] if width > 30 else ""
    return (f'<g><title>{escape(name)}: {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{max(0.3, width - 0.4):.1f}" '
            f'height="{ROW - 1}" fill="hsl({hue},75%,62%)"/><text x="{x + 3:.1f}" y="{y + 11}">{escape(shown)}</text></g>')


def draw(stacks, title):
    total, deepest = max(1, stacks.total()), max((len(stack) for stack in stacks), default=1)
    boxes, left = [], [(0, 0, sorted(stacks.items()))]
    while left:
        depth, begin, within = left.pop()
        position = begin
        groups = collections.defaultdict(list)
        for stack, count in within:
            if len(stack) > depth:
                groups[stack[depth]].append((stack, count))
        for name, below in groups.items():
            count = sum(count for _, count in below)
            width = count / total * WIDTH
            if width >= NARROWEST:
                boxes.append(_box(name, depth, position / total * WIDTH, width, count / total, deepest))
                left.append((depth + 1, position, below))
            position += count
    height = TOP + (deepest + 1) * ROW
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
                      f'font-size="10"><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
                      f'<text x="8" y="22" font-size="14">{escape(title)}: {total} samples</text>', *boxes, "</svg>\n"])
