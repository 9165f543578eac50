"""A real Home Assistant in a folder of its own, driven through its own APIs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
import os
from pathlib import Path
import random
import shutil
import socket
import sys
from types import TracebackType
from typing import Any, Self

import aiohttp

REPOSITORY = Path(__file__).parents[2]
INTEGRATION = REPOSITORY / "custom_components" / "whatsapp_presence"

# What onboarding adds by itself, and is of no use to a demo without the internet.
ONLINE_SERVICES = frozenset({"google_translate", "met", "radio_browser"})

START_TIMEOUT = 180
STOP_TIMEOUT = 60
ONLINE_SERVICES_TIMEOUT = 60

CONFIGURATION = """\
homeassistant:
  name: Demo
  latitude: 52.52
  longitude: 13.40
  elevation: 34
  unit_system: metric
  currency: EUR
  country: DE
  time_zone: Europe/Berlin
  internal_url: {url}
  external_url: {url}
frontend:
automation: !include automations.yaml
config:
history:
logbook:
recorder:
  commit_interval: {commit_interval}
system_health:
logger:
  default: warning
  logs:
    custom_components.whatsapp_presence: {level}
"""


# Taken over at the first start; Home Assistant does not want to see it again.
FIRST_CONFIGURATION = """\
http:
  server_host: 127.0.0.1
  server_port: {port}
"""


class ApiError(Exception):
    """Home Assistant refused a call."""


def free_port() -> int:
    """Return a port of loopback that is free now, and likely to be so when it is used.

    Those that the system gives away by itself lie above these: whoever connects to
    anything meanwhile may get one of them.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class HomeAssistant:
    """A Home Assistant process; everything that it writes lies in one folder."""

    username = "demo"
    password = "demo"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        level: str = "info",
        commit_interval: int = 1,
        configuration: str = "",
        components: tuple[Path, ...] = (INTEGRATION,),
        environment: Mapping[str, str] | None = None,
        launcher: tuple[str, ...] = (),
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        """Prepare to run in the folder, which is made if it is not there.

        `commit_interval` is the recorder's, in seconds, `configuration` is more YAML, `components` are the custom components, and
        `environment` is added to the process's. `launcher` is what runs Python, and
        `start_timeout` the seconds that a start may take then.
        """
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self._level = level
        self._commit_interval = commit_interval
        self._configuration = configuration
        self._components = components
        self._environment = {**os.environ, **(environment or {})}
        self._launcher = launcher
        self._start_timeout = start_timeout
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tidying: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start, and onboard a user if there is none yet."""
        try:
            await self.start()
            await self.onboard()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session of this side."""
        if self._session is None:
            self._session = aiohttp.ClientSession(base_url=self.url)
        return self._session

    @property
    def log(self) -> str:
        """All that Home Assistant has logged."""
        return (self.folder / "process.log").read_text(errors="replace")

    async def start(self) -> None:
        """Start the process, and wait until it answers."""
        for component in self._components:
            target = self.folder / "custom_components" / component.name
            if not target.exists():
                shutil.copytree(
                    component, target, ignore=shutil.ignore_patterns("__pycache__")
                )
        # The editor of automations writes here.
        (self.folder / "automations.yaml").touch()
        configuration = CONFIGURATION
        if not (self.folder / ".storage" / "http").exists():
            configuration += FIRST_CONFIGURATION
        (self.folder / "configuration.yaml").write_text(
            configuration.format(
                url=self.url,
                port=self.port,
                level=self._level,
                commit_interval=self._commit_interval,
            )
            + self._configuration
        )
        with (self.folder / "process.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._launcher,
                sys.executable,
                *("-m", "homeassistant", "--config", str(self.folder.resolve())),
                *("--skip-pip", "--log-no-color"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Or the custom components of where we are would be found as well.
                cwd=self.folder,
                env=self._environment,
            )
        try:
            async with asyncio.timeout(self._start_timeout):
                while not await self._answers():
                    if self._process.returncode is not None:
                        raise RuntimeError(f"Home Assistant ended:\n{self.log[-4000:]}")
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise RuntimeError(
                f"Home Assistant did not answer:\n{self.log[-4000:]}"
            ) from None

    async def _answers(self) -> bool:
        try:
            async with self.session.get("/api/onboarding") as response:
                # Who is onboarded has no such page any more; nor has a server that is
                # not as far yet, or another one that was given the same port.
                return response.status == (404 if self.token else 200)
        except aiohttp.ClientConnectionError:
            return False

    async def wait_until_running(self) -> None:
        """Wait until everything is set up, which is after the first answers."""
        async with asyncio.timeout(self._start_timeout):
            while (await self.get("/api/config"))["state"] != "RUNNING":
                await asyncio.sleep(0.2)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    async def wait_until_tidy(self) -> None:
        """Wait until what onboarding adds is gone again."""
        if self._tidying is not None:
            await self._tidying

    async def stop(self) -> None:
        """End the process as its service manager would."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
            self._tidying = None
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def kill(self) -> None:
        """End the process at once: it has no time for anything more."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def restart(self) -> None:
        """Stop and start again; logins stay good."""
        await self.stop()
        await self.start()

    async def onboard(self) -> None:
        """Create the user and finish the onboarding, or log in."""
        client_id = f"{self.url}/"
        step = await self._json(
            "POST",
            "/api/onboarding/users",
            json={
                "client_id": client_id,
                "name": "Demo",
                "username": self.username,
                "password": self.password,
                "language": "en",
            },
        )
        async with self.session.post(
            "/auth/token",
            data={
                "client_id": client_id,
                "grant_type": "authorization_code",
                "code": step["auth_code"],
            },
        ) as response:
            self.token = (await response.json())["access_token"]
        for step_name in ("core_config", "analytics"):
            await self._json("POST", f"/api/onboarding/{step_name}", json={})
        await self._json(
            "POST",
            "/api/onboarding/integration",
            json={"client_id": client_id, "redirect_uri": client_id},
        )
        async with self.websocket() as call:
            self.token = await call(
                "auth/long_lived_access_token", client_name="demo", lifespan=30
            )
            # Without this, the server goes back to its default port after a while.
            await call("http/config/promote")
            await call(
                "repairs/ignore_issue",
                domain="http",
                issue_id="deprecated_yaml",
                ignore=True,
            )
        self._tidying = asyncio.create_task(self._remove_online_services())

    async def _remove_online_services(self) -> None:
        """Remove what onboarding adds, which it does after it has answered.

        Nobody has to wait: a removal takes until the service gives up its set-up.
        """
        left = set(ONLINE_SERVICES)
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(ONLINE_SERVICES_TIMEOUT),
                self.websocket() as call,
            ):
                while left:
                    for entry in await call("config_entries/get"):
                        if entry["domain"] in left:
                            left.remove(entry["domain"])
                            await self.delete(
                                f"/api/config/config_entries/entry/{entry['entry_id']}"
                            )
                    await asyncio.sleep(0.1)

    async def _json(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, path, headers=headers, **kwargs
        ) as response:
            if response.status >= 400:
                raise ApiError(
                    f"{method} {path}: {response.status} {await response.text()}"
                )
            return await response.json()

    async def get(self, path: str) -> Any:
        """Read from the REST API."""
        return await self._json("GET", path)

    async def post(self, path: str, data: Any) -> Any:
        """Write to the REST API."""
        return await self._json("POST", path, json=data)

    async def delete(self, path: str) -> Any:
        """Delete through the REST API."""
        return await self._json("DELETE", path)

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return all states by entity id."""
        return {state["entity_id"]: state for state in await self.get("/api/states")}

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        """Open the WebSocket API; yields a function that calls a command."""
        async with self.session.ws_connect(
            "/api/websocket", max_msg_size=0
        ) as connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": self.token})
            if (await connection.receive_json())["type"] != "auth_ok":
                raise ApiError("The token was refused")
            ids = count(1)

            async def call(command: str, **fields: Any) -> Any:
                number = next(ids)
                await connection.send_json({"id": number, "type": command, **fields})
                while True:
                    message = await connection.receive_json()
                    if message["id"] == number and message["type"] == "result":
                        if not message["success"]:
                            raise ApiError(f"{command}: {message['error']}")
                        return message["result"]

            yield call

    async def add_entry(self, gateway: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Add an account through the config flow; returns the flow's last result."""
        flow = await self.post(
            "/api/config/config_entries/flow", {"handler": INTEGRATION.name}
        )
        path = f"/api/config/config_entries/flow/{flow['flow_id']}"
        await self.post(path, {"next_step_id": gateway})
        result: dict[str, Any] = await self.post(path, fields)
        if result["type"] != "create_entry":
            raise ApiError(f"The flow did not end: {result}")
        return result

    async def add_chat(
        self, entry_id: str, fields: dict[str, Any], flow_id: str | None = None
    ) -> None:
        """Add a chat through the subentry flow, a running one if it is given."""
        base = "/api/config/config_entries/subentries/flow"
        if flow_id is None:
            flow = await self.post(base, {"handler": [entry_id, "chat"]})
            flow_id = flow["flow_id"]
        result = await self.post(f"{base}/{flow_id}", fields)
        if result["type"] != "create_entry":
            raise ApiError(f"The chat's flow did not end: {result}")
