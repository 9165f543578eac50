"""Delivery of webhooks over HTTP: at least once, in no order, quickly given up.

Only loopback addresses are ever called: this is a test tool, and what is
registered with it comes from whoever can reach it. Deliveries of one chat to one
URL are made one after the other, unless a fault shuffles them; everything else
is concurrent, within a bound (README 8: at least once and unordered).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from random import Random
import socket
from typing import Final, override

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from .clock import Clock, Handle

MAX_WAITING: Final = 20_000
MAX_RECORDS: Final = 20_000


class Outcome(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    # A fault ate it.
    LOST = "lost"
    # It would have left this machine.
    REFUSED = "refused"
    # Too many were waiting.
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The record of one attempt."""

    url: str
    body: bytes
    chat: str
    outcome: Outcome
    attempt: int
    time: float
    status: int | None = None


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong on the way, as probabilities from 0 to 1, from one seed.

    `delay` holds a delivery back by up to `max_delay` seconds; `shuffle` by up
    to `window` seconds, which is what puts a chat's events out of order.
    """

    seed: int = 0
    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    max_delay: float = 2.0
    shuffle: float = 0.0
    window: float = 0.05
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Seed the chances."""
        self.random = Random(self.seed)

    def chance(self, probability: float) -> bool:
        """Whether it happens this time; no draw is made for what never does."""
        return probability > 0 and self.random.random() < probability


@dataclass(slots=True, kw_only=True)
class _Job:
    url: str
    body: bytes
    headers: Mapping[str, str]
    chat: str
    retries: int
    done: asyncio.Future[None]
    attempt: int = 1

    def settle(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class _LoopbackResolver(AbstractResolver):
    """Resolve localhost without asking anybody, and nothing else."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "localhost":
            raise OSError("not a loopback address")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    @override
    async def close(self) -> None:
        pass


def is_loopback(url: str) -> bool:
    """Whether a URL can't leave this machine."""
    try:
        parsed = URL(url)
        host = parsed.host
    except ValueError:
        return False
    if parsed.scheme not in {"http", "https"} or not host:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Deliverer:
    """Posts webhooks.

    `timeout` is for one attempt, `retry_delay` lies between two (WAHA: 2 s, DOC);
    both in seconds. `observers` are called with every record.
    """

    def __init__(self, clock: Clock) -> None:
        """Prepare, without a connection."""
        self.clock = clock
        self.timeout = 10.0
        self.retry_delay = 2.0
        self.concurrency = 16
        self.faults = Faults()
        self.records: deque[Delivery] = deque(maxlen=MAX_RECORDS)
        self.observers: list[Callable[[Delivery], None]] = []
        self._session: ClientSession | None = None
        self._slots = asyncio.Semaphore(self.concurrency)
        self._lanes: dict[tuple[str, str], deque[_Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[Handle] = set()
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Get ready to post."""
        self._slots = asyncio.Semaphore(self.concurrency)
        self._session = ClientSession(
            connector=TCPConnector(resolver=_LoopbackResolver(), limit=0),
        )

    async def stop(self) -> None:
        """Give up all that is under way."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes.values():
            for job in lane:
                job.settle()
        self._lanes.clear()
        self._waiting = 0
        self._idle.set()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def waiting(self) -> int:
        """How many deliveries are under way or held back."""
        return self._waiting

    async def idle(self) -> None:
        """Wait until nothing is under way; what is held back or retried later counts."""
        await self._idle.wait()

    async def settled(self, jobs: Iterable[asyncio.Future[None]]) -> None:
        """Wait until each job had its first attempt, or was held back or lost."""
        jobs = list(jobs)
        if jobs:
            await asyncio.wait(jobs)

    def send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        chat: str,
        retries: int = 0,
    ) -> asyncio.Future[None]:
        """Post a body, in the order of its chat; done after the first attempt."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        job = _Job(
            url=url, body=body, headers=headers, chat=chat, retries=retries, done=done
        )
        if not is_loopback(url):
            self._record(job, Outcome.REFUSED)
        elif self._session is None or self._waiting >= MAX_WAITING:
            self._record(job, Outcome.DROPPED)
        elif self.faults.chance(self.faults.lose):
            self._record(job, Outcome.LOST)
        else:
            self._admit(job)
            if self.faults.chance(self.faults.double):
                self._admit(
                    _Job(
                        url=url,
                        body=body,
                        headers=headers,
                        chat=chat,
                        retries=retries,
                        done=asyncio.get_running_loop().create_future(),
                    )
                )
            return done
        job.settle()
        return done

    def _admit(self, job: _Job) -> None:
        self._waiting += 1
        self._idle.clear()
        if self.faults.chance(self.faults.delay):
            hold = self.faults.random.uniform(0, self.faults.max_delay)
        elif self.faults.chance(self.faults.shuffle):
            hold = self.faults.random.uniform(0, self.faults.window)
        else:
            self._enqueue(job)
            return
        job.settle()
        self._later(hold, job)

    def _later(self, delay: float, job: _Job) -> None:
        def due() -> None:
            self._timers.discard(handle)
            self._enqueue(job)

        handle = self.clock.call_later(delay, due)
        self._timers.add(handle)

    def _enqueue(self, job: _Job) -> None:
        key = (job.url, job.chat)
        if (lane := self._lanes.get(key)) is not None:
            lane.append(job)
            return
        self._lanes[key] = deque([job])
        task = asyncio.get_running_loop().create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: tuple[str, str]) -> None:
        """Work a lane off; a retry goes to its end, as it does at the real ones."""
        lane = self._lanes[key]
        while lane:
            async with self._slots:
                job = lane[0]
                try:
                    delivered = await self._post(job)
                finally:
                    job.settle()
            lane.popleft()
            if delivered or job.attempt > job.retries:
                self._waiting -= 1
                if not self._waiting:
                    self._idle.set()
            else:
                job.attempt += 1
                self._later(self.retry_delay, job)
        del self._lanes[key]

    async def _post(self, job: _Job) -> bool:
        assert self._session is not None
        try:
            async with self._session.post(
                URL(job.url, encoded=True),
                data=job.body,
                headers={"Content-Type": "application/json", **job.headers},
                allow_redirects=False,
                timeout=ClientTimeout(total=self.timeout),
            ) as response:
                status = response.status
        except ClientError, TimeoutError, OSError:
            self._record(job, Outcome.FAILED)
            return False
        delivered = 200 <= status < 300
        self._record(
            job, Outcome.DELIVERED if delivered else Outcome.FAILED, status=status
        )
        return delivered

    def _record(self, job: _Job, outcome: Outcome, status: int | None = None) -> None:
        self.note(
            Delivery(
                url=job.url,
                body=job.body,
                chat=job.chat,
                outcome=outcome,
                attempt=job.attempt,
                time=self.clock(),
                status=status,
            )
        )

    def note(self, record: Delivery) -> None:
        """Keep a record, and tell the observers."""
        self.records.append(record)
        for observer in self.observers:
            observer(record)
