#!/usr/bin/env bash
# Question: Anna has been on for an hour. The user enables an entity of Ben's, who belongs to the
# same account. What does that do to Anna?
#
# A guess: Nothing. His entity is added, as it is removed alone when it is disabled.
#
# What happens: For half a minute nothing at all; then the whole entry is reloaded, and all its
# entities are unavailable for a moment. Anna is on since then, and whatever waited on her with a
# `for` begins anew, or has ended.
#
# Output seen:
#   Ben's is enabled:
#     after 0 s: binary_sensor.ben none -> unavailable
#     after 30 s: binary_sensor.anna on -> unavailable
#     after 30 s: binary_sensor.anna unavailable -> on
#     after 30 s: binary_sensor.ben unavailable -> on
#     after 60 s: Anna has been on for 30 s
#   Ben's is disabled:
#     after 0 s: binary_sensor.ben on -> none
#     after 60 s: Anna has been on for 3690 s
# Seen with homeassistant 2026.11.0 with pytest-homeassistant-custom-component 0.13.375 (PyPI), Python 3.14.8, on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
# Home Assistant needs Python 3.14.2 or later. uv, where there is one, is only quicker.
"${PYTHON:-python3.14}" -m venv --without-pip venv
install() {
  if command -v uv >/dev/null; then
    timeout 900 uv pip install --quiet --python venv/bin/python "$@"
  else
    timeout 900 python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check "$@"
  fi
}
install pytest-homeassistant-custom-component==0.13.375
install homeassistant==2026.11.0
# The test package was made for an older release: Home Assistant has to come first.
cat >first.py <<'PY'
import homeassistant
from homeassistant.components import logger
from homeassistant.components.logger import helpers

if not hasattr(logger, "_clear_logger_overwrites"):
    logger._clear_logger_overwrites = helpers._clear_logger_overwrites


def tell(*words):
    with open("seen", "a") as seen:
        print(*words, file=seen)
PY

cat >test_finding.py <<'PY'
from types import SimpleNamespace

from first import tell
from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.config_entries import ConfigFlow
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    mock_config_flow,
    mock_integration,
    mock_platform,
)


class Online(BinarySensorEntity):
    _attr_should_poll = False
    _attr_is_on = True

    def __init__(self, name, enabled):
        self._attr_name = self._attr_unique_id = name
        self._attr_entity_registry_enabled_default = enabled


async def set_up(hass, entry):
    await hass.config_entries.async_forward_entry_setups(entry, ["binary_sensor"])


async def unload(hass, entry):
    await hass.config_entries.async_unload_platforms(entry, ["binary_sensor"])


async def add(hass, entry, async_add_entities):
    async_add_entities([Online("anna", True), Online("ben", False)])


async def test_finding(hass, freezer):
    mock_integration(hass, MockModule("fake", async_setup_entry=set_up, async_unload_entry=unload))
    mock_platform(hass, "fake.config_flow", None)
    mock_platform(hass, "fake.binary_sensor", SimpleNamespace(async_setup_entry=add))
    with mock_config_flow("fake", ConfigFlow):
        entry = MockConfigEntry(domain="fake")
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        begin = dt_util.utcnow()

        def changed(event):
            states = [state.state if (state := event.data[key]) else "none" for key in ("old_state", "new_state")]
            tell(f"  after {(dt_util.utcnow() - begin).total_seconds():g} s: {event.data['entity_id']}", " -> ".join(states))

        stop = hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
        for what, disabled_by in (("enabled", None), ("disabled", er.RegistryEntryDisabler.USER)):
            freezer.tick(3600)
            begin = dt_util.utcnow()
            tell(f"Ben's is {what}:")
            er.async_get(hass).async_update_entity("binary_sensor.ben", disabled_by=disabled_by)
            for _ in range(60):
                await hass.async_block_till_done()
                freezer.tick(1)
                async_fire_time_changed(hass)
            await hass.async_block_till_done()
            on_for = dt_util.utcnow() - hass.states.get("binary_sensor.anna").last_changed
            tell(f"  after 60 s: Anna has been on for {on_for.total_seconds():g} s")
        stop()
PY
PYTHONPATH=$work timeout 300 venv/bin/python -m pytest -q -p first -p no:cacheprovider \
  -o asyncio_mode=auto -o log_level=CRITICAL test_finding.py >log 2>&1 || {
  tail -n 30 log >&2
  exit 1
}

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
