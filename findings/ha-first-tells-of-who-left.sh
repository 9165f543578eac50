#!/usr/bin/env bash
# Question: A trigger with `behavior: first` and `for: 5 minutes` on two people (two lights here).
# Anna comes, Ben comes four minutes later, and Anna leaves half a minute after that. When does
# it fire, and about whom?
#
# A guess: About Ben, nine minutes after Anna came: he is the first to have stayed for five.
#
# What happens: Five minutes after Anna came, about Anna, who is gone: the time goes on for as
# long as it is true of anybody, and the first one's state is what the action is given. Nobody
# had been there for five minutes.
#
# Output seen:
#   first: minute 5, about light.anna, who is off
#   each: minute 9, about light.ben, who is on
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
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed, async_mock_service

ANNA, BEN = "light.anna", "light.ben"


async def test_finding(hass, freezer):
    assert await async_setup_component(hass, "light", {})
    calls = async_mock_service(hass, "test", "tell")
    for entity_id in (ANNA, BEN):
        hass.states.async_set(entity_id, "off")
    automations = [
        {
            "alias": behavior,
            "triggers": {
                "trigger": "light.turned_on",
                "target": {"entity_id": [ANNA, BEN]},
                "options": {"behavior": behavior, "for": "00:05:00"},
            },
            "actions": {
                "action": "test.tell",
                "data": {"by": behavior, "whom": "{{ trigger.entity_id }}", "now": "{{ states(trigger.entity_id) }}"},
            },
        }
        for behavior in ("first", "each")
    ]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    begin = dt_util.utcnow()
    changes = {0: (ANNA, "on"), 4: (BEN, "on"), 4.5: (ANNA, "off")}
    for half_minutes in range(24):
        minute = half_minutes / 2
        freezer.move_to(begin + timedelta(minutes=minute, milliseconds=1))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        if minute in changes:
            hass.states.async_set(*changes[minute])
            await hass.async_block_till_done()
        for call in calls:
            tell(f"{call.data['by']}: minute {minute:g}, about {call.data['whom']}, who is {call.data['now']}")
        calls.clear()
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
