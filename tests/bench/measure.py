"""Measure: in turns within one run, each figure several times."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
import itertools
import math
from pathlib import Path
import shutil
import statistics
import time
from typing import NamedTuple, Self

from tests.e2e.home_assistant import INTEGRATION
from tests.simulator import Simulator
from tests.simulator.world import Account

from .events import (
    EMPTY_WEBHOOK,
    INSTANCE,
    OUR_WEBHOOK,
    TEMPLATE_WEBHOOK,
    Chat,
    entry,
    flood,
    template_configuration,
)
from .host import PLAIN, Host, Processor

EMPTY, SAME, CHANGE = "empty", "same", "change"
TEMPLATE_SAME, TEMPLATE_CHANGE = "template same", "template change"
VARIANTS = {
    EMPTY: (EMPTY_WEBHOOK, Chat.repeat),
    SAME: (OUR_WEBHOOK, Chat.repeat),
    CHANGE: (OUR_WEBHOOK, Chat.change),
    TEMPLATE_SAME: (TEMPLATE_WEBHOOK, Chat.repeat),
    TEMPLATE_CHANGE: (TEMPLATE_WEBHOOK, Chat.change),
}

# Who fills the entities that the registries know.
WITH, PLAIN_ENTITIES, WITHOUT = "integration", "plain entities", "nobody"
# Who writes the flood down.
WITHOUT_ACTIVITY, TEMPLATE_ENTITIES = "integration, Activity off", "template"
FILLED_BY = {WITH: INTEGRATION, PLAIN_ENTITIES: PLAIN, WITHOUT: None}

# The most changes of a chat in a round.
CHANGES = 3
# Events in a turn, and turns, of what is compared closely.
TURN = 40
PAIRS = 400

# What the start and the memory are measured with.
MANY = 1000
# How long everything is left alone before it counts, in seconds.
REST = 5.0
# How long it is watched doing nothing.
IDLE = 30


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured; times in seconds."""

    chats: tuple[int, ...]
    rounds: int
    batch: float
    samples: int
    flood_chats: int
    flood: float
    starts: int
    wait_for_all: bool
    # What of it is left to the long run: a flood of a thousand chats, watching nothing.
    flood_many: bool = True
    idle: float = IDLE
    # Rounds of instructions, and samples from the POST to the action.
    counts: int = 25
    actions: int = 250
    action_chats: tuple[int, ...] = (10, 100)


FULL = Plan(
    chats=(1, 10, 100, MANY),
    rounds=25,
    batch=0.25,
    samples=200,
    flood_chats=100,
    flood=420,
    starts=3,
    wait_for_all=True,
)
SHORT = Plan(
    chats=(10,),
    rounds=15,
    batch=0.2,
    samples=0,
    # As long as in the long run: coming and going counts less the longer they write.
    flood_chats=100,
    flood=420,
    starts=0,
    wait_for_all=False,
    flood_many=False,
    idle=10,
    counts=15,
)


class Memory(NamedTuple):
    """What a Home Assistant holds, in bytes.

    By Python's own count, and as the system counts it; and how many seconds a
    garbage collection takes that looks at all of it.
    """

    traced: float
    resident: float
    collection: float


@dataclass(slots=True)
class FloodResult:
    """What a flood did to one Home Assistant."""

    events: int
    spent: Processor
    rows: int
    size: int
    # Longest, in seconds: all, without other processes' turns, a collection, neither.
    pauses: dict[str, float]


@dataclass(slots=True)
class Results:
    """Everything that was measured; times in seconds, sizes in bytes."""

    plan: Plan
    # By number of chats and variant, one for each round.
    events: dict[int, dict[str, list[Processor]]] = field(default_factory=dict)
    # The same of the empty webhook and of repeats, in many short turns.
    pairs: dict[int, dict[str, list[Processor]]] = field(default_factory=dict)
    latencies: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    floods: dict[str, FloodResult] = field(default_factory=dict)
    idle_pauses: dict[str, float] = field(default_factory=dict)
    first_setup: dict[int, float] = field(default_factory=dict)
    # Each with what of it was garbage collection.
    reloads: list[tuple[float, float]] = field(default_factory=list)
    starts: list[tuple[float, float]] = field(default_factory=list)
    starts_without: list[tuple[float, float]] = field(default_factory=list)
    plain_reloads: list[tuple[float, float]] = field(default_factory=list)
    # By who fills the entities, and how many chats they are of.
    memory: dict[tuple[str, int], Memory] = field(default_factory=dict)
    # Instructions of an event, by number of chats and variant, one for each round.
    counts: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    # Seconds from the POST to the action, by number of chats and way, in turns.
    actions: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    # By number of chats: seconds until all were subscribed, and requests meanwhile.
    subscribed: dict[int, tuple[float, int]] = field(default_factory=dict)


def many_chats(number: int) -> list[Chat]:
    """Return so many chats."""
    return [Chat(index) for index in range(number)]


@asynccontextmanager
async def gateway(chats: Sequence[Chat]) -> AsyncIterator[tuple[Simulator, Account]]:
    """Run a simulator whose account knows the chats."""
    simulator = Simulator()
    account = simulator.add_instance("waapi", INSTANCE, token="bench-token")
    for chat in chats:
        account.add_person(chat.digits, name=chat.name)
    await simulator.start(0)
    try:
        yield simulator, account
    finally:
        await simulator.stop()


@dataclass(slots=True)
class Bench:
    """A Home Assistant with an empty webhook, our chats, and the templates' chats."""

    host: Host
    simulator: Simulator
    account: Account
    chats: dict[str, list[Chat]]
    entry_id: str = ""
    began: float = 0.0
    _turns: dict[str, itertools.cycle[Chat]] = field(default_factory=dict)

    @classmethod
    def of_ours(
        cls, host: Host, simulator: Simulator, account: Account, chats: list[Chat]
    ) -> Self:
        """Return one that has our chats and the empty webhook alone."""
        return cls(
            host,
            simulator,
            account,
            {
                EMPTY_WEBHOOK: many_chats(len(chats)),
                OUR_WEBHOOK: chats,
                TEMPLATE_WEBHOOK: [],
            },
        )

    def body(self, variant: str) -> tuple[str, bytes]:
        """Return where the next event of a kind goes, and what it says."""
        webhook_id, write = VARIANTS[variant]
        return webhook_id, write(self.next_chat(variant))

    def next_chat(self, variant: str) -> Chat:
        """Return whose turn it is to have an event of a kind."""
        if variant not in self._turns:
            webhook_id, _ = VARIANTS[variant]
            self._turns[variant] = itertools.cycle(self.chats[webhook_id])
        return next(self._turns[variant])

    async def add_entry(self, settle_time: float) -> float:
        """Add our entry; returns how long it took until it was loaded."""
        self.began = time.time()
        begin = time.monotonic()
        added = await self.host.probe(
            "add_entry",
            **entry(self.chats[OUR_WEBHOOK], self.simulator.url, settle_time),
        )
        if added["state"] != "loaded":
            raise RuntimeError(f"The entry is {added['state']}")
        self.entry_id = added["entry_id"]
        return time.monotonic() - begin

    async def disable(self, ends: str) -> None:
        """Switch entities off in the registry, by the end of their unique ids."""
        async with self.host.home_assistant.websocket() as call:
            for entity_id in (await self.host.entity_ids(ends)).values():
                await call(
                    "config/entity_registry/update",
                    entity_id=entity_id,
                    disabled_by="user",
                )

    async def batch(self, variant: str, seconds: float) -> Processor:
        """Send events for a while; returns what one of them cost, recording included."""
        if variant == SAME:
            # Whose typing has timed out meanwhile, types anew, which is no repeat.
            for chat in self.chats[OUR_WEBHOOK]:
                await self.host.post(OUR_WEBHOOK, chat.repeat())
            await self.host.probe("flush")
        before = self.host.processor_time()
        events = 0
        # A chat that changes more often is shown less often.
        most = CHANGES * len(self.chats[OUR_WEBHOOK]) if variant == CHANGE else math.inf
        begin = time.monotonic()
        while (time.monotonic() - begin < seconds or events < 5) and events < most:
            await self.host.post(*self.body(variant))
            events += 1
        await self.host.probe("flush")
        return self.host.processor_time().since(before).per(events)

    async def pairs(self, number: int) -> dict[str, list[Processor]]:
        """Return what an empty webhook and a repeat cost, in so many pairs of turns.

        Both turns of a pair are over before the machine has become another one.
        """
        for chat in self.chats[OUR_WEBHOOK]:
            await self.host.post(OUR_WEBHOOK, chat.repeat())
        await self.host.probe("flush")
        spent: dict[str, list[Processor]] = {EMPTY: [], SAME: []}
        for pair in range(number):
            for variant in sorted(spent, reverse=pair % 2 == 1):
                before = self.host.processor_time()
                for _ in range(TURN):
                    await self.host.post(*self.body(variant))
                after = self.host.processor_time()
                spent[variant].append(after.since(before).per(TURN))
        return spent

    async def latency(self, variant: str, samples: int) -> list[float]:
        """Return the times from a POST to the new state on the WebSocket API."""
        webhook_id, write = VARIANTS[variant]
        chat = self.chats[webhook_id][-1]
        if webhook_id == OUR_WEBHOOK:
            wanted = f"{self.entry_id}_{chat.chat_id}"
        else:
            wanted = chat.name
        entity_id = (await self.host.entity_ids("_typing"))[wanted]
        times: list[float] = []
        async with self.host.home_assistant.session.ws_connect(
            "/api/websocket"
        ) as connection:
            await connection.receive_json()
            await connection.send_json(
                {"type": "auth", "access_token": self.host.home_assistant.token}
            )
            await connection.receive_json()
            await connection.send_json(
                {"id": 1, "type": "subscribe_entities", "entity_ids": [entity_id]}
            )
            # The confirmation, and the state as it is.
            for _ in range(2):
                await connection.receive_json(timeout=10)
            for _ in range(samples):
                begin = time.perf_counter()
                post = asyncio.create_task(self.host.post(webhook_id, write(chat)))
                await connection.receive_json(timeout=10)
                times.append(time.perf_counter() - begin)
                await post
        return times


@asynccontextmanager
async def bench(
    folder: Path,
    ours: list[Chat],
    templates: list[Chat],
    *,
    settle_time: float | None,
    configuration: str | None = None,
) -> AsyncIterator[Bench]:
    """Run a Home Assistant; without a settle time it has no entry of ours.

    Its `configuration` is that of the templates, unless another is given.
    """
    if configuration is None:
        configuration = template_configuration(templates)
    async with AsyncExitStack() as stack:
        simulator, account = await stack.enter_async_context(gateway(ours))
        host = await stack.enter_async_context(
            Host(folder, configuration=configuration)
        )
        result = Bench(
            host,
            simulator,
            account,
            {
                EMPTY_WEBHOOK: many_chats(max(len(ours), 1)),
                OUR_WEBHOOK: ours,
                TEMPLATE_WEBHOOK: templates,
            },
        )
        if settle_time is not None:
            await result.add_entry(settle_time)
        yield result


async def known_chats(
    folder: Path,
    chats: list[Chat],
    simulator: Simulator,
    *,
    settle_time: float,
    integration: Path = INTEGRATION,
    configuration: str = "",
) -> str:
    """Let a Home Assistant know the chats when it starts again; returns the entry's id."""
    async with Host(
        folder, integration=integration, configuration=configuration
    ) as host:
        added = await host.probe(
            "add_entry", **entry(chats, simulator.url, settle_time)
        )
        if added["state"] != "loaded":
            raise RuntimeError(f"The entry is {added['state']}")
        # Long enough for the registries to be stored.
        await asyncio.sleep(15)
    entry_id: str = added["entry_id"]
    return entry_id


def say(what: str) -> None:
    """Tell how far it has come."""
    print(f"bench: {what}", flush=True)


async def measure_events(folder: Path, plan: Plan, results: Results) -> None:
    """Measure what an event costs, and how long it takes to show."""
    async with AsyncExitStack() as stack:
        benches: dict[int, Bench] = {}
        for number in plan.chats:
            say(f"starting a Home Assistant with {number} chats")
            benches[number] = one = await stack.enter_async_context(
                bench(
                    folder / f"events-{number}",
                    many_chats(number),
                    many_chats(number),
                    settle_time=None,
                )
            )
            results.first_setup[number] = await one.add_entry(0)
            results.events[number] = {variant: [] for variant in VARIANTS}
            results.latencies[number] = {}
        for one in benches.values():
            # The first event of a chat is news in more than one way.
            for chat in one.chats[OUR_WEBHOOK]:
                await one.host.post(OUR_WEBHOOK, chat.change())
            await one.host.probe("flush")
        await asyncio.sleep(REST)
        for number_of_round in range(plan.rounds):
            say(f"events, round {number_of_round + 1} of {plan.rounds}")
            for number, one in benches.items():
                for variant in VARIANTS:
                    results.events[number][variant].append(
                        await one.batch(variant, plan.batch)
                    )
        for number, one in benches.items():
            results.pairs[number] = await one.pairs(PAIRS)
        for one in benches.values():
            # So that nobody's typing times out while something else is measured.
            for chat in one.chats[OUR_WEBHOOK]:
                await one.host.post(OUR_WEBHOOK, chat.leave())
            await one.host.probe("flush")
        if plan.samples:
            say("time until a state shows")
        for number, one in benches.items() if plan.samples else ():
            for variant in (CHANGE, TEMPLATE_CHANGE):
                results.latencies[number][variant] = await one.latency(
                    variant, plan.samples
                )
        for number, one in benches.items():
            if plan.wait_for_all or number < MANY:
                say(f"waiting until {number} chats are subscribed")
                results.subscribed[number] = await all_subscribed(one)


async def all_subscribed(one: Bench, patience: float = math.inf) -> tuple[float, int]:
    """Wait until all chats are subscribed; returns the seconds and the requests.

    After so many seconds of patience it is left at what there is by then.
    """
    wanted = {chat.chat_id for chat in one.chats[OUR_WEBHOOK]}
    asked: dict[str, float] = {}
    end = time.monotonic() + patience
    while True:
        for request in list(one.simulator.requests):
            if request.path.endswith("/get-chat-presence") and request.status == 200:
                asked.setdefault(str(request.body["chatId"]), request.time)
        if wanted <= asked.keys() or time.monotonic() > end:
            last = max(asked.values(), default=one.began)
            requests = sum(request.time <= last for request in one.simulator.requests)
            return last - one.began, requests
        await asyncio.sleep(1)


async def measure_floods(folder: Path, plan: Plan, results: Results) -> None:
    """Flood several Home Assistants at once, each with the same of its own."""
    say("floods")
    chats = many_chats(plan.flood_chats)
    async with AsyncExitStack() as stack:
        hosts: dict[str, tuple[Bench, str, list[Chat]]] = {}
        for name, ours, templates in (
            (WITH, chats, []),
            (WITHOUT_ACTIVITY, many_chats(plan.flood_chats), []),
            (TEMPLATE_ENTITIES, [], chats),
            (f"integration, {MANY} chats", many_chats(MANY), []),
        )[: 4 if plan.flood_many else 3]:
            one = await stack.enter_async_context(
                bench(
                    folder / f"flood-{len(hosts)}",
                    ours,
                    templates,
                    settle_time=3 if ours else None,
                )
            )
            hosts[name] = (
                one,
                OUR_WEBHOOK if ours else TEMPLATE_WEBHOOK,
                ours or templates,
            )
        # A chat that is not subscribed yet has more to tell than the flood does.
        for name in (WITH, WITHOUT_ACTIVITY):
            await all_subscribed(hosts[name][0])
        await hosts[WITHOUT_ACTIVITY][0].disable("_activity")
        await asyncio.sleep(REST)
        # What Home Assistant does by itself, and would do as well without the flood.
        idle: dict[str, Processor] = {}
        for name, (one, _, _) in hosts.items():
            before = one.host.processor_time()
            await one.host.probe("watch_pauses")
            await asyncio.sleep(plan.idle)
            pauses = await one.host.probe("longest_pause")
            results.idle_pauses = {
                kind: max(seconds, results.idle_pauses.get(kind, 0.0))
                for kind, seconds in pauses.items()
            }
            idle[name] = one.host.processor_time().since(before).per(plan.idle)
        done = await asyncio.gather(
            *(
                _flood(one, webhook_id, flooded, plan.flood, idle[name])
                for name, (one, webhook_id, flooded) in hosts.items()
            )
        )
        results.floods = dict(zip(hosts, done, strict=True))


async def _flood(
    one: Bench, webhook_id: str, chats: list[Chat], seconds: float, idle: Processor
) -> FloodResult:
    """Send a flood as it comes, and let it settle."""
    planned = list(flood(chats, seconds, seed=1))
    await one.host.probe("flush")
    rows, size = one.host.database()
    await one.host.probe("watch_pauses")
    before = one.host.processor_time()
    begin = time.monotonic()
    running: set[asyncio.Task[None]] = set()
    for moment, body in planned:
        if (wait := begin + moment - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one.host.post(webhook_id, body))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    # The last fall settles.
    await asyncio.sleep(REST)
    await one.host.probe("flush")
    spent = one.host.processor_time().since(before)
    took = time.monotonic() - begin
    pauses = await one.host.probe("longest_pause")
    rows_after, size_after = one.host.database()
    return FloodResult(
        events=len(planned),
        spent=Processor(
            spent.process - took * idle.process, spent.loop - took * idle.loop
        ),
        rows=rows_after - rows,
        size=size_after - size,
        pauses=pauses,
    )


async def measure_starts(folder: Path, plan: Plan, results: Results) -> None:
    """Measure set-up, start and memory with chats that are known already."""
    chats = many_chats(MANY)
    async with gateway(chats) as (simulator, _):
        known: dict[int, tuple[Path, str]] = {}
        for number in (1, MANY):
            say(f"making {number} chats known")
            place = folder / f"known-{number}"
            known[number] = (
                place,
                await known_chats(place, chats[:number], simulator, settle_time=3),
            )
        say("making a Home Assistant without chats known")
        async with Host(folder / "unknown"):
            pass
        place, entry_id = known[MANY]
        for start in range(plan.starts):
            say(f"start {start + 1} of {plan.starts}")
            async with Host(place) as host:
                await asyncio.sleep(REST)
                results.starts.append((host.started_after, await host.probe("started")))
                results.reloads.append(await host.probe("reload", entry_id=entry_id))
            async with Host(folder / "unknown") as host:
                await asyncio.sleep(REST)
                results.starts_without.append(
                    (host.started_after, await host.probe("started"))
                )
        for name in FILLED_BY:
            for number, (place, entry_id) in known.items():
                say(f"memory with {number} chats: {name}")
                await _measure_memory(place, entry_id, number, name, plan, results)


async def _measure_memory(
    known: Path,
    entry_id: str,
    number: int,
    name: str,
    plan: Plan,
    results: Results,
) -> None:
    """Measure what somebody needs who fills what the registries know of some chats."""
    place = known.with_name(f"{known.name}-{name.replace(' ', '-')}")
    shutil.copytree(known, place)
    shutil.rmtree(place / "custom_components" / INTEGRATION.name)

    async def run(environment: dict[str, str]) -> dict[str, float]:
        async with Host(
            place, integration=FILLED_BY[name], environment=environment
        ) as host:
            await asyncio.sleep(REST)
            # What the recorder still holds is not the entities'.
            await host.probe("flush")
            await asyncio.sleep(2 * REST)
            used: dict[str, float] = await host.probe("memory")
            if name == PLAIN_ENTITIES and number == MANY and not environment:
                results.plain_reloads.append(
                    await host.probe("reload", entry_id=entry_id)
                )
        return used

    traced = await run({"PYTHONTRACEMALLOC": "1"})
    others = [await run({}) for _ in range(plan.starts if number == MANY else 1)]
    results.memory[name, number] = Memory(
        traced["traced"],
        statistics.median(one["resident"] for one in others),
        statistics.median(one["collection"] for one in others),
    )


async def measure(folder: Path, plan: Plan, results: Results) -> None:
    """Measure what times are told of."""
    if plan.starts:
        await measure_starts(folder, plan, results)
    await measure_events(folder, plan, results)
