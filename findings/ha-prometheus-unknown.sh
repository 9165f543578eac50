#!/usr/bin/env bash
# Question: What does the Prometheus exporter tell of unknown, of unavailable and of an enum?
#
# A guess: Unknown is a value of its own.
#
# What happens: Unknown and unavailable are both entity_available 0, and the metric is gone. An enum
# has no value; a time has its seconds.
#
# Output seen:
#   on typing
#      binary_sensor_state binary_sensor.online 1.0
#      entity_available binary_sensor.online 1.0
#      entity_available sensor.activity 1.0
#      entity_available sensor.last_seen 1.0
#      sensor_timestamp_seconds sensor.last_seen 1.7957808e+09
#   unknown unknown
#      entity_available binary_sensor.online 0.0
#      entity_available sensor.activity 0.0
#      entity_available sensor.last_seen 1.0
#      sensor_timestamp_seconds sensor.last_seen 1.7957808e+09
#   unavailable unavailable
#      entity_available binary_sensor.online 0.0
#      entity_available sensor.activity 0.0
#      entity_available sensor.last_seen 1.0
#      sensor_timestamp_seconds sensor.last_seen 1.7957808e+09
#   off idle
#      binary_sensor_state binary_sensor.online 0.0
#      entity_available binary_sensor.online 1.0
#      entity_available sensor.activity 1.0
#      entity_available sensor.last_seen 1.0
#      sensor_timestamp_seconds sensor.last_seen 1.7957808e+09
# Seen with homeassistant 2026.11.0 with pytest-homeassistant-custom-component 0.13.375 and prometheus-client 0.21.0 (PyPI), Python 3.14.8, on 2026-11-27.
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
install homeassistant==2026.11.0 prometheus-client==0.21.0
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
from homeassistant.setup import async_setup_component


async def test_finding(hass, hass_client):
    assert await async_setup_component(hass, "prometheus", {"prometheus": {"requires_auth": False}})
    client = await hass_client()
    hass.states.async_set("sensor.last_seen", "2026-11-27T12:00:00+00:00", {"device_class": "timestamp"})
    for state, activity in (("on", "typing"), ("unknown", "unknown"), ("unavailable", "unavailable"), ("off", "idle")):
        hass.states.async_set("binary_sensor.online", state)
        hass.states.async_set("sensor.activity", activity, {"device_class": "enum", "options": ["idle", "typing"]})
        await hass.async_block_till_done()
        text = await (await client.get("/api/prometheus")).text()
        tell(state, activity)
        for line in sorted(text.splitlines()):
            metric = line.split("{")[0].removeprefix("homeassistant_")
            if not line.startswith("#") and (metric == "entity_available" or metric.startswith(("binary_sensor_state", "sensor_"))) and not metric.endswith("_created"):
                tell("  ", metric, line.split('entity="')[1].split('"')[0], line.rsplit(" ", 1)[1])
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
