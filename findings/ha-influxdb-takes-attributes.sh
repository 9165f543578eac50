#!/usr/bin/env bash
# Question: Does InfluxDB's writer leave out the attributes that the recorder leaves out?
#
# A guess: Yes: they are marked as not to be recorded.
#
# What happens: No: members and pictures are written, and the options of an enum with each row.
# Unknown is not written at all.
#
# Output seen:
#   binary_sensor.anna on -> {'state': 'on', 'value': 1.0, 'entity_picture_str': '/api/image_proxy/image.anna?token=1'}
#   sensor.family_typing_members 1 -> {'value': 1.0, 'members_str': "['Ben']"}
#   sensor.anna_activity typing -> {'state': 'typing', 'device_class_str': 'enum', 'options_str': "['idle', 'typing']"}
#   sensor.anna_activity unknown -> None
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
install homeassistant==2026.11.0 influxdb==5.3.2 influxdb-client==1.50.0
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
from homeassistant.components.influxdb import INFLUX_SCHEMA, _generate_event_to_json
from homeassistant.core import Event, State


async def test_finding(hass):
    convert = _generate_event_to_json(INFLUX_SCHEMA({}))
    for state in (
        State("binary_sensor.anna", "on", {"entity_picture": "/api/image_proxy/image.anna?token=1"}),
        State("sensor.family_typing_members", "1", {"members": ["Ben"]}),
        State("sensor.anna_activity", "typing", {"device_class": "enum", "options": ["idle", "typing"]}),
        State("sensor.anna_activity", "unknown", {"device_class": "enum", "options": ["idle", "typing"]}),
    ):
        found = convert(Event("state_changed", {"new_state": state}))
        tell(state.entity_id, state.state, "->", found and found["fields"])
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
