"""How many instructions the event loop runs for an event."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from custom_components.whatsapp_presence.helpers import new_webhook_id

from . import callgrind
from .events import EMPTY_WEBHOOK, OUR_WEBHOOK, Chat
from .host import Host
from .measure import (
    CHANGE,
    EMPTY,
    MANY,
    SAME,
    VARIANTS,
    Bench,
    all_subscribed,
    gateway,
    known_chats,
    many_chats,
    say,
)

FEW = 10
SHORT = "short"
# With many chats, it is asked whether the same costs more.
COUNTED = {FEW: (EMPTY, SAME, CHANGE, SHORT), MANY: (SAME, CHANGE)}
_SHORT_WEBHOOK = "0" * len(new_webhook_id())
_VARIANTS = {**VARIANTS, SHORT: (_SHORT_WEBHOOK, Chat.repeat)}
# So few that a home with many chats, which asks for them now and then, often asks for
# none meanwhile.
EVENTS = 30
# As long as it is waited for the last of the chats to be subscribed, in seconds.
PATIENCE = 240
_START_TIMEOUT = 1200

_OK = b"HTTP/1.1 200 "


class _Connection:
    """Posts each event in one piece.

    A client that sends head and body apart lets the server wake up once or twice, as it
    happens to come.
    """

    def __init__(self, port: int) -> None:
        """Prepare to connect."""
        self._port = port

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        self._writer.close()
        await self._writer.wait_closed()

    async def post(self, webhook_id: str, body: bytes) -> None:
        """Post to a webhook, and wait for the answer. Raises RuntimeError on a refusal."""
        head = (
            f"POST /api/webhook/{webhook_id} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self._port}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in answer.lower().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        await self._reader.readexactly(length)
        if not answer.startswith(_OK):
            raise RuntimeError(f"{webhook_id} answered {answer!r}")


type Counts = dict[int, dict[str, list[float]]]


async def measure_instructions(folder: Path, rounds: int) -> Counts:
    """Return the instructions of an event: by number of chats and kind, for each round.

    What others do on the machine does not change them; garbage collections are left
    out, for they come when they like.
    """
    counts: Counts = {
        number: {variant: [] for variant in variants}
        for number, variants in COUNTED.items()
    }
    async with AsyncExitStack() as stack:
        benches: list[tuple[Bench, callgrind.Counter]] = []
        for number in counts:
            place = folder / f"instructions-{number}"
            chats = many_chats(number)
            simulator, account = await stack.enter_async_context(gateway(chats))
            say(f"instructions: making {number} chats known")
            await known_chats(place, chats, simulator, settle_time=0)
            say(f"instructions: starting a Home Assistant with {number} chats")
            host = await stack.enter_async_context(
                Host(
                    place,
                    # Or sets come in another order with each start.
                    environment={"PYTHONHASHSEED": "0"},
                    launcher=callgrind.launcher(place),
                    start_timeout=_START_TIMEOUT,
                )
            )
            benches.append(
                (
                    Bench.of_ours(host, simulator, account, chats),
                    callgrind.Counter(host.home_assistant.pid, place),
                )
            )
        for one, _ in benches:
            # The first event of a chat is news in more than one way.
            for chat in one.chats[OUR_WEBHOOK]:
                await one.host.post(OUR_WEBHOOK, chat.change())
            await all_subscribed(one, PATIENCE)
            await one.host.probe("open_webhook", webhook_id=_SHORT_WEBHOOK)
            await one.host.probe("collect_garbage", enable=False)
        for number_of_round in range(rounds):
            say(f"instructions, round {number_of_round + 1} of {rounds}")
            for one, counter in benches:
                for variant, counted in counts[len(one.chats[OUR_WEBHOOK])].items():
                    counted.append(await _count(one, counter, variant))
    return counts


async def _count(one: Bench, counter: callgrind.Counter, variant: str) -> float:
    """Count the events of one batch; of many chats it is another few each time."""
    webhook_id, write = _VARIANTS[variant]
    whose = variant if variant in VARIANTS else EMPTY
    chats = [one.next_chat(whose) for _ in range(FEW)]
    for chat in chats:
        # Whose typing has timed out meanwhile, types anew, which is no repeat; and all
        # four facts are to change with the first event as with the others.
        before = chat.repeat() if variant == SAME else chat.leave()
        await one.host.post(webhook_id, before)
    await one.host.probe("flush")
    bodies = [write(chat) for _ in range(EVENTS // FEW) for chat in chats]
    async with _Connection(one.host.home_assistant.port) as connection:
        # The first request of a connection costs more.
        await connection.post(EMPTY_WEBHOOK, b"{}")
        await counter.start()
        for body in bodies:
            await connection.post(webhook_id, body)
        return await counter.stop() / EVENTS
