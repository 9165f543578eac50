#!/usr/bin/env bash
# Question: A machine without a clock of its own starts with a date in the future, and is set
# right some minutes later. Which time does an event entity show for what happens then?
#
# A guess: The time when it happened.
#
# What happens: A millisecond after the last event, however far in the future that was, for as
# long as it is the future: the time of an event never goes back. It is restored as well, so
# that a restart does not help. The state's last_changed is right.
#
# Output seen:
#   wrong clock: 2030-01-01T12:00:00.000+00:00 | last_changed 2030-01-01T12:00:00+00:00
#   set right: 2030-01-01T12:00:00.001+00:00 | last_changed 2026-11-27T10:00:00+00:00
#   an hour later: 2030-01-01T12:00:00.002+00:00 | last_changed 2026-11-27T11:00:00+00:00
#   a restart and a day later: 2030-01-01T12:00:00.003+00:00 | last_changed 2026-11-28T11:00:00+00:00
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
from homeassistant.components.event import EventEntity
from homeassistant.helpers import restore_state
from pytest_homeassistant_custom_component.common import MockEntityPlatform


class Presence(EventEntity):
    _attr_event_types = ["came_online"]
    _attr_should_poll = False
    entity_id = "event.anna"


async def add(hass):
    platform = MockEntityPlatform(hass, domain="event", platform_name="test")
    entity = Presence()
    await platform.async_add_entities([entity])
    return platform, entity


async def test_finding(hass, hass_storage, freezer):
    _, entity = await add(hass)

    def happens(what):
        entity._trigger_event("came_online")
        entity.async_write_ha_state()
        state = hass.states.get("event.anna")
        tell(what, state.state, "| last_changed", state.last_changed.isoformat(timespec="seconds"))

    freezer.move_to("2030-01-01 12:00:00+00:00")
    happens("wrong clock:")
    freezer.move_to("2026-11-27 10:00:00+00:00")
    happens("set right:")
    freezer.tick(timedelta(hours=1))
    happens("an hour later:")
    restored = restore_state.async_get(hass)
    await restored.async_dump_states()
    await entity.async_remove()
    await restored.async_load()
    freezer.tick(timedelta(days=1))
    _, entity = await add(hass)
    happens("a restart and a day later:")
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
