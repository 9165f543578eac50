#!/usr/bin/env bash
# Question: An attribute is listed in `_unrecorded_attributes`. What does the recorder write
# when nothing but that attribute changes?
#
# A guess: Nothing: what it would write is what is there already.
#
# What happens: A row for each change, equal to the one before but for its time. The list saves
# the attribute's text, not the row, and the history shows one state. What changes often is
# better asked for by an action, or not written to the state at all.
#
# Output seen:
#   rows: ('1', 1) ('1', 1) ('1', 1) ('1', 1)
#   history: ('1', {})
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
from homeassistant.components.recorder import get_instance, history
from homeassistant.components.recorder.db_schema import States
from homeassistant.components.recorder.util import session_scope
from homeassistant.components.sensor import SensorEntity
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockEntityPlatform


class TypingMembers(SensorEntity):
    _attr_should_poll = False
    _attr_native_value = 1
    _unrecorded_attributes = frozenset({"members"})
    entity_id = "sensor.typing_members"


async def test_finding(recorder_mock, hass):
    sensor = TypingMembers()
    sensor._attr_extra_state_attributes = {"members": ["Anna"]}
    await MockEntityPlatform(hass, domain="sensor", platform_name="test").async_add_entities([sensor])
    for member in ("Ben", "Eva", "Eva", "Mia"):
        sensor._attr_extra_state_attributes = {"members": [member]}
        sensor.async_write_ha_state()
        await hass.async_block_till_done()
    recorder = get_instance(hass)
    await hass.async_add_executor_job(recorder.block_till_done)

    def read():
        with session_scope(hass=hass, read_only=True) as session:
            rows = [(row.state, row.attributes_id) for row in session.query(States)]
        shown = history.get_significant_states(hass, dt_util.utcnow() - timedelta(hours=1), None, [sensor.entity_id])
        return rows, [(state.state, state.attributes) for state in shown[sensor.entity_id]]

    rows, shown = await recorder.async_add_executor_job(read)
    tell("rows:", *rows)
    tell("history:", *shown)
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
