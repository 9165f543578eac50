"""How many instructions the event loop runs for an event."""

from contextlib import AsyncExitStack
from pathlib import Path

from . import callgrind
from .events import OUR_WEBHOOK
from .host import Host
from .measure import (
    CHANGE,
    EMPTY,
    MANY,
    SAME,
    Bench,
    all_subscribed,
    gateway,
    known_chats,
    many_chats,
    say,
)

FEW = 10
COUNTED = (EMPTY, SAME, CHANGE)
# Enough that what else happens meanwhile does not count.
EVENTS = 40
# As long as it is waited for the last of the chats to be subscribed, in seconds.
PATIENCE = 240
_START_TIMEOUT = 1200

type Counts = dict[int, dict[str, list[float]]]


async def measure_instructions(folder: Path, rounds: int) -> Counts:
    """Return the instructions of an event: by number of chats and kind, for each round.

    What others do on the machine does not change them; garbage collections are left
    out, for they come when they like.
    """
    counts: Counts = {
        number: {variant: [] for variant in COUNTED} for number in (FEW, MANY)
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
            await one.host.probe("collect_garbage", enable=False)
        for number_of_round in range(rounds):
            say(f"instructions, round {number_of_round + 1} of {rounds}")
            for one, counter in benches:
                for variant in COUNTED:
                    counts[len(one.chats[OUR_WEBHOOK])][variant].append(
                        await _count(one, counter, variant)
                    )
    return counts


async def _count(one: Bench, counter: callgrind.Counter, variant: str) -> float:
    """Count the events of one batch."""
    turn = [one.body(variant) for _ in range(EVENTS)]
    if variant == SAME:
        # Whose typing has timed out meanwhile, types anew, which is no repeat.
        for webhook_id, body in turn:
            await one.host.post(webhook_id, body)
    await one.host.probe("flush")
    await counter.start()
    for webhook_id, body in turn:
        await one.host.post(webhook_id, body)
    return await counter.stop() / EVENTS
