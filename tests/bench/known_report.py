"""Hold what asking costs against its bounds, make tables of it, and draw it."""

from collections.abc import Iterator, Sequence
import math
import statistics
from typing import Any, Final

from .builds import THIS
from .known import (
    ALLOWED,
    AMONG_STRANGERS,
    CROWD,
    GOWS,
    HOUSE,
    KINDS,
    LIMITED,
    LISTED,
    NOWEB,
    ONE_ENGINE,
    QUIET,
    STRANGERS,
    WAAPI,
    WAWP,
    Kind,
    KnownResults,
    among_strangers,
    limited,
    picked,
    quiet,
    restarted,
)
from .known_world import HOUR
from .report import Row, beside, table

# Of the house's chats: seconds at most, and how many times as fast as before at least.
_SECONDS: Final[dict[Kind, tuple[float, float]]] = {
    WAAPI: (15, 3),
    WAWP: (20, 5),
    NOWEB: (12, 9),
    GOWS: (12, 9),
}
_CROWD_SECONDS: Final = 120
_SHARE: Final = 5.0
_THIRD: Final = 1 / 3
_REFUSALS: Final = 10
_LATER: Final = 1.0
_OPENING: Final = 1.0
# A table without a bound would keep some for each of them.
_LEFT: Final = max(STRANGERS) / 10


def bounded(results: KnownResults) -> list[Row]:
    """Return all figures that have a bound, and some that have none."""
    return [
        *_restarts(results),
        *_days(results),
        *_limits(results),
        *_among_strangers(results),
        *_picking(results),
    ]


def _restarts(results: KnownResults) -> Iterator[Row]:
    before = results.before
    for kind, (bound, faster) in _SECONDS.items():
        now = (results.of(THIS, restarted(kind, HOUSE)) or {}).get("seconds")
        then = (results.of(before, restarted(kind, HOUSE)) or {}).get("seconds")
        name = f"{HOUSE} chats known after a restart, {kind.name}"
        yield Row(name, now, bound, "s", before=then)
        if before is not None:
            yield Row(
                f"{name}: times as fast",
                then / now if now and then else None,
                faster,
                "×",
                at_least=True,
            )
    if CROWD in results.plan.chats:
        for kind in (NOWEB, GOWS):
            setting = restarted(kind, CROWD)
            yield Row(
                f"{CROWD} chats known after a restart, {kind.name}",
                (results.of(THIS, setting) or {}).get("seconds"),
                _CROWD_SECONDS,
                "s",
                before=(results.of(before, setting) or {}).get("seconds"),
            )


def _days(results: KnownResults) -> Iterator[Row]:
    for kind in KINDS:
        if not kind.announces:
            continue
        now, then = (_share(found) for found in _quiet(results, kind, QUIET))
        yield Row(
            f"Shown online in the worst hour, {QUIET} quiet chats, {kind.name}",
            now,
            _SHARE,
            "%",
            before=then,
        )
    for kind in KINDS:
        now, then = (_an_hour(found) for found in _quiet(results, kind, HOUSE))
        # Only where something answers for all chats does the bound tell.
        yield Row(
            f"Requests in a quiet hour, {HOUSE} chats, {kind.name}: of those before",
            now / then if now is not None and then else None,
            _THIRD if kind is WAWP and results.before is not None else None,
            "×",
        )


def _quiet(
    results: KnownResults, kind: Kind, chats: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    plan = results.plan
    return (
        results.of(THIS, quiet(kind, chats, plan.hours)),
        results.of(results.before, quiet(kind, chats, plan.hours_before)),
    )


def _share(found: dict[str, Any] | None) -> float | None:
    """Return the percent of the worst hour for which the account was shown online."""
    if found is None:
        return None
    return float(max(found["online"]) / HOUR * 100)


def _an_hour(found: dict[str, Any] | None) -> float | None:
    """Return the requests of an hour; in the first one there is the set-up."""
    return None if found is None else float(statistics.mean(found["requests"][1:]))


def _limits(results: KnownResults) -> Iterator[Row]:
    plan = results.plan
    for kind, retry_after in LIMITED:
        now = results.of(THIS, limited(kind, plan.hours, retry_after)) or {}
        then = (
            results.of(results.before, limited(kind, plan.hours_before, retry_after))
            or {}
        )
        told = "" if retry_after is None else ", with Retry-After"
        name = f"at {ALLOWED} requests a minute, {HOUSE} chats, {kind.name}{told}"
        yield Row(
            f"429s in {plan.hours} hours {name}",
            now.get("refused"),
            _REFUSALS,
            "",
            before=then.get("refused"),
        )
        yield Row(
            f"429s in a row {name}",
            now.get("in_a_row"),
            0,
            "",
            before=then.get("in_a_row"),
        )


def _among_strangers(results: KnownResults) -> Iterator[Row]:
    for kind in ONE_ENGINE:
        for events in STRANGERS:
            yield Row(
                f"{events} strangers' events at once, {AMONG_STRANGERS} chats, "
                f"{kind.name}: subscribed later by",
                _later(results, THIS, kind, events),
                _LATER,
                "s",
                before=_later(results, results.before, kind, events),
            )
        yield Row(
            f"{max(STRANGERS)} more strangers, {kind.name}: objects that they leave",
            _left(results, THIS, kind),
            _LEFT,
            "",
            before=_left(results, results.before, kind),
        )


def _later(
    results: KnownResults, build: str | None, kind: Kind, events: int
) -> float | None:
    """Return by how many seconds the worst chat was later than without strangers."""
    alone = results.of(build, among_strangers(kind, 0))
    among = results.of(build, among_strangers(kind, events))
    if alone is None or among is None:
        return None
    later: list[float] = [
        moment - alone["subscribed"][chat_id]
        for chat_id, moment in among["subscribed"].items()
    ]
    return max(0.0, *later)


def _left(results: KnownResults, build: str | None, kind: Kind) -> float | None:
    found = results.of(build, among_strangers(kind, max(STRANGERS)))
    if found is None:
        return None
    before, after = found["left"][-2:]
    return float(max(after - before, 0))


def _picking(results: KnownResults) -> Iterator[Row]:
    for kind in ONE_ENGINE:
        now = results.of(THIS, picked(kind)) or {}
        then = results.of(results.before, picked(kind)) or {}
        name = f"Picking one of {LISTED} chats, {kind.name}"
        yield Row(
            f"{name}: time beside the gateway's",
            now.get("seconds"),
            _OPENING,
            "s",
            before=then.get("seconds"),
        )
        yield Row(
            f"{name}: pictures asked for",
            now.get("pictures"),
            0,
            "",
            before=then.get("pictures"),
        )


def tables(results: KnownResults, rows: Sequence[Row]) -> str:
    """Return everything as Markdown."""
    return "\n\n".join(
        (
            "### Asking, against the bounds",
            beside(rows, results.before),
            "### Until all chats are known after a restart",
            table(
                (
                    "gateway",
                    "chats",
                    "build",
                    "seconds",
                    "requests",
                    "account shown online, s",
                ),
                _restart_cells(results),
            ),
            "### A quiet day",
            table(
                (
                    "gateway",
                    "chats",
                    "build",
                    "hours",
                    "requests an hour",
                    "account shown online, of an hour",
                    "of the worst hour",
                ),
                _day_cells(results),
            ),
        )
    )


def _restart_cells(results: KnownResults) -> Iterator[tuple[str, ...]]:
    for kind in KINDS:
        for chats in results.plan.chats:
            for build in reversed(results.builds):
                found = results.of(build, restarted(kind, chats))
                assert found is not None
                seconds = found["seconds"]
                yield (
                    kind.name,
                    f"{chats:,}",
                    build,
                    "never" if seconds is None else f"{seconds:.1f}",
                    f"{found['requests']:,}",
                    f"{found['online']:.0f}" if kind.announces else "–",
                )


def _day_cells(results: KnownResults) -> Iterator[tuple[str, ...]]:
    for kind in KINDS:
        for chats in sorted({*results.plan.chats, QUIET}):
            now, then = _quiet(results, kind, chats)
            for build, found in ((results.before, then), (THIS, now)):
                if build is None or found is None:
                    continue
                online = found["online"]
                shares = ("–", "–")
                if kind.announces:
                    shares = (
                        f"{statistics.mean(online[1:]) / HOUR:.1%}",
                        f"{max(online) / HOUR:.1%}",
                    )
                yield (
                    kind.name,
                    f"{chats:,}",
                    build,
                    str(len(online)),
                    f"{_an_hour(found):,.0f}",
                    *shares,
                )


_COLOURS: Final = ("#25a55f", "#8a8f98")


def plot(results: KnownResults) -> str:
    """Draw how long it takes until all are known; it follows the reader's theme."""
    left, width, bar, top = 150, 640, 12, 62
    shown = [build for build in (THIS, results.before) if build is not None]
    groups = [(kind, chats) for kind in KINDS for chats in results.plan.chats]
    group = len(shown) * (bar + 2) + 8
    height = top + len(groups) * group + 30
    values = {
        (build, kind, chats): (results.of(build, restarted(kind, chats)) or {}).get(
            "seconds"
        )
        for build in shown
        for kind, chats in groups
    }
    most = max((value for value in values.values() if value), default=1.0)
    high = 10 ** math.ceil(math.log10(most))
    low = 0.1
    scale = (width - left - 60) / math.log10(high / low)

    def at(value: float) -> float:
        return left + math.log10(max(value, low) / low) * scale

    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
 font-family="system-ui, sans-serif" font-size="11" role="img">""",
        "<title>Seconds until all chats are known after a restart</title>",
        """<style>text{fill:#24292f}.line{stroke:#d0d7de}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.line{stroke:#3d444d}}</style>""",
        f"""<text x="{left}" y="16" font-size="13" font-weight="600">
Seconds until all chats are known after a restart (logarithmic)</text>""",
    ]
    for index, build in enumerate(shown):
        x = left + index * 120
        parts.append(
            f'<rect x="{x}" y="27" width="10" height="10" rx="2" '
            f'fill="{_COLOURS[index]}"/><text x="{x + 15}" y="36">{build}</text>'
        )
    tick = low
    while tick <= high * 1.001:
        parts.append(
            f'<line class="line" x1="{at(tick):.1f}" x2="{at(tick):.1f}" '
            f'y1="{top - 8}" y2="{height - 26}"/><text x="{at(tick):.1f}" '
            f'y="{height - 10}" text-anchor="middle">{tick:g}</text>'
        )
        tick *= 10
    for row, (kind, chats) in enumerate(groups):
        y = top + row * group
        name = f"{kind.name}, {chats:,}"
        parts.append(
            f'<text x="{left - 8}" y="{y + group / 2 - 2:.0f}" text-anchor="end">'
            f"{name}</text>"
        )
        for index, build in enumerate(shown):
            value = values[build, kind, chats]
            end = at(high if value is None else value)
            label = "never" if value is None else f"{value:.1f}"
            parts.append(
                f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="{bar}" '
                f'rx="2" fill="{_COLOURS[index]}"/>'
                f'<text x="{end + 4:.1f}" y="{y + bar - 2}">{label}</text>'
            )
            y += bar + 2
    parts.append("</svg>\n")
    return "\n".join(parts)
