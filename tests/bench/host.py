"""A Home Assistant that is measured from outside."""

from collections.abc import Mapping
import json
from pathlib import Path
import sqlite3
import time
from typing import Any, NamedTuple, Self

from tests.e2e.home_assistant import INTEGRATION, HomeAssistant

PROBE = Path(__file__).parent / "bench_probe"
PLAIN = Path(__file__).parent / "plain" / "whatsapp_presence"

# In seconds; on a machine that has other things to do, and with memory traced.
START_TIMEOUT = 600

# Home Assistant's own default, in seconds.
RECORDER_COMMIT_INTERVAL = 5

# Rows of these grow with what happens.
_TABLES = ("states", "state_attributes", "events", "event_data")


class Processor(NamedTuple):
    """Time of the processor, in seconds: of all threads, and of the event loop's."""

    process: float
    loop: float

    def since(self, before: Processor) -> Processor:
        """Return what was spent since then."""
        return Processor(self.process - before.process, self.loop - before.loop)

    def per(self, events: float) -> Processor:
        """Return what one of the events cost."""
        return Processor(self.process / events, self.loop / events)


class Host:
    """A running Home Assistant, its gauges, and a connection that posts to it."""

    def __init__(
        self,
        folder: Path,
        *,
        configuration: str = "",
        integration: Path | None = INTEGRATION,
        environment: Mapping[str, str] | None = None,
        launcher: tuple[str, ...] = (),
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        """Prepare to run in a folder."""
        self.folder = folder
        # What a restart needs: the port is stored, and the login stays good.
        self._login = folder / "login.json"
        port: int | None = None
        token = ""
        if self._login.exists():
            port, token = json.loads(self._login.read_text("utf-8"))
        self.home_assistant = HomeAssistant(
            folder,
            port=port,
            level="warning",
            commit_interval=RECORDER_COMMIT_INTERVAL,
            configuration=f"bench_probe:\n{configuration}",
            components=(PROBE, integration) if integration else (PROBE,),
            environment=environment,
            launcher=launcher,
            start_timeout=start_timeout,
        )
        self.home_assistant.token = token
        self.started_after = 0.0

    async def __aenter__(self) -> Self:
        """Start, onboarding whoever is new, and wait until all is quiet."""
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> Self:
        begin = time.monotonic()
        await self.home_assistant.start()
        if not self.home_assistant.token:
            await self.home_assistant.onboard()
            await self.home_assistant.wait_until_tidy()
            self._login.write_text(
                json.dumps([self.home_assistant.port, self.home_assistant.token]),
                "utf-8",
            )
        await self.home_assistant.wait_until_running()
        self.started_after = time.monotonic() - begin
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def stop(self) -> None:
        """Stop."""
        await self.home_assistant.stop()

    async def ask(self, command: str, **fields: Any) -> Any:
        """Call a command of the WebSocket API.

        On a connection of its own: one that nobody reads from would not last.
        """
        async with self.home_assistant.websocket() as call:
            return await call(command, **fields)

    async def probe(self, command: str, **fields: Any) -> Any:
        """Call a command of the probe."""
        return await self.ask(f"bench_probe/{command}", **fields)

    async def post(self, webhook_id: str, body: bytes) -> None:
        """Post to a webhook, and wait for the answer. Raises RuntimeError on a refusal."""
        async with self.home_assistant.session.post(
            f"/api/webhook/{webhook_id}",
            data=body,
            headers={"Content-Type": "application/json"},
        ) as response:
            await response.read()
            if response.status != 200:
                raise RuntimeError(f"{webhook_id} answered {response.status}")

    def processor_time(self) -> Processor:
        """Return for how long the process has computed so far."""
        pid = self.home_assistant.pid
        # The clock of another process, as Linux numbers it; its first thread has none.
        process = time.clock_gettime_ns((~pid << 3) | 2)
        loop = int(
            Path(f"/proc/{pid}/task/{pid}/schedstat").read_text("ascii").split()[0]
        )
        return Processor(process / 1e9, loop / 1e9)

    def database(self) -> tuple[int, int]:
        """Return the rows and the bytes of the database."""
        with sqlite3.connect(
            f"file:{self.folder / 'home-assistant_v2.db'}?mode=ro", uri=True
        ) as connection:
            ask = connection.execute
            rows = sum(
                ask(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
                for table in _TABLES
            )
            pages, free, size = (
                ask(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        connection.close()
        return rows, (pages - free) * size

    async def entity_ids(self, ends: str) -> dict[str, str]:
        """Return entity ids by what precedes an end of their unique ids."""
        listed = await self.ask("config/entity_registry/list")
        entities = await self.ask(
            "config/entity_registry/get_entries",
            entity_ids=[entity["entity_id"] for entity in listed],
        )
        return {
            entity["unique_id"].removesuffix(ends): entity_id
            for entity_id, entity in entities.items()
            if entity["unique_id"].endswith(ends)
        }
