#!/usr/bin/env bash
# Question: Somebody is on for twenty minutes, and unknown for ten in the middle. What do history_stats
# of type time and count say?
#
# A guess: 20 minutes, once.
#
# What happens: 20 minutes, and twice.
#
# Output seen:
#   time 0.33
#   count 2
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
from homeassistant.components.recorder import get_instance
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util


async def test_finding(recorder_mock, hass, freezer):
    begin = dt_util.utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
    for minute, state in ((0, "off"), (10, "on"), (20, "unknown"), (30, "on"), (40, "off"), (60, None)):
        freezer.move_to(begin + timedelta(minutes=minute))
        if state:
            hass.states.async_set("binary_sensor.anna", state)
        await hass.async_block_till_done()
        await hass.async_add_executor_job(get_instance(hass).block_till_done)
    start = f"{{{{ as_datetime('{begin.isoformat()}') }}}}"
    config = {"platform": "history_stats", "entity_id": "binary_sensor.anna", "state": "on", "start": start, "end": "{{ now() }}"}
    sensors = [{**config, "name": kind, "type": kind} for kind in ("time", "count")]
    assert await async_setup_component(hass, "sensor", {"sensor": sensors})
    await hass.async_block_till_done(wait_background_tasks=True)
    for kind in ("time", "count"):
        tell(kind, hass.states.get(f"sensor.{kind}").state)
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
