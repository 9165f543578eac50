"""What the benchmark counts, and what it makes of it."""

import pytest

from tests.simulator.announcing import SECONDS

from .gateway_known import Meter
from .host import Processor
from .instructions import SHORT
from .known import (
    FULL,
    KINDS,
    QUICK,
    WAWP,
    KnownPlan,
    KnownResults,
    restarted,
    settings,
)
from .known_report import bounded, plot, tables
from .measure import (
    CHANGE,
    EMPTY,
    SAME,
    SHORT as SHORT_PLAN,
    TEMPLATE_ENTITIES,
    VARIANTS,
    WITH,
    WITHOUT_ACTIVITY,
    FloodResult,
    Results,
)
from .report import Row, bounded as bounded_events


def test_a_refusal_in_a_row_was_sent_after_another_was_answered() -> None:
    """Requests that were under way already when the first was refused are none."""
    meter = Meter()
    for came, now, status in (
        (0.0, 1.0, 429),
        (0.5, 1.1, 429),
        (2.0, 2.1, 429),
        (3.0, 3.1, 200),
        (4.0, 4.1, 429),
    ):
        meter.answered(came, now, status)
    assert (meter.refused, meter.in_a_row) == (4, 1)


def test_what_is_answered_at_the_same_time_counts_once() -> None:
    """The gateway's own time is that in which it had anything to answer."""
    meter = Meter()
    for came, now in ((0.0, 2.0), (1.0, 3.0), (5.0, 6.0)):
        meter.answered(came, now, 200)
    assert meter.busy(0.0, 10.0) == 4.0
    assert meter.busy(1.5, 5.5) == 2.0


@pytest.mark.parametrize(
    ("value", "bound", "at_least", "met"),
    [
        (1.0, 1.0, False, True),
        (1.1, 1.0, False, False),
        (1.1, 1.0, True, True),
        (0.9, 1.0, True, False),
        (None, 1.0, False, False),
        (None, None, False, True),
    ],
)
def test_what_was_never_reached_misses_its_bound(
    value: float | None, bound: float | None, at_least: bool, met: bool
) -> None:
    """A figure without a bound misses none."""
    row = Row("figure", value, bound, at_least=at_least)
    assert row.met is met
    assert len(row.cells()) == len(row.cells_beside()) == 5


def found(*, slow: bool) -> dict[str, object]:
    """Return what any measurement may find."""
    return {
        "seconds": 200.0 if slow else 1.0,
        "online": [SECONDS, 1800.0 if slow else SECONDS],
        "requests": [400, 400 if slow else 40],
        "refused": 20 if slow else 0,
        "in_a_row": 3 if slow else 0,
        "pictures": 300 if slow else 0,
        "subscribed": {"a": 300.0 if slow else 0.0},
        "left": [0, 9000 if slow else 0],
    }


@pytest.mark.parametrize("plan", [QUICK, FULL])
def test_each_figure_is_held_against_its_bound(plan: KnownPlan) -> None:
    """What is good meets all of them; what is never known misses two."""
    results = KnownResults(plan, ["this build", "older"])
    for build, hours in (("this build", plan.hours), ("older", plan.hours_before)):
        for setting in settings(plan, hours):
            what = found(slow=build == "older")
            if setting.what == "restart":
                what |= {"requests": 40, "online": SECONDS}
            results.found[build, setting] = what
    rows = bounded(results)
    assert [row.figure for row in rows if not row.met] == []
    text = tables(results, rows)
    assert all(kind.name in text for kind in KINDS)
    assert plot(results).endswith("</svg>\n")
    results.found["this build", restarted(WAWP, 60)]["seconds"] = None
    missed = [row.figure for row in bounded(results) if not row.met]
    assert len(missed) == 2
    assert all("known after a restart, Wawp" in figure for figure in missed)


COUNTS = {
    EMPTY: 424_000.0,
    SAME: 435_000.0,
    CHANGE: 794_000.0,
    SHORT: 366_000.0,
}


@pytest.mark.parametrize(
    ("kind", "instructions", "missed"),
    [
        (SAME, 435_000, []),
        # As much as it was when a coroutine waited for a body that was there.
        (SAME, 445_000, ["nothing changes : empty webhook"]),
        # As much as it was when each body was read.
        (SAME, 497_000, ["nothing changes : empty webhook"]),
        (CHANGE, 842_000, ["four entities change : empty webhook"]),
        # As much as with an id of 64 characters.
        (SHORT, 424_000, ["empty webhook with a new entry's id"]),
    ],
)
def test_instructions_are_held_against_their_bounds(
    kind: str, instructions: float, missed: list[str]
) -> None:
    """What an improvement spared is missed when it is gone."""
    counted = {
        name: [value] * 3 for name, value in (COUNTS | {kind: instructions}).items()
    }
    results = Results(SHORT_PLAN)
    results.counts = {10: counted, 1000: counted}
    results.events = {10: {name: [Processor(1.0, 1.0)] for name in VARIANTS}}
    results.pairs = results.events
    results.floods = {
        who: FloodResult(1, Processor(0.0, 0.0), rows, 0, {})
        for who, rows in ((WITH, 7), (WITHOUT_ACTIVITY, 5), (TEMPLATE_ENTITIES, 100))
    }
    found = [row.figure for row in bounded_events(results) if not row.met]
    assert len(found) == len(missed)
    assert all(part in figure for part, figure in zip(missed, found, strict=True))
