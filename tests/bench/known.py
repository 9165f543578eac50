"""How soon all chats are known, and what asking costs: this build beside an older one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
import json
import sys
from typing import Any, Final, NamedTuple

from .builds import REPOSITORY, THIS, Build
from .known_world import Setting
from .measure import say


class Kind(NamedTuple):
    """A gateway, and the engine beneath it where that matters."""

    gateway: str
    engine: str

    @property
    def name(self) -> str:
        """What it is called in tables."""
        names = {"waapi": "WaAPI", "wawp": "Wawp", "waha": f"WAHA, {self.engine}"}
        return names[self.gateway]

    @property
    def announces(self) -> bool:
        """Whether the account is shown online because of what it is asked."""
        return self.gateway != "waapi"


WAAPI: Final = Kind("waapi", "NOWEB")
WAWP: Final = Kind("wawp", "NOWEB")
NOWEB: Final = Kind("waha", "NOWEB")
GOWS: Final = Kind("waha", "GOWS")
KINDS: Final = (WAAPI, WAWP, NOWEB, GOWS)

HOUSE: Final = 60
"""Chats of which the bounds of time and of requests speak."""
QUIET: Final = 50
"""Chats of which the bound of being shown online speaks."""
CROWD: Final = 1000
LISTED: Final = 300
FEW: Final = 12
AMONG_STRANGERS: Final = 20
STRANGERS: Final = (300, 2500)
WAVES: Final = 5
ALLOWED: Final = 60
"""Requests a minute that a gateway allows which has a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlan:
    """How much is measured: the chats, and the hours of quiet of either build."""

    chats: tuple[int, ...]
    hours: int
    hours_before: int


FULL: Final = KnownPlan(chats=(FEW, HOUSE, 300, CROWD), hours=24, hours_before=4)
QUICK: Final = KnownPlan(chats=(FEW, HOUSE), hours=6, hours_before=3)


@dataclass(slots=True)
class KnownResults:
    """Everything that was found, by build and by setting (without its folder)."""

    plan: KnownPlan
    builds: list[str]
    found: dict[tuple[str, Setting], dict[str, Any]] = field(default_factory=dict)

    @property
    def before(self) -> str | None:
        """The name of the older build."""
        return next((name for name in self.builds if name != THIS), None)

    def of(self, build: str | None, setting: Setting) -> dict[str, Any] | None:
        """Return what was found of a build; None: that was not measured."""
        return None if build is None else self.found.get((build, setting))


def restarted(kind: Kind, chats: int) -> Setting:
    """Return the setting of a restart."""
    return Setting(
        what="restart", gateway=kind.gateway, engine=kind.engine, chats=chats
    )


def quiet(kind: Kind, chats: int, hours: int) -> Setting:
    """Return the setting of a quiet day."""
    return Setting(
        what="day", gateway=kind.gateway, engine=kind.engine, chats=chats, hours=hours
    )


def limited(kind: Kind, hours: int, retry_after: int | None) -> Setting:
    """Return the setting of a quiet day at a gateway that allows so much and no more."""
    return replace(quiet(kind, HOUSE, hours), limit=ALLOWED, retry_after=retry_after)


def picked(kind: Kind) -> Setting:
    """Return the setting of opening the form in which a chat is chosen."""
    return Setting(
        what="picker",
        gateway=kind.gateway,
        engine=kind.engine,
        chats=FEW,
        listed=LISTED,
    )


def among_strangers(kind: Kind, events: int) -> Setting:
    """Return the setting of strangers' events after a reload."""
    return Setting(
        what="strangers",
        gateway=kind.gateway,
        engine=kind.engine,
        chats=AMONG_STRANGERS,
        events=events,
        waves=WAVES if events == max(STRANGERS) else 0,
    )


# Who says how long to wait, says the truth: by then all of a minute has passed.
LIMITED: Final = ((WAAPI, None), (WAAPI, 60), (WAWP, None))
ONE_ENGINE: Final = (WAAPI, WAWP, NOWEB)


def settings(plan: KnownPlan, hours: int) -> Iterator[Setting]:
    """Yield all that is measured of a build."""
    for chats in plan.chats:
        for kind in KINDS:
            yield restarted(kind, chats)
    for chats in sorted({*plan.chats, QUIET}):
        for kind in KINDS:
            yield quiet(kind, chats, hours)
    for kind, retry_after in LIMITED:
        yield limited(kind, hours, retry_after)
    for kind in ONE_ENGINE:
        yield picked(kind)
        for events in (0, *STRANGERS):
            yield among_strangers(kind, events)


async def _measure(build: Build, hours: int, results: KnownResults) -> None:
    """Measure one build in a process of its own: it has another integration loaded."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.known_world"),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        for setting in settings(results.plan, hours):
            told = replace(setting, root=str(build.root))
            process.stdin.write(f"{told.to_json()}\n".encode())
            await process.stdin.drain()
            if not (line := await process.stdout.readline()):
                raise RuntimeError((await errors).decode()[-4000:])
            found = results.found[build.name, setting] = json.loads(line)
            say(
                f"{build.name}: {setting.what}, {setting.gateway} {setting.engine}, "
                f"{setting.chats} chats, {found['took']:.1f} s"
            )
        process.stdin.close()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        errors.cancel()


async def measure_known(plan: KnownPlan, builds: list[Build]) -> KnownResults:
    """Measure all builds at the same time; their clocks do not mind each other."""
    results = KnownResults(plan, [build.name for build in builds])
    async with asyncio.TaskGroup() as group:
        for build in builds:
            hours = plan.hours if build.name == THIS else plan.hours_before
            group.create_task(_measure(build, hours, results))
    return results
