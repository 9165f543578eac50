"""Losses: the power, the disk, a store, an entry in the middle of being set up.

Each is a scene of its own, on the clock that skips the waiting, with real files; what
has to be there afterwards is looked at, and nothing may end in an exception. Only
SIGKILL needs a real process, and real time.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
import errno
import logging
from pathlib import Path
import random
import shutil
import subprocess
import tempfile
import time
from typing import Any, Final
from unittest.mock import patch

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.util import file as file_util
from tests.simulator import Account, Person, Simulator
from tests.simulator.clock import LoopClock

from .clock import ChaosLoop, told_by
from .homes import BEGIN, GATEWAYS, NEAR, Home, Street
from .kills import WRITTEN, kills

PACKAGE: Final = "custom_components.whatsapp_presence"
SMALL_DISK: Final = "256k"
BROKEN: Final[dict[str, str | bytes | None]] = {
    "cut off": '{"version": 2, "minor_version": 1, "data": {"alia',
    "empty": "",
    "a list": "[]",
    "no form": '{"version": 2, "minor_version": 1, "key": "x", "data": []}',
    "null": '{"version": 2, "minor_version": 1, "key": "x", "data": {"aliases": null}}',
    "newer": '{"version": 9, "minor_version": 1, "key": "x", "data": {"more": 1}}',
    "no text": b"\xff\xfe\x00\x01",
    "a folder": None,
}


@dataclass(slots=True)
class Loss:
    """How often a thing was lost, and what was wrong afterwards."""

    name: str
    times: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """What a run found, and what it took."""

    losses: list[Loss] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not any(loss.problems for loss in self.losses)


class _Log(logging.Handler):
    """Notes what the integration says aloud, and every exception."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.exceptions: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(PACKAGE) and record.levelno > logging.INFO:
            self.lines.append(record.getMessage())
        if record.exc_info and PACKAGE in record.name + record.getMessage():
            self.exceptions.append(record.getMessage())


class Scene:
    """A home with an account at each gateway, whose files are real."""

    def __init__(self, street: Street, home: Home, folder: Path, log: _Log) -> None:
        """Begin with what is there."""
        self.street = street
        self.home = home
        self.folder = folder
        self.log = log
        self.loss = Loss("")

    def store(self, gateway: str = "waapi") -> Path:
        """Return where an account's store lies."""
        entry_id = self.home.entries[gateway].entry_id
        return self.folder / ".storage" / f"{DOMAIN}.{entry_id}"

    def expect(self, truth: object, what: str) -> None:
        """Complain unless it is so."""
        if not truth:
            self.loss.problems.append(what)

    async def see(self, person: str) -> float:
        """Let somebody come and go; returns when they were last seen."""
        for account in self.street.accounts.values():
            found = next(one for one in account.people.values() if one.name == person)
            found.deny = True
            await account.set_presence(found, "online")
        await asyncio.sleep(10)
        for account in self.street.accounts.values():
            await account.set_presence(_named(account, person), "offline")
        await asyncio.sleep(5)
        return self.last_seen(person) or 0.0

    def last_seen(self, person: str) -> float | None:
        """Return when somebody was last seen, as it is known now."""
        chats = self.home.entries["waapi"].runtime_data.instance.chats.values()
        account = self.street.accounts["waapi"]
        chat_id = _named(account, person).chat_id
        seen: float | None = next(
            chat.presence.last_seen for chat in chats if chat.chat_id == chat_id
        )
        return seen

    async def start_again(self, folder: Path) -> None:
        """Start with a folder as it is, and what is stored of the accounts."""
        entries = dict(self.home.entries)
        await self.home.close()
        self.folder = folder
        await self.home.open(str(folder))
        self.home.restore(entries)
        await self.home.load()
        await asyncio.sleep(5)
        for gateway, entry in self.home.entries.items():
            self.expect(
                entry.state is ConfigEntryState.LOADED,
                f"{gateway} is {entry.state.value}",
            )


def _named(account: Account, name: str) -> Person:
    return next(one for one in account.people.values() if one.name == name)


async def power_cut(scene: Scene) -> None:
    """What is on the disk at that moment is all that there is."""
    for i in range(3):
        seen = await scene.see("Anna")
        await asyncio.sleep(WRITTEN)
        with tempfile.TemporaryDirectory() as frozen:
            left = Path(frozen) / "config"
            shutil.copytree(scene.folder, left)
            kept = scene.folder
            await scene.start_again(left)
            scene.loss.times += 1
            found = scene.last_seen("Anna")
            scene.expect(
                found is not None and abs(found - seen) < 1,
                f"cut {i}: last seen {found} instead of {seen}",
            )
            await scene.start_again(kept)


@contextmanager
def _full(folder: Path) -> Generator[str]:
    """Let there be no room: on a small disk where one may be mounted, else refused."""
    storage = folder / ".storage"
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(storage)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            filler = storage / "filler"
            with filler.open("wb", buffering=0) as out:
                try:
                    while True:
                        out.write(b"x" * 4096)
                except OSError:
                    pass
            yield "a tmpfs without room"
        finally:
            subprocess.run(["umount", "-l", str(storage)], check=True)
        return

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        patch.object(file_util.tempfile, "NamedTemporaryFile", refuse),
        ExitStack() as s,
    ):
        s.enter_context(patch.object(file_util, "AtomicWriter", refuse))
        yield "writes refused"


async def full_disk(scene: Scene) -> None:
    """Nothing can be written for a while; what is shown goes on, and is kept later."""
    with _full(scene.folder) as how:
        scene.loss.name += f" ({how})"
        for _ in range(5):
            seen = await scene.see("Ben")
            await asyncio.sleep(600)
            scene.loss.times += 1
            scene.expect(scene.last_seen("Ben") == seen, "it is shown no more")
            for gateway, entry in scene.home.entries.items():
                scene.expect(entry.state is ConfigEntryState.LOADED, f"{gateway} fell")
    seen = await scene.see("Ben")
    await asyncio.sleep(WRITTEN)
    scene.expect(scene.store().is_file(), "nothing is written when there is room again")
    await scene.start_again(scene.folder)
    found = scene.last_seen("Ben")
    scene.expect(
        found is not None and abs(found - seen) < 1, "what came later is not kept"
    )


async def broken_stores(scene: Scene) -> None:
    """A store that can't be read is set aside, with one line; the account works."""
    for kind, content in BROKEN.items():
        entries = dict(scene.home.entries)
        await scene.home.close()
        file = scene.store()
        file.unlink(missing_ok=True)
        if content is None:
            (file / "inside").mkdir(parents=True)
        else:
            file.write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
        told = len(scene.log.lines)
        await scene.home.open(str(scene.folder))
        scene.home.restore(entries)
        await scene.home.load()
        scene.loss.times += 1
        for gateway, entry in scene.home.entries.items():
            scene.expect(
                entry.state is ConfigEntryState.LOADED, f"{kind}: {gateway} fell"
            )
        scene.expect(len(scene.log.lines) - told <= 1, f"{kind}: more than one line")
        seen = await scene.see("Carl")
        await asyncio.sleep(WRITTEN)
        scene.expect(file.is_file(), f"{kind}: no new store")
        await scene.start_again(scene.folder)
        found = scene.last_seen("Carl")
        scene.expect(
            found is not None and abs(found - seen) < 1, f"{kind}: nothing is kept anew"
        )


async def removed_in_the_middle(scene: Scene) -> None:
    """An entry is removed while any of the first requests is under way."""
    simulator = scene.street.simulator
    entries = dict(scene.home.entries)
    for gateway in GATEWAYS:
        for nth in range(14):
            before = scene.street.own[gateway]
            entry = scene.home.entries[gateway]
            await scene.home.hass.config_entries.async_remove(entry.entry_id)
            account = scene.street.accounts[gateway]
            scene.expect(account.webhooks == before, f"{gateway}: left before {nth}")
            scene.home.restore({gateway: entries[gateway]})
            entry = scene.home.entries[gateway]
            data = {k: v for k, v in entry.data.items() if k != "webhook_url"}
            scene.home.hass.config_entries.async_update_entry(entry, data=data)
            answered = asyncio.Event()
            if nth:
                simulator.fail_next(nth, status=None, gateway=gateway)
            failure = simulator.fail_next(gateway=gateway, hold=answered)
            setup = asyncio.create_task(
                scene.home.hass.config_entries.async_setup(entry.entry_id)
            )
            for _ in range(2400):
                # At a cloud gateway's pace; with the later ones all may have been sent.
                if failure.seen:
                    break
                await asyncio.sleep(0.05)
            removal = asyncio.create_task(
                scene.home.hass.config_entries.async_remove(entry.entry_id)
            )
            await asyncio.sleep(1.5)
            answered.set()
            await asyncio.gather(setup, removal)
            simulator.failures.clear()
            scene.loss.times += 1
            await asyncio.sleep(120)
            scene.expect(
                account.webhooks == before,
                f"{gateway}: an orphan after a removal at request {nth}",
            )
            scene.expect(not scene.store(gateway).exists(), f"{gateway}: a store stays")
            scene.home.restore({gateway: entries[gateway]})
            await scene.home.hass.config_entries.async_setup(entry.entry_id)
            await asyncio.sleep(30)


KILLED: Final = "killed"
SCENES: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    "power cut": power_cut,
    "disk full": full_disk,
    "store broken": broken_stores,
    "entry removed in the middle": removed_in_the_middle,
}


@asynccontextmanager
async def _scene(simulator: Simulator, folder: Path) -> AsyncGenerator[Scene]:
    log = _Log()
    logging.getLogger().addHandler(log)
    street = Street(simulator, 1, 1)
    street.own = {}
    for gateway, account in street.accounts.items():
        account.add_webhook("http://127.0.0.1:9/somebody/elses")
        street.own[gateway] = account.user_webhooks
    home = Home("home")
    (folder / ".storage").mkdir()
    scene = Scene(street, home, folder, log)
    try:
        with patch(NEAR, return_value=False):
            await street.move_in(home, str(folder), street.entries())
            await home.load()
            await asyncio.sleep(60)
            yield scene
            await home.close()
    finally:
        logging.getLogger().removeHandler(log)
    scene.expect(not log.exceptions, f"exceptions: {log.exceptions}")


async def _main(only: list[str]) -> Result:
    loop = asyncio.get_running_loop()
    result = Result()
    for name, play in SCENES.items():
        if only and name not in only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with (
                Simulator(clock=LoopClock(loop.time)) as simulator,
                _scene(simulator, Path(folder)) as scene,
            ):
                scene.loss.name = name
                result.losses.append(scene.loss)
                await play(scene)
    return result


def run(only: list[str]) -> Result:
    """Play the scenes, all or some."""
    began = time.perf_counter()
    random.seed(1)
    logging.getLogger("homeassistant").setLevel(logging.CRITICAL)
    killed = Loss(KILLED)
    if not only or KILLED in only:
        killed.times = asyncio.run(kills(killed.problems))
    loop = ChaosLoop(BEGIN - 301)
    with told_by(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_main(only))
    if killed.times:
        result.losses.insert(0, killed)
    result.seconds = time.perf_counter() - began
    return result


def report(result: Result) -> None:
    """Print what a run found."""
    print(f"{result.seconds:.0f} s")
    print(f"{'lost':<42}{'times':>6}{'wrong':>7}")
    for loss in result.losses:
        print(f"{loss.name:<42}{loss.times:>6}{len(loss.problems):>7}")
    for loss in result.losses:
        for problem in loss.problems:
            print(f"{loss.name}: {problem}")
    print("good" if result.good else "NOT GOOD")
