"""Make a table of what was measured, hold it against the bounds, and draw it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
import itertools
import math
import statistics

from .actions import CAME_ONLINE, IDEAL, ROUNDS, TEMPLATE as ACTION_TEMPLATE, TURNS
from .host import Processor
from .instructions import SHORT
from .measure import (
    CHANGE,
    EMPTY,
    MANY,
    PLAIN_ENTITIES,
    SAME,
    TEMPLATE_CHANGE,
    TEMPLATE_ENTITIES,
    TEMPLATE_SAME,
    WITH,
    WITHOUT,
    WITHOUT_ACTIVITY,
    Results,
)


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


def _paired(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return the ratios, round by round."""
    return [one / two for one, two in zip(above, below, strict=True)]


def _ratio_row(
    figure: str,
    ratios: list[float],
    bound: float | None,
    *,
    unit: str = "×",
    at_least: bool = False,
) -> Row:
    return Row(
        figure,
        statistics.median(ratios),
        bound,
        unit,
        spread=(min(ratios), max(ratios)),
        at_least=at_least,
    )


def _process(spent: Processor) -> float:
    return spent.process


def bounded(results: Results) -> list[Row]:
    """Return the figures that have a bound, as far as they were measured.

    Of several numbers of chats it is the worst. Those without a bound are what Home
    Assistant's own cost makes impossible to bound.
    """
    rows = [
        *_instruction_rows(results),
        *_processor_rows(results),
        *_action_rows(results),
        # *Activity* says what *Typing* says, and both are on: who counts rows has one.
        *(
            Row(
                f"Rows of the flood, {who} : template",
                results.floods[who].rows / results.floods[TEMPLATE_ENTITIES].rows,
                bound,
            )
            for who, bound in ((WITHOUT_ACTIVITY, 0.05), (WITH, None))
        ),
    ]
    if results.memory:
        rows.append(
            Row(
                "Memory per chat over plain entities",
                (
                    _per_chat(results, WITH, "traced")
                    - _per_chat(results, PLAIN_ENTITIES, "traced")
                )
                / 1024,
                7.5,
                "KiB",
            )
        )
    if results.reloads:
        all_of_it = [spent for spent, _ in results.reloads]
        plain = [spent for spent, _ in results.plain_reloads]
        rows.append(
            _ratio_row(
                f"Set-up, {MANY} known chats: time on the loop, s",
                all_of_it,
                None,
                unit="s",
            )
        )
        rows.append(_ratio_row("The same of plain entities", plain, None, unit="s"))
        rows.append(
            Row(
                "Longest pause of the loop in the flood, "
                f"{results.plan.flood_chats} and {MANY} chats",
                max(
                    flood.pauses["own"]
                    for name, flood in results.floods.items()
                    if name != TEMPLATE_ENTITIES
                )
                * 1000,
                None,
                "ms",
            )
        )
        rows.append(
            Row(
                f"A garbage collection with {MANY} chats that nobody fills",
                results.memory[WITHOUT, MANY].collection * 1000,
                None,
                "ms",
            )
        )
    return rows


def _instruction_rows(results: Results) -> Iterator[Row]:
    counts = results.counts
    few = min(counts)
    for variant, name, bound in (
        (SAME, "nothing changes", 1.04),
        (CHANGE, "four entities change", 1.95),
    ):
        yield _ratio_row(
            f"Instructions on the loop, {name} : empty webhook, {few} chats",
            _paired(counts[few][variant], counts[few][EMPTY]),
            bound,
        )
    yield _ratio_row(
        "Instructions on the loop, empty webhook with a new entry's id : "
        "with Home Assistant's own",
        _paired(counts[few][SHORT], counts[few][EMPTY]),
        0.9,
    )
    # A home with many chats asks for them meanwhile, which only adds: the least is what
    # the event itself takes.
    for variant, name in ((SAME, "nothing changes"), (CHANGE, "four entities change")):
        yield Row(
            f"Instructions on the loop, {name}, {MANY} : {few} chats, the least of each",
            min(counts[MANY][variant]) / min(counts[few][variant]),
            1.02,
        )


def _processor_rows(results: Results) -> Iterator[Row]:
    for figure, spent, one, two, bound in (
        ("CPU, nothing changes : empty webhook", results.pairs, SAME, EMPTY, 1.1),
        (
            "CPU, four entities change : empty webhook",
            results.events,
            CHANGE,
            EMPTY,
            None,
        ),
        (
            "CPU, four entities change : template",
            results.events,
            CHANGE,
            TEMPLATE_CHANGE,
            None,
        ),
    ):
        yield max(
            (
                _ratio_row(
                    f"{figure}, {number} {'chat' if number == 1 else 'chats'}",
                    _ratios(spent[number][one], spent[number][two], _process),
                    bound,
                )
                for number in spent
            ),
            key=lambda row: row.value or 0.0,
        )


def _undisturbed(taken: Sequence[float]) -> list[float]:
    """Return what an action takes by itself, each time a few rounds long.

    What else the machine does only adds, so of each chat the quickest counts; but how
    soon a chat's template is worked off hangs on its place, so it is the median of them.
    """
    return [
        statistics.median(min(few[turn::TURNS]) for turn in range(TURNS))
        for few in itertools.batched(taken, TURNS * ROUNDS)
    ]


def _action_rows(results: Results) -> Iterator[Row]:
    for number, samples in results.actions.items():
        ways = {name: _undisturbed(taken) for name, taken in samples.items()}
        yield _ratio_row(
            f"came_online to action : webhook trigger to action, {number} chats",
            _paired(ways[CAME_ONLINE], ways[IDEAL]),
            1.3,
        )
        if number == max(results.actions):
            yield _ratio_row(
                f"Templates to action : came_online to action, {number} chats",
                _paired(ways[ACTION_TEMPLATE], ways[CAME_ONLINE]),
                2.4,
                at_least=True,
            )


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


_NAMES = {
    EMPTY: "empty webhook",
    SAME: "integration, nothing changes",
    CHANGE: "integration, four entities change",
    TEMPLATE_SAME: "template, nothing changes",
    TEMPLATE_CHANGE: "template, four entities change",
    SHORT: "empty webhook with the id of a new entry",
}


def tables(results: Results) -> str:
    """Return all that was measured, as Markdown."""
    return "\n\n".join(
        f"### {title}\n\n{table(header, rows)}"
        for title, header, rows in _all_tables(results)
    )


type _Table = tuple[str, Sequence[str], Iterator[Sequence[str]]]


def _all_tables(results: Results) -> Iterator[_Table]:
    yield (
        "Against the bounds",
        ("figure", "measured", "rounds", "bound", "met"),
        (row.cells() for row in bounded(results)),
    )
    yield (
        "Instructions of an event on the event loop: median (least to most)",
        ("event", "chats", "instructions"),
        (
            (_NAMES[variant], f"{number:,}", _thousands(counted))
            for number, variants in results.counts.items()
            for variant, counted in variants.items()
        ),
    )
    yield (
        "CPU per event, ms: median (least to most)",
        ("event", "chats", "whole process", "of it on the event loop"),
        (
            (
                name,
                str(number),
                _milliseconds([one.process for one in spent[variant]]),
                _milliseconds([one.loop for one in spent[variant]]),
            )
            for variant, name in _NAMES.items()
            for number, spent in results.events.items()
            if variant in spent
        ),
    )
    if results.actions:
        yield (
            "From the POST to the action, ms",
            ("what the automation waits for", "chats", "p50", "p99"),
            (
                (way, str(number), *_percentiles(times))
                for number, ways in results.actions.items()
                for way, times in ways.items()
            ),
        )
    if any(results.latencies.values()):
        yield (
            "From the POST to the state on the WebSocket API, ms",
            ("event", "chats", "p50", "p99"),
            (
                (_NAMES[variant], str(number), *_percentiles(times))
                for number, variants in results.latencies.items()
                for variant, times in variants.items()
            ),
        )
    yield from _flood_tables(results)
    if results.starts:
        yield (
            f"Start and set-up with {MANY} chats",
            ("figure", "all of it", "without garbage collections"),
            iter(_start_figures(results)),
        )
    if results.memory:
        yield (
            "Memory, by who fills the chats' entities",
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
        )
    yield (
        "Until all chats are subscribed",
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
    )


def _flood_tables(results: Results) -> Iterator[_Table]:
    yield (
        f"The flood, {results.plan.flood:g} s",
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
                f"{flood.spent.process / flood.events * 1000:.3f}"
                if results.plan.flood_many
                else "–",
                f"{flood.rows / flood.events * 1000:.0f}",
                f"{flood.size / flood.events * 1000 / 1024:.0f}",
            )
            for name, flood in results.floods.items()
        ),
    )
    if not results.plan.flood_many:
        # Other things were measured at the same time.
        return
    yield (
        "Longest pauses of the event loop, ms",
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
    )


def _thousands(values: Sequence[float]) -> str:
    median = statistics.median(values)
    return f"{median:,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def _percentiles(times: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{_percentile(times, percent) * 1000:.2f}" for percent in (50, 99))


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
