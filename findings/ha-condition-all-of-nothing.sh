#!/usr/bin/env bash
# Question: Is the condition light.is_on with `behavior: all` true while some or all of its
# lights are unknown, unavailable or not there?
#
# A guess: No: not all of them are on.
#
# What happens: Those without a state are left out first, and all of none is true. With `any` it
# is false.
#
# Output seen:
#   on off -> all: False any: True
#   on unknown -> all: True any: True
#   unknown unknown -> all: True any: False
#   unavailable unavailable -> all: True any: False
#   None None -> all: True any: False
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
from homeassistant.helpers import condition
from homeassistant.setup import async_setup_component


async def test_finding(hass):
    assert await async_setup_component(hass, "light", {})
    for states in (("on", "off"), ("on", "unknown"), ("unknown", "unknown"), ("unavailable", "unavailable"), (None, None)):
        for entity_id, state in zip(("light.a", "light.b"), states, strict=True):
            if state is None:
                hass.states.async_remove(entity_id)
            else:
                hass.states.async_set(entity_id, state)
        await hass.async_block_till_done()
        answers = []
        for behavior in ("all", "any"):
            config = {"condition": "light.is_on", "target": {"entity_id": ["light.a", "light.b"]}, "options": {"behavior": behavior}}
            config = await condition.async_validate_condition_config(hass, config)
            check = await condition.async_from_config(hass, config)
            answers.append(f"{behavior}: {check.async_check()}")
        tell(*states, "->", *answers)
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
