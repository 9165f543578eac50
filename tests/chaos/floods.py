"""Floods: what a gateway gone mad can do to a real Home Assistant, over real HTTP.

Home Assistant runs in a process of its own, the gateway and the load in this one. Times
are without what the machine gave to other processes meanwhile, as the kernel counts it;
and of three tries the best counts, for what is ours comes each time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import sys
import tempfile
import time
from typing import Any, Final, NamedTuple

from custom_components.whatsapp_presence.const import DOMAIN, MAX_WEBHOOK_BODY
from tests.bench.host import Host
from tests.simulator import Simulator

from .asker import waited

ROOT: Final = Path(__file__).resolve().parents[2]
TRIES: Final = 3
GROUP: Final = 1000
"""Members of a large group."""
REST: Final = 3.0
"""Seconds for which everything is left alone before it counts."""
OUR_LOGGER: Final = "custom_components.whatsapp_presence"
WEBHOOK: Final = "{:0>64}"

WAAPI: Final = {"instance_id": "12345", "api_token": "t0ken"}
WAHA: Final = {"session": "default", "api_key": "t0ken"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured, and what it may be at most."""

    load: str
    figure: str
    found: float
    bound: float
    unit: str

    @property
    def good(self) -> bool:
        """Whether the bound is kept."""
        return self.found <= self.bound

    def __str__(self) -> str:
        """Return the row of a table."""
        verdict = "" if self.good else " **missed**"
        return (
            f"| {self.load} | {self.figure} | {self.found:.3g} {self.unit}{verdict} "
            f"| {self.bound:g} {self.unit} |"
        )


class Answer(NamedTuple):
    """When the API was asked and when it had answered, and what of that is ours."""

    asked: float
    answered: float
    own: float

    def apart_from(self, collections: list[tuple[float, float, float]]) -> float:
        """Return what is ours without these, each its begin, end and computing."""
        left = self.own
        for began, ended, computed in collections:
            within = min(ended, self.answered) - max(began, self.asked)
            left -= max(within, 0.0) / (ended - began) * computed
        return left


def person(number: int) -> str:
    """Return the id of a chat."""
    return f"49151{number:08}@c.us"


def group(number: int) -> str:
    """Return the id of a group."""
    return f"1203630000000{number:05}@g.us"


def members(first: int, count: int) -> list[str]:
    """Return the ids of members, whom nobody knows."""
    return [f"{10**14 + number}@lid" for number in range(first, first + count)]


class Flooded:
    """A Home Assistant with accounts, and the gateway that floods it."""

    def __init__(self, host: Host, simulator: Simulator) -> None:
        """Begin without an account."""
        self.host = host
        self.simulator = simulator
        self._accounts = 0

    async def add(
        self, gateway: str, people: int, groups: int = 0, **login: str
    ) -> str:
        """Add an account; returns the id of its webhook."""
        self._accounts += 1
        webhook_id = WEBHOOK.format(self._accounts)
        instance = next(iter(login.values()))
        options = {"store": True} if gateway == "waha" else {}
        account = self.simulator.add_instance(
            gateway, instance, token="t0ken", **options
        )
        ids = [*map(person, range(people)), *map(group, range(groups))]
        for chat_id in ids:
            if chat_id.endswith("@g.us"):
                account.add_group(chat_id, name="Group")
            else:
                account.add_person(chat_id.partition("@")[0], name="Somebody")
        path = "/api/v1" if gateway == "waapi" else ""
        await self.host.probe(
            "add_entry",
            domain=DOMAIN,
            unique_id=f"{gateway}_{instance}",
            data={
                "gateway": gateway,
                "url": f"{self.simulator.url}{path}",
                "webhook_id": webhook_id,
                **login,
            },
            chats=[
                {
                    "title": f"Chat {number}",
                    "unique_id": chat_id,
                    "data": {"chat": chat_id, "settle_time": 0},
                }
                for number, chat_id in enumerate(ids)
            ],
        )
        async with asyncio.timeout(120):
            while len(account.subscriptions) < len(ids):
                await asyncio.sleep(0.2)
        await asyncio.sleep(REST)
        return webhook_id

    def lines(self) -> int:
        """Count the lines of ours in the log."""
        return self.host.home_assistant.log.count(f"[{OUR_LOGGER}")

    async def resident(self) -> float:
        """Return the memory that is in use, in MiB."""
        await asyncio.sleep(REST)
        found: dict[str, float] = await self.host.probe("memory")
        return found["resident"] / 2**20

    async def longest_hold(self, flood: Callable[[], Awaitable[None]]) -> float:
        """Return for how long the loop was held at a time at most, in ms."""
        found: list[float] = []
        for _ in range(TRIES):
            await self.host.probe("watch_pauses")
            await flood()
            await asyncio.sleep(1)
            found.append((await self.host.probe("longest_pause"))["own"])
        return min(found) * 1000

    async def answers(
        self, load: str, flood: Callable[[], Awaitable[None]], bound: float
    ) -> list[Row]:
        """Tell after how long the API answered at the latest.

        A full collection of garbage is Home Assistant's own: it comes with whatever
        lives, and takes as long as all takes that there is. So it is left out once, and
        once it may come on top, as long as it takes when nothing else happens.
        """
        collection = await self._full_collection()
        apart: list[float] = []
        all_in_all: list[float] = []
        for _ in range(TRIES):
            await self.host.probe("watch_full_collections")
            async with self._asking() as asked:
                await flood()
                await asyncio.sleep(1)
            collections = await self.host.probe("full_collections")
            apart.append(max(one.apart_from(collections) for one in asked))
            all_in_all.append(max(one.own for one in asked))
        return [
            Row(
                load=load,
                figure="the API answers after, full garbage collections apart",
                found=min(apart) * 1000,
                bound=bound,
                unit="ms",
            ),
            Row(
                load=load,
                figure="with them; one when nothing happens comes on top of the bound",
                found=min(all_in_all) * 1000,
                bound=bound + round(collection * 1000),
                unit="ms",
            ),
        ]

    async def _full_collection(self) -> float:
        """Return for how many seconds a full collection computes."""
        await self.host.probe("watch_full_collections")
        await self.host.probe("memory")
        found = await self.host.probe("full_collections")
        return min(float(computed) for _, _, computed in found)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[list[Answer]]:
        """Have the API asked meanwhile; the list has the answers afterwards."""
        home = self.host.home_assistant
        asker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.asker"),
            *(home.url, home.token, str(home.pid)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert asker.stdout is not None
        await asker.stdout.readline()
        asked: list[Answer] = []
        yield asked
        out, _ = await asker.communicate()
        asked.extend(
            Answer(*map(float, line.split())) for line in out.decode().splitlines()
        )


@asynccontextmanager
async def flooded() -> AsyncIterator[Flooded]:
    """Start everything anew."""
    with tempfile.TemporaryDirectory() as folder:
        async with Simulator() as simulator, Host(Path(folder) / "home") as host:
            yield Flooded(host, simulator)


# What is thrown


def statuses(count: int) -> bytes:
    """Return a body of words on the instance, of which the last takes it away."""
    words = ["ready", "qr"] * (count // 2)
    return json.dumps(
        [{"event": word} for word in words], separators=(",", ":")
    ).encode()


def _presence(chat_id: str, **fields: Any) -> dict[str, Any]:
    presence = {"id": chat_id, "isOnline": True, "hasData": True, **fields}
    return {"event": "presence_update", "data": presence}


def _as_many_as_fit(make: Callable[[int], Any]) -> bytes:
    """Return a body that is as large as it may be."""
    events: list[str] = []
    size = 2
    while True:
        event = json.dumps(make(len(events)), separators=(",", ":"))
        if (size := size + len(event) + 1) > MAX_WEBHOOK_BODY:
            return f"[{','.join(events)}]".encode()
        events.append(event)


def largest() -> dict[str, bytes]:
    """Return the largest bodies, by what is in them."""
    nested = b"[" * 1000 + b"]" * 1000
    words = ("typing", "recording_audio", "available")
    return {
        "words on the instance": statuses(2 * (MAX_WEBHOOK_BODY // 33)),
        "presences of all chats": _as_many_as_fit(
            lambda n: _presence(person(n % 100), chatstate=words[n // 100 % 3])
        ),
        "strangers": _as_many_as_fit(lambda n: _presence(f"{10**13 + n}@lid")),
        "groups, all typing": _as_many_as_fit(
            lambda n: _presence(group(n % 5), typingParticipants=members(n * 50, GROUP))
        ),
        "groups, typing in turn": _as_many_as_fit(
            lambda n: _presence(
                group(n % 5),
                **{
                    ("typingParticipants", "recordingParticipants")[n % 2]: members(
                        n, 3
                    )
                },
            )
        ),
        "unknown forms": _as_many_as_fit(
            lambda n: {"event": "presence_update", "data": {f"field{n}": {"a": [n]}}}
        ),
        "unknown words": _as_many_as_fit(
            lambda n: _presence(person(n % 100), chatstate=f"word {n}")
        ),
        "empty objects": b'{"event":"x","data":['
        + b"{}," * (MAX_WEBHOOK_BODY // 3 - 10)
        + b"{}]}",
        "nested lists": b'{"event":"x","data":['
        + b",".join([nested] * (MAX_WEBHOOK_BODY // 2001 - 1))
        + b"]}",
        "one long name": json.dumps(
            _presence(person(1), name="\u202e" * (MAX_WEBHOOK_BODY // 6 - 100))
        ).encode(),
        "no JSON": b"{" * MAX_WEBHOOK_BODY,
    }


def _message(number: int) -> str:
    """Return a message of WAHA: each hundredth of a large group."""
    word = ("typing", "online", "recording", "offline")[number // 100 % 4]
    if number % 100 == 99:
        chat_id, who = group(number // 100 % 5), members(0, GROUP)
    else:
        chat_id = person(number % 95)
        who = [chat_id]
    return json.dumps(
        {
            "id": f"evt_{number}",
            "session": "default",
            "event": "presence.update",
            "payload": {
                "id": chat_id,
                "presences": [
                    {"participant": one, "lastKnownPresence": word} for one in who
                ],
            },
        }
    )


# The rows


async def _statuses() -> list[Row]:
    load = "1,000 words on the instance in one body, 20 chats"
    async with flooded() as made:
        webhook = await made.add("waapi", 20, **WAAPI)
        body = statuses(1000)
        before = made.lines()
        held = await made.longest_hold(lambda: made.host.post(webhook, body))
        lines = (made.lines() - before) / TRIES
    return [
        Row(
            load=load,
            figure="the loop is held at a time",
            found=held,
            bound=50,
            unit="ms",
        ),
        Row(load=load, figure="lines in the log", found=lines, bound=1, unit="lines"),
    ]


async def _post_anything(made: Flooded, webhook: str, body: bytes) -> None:
    """Post what may be refused, but not for its size."""
    async with made.host.home_assistant.session.post(
        f"/api/webhook/{webhook}", data=body
    ) as response:
        if response.status not in (200, 400):
            raise RuntimeError(f"It answered {response.status}")


async def _largest() -> list[Row]:
    rows: list[Row] = []
    async with flooded() as made:
        webhook = await made.add("waapi", 95, 5, **WAAPI)
        bodies = largest()
        # Once before it counts: tables fill up to their limits, code is loaded.
        for body in bodies.values():
            await _post_anything(made, webhook, body)
        before = await made.resident()
        for name, body in bodies.items():
            held = await made.longest_hold(
                lambda body=body: _post_anything(made, webhook, body)
            )
            rows.append(
                Row(
                    load=f"the largest body, 100 chats: {name}",
                    figure="the loop is held at a time",
                    found=held,
                    bound=150,
                    unit="ms",
                )
            )
        after = await made.resident()
    rows.append(
        Row(
            load="all of these, three times over",
            figure="memory that stays",
            found=max((after / before - 1) * 100, 0.0),
            bound=10,
            unit="%",
        )
    )
    return rows


async def _stream() -> list[Row]:
    count, seconds = 60_000, 6.0
    messages = [_message(number) for number in range(count)]
    async with flooded() as made:
        await made.add("waha", 95, 5, **WAHA)

        took: list[float] = []

        async def flood() -> None:
            (socket,) = made.simulator.waha.connected
            pid = made.host.home_assistant.pid
            loops = ("thread-self", f"{pid}/task/{pid}")
            held_up = sum(map(waited, loops))
            began = time.monotonic()
            for number, message in enumerate(messages):
                await socket.ws.send_str(message)
                ahead = number / count * seconds - (time.monotonic() - began)
                if ahead > 0.005:
                    await asyncio.sleep(ahead)
            held_up = sum(map(waited, loops)) - held_up
            # Both may have waited at once; nobody sends faster than that.
            took.append(max(time.monotonic() - began - held_up, seconds))

        load = "60,000 WebSocket messages in 6 s, 600 of them of groups of 1,000"
        rows = await made.answers(load, flood, bound=300)
    return [
        Row(load=load, figure="all are sent after", found=min(took), bound=7, unit="s"),
        *rows,
    ]


async def _groups() -> list[Row]:
    async with flooded() as made:
        webhook = await made.add("waapi", 5, 5, **WAAPI)

        async def flood() -> None:
            for number in range(90):
                body = _presence(
                    group(number % 5), typingParticipants=members(number % 2, GROUP)
                )
                await made.host.post(webhook, json.dumps(body).encode())
                await asyncio.sleep(6 / 90)

        return await made.answers(
            "90 events of groups of 1,000 in 6 s", flood, bound=100
        )


async def _slow() -> list[Row]:
    load = "400 bodies that are sent a byte at a time"
    async with flooded() as made:
        webhook = await made.add("waapi", 5, **WAAPI)
        home = made.host.home_assistant
        ended: list[float] = []

        async def send() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
            began = time.monotonic()
            writer.write(
                f"POST /api/webhook/{webhook} HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Length: 200000\r\n\r\n".encode()
            )
            try:
                while not reader.at_eof():
                    writer.write(b" ")
                    await writer.drain()
                    try:
                        async with asyncio.timeout(1):
                            while await reader.read(1000):
                                pass
                    except TimeoutError:
                        continue
            except ConnectionError:
                pass
            finally:
                writer.close()
            ended.append(time.monotonic() - began)

        async with asyncio.TaskGroup() as callers:
            for _ in range(400):
                callers.create_task(send())
        async with asyncio.TaskGroup() as callers:
            for _ in range(400):
                callers.create_task(send())
            await asyncio.sleep(5)
            began = time.monotonic()
            await made.host.stop()
            stopped = time.monotonic() - began
    return [
        Row(
            load=load,
            figure="each ends after",
            found=max(ended[:400]),
            bound=33,
            unit="s",
        ),
        Row(
            load=load,
            figure="Home Assistant stops within",
            found=stopped,
            bound=5,
            unit="s",
        ),
    ]


FLOODS: Final[dict[str, Callable[[], Awaitable[Sequence[Row]]]]] = {
    "statuses": _statuses,
    "largest": _largest,
    "stream": _stream,
    "groups": _groups,
    "slow": _slow,
}


async def _all(names: Sequence[str]) -> bool:
    print("| load | figure | measured | bound |\n|---|---|---|---|", flush=True)
    good = True
    for name in names:
        for row in await FLOODS[name]():
            print(row, flush=True)
            good &= row.good
    return good


def floods(names: Sequence[str] = ()) -> bool:
    """Print what each flood does; returns whether all bounds are kept."""
    return asyncio.run(_all(names or list(FLOODS)))
