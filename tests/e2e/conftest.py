"""Fixtures of the browser tests."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
import os

import pytest
import pytest_asyncio
import pytest_socket

from .stage import IMAGES, Stage, find_chromium, playing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_stage(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Stage]:
    """One Home Assistant and one browser for all tests of a module.

    With UPDATE_IMAGES=1, the pictures go to where the README shows them.
    """
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("found no Chromium on PATH or in $CHROMIUM")
    pytest_socket.enable_socket()
    # A thread that the loop started for itself in a test would count as left behind.
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    await loop.run_in_executor(None, int)
    if os.environ.get("UPDATE_IMAGES") == "1":
        images = IMAGES
    else:
        images = tmp_path_factory.mktemp("images")
    async with playing(
        chromium, tmp_path_factory.mktemp("home_assistant"), images
    ) as stage:
        yield stage
        pytest_socket.enable_socket()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(running_stage: Stage, socket_enabled: None) -> AsyncGenerator[Stage]:
    """The stage, with sockets to reach it; at its end, no number is to be seen."""
    yield running_stage
    await running_stage.search_numbers()
