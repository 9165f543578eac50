"""Runs inside the measured Home Assistant: an empty webhook, and some gauges."""

import asyncio
import gc
from http import HTTPStatus
import itertools
from pathlib import Path
import resource
import threading
import time
import tracemalloc
from types import MappingProxyType
from typing import Any

from aiohttp.web import Request, Response
import voluptuous as vol

from homeassistant.components import recorder, webhook, websocket_api
from homeassistant.config_entries import ConfigEntry, ConfigSubentryData
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

DOMAIN = "bench_probe"
# The probe runs by itself; tests.bench.events has the same.
EMPTY_WEBHOOK = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde1"
# How often the loop is looked at while its pauses are watched, in seconds.
TICK = 0.002

CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

type Connection = websocket_api.ActiveConnection
type Message = dict[str, Any]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Open the empty webhook, and offer the gauges."""
    webhook.async_register(
        hass, DOMAIN, "Empty", EMPTY_WEBHOOK, _async_empty, allowed_methods=["POST"]
    )
    for command in (add_entry, flush, memory, watch_pauses, longest_pause, reload):
        websocket_api.async_register_command(hass, command)
    for at_once in (
        collect_garbage,
        full_collections,
        open_webhook,
        started,
        timers,
        watch_full_collections,
    ):
        websocket_api.async_register_command(hass, at_once)

    @callback
    def note_start(_event: Event) -> None:
        hass.data[DOMAIN] = time.process_time()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, note_start)
    return True


async def _async_empty(
    hass: HomeAssistant, webhook_id: str, request: Request
) -> Response:
    """Read the JSON, and do nothing with it."""
    await request.json()
    return Response(status=HTTPStatus.OK)


@websocket_api.websocket_command(
    {
        vol.Required("type"): "bench_probe/add_entry",
        vol.Required("domain"): str,
        vol.Required("unique_id"): str,
        vol.Required("data"): dict,
        vol.Required("chats"): [dict],
    }
)
@websocket_api.async_response
async def add_entry(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Add an entry with all its chats at once, as if it had been there before."""
    entry: ConfigEntry[Any] = ConfigEntry(
        data=msg["data"],
        discovery_keys=MappingProxyType({}),
        domain=msg["domain"],
        minor_version=1,
        options={},
        source="user",
        subentries_data=[
            ConfigSubentryData(
                data=chat["data"],
                subentry_type="chat",
                title=chat["title"],
                unique_id=chat["unique_id"],
            )
            for chat in msg["chats"]
        ],
        title="Bench",
        unique_id=msg["unique_id"],
        version=1,
    )
    await hass.config_entries.async_add(entry)
    connection.send_result(
        msg["id"], {"entry_id": entry.entry_id, "state": entry.state.value}
    )


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/flush"})
@websocket_api.async_response
async def flush(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Wait until the recorder has written all that it knows."""
    await recorder.get_instance(hass).async_block_till_done()
    connection.send_result(msg["id"])


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/memory"})
@callback
def memory(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Tell how much memory is in use, in bytes; `traced` is 0 unless it is traced.

    Also how many seconds a collection takes that has to look at all of it.
    """
    gc.collect()
    before = time.perf_counter()
    gc.collect()
    collection = time.perf_counter() - before
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    connection.send_result(
        msg["id"],
        {
            "resident": pages * resource.getpagesize(),
            "traced": tracemalloc.get_traced_memory()[0],
            "collection": collection,
        },
    )


class _PauseWatch:
    """Finds the longest time for which the loop did nothing else.

    Also what is left of it without the time in which the kernel ran another process,
    and without garbage collections as well, while which nobody else runs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch."""
        self._loop = loop
        self._longest = {"pause": 0.0, "own": 0.0, "collection": 0.0, "rest": 0.0}
        self._schedule = Path("/proc/thread-self/schedstat").open("rb", buffering=0)
        self._waited = self._waited_so_far()
        self._collected = 0.0
        self._collecting_since = 0.0
        gc.callbacks.append(self._collect)
        self._arm()

    def _waited_so_far(self) -> float:
        """Return for how many seconds this thread could have run, but did not."""
        self._schedule.seek(0)
        return int(self._schedule.read().split()[1]) / 1e9

    def _keep_longest(self, name: str, seconds: float) -> None:
        self._longest[name] = max(self._longest[name], seconds)

    def _arm(self) -> None:
        self._due = self._loop.time() + TICK
        self._handle = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        pause = self._loop.time() - self._due
        waited = self._waited_so_far()
        own = pause - (waited - self._waited)
        self._keep_longest("pause", pause)
        self._keep_longest("own", own)
        collected = self._collected
        if self._collecting_since:
            # In another thread, which has not come to tell of the end yet.
            collected += time.perf_counter() - self._collecting_since
        self._keep_longest("rest", own - collected)
        self._waited = waited
        self._collected = 0.0
        self._arm()

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting_since = now
        else:
            took, self._collecting_since = now - self._collecting_since, 0.0
            self._collected += took
            self._keep_longest("collection", took)

    def stop(self) -> dict[str, float]:
        """Stop; returns the longest of each in seconds."""
        gc.callbacks.remove(self._collect)
        self._handle.cancel()
        self._schedule.close()
        return self._longest


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/watch_pauses"})
@callback
def watch_pauses(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Begin to look for pauses of the loop."""
    hass.data[f"{DOMAIN}_pauses"] = _PauseWatch(hass.loop)
    connection.send_result(msg["id"])


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/longest_pause"})
@callback
def longest_pause(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Stop looking; tells the longest pauses in seconds."""
    watch: _PauseWatch = hass.data.pop(f"{DOMAIN}_pauses")
    connection.send_result(msg["id"], watch.stop())


class _FullCollections:
    """Notes when all of the garbage was collected, while which nobody else ran.

    Each as when it began and ended, on the machine's monotonic clock, and how long it
    computed, in seconds.
    """

    def __init__(self) -> None:
        """Begin to watch."""
        self.found: list[tuple[float, float, float]] = []
        self._began = self._computed = 0.0
        gc.callbacks.append(self.collect)

    def collect(self, phase: str, info: dict[str, int]) -> None:
        """Note a collection's begin or end."""
        if info["generation"] < 2:
            return
        now, computed = time.monotonic(), time.thread_time()
        if phase == "start":
            self._began, self._computed = now, computed
        else:
            self.found.append((self._began, now, computed - self._computed))


@websocket_api.websocket_command(
    {vol.Required("type"): "bench_probe/watch_full_collections"}
)
@callback
def watch_full_collections(
    hass: HomeAssistant, connection: Connection, msg: Message
) -> None:
    """Begin to note full collections of garbage."""
    hass.data[f"{DOMAIN}_collections"] = _FullCollections()
    connection.send_result(msg["id"])


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/full_collections"})
@callback
def full_collections(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Note them no longer; tells those that were noted."""
    watch: _FullCollections = hass.data.pop(f"{DOMAIN}_collections")
    gc.callbacks.remove(watch.collect)
    connection.send_result(msg["id"], watch.found)


@websocket_api.websocket_command(
    {vol.Required("type"): "bench_probe/reload", vol.Required("entry_id"): str}
)
@websocket_api.async_response
async def reload(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Unload an entry and set it up again; tells the loop's time for the latter.

    The first is all of it, the second is what of it went into garbage collections.
    """
    await hass.config_entries.async_unload(msg["entry_id"])
    gc.collect()
    moments: list[float] = []

    def collect(phase: str, info: dict[str, int]) -> None:
        if threading.current_thread() is threading.main_thread():
            moments.append(time.thread_time())

    gc.callbacks.append(collect)
    before = time.thread_time()
    await hass.config_entries.async_setup(msg["entry_id"])
    spent = time.thread_time() - before
    gc.callbacks.remove(collect)
    collecting = sum(end - begin for begin, end in itertools.batched(moments, 2))
    connection.send_result(msg["id"], (spent, collecting))


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/started"})
@callback
def started(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Tell how much time of the processor the start took, in seconds."""
    connection.send_result(msg["id"], hass.data[DOMAIN])


@websocket_api.websocket_command(
    {vol.Required("type"): "bench_probe/open_webhook", vol.Required("webhook_id"): str}
)
@callback
def open_webhook(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Open another empty webhook."""
    webhook.async_register(
        hass,
        DOMAIN,
        "Another",
        msg["webhook_id"],
        _async_empty,
        allowed_methods=["POST"],
    )
    connection.send_result(msg["id"])


@websocket_api.websocket_command({vol.Required("type"): "bench_probe/timers"})
@callback
def timers(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Tell how many timers wait on the loop, those of requests under way left out."""
    scheduled: list[asyncio.TimerHandle] = hass.loop._scheduled  # type: ignore[attr-defined]
    connection.send_result(
        msg["id"],
        sum(not timer.cancelled() and not _is_of_request(timer) for timer in scheduled),
    )


def _is_of_request(timer: asyncio.TimerHandle) -> bool:
    """Whether a timer bounds or paces a request, or keeps a connection."""
    waits = getattr(timer._callback, "__module__", None) or ""  # type: ignore[attr-defined]
    return waits.startswith(("asyncio.", "aiohttp."))


@websocket_api.websocket_command(
    {vol.Required("type"): "bench_probe/collect_garbage", vol.Required("enable"): bool}
)
@callback
def collect_garbage(hass: HomeAssistant, connection: Connection, msg: Message) -> None:
    """Collect garbage once, and then by itself or not at all."""
    gc.collect()
    (gc.enable if msg["enable"] else gc.disable)()
    connection.send_result(msg["id"])
