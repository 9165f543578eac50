"""Count a process's instructions, for as long as one wants to and no longer.

Instructions repeat where times do not: they are the same on a machine that has other
things to do. What the caches and the kernel cost is not in them.
"""

import asyncio
from pathlib import Path
import re
import shutil
from typing import Final

# How many times as long everything takes while it can be counted.
SLOWNESS: Final = 12

_TOTALS: Final = re.compile(r"^totals: (\d+)", re.MULTILINE)
_OUTPUT: Final = "instructions"


def is_available() -> bool:
    """Whether there is a valgrind to count with."""
    return None not in (shutil.which("valgrind"), shutil.which("callgrind_control"))


def launcher(folder: Path) -> tuple[str, ...]:
    """Return what runs a program so that it can be counted; its files go in a folder."""
    return (
        "valgrind",
        "--tool=callgrind",
        "--instr-atstart=no",
        "--separate-threads=yes",
        f"--callgrind-out-file={folder / _OUTPUT}",
    )


class Counter:
    """Counts what a process does that was launched for it."""

    def __init__(self, pid: int, folder: Path) -> None:
        """Prepare to count."""
        self._pid = pid
        self._folder = folder

    async def start(self) -> None:
        """Begin to count."""
        await self._control("--instr=on")

    async def stop(self) -> int:
        """Return how many instructions the first thread ran meanwhile.

        It is the one that Home Assistant's event loop runs in.
        """
        await self._control("--instr=off")
        await self._control("--dump")
        counted = 0
        for path in self._folder.glob(f"{_OUTPUT}.*"):
            found = _TOTALS.search(path.read_text("utf-8"))
            if path.name.endswith("-01") and found is not None:
                counted += int(found[1])
            path.unlink()
        return counted

    async def _control(self, command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "callgrind_control",
            command,
            str(self._pid),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode != 0 or b"OK" not in output:
            raise RuntimeError(f"callgrind_control {command}: {output.decode()}")
