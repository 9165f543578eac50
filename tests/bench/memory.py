"""What a chat holds beyond plain entities, and the timers that are on the loop."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
import shutil
from typing import NamedTuple

from tests.e2e.home_assistant import INTEGRATION

from .builds import THIS, Build
from .events import OUR_WEBHOOK
from .host import PLAIN, Host
from .measure import MANY, REST, gateway, known_chats, many_chats, say
from .report import Row

ONE = 1
PER_CHAT = 6.5
TIMERS = 10
_LOOKS = 6
_TRACED = {"PYTHONTRACEMALLOC": "1"}


class Held(NamedTuple):
    """What a Home Assistant holds: bytes by Python's own count, timers on its loop."""

    memory: float
    timers: int


@dataclass(slots=True)
class BuildMemory:
    """What was found of a build, by number of chats.

    `ours` and `plain` are after a restart; `heard` is ours after an event of each chat.
    """

    ours: dict[int, Held] = field(default_factory=dict)
    plain: dict[int, Held] = field(default_factory=dict)
    heard: dict[int, Held] = field(default_factory=dict)

    def beyond_plain(self, ours: dict[int, Held]) -> float:
        """Return how many KiB a chat takes more than entities that show nothing."""
        return (_per_chat(ours) - _per_chat(self.plain)) / 1024

    def timers(self, ours: dict[int, Held]) -> int:
        """Return how many timers a thousand chats bring."""
        return ours[MANY].timers - self.plain[MANY].timers


def _per_chat(held: dict[int, Held]) -> float:
    """Return the bytes of a chat; what does not grow with them, as the code, is none's."""
    return (held[MANY].memory - held[ONE].memory) / (MANY - ONE)


async def _look(host: Host) -> Held:
    await asyncio.sleep(REST)
    # What the recorder still holds is not the entities'.
    await host.probe("flush")
    await asyncio.sleep(2 * REST)
    used = await host.probe("memory")
    # A call that is under way has one for as long as it lasts.
    timers: list[int] = []
    for _ in range(_LOOKS):
        timers.append(await host.probe("timers"))
        await asyncio.sleep(1)
    return Held(used["traced"], min(timers))


async def _measure(build: Build, number: int, folder: Path, found: BuildMemory) -> None:
    chats = many_chats(number)
    async with gateway(chats) as (simulator, _):
        await known_chats(
            folder, chats, simulator, settle_time=3, integration=build.integration
        )
        for who in (found.plain, found.ours):
            say(
                f"memory, {build.name}, {number} chats, "
                + ("plain entities" if who is found.plain else "integration")
            )
            shutil.rmtree(folder / "custom_components" / INTEGRATION.name)
            async with Host(
                folder,
                integration=PLAIN if who is found.plain else build.integration,
                environment=_TRACED,
            ) as host:
                who[number] = await _look(host)
                if who is found.ours:
                    for chat in chats:
                        await host.post(OUR_WEBHOOK, chat.change())
                    found.heard[number] = await _look(host)


async def measure_memory(folder: Path, builds: list[Build]) -> dict[str, BuildMemory]:
    """Measure it of each build; the counts do not depend on what else runs."""
    results = {build.name: BuildMemory() for build in builds}

    async def one(build: Build) -> None:
        for number in (ONE, MANY):
            await _measure(
                build, number, folder / f"{build.name}-{number}", results[build.name]
            )

    await asyncio.gather(*map(one, builds))
    return results


def memory_rows(results: dict[str, BuildMemory]) -> list[Row]:
    """Return this build's figures with their bounds, beside the other's."""
    this = results[THIS]
    others = [result for name, result in results.items() if name != THIS]

    def row(
        figure: str, value: float, before: list[float], bound: float | None, unit: str
    ) -> Row:
        return Row(figure, value, bound, unit, before=before[0] if before else None)

    return [
        row(
            "Memory per chat beyond plain entities",
            this.beyond_plain(this.ours),
            [other.beyond_plain(other.ours) for other in others],
            PER_CHAT,
            "KiB",
        ),
        row(
            "The same, after an event of each chat",
            this.beyond_plain(this.heard),
            [other.beyond_plain(other.heard) for other in others],
            None,
            "KiB",
        ),
        *(
            row(
                f"Timers on the loop with {MANY} chats{when}",
                this.timers(held),
                [other.timers(before) for other, before in pairs],
                TIMERS,
                "",
            )
            for when, held, pairs in (
                ("", this.ours, [(other, other.ours) for other in others]),
                (
                    ", after an event of each",
                    this.heard,
                    [(other, other.heard) for other in others],
                ),
            )
        ),
    ]
