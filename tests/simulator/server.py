"""The server: one loopback port, all dialects, and the failures one asks for."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
import json
import struct
from typing import Any, Final, Literal, Self, overload
import zlib

from aiohttp import web

from . import control, waapi, waha, wawp
from .clock import Clock, as_clock
from .delivery import Deliverer
from .kindness import STRICT, Kindness
from .world import Account

HOST: Final = "127.0.0.1"
MAX_REQUESTS: Final = 20_000
MAX_FAILURES: Final = 1_000
MAX_BODY: Final = 256 * 1024

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class RecordedRequest:
    """A request that came; the path is without its query.

    `body` is the parsed JSON of a small body, else None. `status` is the answer's,
    and None while there is none.
    """

    gateway: str
    method: str
    path: str
    instance: str | None
    time: float
    query: dict[str, str]
    body: Any = None
    status: int | None = None


@dataclass(slots=True, kw_only=True)
class Failure:
    """How the next calls fail; see `Simulator.fail_next`."""

    count: int
    status: int | None
    body: str | bytes | Mapping[str, Any] | list[Any] | None
    content_type: str | None
    headers: Mapping[str, str]
    gateway: str | None
    path: str | None
    delay: float | None
    hang: bool
    drop: bool
    endless: bool
    hold: asyncio.Event | None
    seen: int = field(default=0)

    def matches(self, gateway: str, path: str) -> bool:
        """Whether a call is one of those that are to fail."""
        return (self.gateway is None or self.gateway == gateway) and (
            self.path is None or self.path in path
        )


class Simulator:
    """A gateway that speaks WaAPI's, Wawp's and WAHA's dialects on one port.

    `clock` is whose seconds pass, see `clock.py`; a function that gives unix seconds
    is taken as well, and the event loop does the waiting then. `kindness` is in what
    it is kinder than the gateways are. `typing_timeout` is after how many seconds
    typing ends by itself (README 3: about 25).
    """

    def __init__(
        self,
        *,
        clock: Clock | Callable[[], float] | None = None,
        kindness: Kindness = STRICT,
        typing_timeout: float = 25.0,
    ) -> None:
        """Prepare an empty world; nothing listens before `start`."""
        self.clock = as_clock(clock)
        self.kindness = kindness
        self.typing_timeout = typing_timeout
        self.accounts: dict[tuple[str, str], Account] = {}
        self.requests: deque[RecordedRequest] = deque(maxlen=MAX_REQUESTS)
        self.delivery = Deliverer(self.clock)
        self.failures: list[Failure] = []
        self.control = control.Control(self)
        self.waha = waha.Dialect(self)
        self._dialects = (waapi.Dialect(self), wawp.Dialect(self), self.waha)
        self._runner: web.AppRunner | None = None
        self._port: int | None = None
        self._stopping = asyncio.Event()

    def now(self) -> float:
        """The time in unix seconds."""
        return self.clock.now()

    # ------------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def port(self) -> int:
        """The port, also while stopped, once it was started."""
        if self._port is None:
            raise RuntimeError("the simulator was never started")
        return self._port

    @property
    def url(self) -> str:
        """The base URL of WAHA and Wawp; WaAPI's is `{url}/api/v1`."""
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int | None = None) -> None:
        """Listen on loopback; a restart without a port takes the same one again."""
        if self._runner is not None:
            raise RuntimeError("the simulator runs already")
        self._stopping = asyncio.Event()
        app = web.Application(middlewares=[self._middleware], client_max_size=MAX_BODY)
        for dialect in self._dialects:
            app.router.add_routes(dialect.routes())
        app.router.add_routes(self.control.routes())
        app.router.add_get("/pictures/{name}", _picture)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port or self._port or 0, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])
        await self.delivery.start()

    async def shut_down(self) -> None:
        """Stop as a server does that is told to: each session says that it stops.

        The connections drop 3 s later, without a close frame (RUN, WAHA).
        """
        if self._runner is None:
            return
        await self.waha.say_goodbye()
        await self.stop()

    async def stop(self) -> None:
        """Drop all connections without a word and give up all deliveries.

        The world stays, and can be started again.
        """
        if self._runner is None:
            return
        self._stopping.set()
        await self.control.stop()
        self.waha.abort_sockets()
        for account in self.accounts.values():
            account.close()
        await self.delivery.stop()
        runner, self._runner = self._runner, None
        await runner.cleanup()

    # -------------------------------------------------------------- accounts

    @overload
    def add_instance(
        self, gateway: Literal["waapi"], instance_id: str, **options: Any
    ) -> waapi.WaapiAccount: ...

    @overload
    def add_instance(
        self, gateway: Literal["wawp"], instance_id: str, **options: Any
    ) -> wawp.WawpAccount: ...

    @overload
    def add_instance(
        self, gateway: Literal["waha"], instance_id: str, **options: Any
    ) -> waha.WahaAccount: ...

    @overload
    def add_instance(
        self, gateway: str, instance_id: str, **options: Any
    ) -> waapi.WaapiAccount | wawp.WawpAccount | waha.WahaAccount: ...

    def add_instance(
        self, gateway: str, instance_id: str, **options: Any
    ) -> waapi.WaapiAccount | wawp.WawpAccount | waha.WahaAccount:
        """Add an account.

        Options: `token`, `name`, `status` (in the dialect's own word), `number`
        (the account's own), `engine` (Wawp and WAHA), and any quirk by its name.
        """
        if (gateway, instance_id) in self.accounts:
            raise ValueError("the instance exists already")
        account: waapi.WaapiAccount | wawp.WawpAccount | waha.WahaAccount
        match gateway:
            case "waapi":
                account = waapi.WaapiAccount(self, instance_id, **options)
            case "wawp":
                account = wawp.WawpAccount(self, instance_id, **options)
            case "waha":
                account = waha.WahaAccount(self, instance_id, **options)
            case _:
                raise ValueError(f"no gateway: {gateway}")
        self.accounts[gateway, instance_id] = account
        return account

    def remove_instance(self, account: Account) -> None:
        """Remove an account, as if its owner had deleted it."""
        account.close()
        self.accounts.pop((account.gateway, account.instance_id), None)

    # -------------------------------------------------------------- failures

    def fail_next(
        self,
        count: int = 1,
        *,
        status: int | None = 500,
        body: str | bytes | Mapping[str, Any] | list[Any] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        gateway: str | None = None,
        path: str | None = None,
        delay: float | None = None,
        hang: bool = False,
        drop: bool = False,
        endless: bool = False,
        hold: asyncio.Event | None = None,
    ) -> Failure:
        """Let the next `count` calls fail that match.

        `gateway` is its name, `path` a part of the path. `delay` waits first;
        with `status=None` the call is then served. `hang` never answers, `drop`
        closes the connection, `endless` sends the body for ever. With `hold` the call
        is served at once, and the answer held back until that is set. A body that is
        no text or bytes is sent as JSON. Returns the failure; its `seen` counts.
        """
        if len(self.failures) >= MAX_FAILURES:
            raise ValueError("too many failures planned")
        failure = Failure(
            count=count,
            status=status,
            body=body,
            content_type=content_type,
            headers=headers or {},
            gateway=gateway,
            path=path,
            delay=delay,
            hang=hang,
            drop=drop,
            endless=endless,
            hold=hold,
        )
        self.failures.append(failure)
        return failure

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        gateway = gateway_of(request.path)
        if gateway is None:
            failure = None
            if request.path.startswith("/pictures/"):
                failure = self._next_failure(request, "pictures")
            failed = None if failure is None else await self._fail(request, failure)
            return failed or await handler(request)
        record = RecordedRequest(
            gateway=gateway,
            method=request.method,
            path=request.path,
            instance=request.match_info.get("instance")
            or request.query.get("instance_id"),
            time=self.clock(),
            query=dict(request.query),
        )
        self.requests.append(record)
        if request.can_read_body and (request.content_length or 0) < 4096:
            try:
                record.body = json.loads(await request.read())
            except ValueError:
                record.body = None
            if record.instance is None and isinstance(record.body, dict):
                record.instance = record.body.get("instance_id")
        try:
            failure = self._next_failure(request, gateway)
            response = None if failure is None else await self._fail(request, failure)
            if response is None:
                response = await handler(request)
            if failure is not None and failure.hold is not None:
                await failure.hold.wait()
        except web.HTTPException as err:
            record.status = err.status
            raise
        record.status = response.status
        return response

    def _next_failure(self, request: web.Request, gateway: str) -> Failure | None:
        failure = next(
            (f for f in self.failures if f.matches(gateway, request.path)), None
        )
        if failure is not None:
            failure.count -= 1
            failure.seen += 1
            if failure.count <= 0:
                self.failures.remove(failure)
        return failure

    async def _fail(
        self, request: web.Request, failure: Failure
    ) -> web.StreamResponse | None:
        if failure.delay is not None:
            await self.clock.sleep(failure.delay)
        if failure.hang:
            await self._stopping.wait()
        if failure.drop and request.transport is not None:
            request.transport.abort()
        if failure.status is None or failure.hold is not None:
            return None
        body, content_type = _body(failure)
        if failure.endless:
            return await self._endless(request, failure, body or b"x" * 65536)
        return web.Response(
            status=failure.status,
            body=body,
            headers={"Content-Type": content_type, **failure.headers},
        )

    async def _endless(
        self, request: web.Request, failure: Failure, body: bytes
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            status=failure.status or 200, headers=dict(failure.headers)
        )
        response.content_type = failure.content_type or "application/json"
        await response.prepare(request)
        while not self._stopping.is_set():
            await response.write(body)
            await asyncio.sleep(0)
        return response


def _body(failure: Failure) -> tuple[bytes, str]:
    match failure.body:
        case None:
            return b"", failure.content_type or "text/plain; charset=utf-8"
        case bytes():
            return failure.body, failure.content_type or "application/octet-stream"
        case str():
            return (
                failure.body.encode(),
                failure.content_type or "text/plain; charset=utf-8",
            )
    return (
        json.dumps(failure.body).encode(),
        failure.content_type or "application/json",
    )


def gateway_of(path: str) -> str | None:
    """Tell the dialects apart by their paths; None: not a gateway's."""
    if path.startswith("/api/v1/"):
        return "waapi"
    if path.startswith("/v2/"):
        return "wawp"
    if path.startswith("/api/") or path in {"/ws", "/ping"}:
        return "waha"
    return None


async def _picture(request: web.Request) -> web.Response:
    """Serve a plain square whose colour comes of its name."""
    seed = zlib.crc32(request.match_info["name"].encode())
    row = b"\0" + bytes((seed & 255, seed >> 8 & 255, seed >> 16 & 255)) * 64

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", zlib.crc32(kind + data))
        )

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row * 64))
        + chunk(b"IEND", b"")
    )
    return web.Response(body=png, content_type="image/png")
