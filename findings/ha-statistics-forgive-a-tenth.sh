#!/usr/bin/env bash
# Question: A `total_increasing` sensor lost a minute and a half to a power cut, after 20 minutes
# or after 10. By how much does its long-term sum grow that day, if it is 30 minutes in the end?
#
# A guess: By 30, in both cases: nothing falls by so little when a new day begins.
#
# What happens: By 30, and by 40: what falls by more than a tenth is a meter that began anew at 0,
# and the 30 are counted whole on top of the 10. State class `total`, with the day's beginning as
# `last_reset`, counts right.
#
# Output seen:
#   total_increasing: 0, 20, 18.5, 30 -> sum 30.0
#   total_increasing: 0, 10, 8.5, 30 -> sum 40.0
#   total: 0, 20, 18.5, 30 -> sum 30.0
#   total: 0, 10, 8.5, 30 -> sum 30.0
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
from homeassistant.components.recorder import get_instance, statistics
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import do_adhoc_statistics

KINDS = {
    "total_increasing": {"state_class": "total_increasing"},
    "total": {"state_class": "total", "last_reset": "2026-11-27T00:00:00+00:00"},
}


async def test_finding(recorder_mock, hass, freezer):
    assert await async_setup_component(hass, "sensor", {})
    begin = dt_util.utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
    sensors = {f"sensor.{kind}_{before}": (kind, before) for kind in KINDS for before in (20, 10)}
    for minute in range(4):
        freezer.move_to(begin + timedelta(minutes=minute + 1))
        for entity_id, (kind, before) in sensors.items():
            value = (0, before, before - 1.5, 30)[minute]
            hass.states.async_set(
                entity_id, str(value), {**KINDS[kind], "device_class": "duration", "unit_of_measurement": "min"}
            )
        await hass.async_block_till_done()
        await hass.async_add_executor_job(get_instance(hass).block_till_done)
    freezer.move_to(begin + timedelta(minutes=6))
    do_adhoc_statistics(hass, start=begin)
    await hass.async_block_till_done()
    await hass.async_add_executor_job(get_instance(hass).block_till_done)
    found = await get_instance(hass).async_add_executor_job(
        statistics.statistics_during_period, hass, begin, None, set(sensors), "5minute", None, {"sum"}
    )
    for entity_id, (kind, before) in sensors.items():
        (row,) = found[entity_id]
        tell(f"{kind}: 0, {before}, {before - 1.5:g}, 30 -> sum", row["sum"])
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
