"""A believable day in fast motion: people wake, chat, work, meet and sleep.

The plan of a day depends on the seed, the day and the person alone, so a day can
be played again. `speed` shortens the pauses between a person's visits to
WhatsApp; within a visit nothing is faster than `min_step` seconds, or typing
could not be seen at all.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from .world import Account, Person, State

if TYPE_CHECKING:
    from .server import Simulator

DAY: Final = 86_400.0
HOUR: Final = 3_600.0
# Between these hours somebody may be awake.
MORNING: Final = 6.5 * HOUR
NIGHT: Final = 23.5 * HOUR

# From hour to hour, how many visits there are in it.
_RHYTHM: Final = (
    (6.5, 9.0, 1.6),
    (9.0, 12.0, 0.7),
    (12.0, 13.5, 2.0),
    (13.5, 17.5, 0.7),
    (17.5, 20.0, 1.5),
    (20.0, 22.8, 2.4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a person does; `at` is in seconds since midnight."""

    at: float
    state: State
    group: str | None = None


def plan_day(random: Random, groups: list[str]) -> list[Step]:
    """Plan one person's day: visits of a minute or so, most with some typing."""
    steps: list[Step] = []
    free = 0.0
    for start, end, rate in _RHYTHM:
        at = start * HOUR + random.expovariate(rate) * HOUR
        while at < end * HOUR:
            visit = _visit(random, max(at, free), groups)
            steps += visit
            free = visit[-1].at + 60
            at = free + random.expovariate(rate) * HOUR
    return steps


def _visit(random: Random, at: float, groups: list[str]) -> list[Step]:
    """Plan a visit: come online, perhaps write or speak, go."""
    steps = [Step(at=at, state=State.ONLINE)]
    at += random.uniform(2, 20)
    group = random.choice(groups) if groups and random.random() < 0.35 else None
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        doing = State.RECORDING if random.random() < 0.2 else State.TYPING
        steps.append(Step(at=at, state=doing, group=group))
        at += random.uniform(3, 18)
        steps.append(Step(at=at, state=State.PAUSED, group=group))
        at += random.uniform(2, 30)
    steps.append(Step(at=at, state=State.OFFLINE))
    return steps


class Scenario:
    """Plays days, one after the other, with everybody whom the accounts know."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        speed: float = 120.0,
        seed: int = 0,
        min_step: float = 1.5,
        nights: bool = True,
    ) -> None:
        """Prepare; `speed` is how many seconds of a day pass in one.

        Without `nights`, each day begins when the first wake.
        """
        if speed <= 0:
            raise ValueError("the speed must be positive")
        self.simulator = simulator
        self.speed = speed
        self.seed = seed
        self.min_step = min_step
        self._begins, self._ends = (0.0, DAY) if nights else (MORNING, NIGHT)
        self.day = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to play."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop; everybody stays as they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            await self.play_day()

    async def play_day(self) -> None:
        """Play one day; the next one is different, and as repeatable."""
        async with asyncio.TaskGroup() as tasks:
            # A day lasts, whoever is in it.
            tasks.create_task(asyncio.sleep((self._ends - self._begins) / self.speed))
            for number in dict.fromkeys(
                person.number
                for account in self.simulator.accounts.values()
                for person in account.people.values()
            ):
                tasks.create_task(self._live(number))
        self.day += 1

    async def _live(self, number: str) -> None:
        """Let one person live a day, in all accounts that know them."""
        known: list[tuple[Account, Person]] = [
            (account, person)
            for account in self.simulator.accounts.values()
            for person in account.people.values()
            if person.number == number
        ]
        groups = sorted(
            {
                group.chat_id
                for account, person in known
                for group in account.groups.values()
                if person in group.members
            }
        )
        random = Random(f"{self.seed}/{self.day}/{number}")
        now = self._begins
        for step in plan_day(random, groups):
            gap = (step.at - now) / self.speed
            if step.state is not State.ONLINE:
                gap = max(gap, self.min_step)
            await asyncio.sleep(gap)
            now = step.at
            for account, person in known:
                group = account.groups.get(step.group) if step.group else None
                if step.group is not None and (
                    group is None or person not in group.members
                ):
                    continue
                await account.set_presence(person, step.state, group=group)
