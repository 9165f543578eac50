"""Make a table of what was measured, hold it against the bounds, and draw it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
import math
import statistics

from .host import Processor
from .measure import (
    CHANGE,
    EMPTY,
    MANY,
    SAME,
    TEMPLATE_CHANGE,
    TEMPLATE_SAME,
    WITH,
    WITHOUT,
    Results,
)

_INTEGRATION, _TEMPLATE = "integration", "template"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure with its bound, if it has one; the higher, the worse.

    `before` is what it is in the older build, if that was measured. A `value` of None is
    one that was never reached.
    """

    figure: str
    value: float | None
    bound: float | None
    unit: str = "×"
    spread: tuple[float, float] | None = None
    before: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the bound is kept."""
        if self.bound is None:
            return True
        if self.value is None:
            return False
        if self.at_least:
            return self.value >= self.bound
        return self.value <= self.bound

    @property
    def _verdict(self) -> str:
        if self.bound is None:
            return ""
        return "yes" if self.met else "**no**"

    @property
    def _bound(self) -> str:
        if self.bound is None:
            return "–"
        return f"{'at least ' * self.at_least}{_amount(self.bound, self.unit, 'g')}"

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        spread = "" if self.spread is None else "{:.2f} to {:.2f}".format(*self.spread)
        return (
            self.figure,
            _amount(self.value, self.unit),
            spread,
            self._bound,
            self._verdict,
        )

    def cells_beside(self) -> tuple[str, ...]:
        """Return the cells of a table of two builds."""
        before = "–" if self.before is None else _amount(self.before, self.unit)
        return (
            self.figure,
            _amount(self.value, self.unit),
            before,
            self._bound,
            self._verdict,
        )


def _amount(value: float | None, unit: str, form: str = ".2f") -> str:
    if value is None:
        return "never"
    if value == int(value):
        form = "g" if abs(value) < 1e5 else ".0f"
    return f"{value:{form}} {unit}".rstrip()


def beside(rows: Sequence[Row], before: str | None) -> str:
    """Return a table of figures and bounds, with those of an older build if any."""
    return table(
        ("figure", "this build", before or "before", "bound", "met"),
        (row.cells_beside() for row in rows),
    )


def _ratios(
    above: Sequence[Processor],
    below: Sequence[Processor],
    read: Callable[[Processor], float],
) -> list[float]:
    """Return the ratios, round by round."""
    return [read(one) / read(two) for one, two in zip(above, below, strict=True)]


def _ratio_row(figure: str, ratios: list[float], bound: float) -> Row:
    return Row(
        figure,
        statistics.median(ratios),
        bound,
        spread=(min(ratios), max(ratios)),
    )


def _process(spent: Processor) -> float:
    return spent.process


def bounded(results: Results) -> list[Row]:
    """Return the figures that have a bound; of several numbers of chats the worst."""
    events = results.events
    rows: list[Row] = []

    def worst(figure: str, one: str, two: str, bound: float) -> None:
        rows.append(
            max(
                (
                    _ratio_row(
                        f"{figure}, {number} {'chat' if number == 1 else 'chats'}",
                        _ratios(events[number][one], events[number][two], _process),
                        bound,
                    )
                    for number in events
                ),
                key=lambda row: row.value or 0.0,
            )
        )

    worst("CPU, nothing changes : empty webhook", SAME, EMPTY, 1.25)
    worst("CPU, four entities change : empty webhook", CHANGE, EMPTY, 2.5)
    worst("CPU, four entities change : template", CHANGE, TEMPLATE_CHANGE, 0.2)
    for variant, name in ((SAME, "nothing changes"), (CHANGE, "four entities change")):
        rows.append(
            _ratio_row(
                f"CPU, {name}, {MANY} chats : 10 chats",
                _ratios(events[MANY][variant], events[10][variant], _process),
                1.1,
            )
        )
    all_of_it = [spent for spent, _ in results.reloads]
    ours, template = results.floods[_INTEGRATION], results.floods[_TEMPLATE]
    rows.append(Row("Rows of the flood : template", ours.rows / template.rows, 0.1))
    rows.append(
        Row(
            "Memory per chat, over its registry entries",
            _per_chat(results, WITH, "traced") / 1024,
            10,
            "KiB",
        )
    )
    rows.append(
        Row(
            f"Set-up, {MANY} known chats: time on the loop",
            statistics.median(all_of_it),
            1,
            "s",
            (min(all_of_it), max(all_of_it)),
        )
    )
    rows.append(
        Row(
            "Longest pause of the loop in the flood, "
            f"{results.plan.flood_chats} and {MANY} chats",
            max(
                flood.pauses["own"]
                for name, flood in results.floods.items()
                if name != _TEMPLATE
            )
            * 1000,
            50,
            "ms",
        )
    )
    return rows


def table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, *rows)]
    lines.insert(1, "|" + "---|" * len(header))
    return "\n".join(lines)


def _milliseconds(values: Sequence[float]) -> str:
    median = statistics.median(values) * 1000
    return f"{median:.3f} ({min(values) * 1000:.3f} to {max(values) * 1000:.3f})"


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(math.ceil(len(ordered) * percent / 100), len(ordered)) - 1]


def tables(results: Results) -> str:
    """Return all that was measured, as Markdown."""
    names = {
        EMPTY: "empty webhook",
        SAME: "integration, nothing changes",
        CHANGE: "integration, four entities change",
        TEMPLATE_SAME: "template, nothing changes",
        TEMPLATE_CHANGE: "template, four entities change",
    }
    parts = [
        "### Against the bounds",
        table(
            ("figure", "measured", "rounds", "bound", "met"),
            (row.cells() for row in bounded(results)),
        ),
        "### CPU per event, ms: median (least to most)",
        table(
            ("event", "chats", "whole process", "of it on the event loop"),
            (
                (
                    name,
                    str(number),
                    _milliseconds([one.process for one in spent[variant]]),
                    _milliseconds([one.loop for one in spent[variant]]),
                )
                for variant, name in names.items()
                for number, spent in results.events.items()
            ),
        ),
        "### From the POST to the state on the WebSocket API, ms",
        table(
            ("event", "chats", "p50", "p99"),
            (
                (
                    names[variant],
                    str(number),
                    f"{_percentile(times, 50) * 1000:.2f}",
                    f"{_percentile(times, 99) * 1000:.2f}",
                )
                for number, variants in results.latencies.items()
                for variant, times in variants.items()
            ),
        ),
        f"### The flood, {results.plan.flood:g} s",
        table(
            (
                "who",
                "events",
                "CPU per event, ms",
                "rows per 1,000 events",
                "KiB per 1,000 events",
            ),
            (
                (
                    name,
                    str(flood.events),
                    f"{flood.spent.process / flood.events * 1000:.3f}",
                    f"{flood.rows / flood.events * 1000:.0f}",
                    f"{flood.size / flood.events * 1000 / 1024:.0f}",
                )
                for name, flood in results.floods.items()
            ),
        ),
        "### Longest pauses of the event loop, ms",
        table(
            (
                "who",
                "all of it",
                "without other processes' turns",
                "a garbage collection",
                "without either",
            ),
            (
                (
                    name,
                    *(
                        f"{pauses[kind] * 1000:.0f}"
                        for kind in ("pause", "own", "collection", "rest")
                    ),
                )
                for name, pauses in (
                    *((name, flood.pauses) for name, flood in results.floods.items()),
                    ("any of them, without a flood", results.idle_pauses),
                )
            ),
        ),
        f"### Start and set-up with {MANY} chats",
        table(
            ("figure", "all of it", "without garbage collections"),
            iter(_start_figures(results)),
        ),
        "### Memory, by who fills the chats' entities",
        table(
            (
                "who",
                "chats",
                "Python's own count",
                "resident",
                "per chat, over nobody",
                "resident, noisy",
                "a garbage collection of it all",
            ),
            _memory_rows(results),
        ),
        "### Until all chats are subscribed",
        table(
            ("chats", "seconds", "requests", "requests a minute"),
            (
                (
                    str(number),
                    f"{seconds:.0f}",
                    str(requests),
                    f"{requests / max(seconds, 1) * 60:.0f}" if seconds > 60 else "–",
                )
                for number, (seconds, requests) in results.subscribed.items()
            ),
        ),
    ]
    return "\n\n".join(parts)


def _start_figures(results: Results) -> list[tuple[str, ...]]:
    wall, spent = zip(*results.starts, strict=True)
    wall_without, spent_without = zip(*results.starts_without, strict=True)
    more = statistics.median(spent) - statistics.median(spent_without)
    later = statistics.median(wall) - statistics.median(wall_without)
    return [
        ("CPU that it adds to Home Assistant's start", f"{more:.2f} s", ""),
        ("Time that it adds until Home Assistant runs", f"{later:.2f} s", ""),
        *(
            (
                f"Set-up of {what}, on the event loop",
                f"{statistics.median(spent for spent, _ in reloads):.2f} s",
                f"{statistics.median(spent - gc for spent, gc in reloads):.2f} s",
            )
            for what, reloads in (
                ("the entry", results.reloads),
                ("as many plain entities", results.plain_reloads),
            )
        ),
        (
            "Set-up of a new entry, registry entries made, until it is loaded",
            f"{results.first_setup[MANY]:.2f} s",
            "",
        ),
    ]


def _memory_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for (name, number), memory in results.memory.items():
        more = ["", ""]
        if number == MANY and name != WITHOUT:
            more = [
                f"{_per_chat(results, name, field) / 1024:.1f} KiB"
                for field in ("traced", "resident")
            ]
        yield (
            name,
            str(number),
            f"{memory.traced / 2**20:.0f} MiB",
            f"{memory.resident / 2**20:.0f} MiB",
            *more,
            f"{memory.collection * 1000:.0f} ms",
        )


def _per_chat(results: Results, who: str, field: str) -> float:
    """Return how many bytes a chat takes more than if nobody filled its entities.

    What does not grow with the chats, such as the code, is no chat's.
    """

    def of(name: str) -> float:
        many, one = (results.memory[name, number] for number in (MANY, 1))
        return float(getattr(many, field) - getattr(one, field)) / (MANY - 1)

    return of(who) - of(WITHOUT)


_COLOURS = {
    "empty": "#8a8f98",
    "ours": "#25a55f",
    "ours change": "#157a43",
    "template": "#e0a030",
    "template change": "#c0641a",
}
_BARS = (
    (EMPTY, "empty webhook", "empty"),
    (SAME, "integration, nothing changes", "ours"),
    (CHANGE, "integration, four entities change", "ours change"),
    (TEMPLATE_SAME, "template, nothing changes", "template"),
    (TEMPLATE_CHANGE, "template, four entities change", "template change"),
)


def plot(results: Results) -> str:
    """Draw the cost of an event as an SVG that follows the reader's theme."""
    left, width, bar, top = 64, 640, 13, 76
    group = len(_BARS) * (bar + 2) + 18
    height = top + len(results.events) * group + 30
    medians = {
        (number, variant): statistics.median(one.process for one in spent[variant])
        * 1000
        for number, spent in results.events.items()
        for variant, _, _ in _BARS
    }
    low = 10 ** math.floor(math.log10(min(medians.values())))
    high = 10 ** math.ceil(math.log10(max(medians.values())))
    scale = (width - left - 60) / math.log10(high / low)

    def at(value: float) -> float:
        return left + math.log10(value / low) * scale

    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
 font-family="system-ui, sans-serif" font-size="11" role="img">""",
        "<title>CPU per event in milliseconds, by number of chats</title>",
        """<style>text{fill:#24292f}.line{stroke:#d0d7de}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.line{stroke:#3d444d}}</style>""",
        f"""<text x="{left}" y="16" font-size="13" font-weight="600">
CPU per event, ms (whole process, logarithmic)</text>""",
    ]
    for index, (_, name, colour) in enumerate(_BARS):
        x, y = left + (index % 3) * 185, 34 + index // 3 * 16
        parts.append(
            f'<rect x="{x}" y="{y - 9}" width="10" height="10" rx="2" '
            f'fill="{_COLOURS[colour]}"/><text x="{x + 15}" y="{y}">{name}</text>'
        )
    tick = low
    while tick <= high:
        parts.append(
            f'<line class="line" x1="{at(tick):.1f}" x2="{at(tick):.1f}" '
            f'y1="{top - 6}" y2="{height - 26}"/><text x="{at(tick):.1f}" '
            f'y="{height - 10}" text-anchor="middle">{tick:g}</text>'
        )
        tick *= 10
    for row, number in enumerate(results.events):
        y = top + row * group
        parts.append(
            f'<text x="{left - 8}" y="{y + group / 2 - 6:.0f}" text-anchor="end">'
            f"{number:,}</text>"
        )
        for variant, _, colour in _BARS:
            value = medians[number, variant]
            parts.append(
                f'<rect x="{left}" y="{y}" width="{at(value) - left:.1f}" '
                f'height="{bar}" rx="2" fill="{_COLOURS[colour]}"/>'
                f'<text x="{at(value) + 4:.1f}" y="{y + bar - 3}">{value:.2f}</text>'
            )
            y += bar + 2
    parts.append(
        f'<text x="{left - 8}" y="{top - 12}" text-anchor="end">chats</text></svg>\n'
    )
    return "\n".join(parts)
