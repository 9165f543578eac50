"""A pytest plugin: the test package, with a Home Assistant newer than its own.

To be loaded by `-p`, which comes before pytest loads the test package. What moved is
in tests/newer_home_assistant.py; here it is brought in at the right moment.
"""

# ruff: isort: off
# 2026.11 lets the name httpx mean httpx2, and refuses to if respx, which the test
# package imports before it, has brought the real one.
import homeassistant  # noqa: F401

# The test package puts these in place before it imports more of Home Assistant.
from pytest_homeassistant_custom_component import (  # noqa: F401
    patch_json,
    patch_recorder,
    patch_time,
)
import tests.newer_home_assistant  # noqa: F401
from pytest_homeassistant_custom_component.syrupy import (
    HomeAssistantSnapshotSerializer as Serializer,
)
from homeassistant.helpers import entity_registry as er

_serialize_entry = Serializer._serializable_entity_registry_entry  # noqa: SLF001


def _without_compat_name(data: er.RegistryEntry) -> object:
    """Leave out 2026.11's name of old, as long as there is none."""
    serialized = _serialize_entry(data)
    if serialized.get("compat_name", "") is None:
        del serialized["compat_name"]
    return serialized


Serializer._serializable_entity_registry_entry = staticmethod(  # noqa: SLF001
    _without_compat_name
)
