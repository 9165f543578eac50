#!/usr/bin/env bash
# Question: The device's page offers the trigger `turned on`, the list of triggers `Light turned
# on`. Do both fire for the same?
#
# A guess: Yes. They say the same, and both are made for automations by Home Assistant itself.
#
# What happens: The device's fires for whatever is not `on` before, unavailable and unknown among
# it: at each start, reload and reconnect for all that are on. The other one fires after `off`
# alone.
#
# Output seen:
#   unavailable -> on: the device's
#   unknown -> on: the device's
#   off -> on: the device's, the list's
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
from first import tell
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service


async def test_finding(hass):
    entry = MockConfigEntry()
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, identifiers={("fake", "lamp")})
    lamp = er.async_get(hass).async_get_or_create(
        "light", "fake", "lamp", config_entry=entry, device_id=device.id, suggested_object_id="lamp"
    )
    assert await async_setup_component(hass, "light", {})
    assert await async_setup_component(hass, "device_automation", {})
    calls = async_mock_service(hass, "test", "tell")
    hass.states.async_set(lamp.entity_id, "on")
    of_device = {"trigger": "device", "domain": "light", "device_id": device.id, "entity_id": lamp.id, "type": "turned_on"}
    of_list = {"trigger": "light.turned_on", "target": {"device_id": device.id}}
    automations = [
        {"alias": by, "triggers": trigger, "actions": {"action": "test.tell", "data": {"by": by}}}
        for by, trigger in (("the device's", of_device), ("the list's", of_list))
    ]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    for before in ("unavailable", "unknown", "off"):
        for state in (before, "on"):
            hass.states.async_set(lamp.entity_id, state)
            await hass.async_block_till_done()
        tell(before, "-> on:", ", ".join(sorted(call.data["by"] for call in calls)) or "none")
        calls.clear()
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
