"""The simulator as a process of its own, and what is driven in it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import sys
from typing import Any, Final, Self

from aiohttp import ClientSession, ClientTimeout

KEY: Final = "peers-key"
START_LIMIT: Final = 60.0
CALL_LIMIT: Final = ClientTimeout(total=30)
EVENT_LIMIT: Final = 3.0
# What may still come after the first event of a change.
SETTLE: Final = 0.3

ENGINES: Final = ("NOWEB", "GOWS", "WPP", "WEBJS")
READY: Final = "12345"
CONFLICT: Final = "12346"
ERROR: Final = "12347"
LIMITED: Final = "12348"

# Who is in which state at WaAPI, where all are asked at once.
NUMBERS: Final = {
    "online": "15555550101",
    "typing": "15555550102",
    "recording": "15555550103",
    "offline": "15555550104",
    "denied": "15555550105",
    "nothing": "15555550106",
    "typing_hidden": "15555550107",
}
ANNA: Final = NUMBERS["online"]
LID: Final = "20100000000001@lid"
BEN: Final = NUMBERS["typing"]
# A number that nobody has.
NOBODY: Final = "15555550199"
GROUP: Final = "120363000000000001@g.us"
LAST_SEEN: Final = 1_700_000_000


@dataclass(slots=True)
class World:
    """A running simulator."""

    url: str
    session: ClientSession

    @classmethod
    @asynccontextmanager
    async def started(cls, root: Path) -> AsyncIterator[Self]:
        """Start the simulator of a checkout, and end it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.simulator", "--port", "0", "--empty"),
            cwd=root,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_LIMIT):
                line = (await process.stdout.readline()).decode()
            _, _, url = line.partition("simulator: ")
            async with ClientSession(timeout=CALL_LIMIT) as session:
                yield cls(url.strip(), session)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def control(self, to: str, /, **body: Any) -> None:
        """Do something that only a simulator can."""
        async with self.session.post(f"{self.url}/control/{to}", json=body) as answer:
            if answer.status != 200:
                raise RuntimeError(f"/control/{to}: {await answer.text()}")

    async def set_presence(self, where: str, who: str, state: str, **more: Any) -> None:
        """Change what somebody does."""
        await self.control(
            f"instances/{where}/presence", person=who, state=state, **more
        )

    async def populate(self) -> None:
        """Add the accounts and the people."""
        for instance, options in (
            (READY, {}),
            (CONFLICT, {"status": "disconnected"}),
            (ERROR, {"status": "disconnected", "quirks": {"not_ready_as": "200"}}),
            (LIMITED, {}),
        ):
            await self.control(
                "instances", gateway="waapi", instance=instance, token=KEY, **options
            )
        waapi = f"waapi/{READY}"
        for name, number in NUMBERS.items():
            lid = LID if number == ANNA else None
            await self.control(
                f"instances/{waapi}/people", number=number, name=name, lid=lid
            )
        await self.control(
            f"instances/{waapi}/groups", id=GROUP, name="Family", members=[ANNA, BEN]
        )
        await self.control(
            "fail",
            count=50,
            status=429,
            headers={"Retry-After": "7"},
            body={"message": "Too Many Attempts."},
            gateway="waapi",
            path=f"/instances/{LIMITED}",
        )
        for engine in ENGINES:
            quirks = {"tags_events_on": True, "store": True}
            session = engine.lower()
            await self.control(
                "instances",
                gateway="waha",
                instance=session,
                token=KEY,
                engine=engine,
                quirks=quirks,
            )
            for number, name, lid in ((ANNA, "Anna", LID), (BEN, "Ben", None)):
                await self.control(
                    f"instances/waha/{session}/people",
                    number=number,
                    name=name,
                    lid=lid,
                    picture=True,
                )
            await self.control(
                f"instances/waha/{session}/groups",
                id=GROUP,
                name="Family",
                members=[ANNA, BEN],
            )

    async def subscribe(self, session: str, chat: str) -> int:
        """Subscribe to a chat at WAHA, whatever it is called; the status."""
        async with self.session.post(
            f"{self.url}/api/{session}/presence/{chat}/subscribe",
            headers={"X-Api-Key": KEY},
        ) as answer:
            return answer.status

    @asynccontextmanager
    async def events(self, session: str) -> AsyncIterator[Events]:
        """Listen to a session's presences, as they come over the socket."""
        async with self.session.ws_connect(
            f"{self.url}/ws",
            params={
                "x-api-key": KEY,
                "session": session,
                "events": "presence.update",
            },
        ) as socket:
            events = Events()

            async def collect() -> None:
                async for message in socket:
                    events.envelopes.append(json.loads(message.data))
                    events.came.set()

            task = asyncio.create_task(collect())
            try:
                yield events
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


class Events:
    """The envelopes that came."""

    def __init__(self) -> None:
        """Begin with none."""
        self.envelopes: list[dict[str, Any]] = []
        self.came = asyncio.Event()

    async def next(self) -> list[dict[str, Any]]:
        """Wait for an envelope and what comes right behind it; empty: none came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EVENT_LIMIT):
                await self.came.wait()
            await asyncio.sleep(SETTLE)
        self.came.clear()
        taken, self.envelopes = self.envelopes, []
        return taken

    async def forget(self) -> None:
        """Let come what still comes, and forget it."""
        await asyncio.sleep(SETTLE)
        self.came.clear()
        self.envelopes.clear()


def entries(envelopes: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of all envelopes."""
    return [entry for one in envelopes for entry in one["payload"]["presences"]]
