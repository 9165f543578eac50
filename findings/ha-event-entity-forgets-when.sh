#!/usr/bin/env bash
# Question: An event entity is unavailable when Home Assistant stops. What does it show after
# the start?
#
# A guess: Its last event, with its time; or none at all.
#
# What happens: What it was, but not when: the state is unknown, since `unavailable` was stored
# as the time, while event_type and the other attributes are those of before. An automation that
# reads the type alone takes the event of long ago for one without a time. Who wants both keeps
# them itself.
#
# Output seen:
#   available at the stop -> 2026-11-27T10:00:00.000+00:00 came_online Anna
#   unavailable at the stop -> unknown came_online Anna
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
from homeassistant.components.event import EventEntity
from homeassistant.helpers import restore_state
from pytest_homeassistant_custom_component.common import MockEntityPlatform


class Presence(EventEntity):
    _attr_event_types = ["came_online"]
    _attr_should_poll = False

    def __init__(self, name):
        self.entity_id = f"event.{name}"


async def add(hass, *names):
    platform = MockEntityPlatform(hass, domain="event", platform_name="test")
    entities = [Presence(name) for name in names]
    await platform.async_add_entities(entities)
    return platform, entities


async def test_finding(hass, hass_storage, freezer):
    freezer.move_to("2026-11-27 10:00:00+00:00")
    names = ("available", "unavailable")
    platform, entities = await add(hass, *names)
    for entity, name in zip(entities, names, strict=True):
        entity._trigger_event("came_online", {"member": "Anna"})
        entity._attr_available = name == "available"
        entity.async_write_ha_state()
    restored = restore_state.async_get(hass)
    await restored.async_dump_states()
    for entity in entities:
        await platform.async_remove_entity(entity.entity_id)
    await restored.async_load()
    await add(hass, *names)
    for name in names:
        state = hass.states.get(f"event.{name}")
        tell(name, "at the stop ->", state.state, state.attributes["event_type"], state.attributes["member"])
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
