#!/usr/bin/env bash
# Question: A trigger with `behavior: first` on two lights. One is on and becomes unavailable;
# the other one comes on. Does it fire?
#
# A guess: No: the first one was on already, and nobody turned it off.
#
# What happens: It fires a second time. What is unavailable or unknown is no longer counted, so
# that the next one is the first; and when the lost one is back, it fires no third time.
# "Somebody came online" said so twice, because one phone of two could not be seen for a moment.
#
# Output seen:
#   a on, a nothing b on, a on -> fired by light.a
#   a on, a unavailable b on, a on -> fired by light.a light.b
#   a on, a unknown b on, a on -> fired by light.a light.b
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
import logging

from first import tell
from homeassistant.helpers import trigger
from homeassistant.setup import async_setup_component

LIGHTS = ["light.a", "light.b"]


async def test_finding(hass):
    assert await async_setup_component(hass, "light", {})
    for gap in ("nothing", "unavailable", "unknown"):
        for entity_id in LIGHTS:
            hass.states.async_set(entity_id, "off")
        await hass.async_block_till_done()
        fired = []

        async def action(variables, context=None, fired=fired):
            fired.append(variables["trigger"]["entity_id"])

        config = {"platform": "light.turned_on", "target": {"entity_id": LIGHTS}, "options": {"behavior": "first"}}
        config = await trigger.async_validate_trigger_config(hass, [config])
        stop = await trigger.async_initialize_triggers(hass, config, action, "finding", "finding", logging.getLogger().log)
        steps = [("light.a", "on"), ("light.a", gap), ("light.b", "on"), ("light.a", "on")]
        for entity_id, state in steps:
            if state != "nothing":
                hass.states.async_set(entity_id, state)
            await hass.async_block_till_done()
        stop()
        tell("a on, a", gap, "b on, a on -> fired by", *fired)
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
