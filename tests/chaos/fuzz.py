"""Deep fuzzing: odd webhook bodies for the handler, the readers and the trackers.

The bodies begin as what gateways really send, and are then bent: a value replaced, a
field lost or doubled, a thing wrapped into another, bytes cut, turned or inserted.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
import gc
import json
import logging
import math
import random
from random import Random
import sys
import time
from typing import Any, Final

from custom_components.whatsapp_presence.gateways.base import Gateway, InvalidEventError
from custom_components.whatsapp_presence.presence.chat_id import is_group
from custom_components.whatsapp_presence.presence.members import MAX_MEMBERS
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, callback
from homeassistant.util.aiohttp import MockRequest

from .clock import ChaosLoop, told_by
from .oracle import UNAVAILABLE, LogWatch, Oracle, growth
from .run import BEGIN, MAX_GROWTH, PACKAGE
from .world import FAMILY, INSTANCES, World, world

ROUND: Final = 200
"""Bodies between two looks at the clock."""
LARGE: Final = 300 * 1024
MAX_TASKS: Final = 600
MEMORY: Final = 900.0
"""Seconds for which a body may be the cause of what is shown later."""
ANSWERS: Final = {200, 400, 413}

PEOPLE: Final = [f"4915110000{i:02}" for i in range(8)]
LIDS: Final = [f"11100022200{i}" for i in range(8)]
_IDS: Final = [
    *(number.encode() for number in PEOPLE),
    *(lid.encode() for lid in LIDS),
    FAMILY.encode(),
]
STRANGERS: Final = ["447700900999", "999888777666"]

_SCALARS: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    10**20,
    -(10**20),
    1e308,
    math.nan,
    math.inf,
    1_790_000_000,
    1_790_000_000_000,
    "",
    " ",
    "true",
    "0",
    "null",
    "typing",
    "online",
    "offline",
    "ready",
    "WORKING",
    "FAILED",
    "disconnected",
    "1e999",
    "\ud800",
    "\x00",
    "٣",
    "@",
    "@c.us",
    "@lid",
    f"{PEOPLE[0]}@c.us",
    f"{PEOPLE[1]}:12@s.whatsapp.net",
    f"{LIDS[2]}@lid",
    FAMILY,
    "status@broadcast",
    "x" * 500,
)
_NAMES: Final = (
    "\u202eannA\u202c",
    "\u2066\u061c\u200f",
    "\x1b[31mred\x00",
    "word nobody knows",
    "\ud83d",
    "n" * 5000,
)
_WORDS: Final = ("online", "offline", "typing", "recording", "paused")
_RISES: Final = (b"true", b"1", b"online", b"available", b"ing", b"paused")


@dataclass(slots=True)
class FuzzResult:
    """What came of it."""

    oracle: Oracle
    count: int
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    events: int = 0
    changes: int = 0
    applied: int = 0
    most_tasks: int = 0
    memory: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.oracle.problems


class Bodies:
    """Makes bodies, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        """Begin."""
        self.random = Random(f"fuzz/{seed}")

    def make(self, gateway: str) -> bytes:
        """Make the next body."""
        chance = self.random.random()
        if chance < 0.00005:
            return b'{"event":"' + b"x" * LARGE + b'"}'
        if chance < 0.02:
            return self.random.randbytes(self.random.randint(0, 60))
        if chance < 0.025:
            return json.dumps(self._flood(gateway)).encode()
        body = self._body(gateway if chance < 0.9 else self._any(INSTANCES))
        for _ in range(self._any((0, 0, 1, 1, 2, 4))):
            body = self._bend(body, 0)
        if self.random.random() < 0.1:
            body = self._any(([body], [body, body], json.dumps(body), {"data": body}))
        raw = json.dumps(body).encode()
        if self.random.random() < 0.15:
            raw = self._break(raw)
        return raw

    def _flood(self, gateway: str) -> Any:
        """Make a body of very much: words on the instance, events, members."""
        match self.random.randrange(4):
            case 0:
                words = self._any((("ready", "qr"), ("WORKING", "STARTING", "FAILED")))
                return [
                    {"event": word, "data": {}}
                    if word.islower()
                    else {"event": "session.status", "payload": {"status": word}}
                    for word in self.random.choices(words, k=self._any((20, 1500)))
                ]
            case 1:
                return [self._body(gateway) for _ in range(self._any((20, 300)))]
            case 2:
                who = [f"{10**14 + one}@lid" for one in range(self._any((50, 1300)))]
                return self._of_group(gateway, who)
        body = self._body(gateway)
        return self._renamed(body, self._any(_NAMES))

    def _of_group(self, gateway: str, who: list[str]) -> Any:
        """Make an event of a group whose members all do the same."""
        if gateway == "waapi":
            doing = self._any(("typingParticipants", "recordingParticipants"))
            presence = {"id": FAMILY, "isOnline": True, "hasData": True, doing: who}
            return {"event": "presence_update", "data": presence}
        word = self._any(_WORDS)
        return {
            "event": "presence.update",
            "payload": {
                "id": FAMILY,
                "presences": [
                    {"participant": one, "lastKnownPresence": word} for one in who
                ],
            },
        }

    def _renamed(self, value: Any, name: str) -> Any:
        """Put a name wherever a word stands that is no id."""
        if isinstance(value, dict):
            named = {"name": name, "pushName": name, "subject": name}
            inner = {key: self._renamed(one, name) for key, one in value.items()}
            return inner | named
        if isinstance(value, list):
            return [self._renamed(one, name) for one in value]
        if isinstance(value, str) and "@" not in value and self.random.random() < 0.2:
            return name
        return value

    def _any[T](self, choices: Any) -> Any:
        return self.random.choice(list(choices))

    def _person(self) -> str:
        chance = self.random.random()
        if chance < 0.6:
            return f"{self._any(PEOPLE)}@c.us"
        if chance < 0.9:
            return f"{self._any(LIDS)}@lid"
        if chance < 0.98:
            return f"{self._any(STRANGERS)}@{self._any(('c.us', 'lid'))}"
        return f"{self.random.randint(10**7, 10**14)}@{self._any(('c.us', 'lid'))}"

    def _body(self, gateway: str) -> Any:
        if gateway == "waapi":
            return self._waapi()
        moment = BEGIN + self.random.uniform(-1e4, 1e6)
        envelope: dict[str, Any] = {
            "id": f"evt_{self.random.randint(0, 10**6)}",
            "timestamp": int(moment * 1000),
            "session": self._any(("default", "wawp-A1B2C3")),
            "event": "presence.update",
        }
        if self.random.random() < 0.003:
            status = self._any(("WORKING", "FAILED", "STARTING", "SCAN_QR_CODE"))
            return envelope | {"event": "session.status", "payload": {"status": status}}
        group = self.random.random() < 0.2
        people = [self._person() for _ in range(self._any((1, 3)) if group else 1)]
        return envelope | {
            "payload": {
                "id": FAMILY if group else people[0],
                "presences": [
                    {
                        "participant": person,
                        "lastKnownPresence": self._any(_WORDS),
                        "lastSeen": self._any((None, int(moment))),
                    }
                    for person in people
                ],
            }
        }

    def _waapi(self) -> Any:
        if self.random.random() < 0.003:
            event = self._any(("ready", "disconnected", "qr", "change_state"))
            return {"event": event, "instanceId": 12345, "data": {"state": "CONNECTED"}}
        group = self.random.random() < 0.2
        presence = {
            "id": FAMILY if group else self._person(),
            "isGroup": group,
            "isOnline": self._any((True, False)),
            "chatstate": self._any(("typing", "available", "unavailable")),
            "lastSeen": self._any((None, 1_790_000_000)),
            "deny": self._any((False, False, True)),
            "typingParticipants": [self._person() for _ in range(self._any((0, 1)))],
            "recordingParticipants": [self._person() for _ in range(self._any((0, 1)))],
            "hasData": self._any((True, True, True, False)),
            "isSubscribed": True,
        }
        return {
            "event": "presence_update",
            "instanceId": self._any((12345, "12345")),
            "data": self._any(({"presence": presence}, presence)),
        }

    def _scalar(self) -> Any:
        return self._any(_SCALARS)

    def _bend(self, value: Any, depth: int) -> Any:
        """Change something, somewhere."""
        if isinstance(value, dict) and value:
            key = self._any(value)
            chance = self.random.random()
            if chance < 0.7 and depth < 6:
                return value | {key: self._bend(value[key], depth + 1)}
            if chance < 0.8:
                return {k: v for k, v in value.items() if k != key}
            if chance < 0.9:
                return value | {self._any((*value, "", "id", "x")): self._scalar()}
            return value | {key: value}
        if isinstance(value, list) and value:
            index = self.random.randrange(len(value))
            if self.random.random() < 0.6 and depth < 6:
                bent = self._bend(value[index], depth + 1)
                return [*value[:index], bent, *value[index + 1 :]]
            return value * self._any((0, 2, 5))
        if self.random.random() < 0.2:
            return self._any(([value], {"_serialized": value}, [[[value]]], {}, []))
        return self._scalar()

    def _break(self, raw: bytes) -> bytes:
        """Change some bytes."""
        place = self.random.randrange(len(raw) + 1)
        match self.random.randrange(4):
            case 0:
                return raw[:place]
            case 1:
                return raw[:place] + self.random.randbytes(3) + raw[place:]
            case 2:
                return raw[:place] + raw[place + 1 :]
        odd: bytes = self._any((b"[" * 2000, b'"', b"\\u0031", b"e9"))
        return raw[:place] + odd + raw[place:]


class _Cause:
    """Notes what changes while a body is handled, and what changes without one."""

    def __init__(self, made: World, result: FuzzResult) -> None:
        self.made = made
        self.result = result
        self.raw: bytes | None = None
        self._named_at: dict[bytes, float] = {}
        made.hass.bus.async_listen(EVENT_STATE_CHANGED, self._changed)

    def handling(self, raw: bytes) -> None:
        """A body is about to be handled."""
        self.raw = raw
        for digits in _IDS:
            if digits in raw:
                self._named_at[digits] = self.made.oracle.now

    @callback
    def _changed(self, event: Event[Any]) -> None:
        entity_id, new = event.data["entity_id"], event.data["new_state"]
        found = self.made._entities.get(entity_id)
        if found is None or new is None or new.state not in {"on", "typing"}:
            return
        self.result.changes += 1
        _, chat, thing = found
        name = chat.name.partition(" ")[2]
        named: tuple[bytes, ...] = (FAMILY.encode(),)
        if name != "Family":
            index = [p.name for p in self._people()].index(name)
            named = PEOPLE[index].encode(), LIDS[index].encode()
        old = event.data["old_state"]
        if self.raw is None or (old is not None and old.state == UNAVAILABLE):
            # Looked up first, or said while the instance was away.
            last = max(self._named_at.get(digits, 0.0) for digits in named)
            good = self.made.hass.loop.time() - last < MEMORY
        else:
            good = b"\\u" in self.raw or (
                any(digits in self.raw for digits in named)
                and any(word in self.raw for word in _RISES)
            )
        if not good:
            self.made.oracle.complain(
                "state without cause",
                f"{chat.name} showed {thing} {new.state} for {(self.raw or b'')[:300]!r}",
            )

    def _people(self) -> list[Any]:
        return list(self.made.accounts["waapi"].people.values())


def _check_trackers(
    oracle: Oracle,
    trackers: dict[tuple[str, bool], PresenceTracker],
    gateway: Gateway,
    raw: bytes,
    now: float,
) -> int:
    """Read a body, and fold it into trackers; returns how many updates there were."""
    try:
        events = gateway.parse_event(raw, {})
    except InvalidEventError:
        return 0
    applied = 0
    for event in events:
        if not isinstance(event, PresenceUpdate):
            continue
        applied += 1
        group = is_group(event.chat_id)
        tracker = trackers[gateway.key, group]
        before = tracker.presence
        changed = tracker.apply(event, now)
        after = tracker.presence
        problems = [
            problem
            for problem, there in (
                ("changed without saying so", (before == after) is changed),
                (
                    "last seen in the future",
                    after.last_seen is not None and not after.last_seen <= now,
                ),
                (
                    "typing and recording",
                    bool(after.typing and after.recording and not group),
                ),
                (
                    "a deadline gone by",
                    tracker.deadline is not None
                    and not now < tracker.deadline < now + 3601,
                ),
                ("too many members", len(tracker._members or ()) > MAX_MEMBERS),
            )
            if there
        ]
        for problem in problems:
            oracle.complain(problem, f"{raw[:300]!r}")
    return applied


def _rounds(count: int) -> Iterator[int]:
    while count > 0:
        yield min(ROUND, count)
        count -= ROUND


async def _main(seed: int, count: int) -> FuzzResult:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ChaosLoop)
    bodies = Bodies(seed)
    async with world(seed, loop) as made:
        result = FuzzResult(made.oracle, count)
        log = LogWatch(made.oracle, PACKAGE)
        logging.getLogger().addHandler(log)
        try:
            # The oracle reads only what gateways really send.
            made.tapping = False
            for key in INSTANCES:
                made.add_account(key, signs=False)
            for key in INSTANCES:
                await made.load(key)
            cause = _Cause(made, result)
            readers = {key: made.entries[key].runtime_data.gateway for key in INSTANCES}
            trackers = {
                (key, group): PresenceTracker(is_group=group, settle_time=3)
                for key in INSTANCES
                for group in (False, True)
            }
            await asyncio.sleep(120)
            samples: list[int] = []
            for number, size in enumerate(_rounds(count)):
                for _ in range(size):
                    key = bodies.random.choice(("waapi", "wawp", "waha"))
                    raw = bodies.make(key)
                    made.oracle.now = loop.time()
                    cause.handling(raw)
                    response = await async_handle_webhook(
                        made.hass,
                        made.entries[key].data["webhook_id"],
                        MockRequest(
                            raw, "test", method="POST", headers={"Content-Type": "x/y"}
                        ),
                    )
                    cause.raw = None
                    result.statuses[response.status] += 1
                    if response.status not in ANSWERS:
                        made.oracle.complain("odd answer", f"{response.status} {raw!r}")
                    result.applied += _check_trackers(
                        made.oracle, trackers, readers[key], raw, loop.time()
                    )
                result.most_tasks = max(result.most_tasks, len(asyncio.all_tasks()))
                await asyncio.sleep(bodies.random.choice((0, 0, 1, 5, 40)))
                for tracker in trackers.values():
                    tracker.tick(loop.time())
                if number % max(count // ROUND // 40, 1) == 0:
                    made.simulator.requests.clear()
                    made.simulator.delivery.records.clear()
                    made.tidy()
                    gc.collect()
                    samples.append(sys.getallocatedblocks())
            result.memory = growth(samples)
            if result.memory > MAX_GROWTH:
                made.oracle.complain("memory grew", f"{result.memory:.1%} {samples}")
            if result.most_tasks > MAX_TASKS:
                made.oracle.complain("too many tasks", str(result.most_tasks))
            for key in INSTANCES:
                await made.unload(key)
            return result
        finally:
            logging.getLogger().removeHandler(log)


def fuzz(seed: int, count: int) -> FuzzResult:
    """Throw so many bodies at the integration."""
    began = time.perf_counter()
    random.seed(seed)
    loop = ChaosLoop(BEGIN - 301)
    with told_by(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_main(seed, count))
    result.seconds = time.perf_counter() - began
    return result
