#!/usr/bin/env bash
# Question: A trigger is to wait for five minutes. What is `for: 5:00` in YAML, with quotes around
# it or a zero before it?
#
# A guess: Five minutes, or five hours, but the same each time.
#
# What happens: Without quotes it is five minutes: YAML takes digits with colons for one number to
# the base of 60, in seconds. With quotes, or with a zero before it, it is a text of hours and
# minutes: five hours. Only with all three parts is it always the same.
#
# Output seen:
#   for: 5:00 -> 0:05:00
#   for: '5:00' -> 5:00:00
#   for: 05:00 -> 5:00:00
#   for: 10:30 -> 0:10:30
#   for: '10:30' -> 10:30:00
#   for: 00:05:00 -> 0:05:00
#   for: '00:05:00' -> 0:05:00
#   for: 1:30:00 -> 1:30:00
#   for: '1:30:00' -> 1:30:00
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
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
from pytest_homeassistant_custom_component.common import async_fire_time_changed, async_mock_service

WRITTEN = ("5:00", "'5:00'", "05:00", "10:30", "'10:30'", "00:05:00", "'00:05:00'", "1:30:00", "'1:30:00'")
AUTOMATION = """
triggers:
  - trigger: light.turned_on
    target: {{entity_id: light.anna}}
    options: {{for: {}}}
actions:
  - action: test.tell
    data: {{for: "{}"}}
"""


async def test_finding(hass, freezer):
    assert await async_setup_component(hass, "light", {})
    calls = async_mock_service(hass, "test", "tell")
    automations = [{"alias": written, **parse_yaml(AUTOMATION.format(written, written))} for written in WRITTEN]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    hass.states.async_set("light.anna", "off")
    await hass.async_block_till_done()
    begin = dt_util.utcnow()
    hass.states.async_set("light.anna", "on")
    await hass.async_block_till_done()
    after = {}
    while len(after) < len(WRITTEN):
        freezer.tick(30)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        for call in calls:
            after[call.data["for"]] = dt_util.utcnow() - begin
        calls.clear()
    for written in WRITTEN:
        tell(f"for: {written} ->", after[written])
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
