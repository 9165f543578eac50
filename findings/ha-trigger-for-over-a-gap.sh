#!/usr/bin/env bash
# Question: Triggers with `for: 60 s`: a light that is on becomes unavailable for 15 s and is on
# again. When do they fire?
#
# A guess: Both begin to count anew when the light is back.
#
# What happens: With `behavior: each` the count ends and never begins again, however long the
# light stays on, for the way back is no turning on. With `all` the light is left out while it
# is away and the count goes on: it fires as if nothing had been.
#
# Output seen:
#   each, 200 s after the gap: nothing
#   all, 10 s after the gap: nothing
#   all, 16 s after the gap, 61 s after both were on: ['light.b']
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

import pytest
from first import tell
from homeassistant.helpers import trigger
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_fire_time_changed

BOTH = {"entity_id": ["light.a", "light.b"]}


@pytest.fixture
async def play(hass, freezer):
    """Play states and seconds against a trigger; who fired it."""
    assert await async_setup_component(hass, "light", {})

    async def run(config, *steps):
        for entity_id in BOTH["entity_id"]:
            hass.states.async_set(entity_id, "off")
        await hass.async_block_till_done()
        fired = []

        async def action(variables, context=None):
            fired.append(variables["trigger"]["entity_id"])

        config = await trigger.async_validate_trigger_config(hass, [config])
        stop = await trigger.async_initialize_triggers(hass, config, action, "finding", "finding", logging.getLogger().log)
        for step in steps:
            if isinstance(step, int):
                freezer.tick(step)
                async_fire_time_changed(hass)
            else:
                hass.states.async_set(*step)
            await hass.async_block_till_done()
        stop()
        return fired or "nothing"

    return run


def turned_on(behavior, **options):
    return {"platform": "light.turned_on", "target": BOTH, "options": {"behavior": behavior, **options}}


async def test_finding(play):
    gap = [("light.a", "unavailable"), 15, ("light.a", "on")]
    wait = {"for": {"seconds": 60}}
    tell("each, 200 s after the gap:", await play(turned_on("each", **wait), ("light.a", "on"), 30, *gap, 200))
    both = [("light.a", "on"), ("light.b", "on"), 30]
    tell("all, 10 s after the gap:", await play(turned_on("all", **wait), *both, *gap, 10))
    tell("all, 16 s after the gap, 61 s after both were on:", await play(turned_on("all", **wait), *both, *gap, 16))
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
