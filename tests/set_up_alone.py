"""Set up an account in a process of its own, and tell what of the cloud was imported.

Run as `python -m tests.set_up_alone GATEWAY`: in the suite's own process somebody else
has always imported it.
"""

import asyncio
import sys
import tempfile

# ruff: isort: off
# Ours first: the test package brings a custom_components of its own; and what it misses
# in a newer Home Assistant has to be there before it.
import custom_components.whatsapp_presence  # noqa: F401
import tests.newer_home_assistant  # noqa: F401

from pytest_homeassistant_custom_component.common import async_test_home_assistant
from homeassistant.helpers import frame
from homeassistant.loader import DATA_CUSTOM_COMPONENTS

from .common import add_account, create_entry
from .simulator import Simulator, SkippingClock

CLOUD = "homeassistant.components.cloud"


async def main(gateway: str) -> None:
    """Print whether the account is loaded, and how many modules are the cloud's."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Simulator(clock=SkippingClock()) as simulator,
            async_test_home_assistant(config_dir=folder) as hass,
        ):
            frame.async_setup(hass)
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            entry = create_entry(add_account(simulator, gateway))
            entry.add_to_hass(hass)
            await hass.config_entries.async_setup(entry.entry_id)
            modules = sum(name.startswith(CLOUD) for name in sys.modules)
            sys.stdout.write(f"{entry.state.value} {modules}\n")
            await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
