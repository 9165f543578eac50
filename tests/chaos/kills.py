"""SIGKILL: a real Home Assistant is ended between two events, and started again."""

import asyncio
from datetime import datetime
from pathlib import Path
import tempfile
import time

from tests.bench.host import Host
from tests.simulator import Account, Person, Simulator

from .floods import WAAPI, Flooded, person

KILLS = 3
WRITTEN = 35.0
"""Seconds within which what was last seen is on the disk."""
SHOWN = 30.0
"""Seconds in which what happened, or is known from before, has to be shown."""


async def kills(problems: list[str]) -> int:
    """Kill it again and again; returns how often. `problems` are told what was wrong.

    The gateway tells of nobody when they were last seen, so nobody else knows.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        async with Simulator() as simulator:
            async with Host(home) as host:
                await Flooded(host, simulator).add("waapi", 2, **WAAPI)
                (account,) = simulator.accounts.values()
                for one in account.people.values():
                    one.deny = True
                before = await _one_life(host, account, None, problems)
            for _ in range(KILLS - 1):
                async with Host(home) as host:
                    before = await _one_life(host, account, before, problems)
            async with Host(home) as host:
                await _compare(host, before, problems)
    return KILLS


async def _one_life(
    host: Host,
    account: Account,
    before: tuple[float, set[float | None]] | None,
    problems: list[str],
) -> tuple[float, set[float | None]]:
    """Compare, let people come and go, and kill it.

    Returns when the first was last seen, of which half a minute ago is sure to be kept;
    and what may be known of the second, who went just now.
    """
    if before is not None:
        await _compare(host, before, problems)
    first, second = (account.people[person(number)] for number in range(2))
    known = await _last_seen(host, 1)
    seen = await _come_and_go(host, account, first, 0)
    await asyncio.sleep(WRITTEN)
    just_now = await _come_and_go(host, account, second, 1)
    await host.home_assistant.kill()
    return seen, {known, just_now}


async def _come_and_go(host: Host, account: Account, who: Person, number: int) -> float:
    """Return when Home Assistant shows that they were last seen."""
    before = await _last_seen(host, number)
    await account.set_presence(who, "online")
    await asyncio.sleep(2)
    await account.set_presence(who, "offline")
    end = time.monotonic() + SHOWN
    while (seen := await _last_seen(host, number)) in (None, before):
        if time.monotonic() > end:
            raise RuntimeError("Nobody was seen going offline")
        await asyncio.sleep(0.2)
    assert seen is not None
    return seen


async def _compare(
    host: Host, before: tuple[float, set[float | None]], problems: list[str]
) -> None:
    kept, possible = before
    end = time.monotonic() + SHOWN
    while (found := await _last_seen(host, 0)) is None and time.monotonic() < end:
        await asyncio.sleep(0.2)
    if found != kept:
        problems.append(f"last seen {found} instead of {kept}")
    if (found := await _last_seen(host, 1)) not in possible:
        problems.append(f"last seen {found} instead of one of {possible}")


async def _last_seen(host: Host, number: int) -> float | None:
    states = await host.home_assistant.states()
    state = states.get(f"sensor.chat_{number}_last_seen", {}).get("state")
    if state in (None, "unknown", "unavailable"):
        return None
    return datetime.fromisoformat(state).timestamp()
