"""The demo: a simulated WhatsApp, a real Home Assistant, and a dashboard.

Accounts and chats are added through the config flow's own API, as a user's browser
would; whatever is written lies in one folder that can be thrown away.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
import json
from pathlib import Path
import re
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, Final

from tests.e2e.home_assistant import HomeAssistant
from tests.simulator import HurriedClock, Simulator
from tests.simulator.__main__ import FAMILY, PEOPLE, WAAPI, WAHA, WAWP, populate
from tests.simulator.delivery import Outcome
from tests.simulator.scenario import Scenario
from tests.simulator.world import Account

FOLDER: Final = Path(".demo")
TIME_LIMIT: Final = 60.0
# The delays of answers, 1 to 10 s at a real WAHA, are divided by this.
PATIENCE: Final = 10.0
UNKNOWN_STATES: Final = frozenset({"unknown", "unavailable", "missing"})

# Switched off at first.
ONLINE_TODAY: Final = "online_today"

# The paths of the dashboards, and all that the first one is made of.
BY_ITSELF: Final = "whatsapp-presence"
BY_HAND: Final = "whatsapp-by-hand"
# A day of the demo takes some minutes.
STRATEGY: Final = {
    "strategy": {"type": "custom:whatsapp-presence", "hours_to_show": 0.25}
}

TITLES: Final = {"waapi": "WaAPI", "wawp": "Wawp", "waha": "WAHA"}
# The words that each dialect has for an instance that lost WhatsApp, and has it. These
# do not pass by themselves, so they are news of the chats at once.
WORDS: Final = {
    "waapi": ("qr", "ready"),
    "wawp": ("FAILED", "WORKING"),
    "waha": ("FAILED", "WORKING"),
}


@dataclass(slots=True)
class Chat:
    """A chat of the demo, and its entities by what their unique ids end with."""

    chat_id: str
    name: str
    entities: dict[str, str] = field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return self.chat_id == FAMILY


@dataclass(slots=True)
class Instance:
    """An account of the demo, at the gateway and in Home Assistant."""

    account: Account
    entry_id: str
    chats: list[Chat]

    @property
    def title(self) -> str:
        """The gateway's name."""
        return TITLES[self.account.gateway]

    def chat(self, name: str) -> Chat:
        """Return a chat by its name."""
        return next(chat for chat in self.chats if chat.name == name)


def credentials(simulator: Simulator, gateway: str) -> tuple[str, dict[str, Any]]:
    """Return an account's id, and what a user would type into the flow's form."""
    url = simulator.url
    match gateway:
        case "waapi":
            return WAAPI[0], {
                "instance_id": WAAPI[0],
                "api_token": WAAPI[1],
                "advanced": {"url": f"{url}/api/v1"},
            }
        case "wawp":
            return WAWP[0], {
                "instance_id": WAWP[0],
                "access_token": WAWP[1],
                "advanced": {"url": url},
            }
        case _:
            return WAHA[0], {"url": url, "api_key": WAHA[1], "session": WAHA[0]}


def what_to_type(simulator: Simulator) -> str:
    """Return what the form of each gateway wants, a line each."""
    lines = []
    for gateway, title in TITLES.items():
        _, form = credentials(simulator, gateway)
        advanced = form.pop("advanced", {})
        typed = [f"{key.replace('_', ' ')} {value}" for key, value in form.items()]
        typed += [f"under Advanced: {value}" for value in advanced.values()]
        lines.append(f"  {title:<14}  {', '.join(typed)}\n")
    return f"{''.join(lines)}\n"


async def add_accounts(
    home_assistant: HomeAssistant, simulator: Simulator
) -> list[Instance]:
    """Add all accounts and their chats, each as a user would."""
    instances: list[Instance] = []
    for gateway in TITLES:
        instance_id, fields = credentials(simulator, gateway)
        result = await home_assistant.add_entry(gateway, fields)
        entry_id = result["result"]["entry_id"]
        flow_id: str | None = result["next_flow"][1]
        chats = [
            *(Chat(f"{number}@c.us", name) for number, name, _ in PEOPLE),
            Chat(FAMILY, "Family"),
        ]
        for chat in chats:
            await home_assistant.add_chat(
                entry_id, {"chat": chat.chat_id}, flow_id=flow_id
            )
            flow_id = None
        instances.append(
            Instance(simulator.accounts[gateway, instance_id], entry_id, chats)
        )
    await find_entities(home_assistant, instances)
    return instances


async def find_entities(
    home_assistant: HomeAssistant, instances: list[Instance]
) -> None:
    """Look up the chats' entities, by their unique ids."""
    async with home_assistant.websocket() as call:
        listed = await call("config/entity_registry/list")
        entities = await call(
            "config/entity_registry/get_entries",
            entity_ids=[entity["entity_id"] for entity in listed],
        )
    for entity in entities.values():
        for instance in instances:
            for chat in instance.chats:
                prefix = f"{instance.entry_id}_{chat.chat_id}_"
                if entity["unique_id"].startswith(prefix):
                    key = entity["unique_id"].removeprefix(prefix)
                    chat.entities[key] = entity["entity_id"]


async def count_time_online(
    home_assistant: HomeAssistant, instances: list[Instance]
) -> None:
    """Switch on what counts how long each chat was online today."""
    async with home_assistant.websocket() as call:
        for instance in instances:
            for chat in instance.chats:
                await call(
                    "config/entity_registry/update",
                    entity_id=chat.entities[ONLINE_TODAY],
                    disabled_by=None,
                )
    for instance in instances:
        # By itself, Home Assistant would do so after half a minute.
        await home_assistant.post(
            f"/api/config/config_entries/entry/{instance.entry_id}/reload", {}
        )


def dashboard(instances: list[Instance]) -> dict[str, Any]:
    """Return the one by hand: a view for each account, as docs/dashboard.md has it."""
    return {"views": [_view(instance) for instance in instances]}


def _view(instance: Instance) -> dict[str, Any]:
    """Return a view: who is online, who types, for how long, the day, what happened."""
    chats = instance.chats
    shown = [
        (chat.entities[key], f"{chat.name}{suffix}")
        for chat in chats
        for key, suffix in (("online", ""), ("activity", " (activity)"))
    ]
    return {
        "title": instance.title,
        "path": instance.account.gateway,
        "type": "sections",
        "max_columns": 2,
        "sections": [
            {
                "type": "grid",
                "cards": [
                    {"type": "heading", "heading": "Online"},
                    *(
                        _tile(chat.entities["online"], chat.name, "green")
                        for chat in chats
                    ),
                    _subtitle("Typing now"),
                    *(_activity_tile(chat) for chat in chats if not chat.is_group),
                    *(_members_tile(chat) for chat in chats if chat.is_group),
                    _subtitle("Online today"),
                    *(
                        _tile(chat.entities[ONLINE_TODAY], chat.name, "blue")
                        for chat in chats
                    ),
                ],
            },
            {
                "type": "grid",
                "cards": [
                    {"type": "heading", "heading": "The day"},
                    {
                        "type": "history-graph",
                        "hours_to_show": 0.25,
                        "entities": [
                            {"entity": entity_id, "name": name}
                            for entity_id, name in shown
                        ],
                    },
                    {
                        "type": "logbook",
                        "hours_to_show": 1,
                        "target": {"entity_id": [entity_id for entity_id, _ in shown]},
                    },
                ],
            },
        ],
    }


def _subtitle(heading: str) -> dict[str, Any]:
    return {"type": "heading", "heading_style": "subtitle", "heading": heading}


def _tile(entity_id: str, name: str, color: str) -> dict[str, Any]:
    return {"type": "tile", "entity": entity_id, "name": name, "color": color}


def _activity_tile(chat: Chat) -> dict[str, Any]:
    """Show a contact while they are doing something."""
    entity_id = chat.entities["activity"]
    return {
        **_tile(entity_id, chat.name, "amber"),
        "visibility": [
            {
                "condition": "state",
                "entity": entity_id,
                "state": ["typing", "recording"],
            }
        ],
    }


def _members_tile(chat: Chat) -> dict[str, Any]:
    """Show a group while somebody in it is typing."""
    entity_id = chat.entities["typing_members"]
    return {
        **_tile(entity_id, chat.name, "amber"),
        "visibility": [{"condition": "numeric_state", "entity": entity_id, "above": 0}],
    }


async def show_dashboard(
    home_assistant: HomeAssistant, instances: list[Instance]
) -> str:
    """Open on the dashboard that fills itself; returns its address.

    Beside it is one by hand, with how long each was online today.
    """
    await count_time_online(home_assistant, instances)
    async with home_assistant.websocket() as call:
        for path, title, config in (
            (BY_ITSELF, "WhatsApp", STRATEGY),
            (BY_HAND, "WhatsApp by hand", dashboard(instances)),
        ):
            await call(
                "lovelace/dashboards/create",
                url_path=path,
                title=title,
                icon="mdi:chat-processing-outline",
                show_in_sidebar=True,
            )
            await call("lovelace/config/save", url_path=path, config=config)
        await call(
            "frontend/set_system_data", key="core", value={"default_panel": BY_ITSELF}
        )
    return f"{home_assistant.url}/{BY_ITSELF}"


@asynccontextmanager
async def running(
    folder: Path,
    *,
    port: int | None = None,
    simulator_port: int | None = None,
    patience: float = PATIENCE,
    empty: bool = False,
) -> AsyncIterator[tuple[Simulator, HomeAssistant, list[Instance]]]:
    """Run the simulator and Home Assistant, with all accounts added unless `empty`.

    The gateways' own delays of answers are real, and divided by `patience`.
    """
    async with AsyncExitStack() as stack:
        simulator = Simulator(clock=HurriedClock(patience))
        await simulator.start(simulator_port)
        stack.push_async_callback(simulator.stop)
        populate(simulator)
        home_assistant = await stack.enter_async_context(
            HomeAssistant(folder, port=port)
        )
        instances = [] if empty else await add_accounts(home_assistant, simulator)
        yield simulator, home_assistant, instances


@dataclass(slots=True)
class Seen:
    """What a check saw; `seconds` is None for what never came."""

    gateway: str
    who: str
    what: str
    shown: str
    seconds: float | None

    @property
    def row(self) -> tuple[str, ...]:
        """The table's row."""
        took = "NEVER" if self.seconds is None else f"{self.seconds:.1f} s"
        return (self.gateway, self.who, self.what, self.shown[:25], took)


class Check:
    """Drives people at the simulator until Home Assistant shows what they do."""

    def __init__(self, simulator: Simulator, home_assistant: HomeAssistant) -> None:
        """Begin with nothing seen."""
        self.simulator = simulator
        self.home_assistant = home_assistant
        self.seen: list[Seen] = []

    @property
    def passed(self) -> bool:
        """Whether everything came."""
        return bool(self.seen) and all(seen.seconds is not None for seen in self.seen)

    async def run(self, instances: list[Instance]) -> None:
        """Drive each account's people through all that can be shown."""
        for instance in instances:
            await self._subscribed(instance)
            await self._contact(instance)
            await self._counted(instance)
            await self._group(instance)
            await self._outage(instance)

    async def _subscribed(self, instance: Instance) -> None:
        account = instance.account
        wanted = {chat.chat_id for chat in instance.chats}
        async with asyncio.timeout(TIME_LIMIT):
            while account.subscriptions != wanted:
                await asyncio.sleep(0.1)

    async def _contact(self, instance: Instance) -> None:
        does = partial(instance.account.set_presence, "Anna")
        last_seen = int(time.time()) - 90
        steps: tuple[tuple[str, str, str, Callable[[], Awaitable[object]]], ...] = (
            ("online", "online", "on", partial(does, "online")),
            ("typing", "activity", "typing", partial(does, "typing")),
            ("recording", "activity", "recording", partial(does, "recording")),
            ("idle again", "activity", "idle", partial(does, "paused")),
            ("offline", "online", "off", partial(does, "offline", last_seen=last_seen)),
        )
        for what, key, shown, act in steps:
            await self._see(instance, "Anna", what, key, shown.__eq__, act)
        await self._see(
            instance,
            "Anna",
            "last seen",
            "last_seen",
            lambda state: (
                state not in UNKNOWN_STATES
                and datetime.fromisoformat(state).timestamp() == last_seen
            ),
        )

    async def _counted(self, instance: Instance) -> None:
        """What is counted is what was seen just before."""
        await self._see(
            instance,
            "Anna",
            "online today",
            ONLINE_TODAY,
            lambda state: state not in UNKNOWN_STATES and float(state) > 0,
        )

    async def _group(self, instance: Instance) -> None:
        does = partial(instance.account.set_presence, "Ben", group="Family")
        typing = partial(does, "typing")
        await self._see(
            instance, "Family", "Ben is typing", "typing", "on".__eq__, typing
        )
        await self._see(
            instance, "Family", "members typing", "typing_members", "1".__eq__
        )
        await self._see(instance, "Family", "somebody online", "online", "on".__eq__)
        paused = partial(does, "paused")
        await self._see(
            instance, "Family", "nobody is typing", "typing", "off".__eq__, paused
        )

    async def _outage(self, instance: Instance) -> None:
        lost, ready = WORDS[instance.account.gateway]
        disconnect = partial(instance.account.set_status, lost)
        await self._see(
            instance, "Anna", "account lost", "online", "unavailable".__eq__, disconnect
        )
        await self._see(
            instance,
            "Anna",
            "account is back",
            "online",
            lambda state: state not in UNKNOWN_STATES,
            partial(instance.account.set_status, ready),
        )

    async def _see(
        self,
        instance: Instance,
        who: str,
        what: str,
        key: str,
        fits: Callable[[str], bool],
        act: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Act, and wait for a state; what somebody did must have come as an event."""
        started, started_at = time.monotonic(), self.simulator.clock()
        if act is not None:
            await act()
        entity_id = instance.chat(who).entities[key]
        state = "missing"
        seconds: float | None = None
        while seconds is None and time.monotonic() - started < TIME_LIMIT:
            state = (await self.home_assistant.get(f"/api/states/{entity_id}"))["state"]
            if fits(state) and (act is None or self._delivered(started_at)):
                seconds = time.monotonic() - started
            else:
                await asyncio.sleep(0.05)
        self.seen.append(Seen(instance.title, who, what, state, seconds))

    def _delivered(self, since: float) -> bool:
        return any(
            record.outcome is Outcome.DELIVERED and record.time >= since
            for record in self.simulator.delivery.records
        )


def table(seen: list[Seen]) -> str:
    """Return what was seen as a table."""
    rows = [("gateway", "who", "what", "Home Assistant shows", "took")]
    rows += [one.row for one in seen]  # type: ignore[misc]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


async def find_missing(
    home_assistant: HomeAssistant, instances: list[Instance]
) -> list[str]:
    """Return the entities of the one by hand that Home Assistant does not have."""
    named = re.findall(r"(?:binary_)?sensor\.\w+", json.dumps(dashboard(instances)))
    return sorted(set(named) - set(await home_assistant.states()))


async def check() -> int:
    """Check that everything arrives; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="whatsapp-presence-") as folder:
        async with running(Path(folder)) as (simulator, home_assistant, instances):
            await show_dashboard(home_assistant, instances)
            checking = Check(simulator, home_assistant)
            await checking.run(instances)
            missing = await find_missing(home_assistant, instances)
            log = home_assistant.log
    print(table(checking.seen))
    complaints = [
        line
        for line in log.splitlines()
        if "custom_components.whatsapp_presence" in line
        and (" ERROR " in line or "Traceback" in line)
    ]
    complaints += [f"The dashboard shows {one}, which is not there" for one in missing]
    for line in complaints:
        print(line)
    passed = checking.passed and not complaints
    print(f"\n{'Everything arrived.' if passed else 'Something did not arrive.'}")
    return 0 if passed else 1


async def show(
    port: int,
    simulator_port: int,
    speed: float,
    patience: float,
    *,
    live: bool,
    empty: bool,
) -> int:
    """Run the demo until it is interrupted."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    print("Starting Home Assistant; the first time takes a minute …", flush=True)
    async with running(
        FOLDER,
        port=port,
        simulator_port=simulator_port,
        patience=patience,
        empty=empty,
    ) as (
        simulator,
        home_assistant,
        instances,
    ):
        if empty:
            address = home_assistant.url
        else:
            address = await show_dashboard(home_assistant, instances)
        scenario = Scenario(simulator, speed=speed, nights=False)
        if live:
            scenario.start()
        print(
            f"\n  Home Assistant  {address}\n"
            f"  login           {home_assistant.username}, "
            f"password {home_assistant.password}\n"
            f"  simulator       {simulator.url}/control\n\n"
            f"{what_to_type(simulator) if empty else ''}"
            "The gateways keep callers waiting as the real ones do, but "
            f"{patience:g} times as short.\n"
            "Ctrl+C ends both.",
            flush=True,
        )
        await done.wait()
        await scenario.stop()
    return 0


def main() -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="drive people, check that Home Assistant shows it, and end",
    )
    parser.add_argument(
        "--empty",
        action="store_true",
        help="add no accounts, and print what to type to add them",
    )
    parser.add_argument("--port", type=int, default=8123, help="Home Assistant's port")
    parser.add_argument(
        "--simulator-port", type=int, default=8321, help="the simulator's port"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=120.0,
        help="how many seconds of the simulated day pass in one (default: 120)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        help="how many times shorter the gateways' delays are than the real ones "
        "(default: %(default)g, 1 is as they are)",
    )
    parser.add_argument(
        "--still", action="store_true", help="let nobody do anything by themselves"
    )
    options = parser.parse_args()
    if options.check:
        return asyncio.run(check())
    return asyncio.run(
        show(
            options.port,
            options.simulator_port,
            options.speed,
            options.patience,
            live=not options.still,
            empty=options.empty,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
