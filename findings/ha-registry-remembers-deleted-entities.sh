#!/usr/bin/env bash
# Question: An entity is removed from the registry and comes back much later with the same
# unique id. Does it get its old entity id and name?
#
# A guess: Within 30 days, which is how long deleted entities are kept.
#
# What happens: Always, while its config entry exists: 400 days later too. The 30 days begin
# only when the entry itself is removed.
#
# Output seen:
#   new: sensor.anna None
#   entry kept, 400 days later: sensor.mine Mine
#   entry removed, 25 days later: sensor.mine Mine
#   entry removed, 35 days later: sensor.anna None
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
from datetime import timedelta

from first import tell
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed


async def test_finding(hass, freezer):
    registry = er.async_get(hass)

    def add_entry():
        entry = MockConfigEntry(domain="finding")
        entry.add_to_hass(hass)
        return entry

    def create(entry):
        found = registry.async_get_or_create("sensor", "finding", "one", config_entry=entry, suggested_object_id="anna")
        return found.entity_id, found.name

    async def days(count):
        for _ in range(count):
            freezer.tick(timedelta(days=1))
            async_fire_time_changed(hass)
            await hass.async_block_till_done()

    entry = add_entry()
    tell("new:", *create(entry))
    registry.async_update_entity("sensor.anna", new_entity_id="sensor.mine", name="Mine")
    registry.async_remove("sensor.mine")
    await days(400)
    tell("entry kept, 400 days later:", *create(entry))
    for gone in (25, 35):
        for entity_id in list(registry.entities):
            registry.async_remove(entity_id)
        for old in hass.config_entries.async_entries():
            await hass.config_entries.async_remove(old.entry_id)
        await days(gone)
        tell(f"entry removed, {gone} days later:", *create(add_entry()))
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
