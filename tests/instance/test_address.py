"""What the webhook's address costs who needs none."""

import asyncio
from pathlib import Path
import sys

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("gateway", "needed"), [("waha", False), ("waapi", True)])
async def test_the_cloud_is_imported_only_for_who_is_called_from_outside(
    gateway: str, needed: bool
) -> None:
    """It takes some 25 MiB, and a third of a second of the start."""
    alone = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.set_up_alone",
        gateway,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await alone.communicate()
    state, modules = output.decode().split()
    assert state == "loaded"
    assert (int(modules) > 0) is needed
