"""What of Home Assistant's cloud is loaded for an account that has no use for it."""

import asyncio
from pathlib import Path
import sys

from .report import Row

_REPOSITORY = Path(__file__).parents[2]


async def measure_cloud(gateway: str) -> int:
    """Return how many of the cloud's modules an account has imported, set up alone.

    Raises RuntimeError if it could not be set up.
    """
    alone = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.set_up_alone",
        gateway,
        cwd=_REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await alone.communicate()
    match output.decode().split():
        case ["loaded", modules]:
            return int(modules)
    raise RuntimeError(f"The account is not loaded: {output.decode()!r}")


def cloud_row(modules: int) -> Row:
    """Hold it against its bound."""
    return Row("Modules of Home Assistant's cloud loaded for WAHA", modules, 0, "")
