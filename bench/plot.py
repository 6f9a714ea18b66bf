"""The results as one SVG: for each scenario its first two figures, a group of bars for each cell with the least and the most
as a whisker, or lines where the scenario shows growth. Scales are logarithmic where values are far apart."""
import math
from xml.sax.saxutils import escape

from table import COLUMNS, number

COLORS = {"sealpost": "#0b6e4f", "sealpost-1": "#4fb286", "sealpost-2": "#0b6e4f", "postfix": "#c1666b", "exim": "#d4a24c",
          "opensmtpd": "#5b7db1", "limit": "#9a9a9a"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 620, 300, 64, 52, 44, 16
FAR_APART = 20
GAP = 24


class Axis:
    """Values to pixels, with the values that get a line."""

    def __init__(self, values):
        most, least = max(values), min(value for value in values if value > 0)
        self.logarithmic = most / least > FAR_APART
        if self.logarithmic:
            self.low, self.high = math.floor(math.log10(least)), math.ceil(math.log10(most))
            self.high += self.high == self.low
            self.ticks = [10.0 ** power for power in range(self.low, self.high + 1)]
        else:
            step = 10 ** math.floor(math.log10(most))
            step = next(step * part for part in (0.2, 0.5, 1, 2) if most / (step * part) <= 6)
            self.low, self.high = 0, step * math.ceil(most / step)
            self.ticks = [step * i for i in range(round(self.high / step) + 1)]

    def y(self, value):
        place = math.log10(value) if self.logarithmic and value > 0 else self.low if self.logarithmic else value
        share = (max(place, self.low) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def text(x, y, words, anchor="middle", size=11, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2, color="#000", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def _frame(axis, title, figure, servers):
    parts = [text(LEFT, 18, title, "start", 13, 'font-weight="bold"'), text(LEFT - 8, TOP - 8, COLUMNS[figure], "start")]
    for tick in axis.ticks:
        parts.append(line(LEFT, axis.y(tick), WIDTH - RIGHT, axis.y(tick), "#ddd"))
        parts.append(text(LEFT - 6, axis.y(tick) + 4, number(tick), "end", 10))
    x = WIDTH - RIGHT
    for server in reversed(servers):
        x -= 7 * len(server) + 22
        parts.append(f'<rect x="{x}" y="{TOP - 18}" width="10" height="10" fill="{COLORS[server]}"/>')
        parts.append(text(x + 14, TOP - 9, server, "start"))
    return parts


def _whisker(x, axis, spread):
    low, high = axis.y(spread[0]), axis.y(spread[1])
    return line(x, low, x, high, "#333") + line(x - 3, low, x + 3, low, "#333") + line(x - 3, high, x + 3, high, "#333")


def _bars(axis, points, cells, servers):
    group = (WIDTH - LEFT - RIGHT) / len(cells)
    width = min(34, group * 0.8 / len(servers))
    parts = []
    for i, cell in enumerate(cells):
        middle = LEFT + group * (i + 0.5)
        parts.append(text(middle, HEIGHT - BOTTOM + 16, cell))
        for j, server in enumerate(servers):
            if (cell, server) not in points:
                continue
            value, spread = points[cell, server]
            x, y = middle + (j - len(servers) / 2) * width, axis.y(value)
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" '
                         f'fill="{COLORS[server]}"><title>{escape(f"{server}, {cell}: {number(value)}")}</title></rect>')
            parts.append(_whisker(x + width / 2 - 1, axis, spread))
    return parts


def _curves(axis, points, cells, servers):
    """Cells are named AxB: one curve for each B, along A."""
    loads = sorted({int(cell.split("x")[0]) for cell in cells})
    kinds = sorted({cell.split("x")[1] for cell in cells}, key=int)
    step = (WIDTH - LEFT - RIGHT) / len(loads)
    parts = [text(LEFT + step * (i + 0.5), HEIGHT - BOTTOM + 16, f"{load} connections") for i, load in enumerate(loads)]
    for server in servers:
        for kind, dashes in zip(kinds, ("6 4", "")):
            found = [(LEFT + step * (i + 0.5), *points[f"{load}x{kind}", server]) for i, load in enumerate(loads)
                     if (f"{load}x{kind}", server) in points]
            path = " ".join(f"{x:.1f},{axis.y(value):.1f}" for x, value, _ in found)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[server]}" stroke-width="2" '
                         f'stroke-dasharray="{dashes}"/>')
            parts += [_whisker(x, axis, spread) for x, _, spread in found]
    parts.append(text(LEFT, HEIGHT - 8, ", ".join(f"{dash} {kind} in a session" for dash, kind in zip(("- -", "—"), kinds)), "start"))
    return parts


def panel(outcome, figure):
    """One figure of a scenario, or an empty text where nothing was measured."""
    points = {(cell, server): (value, found.spread(figure)) for cell, servers in outcome.cells.items()
              for server, found in servers.items() if (value := found.median(figure)) is not None}
    if not any(value > 0 for value, _ in points.values()):
        return ""
    servers = [server for server in COLORS if any(server == s for _, s in points)]
    cells = [cell for cell in outcome.cells if any(cell == c for c, _ in points)]
    axis = Axis([value for value, _ in points.values()] + [spread[1] for _, spread in points.values()])
    draw_points = _curves if outcome.scenario.plot == "lines" else _bars
    parts = _frame(axis, f"{outcome.scenario.name}: {COLUMNS[figure]}", figure, servers)
    return "\n".join(parts + draw_points(axis, points, cells, servers) +
                     [line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM)])


def draw(outcomes, path):
    panels = [panel(outcome, figure) for outcome in outcomes for figure in outcome.scenario.figures[:2]]
    panels = [drawn for drawn in panels if drawn]
    rows = max(1, math.ceil(len(panels) / 2))
    width, height = 2 * WIDTH + 3 * GAP, rows * (HEIGHT + GAP) + GAP
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, drawn in enumerate(panels):
        x, y = GAP + i % 2 * (WIDTH + GAP), GAP + i // 2 * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x},{y})">\n{drawn}\n</g>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
