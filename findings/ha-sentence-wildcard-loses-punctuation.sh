#!/usr/bin/env bash
# Question: A sentence trigger "is {name} online" is asked for "Dr. Otto", "Ben, Eva" or
# "O'Brien". What does an automation find in trigger.slots.name?
#
# A guess: The name as it was typed; or in small letters and without all signs.
#
# What happens: Stops, commas and colons behind a word are gone, curly apostrophes are straight;
# dashes, brackets, slashes, ampersands and capitals are as typed. A template that compares it
# with the name of an entity never finds "Dr. Otto".
#
# Output seen:
#   'Dr. Otto' -> 'Dr Otto' (changed)
#   'J. R.' -> 'J R' (changed)
#   'Ben, Eva' -> 'Ben Eva' (changed)
#   'Mia - work' -> 'Mia - work'
#   'Mia: work' -> 'Mia work' (changed)
#   'Anna-Lena' -> 'Anna-Lena'
#   "O'Brien" -> "O'Brien"
#   'O\u2019Brien' -> "O'Brien" (changed)
#   'Anna (work)' -> 'Anna (work)'
#   'Ben & Eva' -> 'Ben & Eva'
#   'Ben/Eva' -> 'Ben/Eva'
#   'anna!' -> 'anna' (changed)
# Seen with homeassistant 2026.11.0 with pytest-homeassistant-custom-component 0.13.375, hassil 3.12.1 and home-assistant-intents 2026.10.27 (PyPI), Python 3.14.8, on 2026-11-27.
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
install homeassistant==2026.11.0 hassil==3.12.1 home-assistant-intents==2026.10.27 gazetteer-matcher==1.1.0
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
from homeassistant.components import conversation
from homeassistant.core import Context
from homeassistant.helpers import trigger
from homeassistant.setup import async_setup_component


async def test_finding(hass):
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    slots = []

    async def action(variables, context=None):
        slots.append(variables["trigger"]["slots"]["name"])

    config = await trigger.async_validate_trigger_config(hass, [{"platform": "conversation", "command": ["is {name} online"]}])
    await trigger.async_initialize_triggers(hass, config, action, "finding", "finding", logging.getLogger().log)
    for name in ("Dr. Otto", "J. R.", "Ben, Eva", "Mia - work", "Mia: work", "Anna-Lena", "O'Brien", "O\u2019Brien", "Anna (work)", "Ben & Eva", "Ben/Eva", "anna!"):
        await conversation.async_converse(hass, f"Is {name} online?", None, Context(), language="en")
        found = slots.pop()
        tell(ascii(name), "->", ascii(found) + ("" if found == name else " (changed)"))
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
