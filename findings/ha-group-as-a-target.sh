#!/usr/bin/env bash
# Question: `group.lamps` is the target of an action, of a trigger and of a condition. Are they
# about its lamps?
#
# A guess: All three are, or all three are not.
#
# What happens: The action is. For the trigger and the condition the group stands for itself, is
# no light, and is left out without a word: the trigger never fires, and the condition is false
# with `any` and true with `all`, whatever the lamps do.
#
# Output seen:
#   lamps: off off group: off
#     light.is_on, any -> False
#     light.is_on, all -> True
#     light.is_off, any -> False
#     light.is_off, all -> True
#   light.turn_on
#   lamps: on on group: on
#     light.is_on, any -> False
#     light.is_on, all -> True
#     light.is_off, any -> False
#     light.is_off, all -> True
#   triggers that fired: 0
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
from homeassistant.components.light import ColorMode, LightEntity
from homeassistant.helpers import condition, config_validation as cv
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_mock_service, setup_test_component_platform

LAMPS = ["light.hall", "light.desk"]
TARGET = {"entity_id": "group.lamps"}


class Lamp(LightEntity):
    _attr_should_poll = False
    _attr_supported_color_modes = {ColorMode.ONOFF}
    _attr_color_mode = ColorMode.ONOFF
    _attr_is_on = False

    def __init__(self, name):
        self._attr_name = name

    async def async_turn_on(self, **_):
        self._attr_is_on = True
        self.async_write_ha_state()


async def test_finding(hass):
    setup_test_component_platform(hass, "light", [Lamp("Hall"), Lamp("Desk")])
    assert await async_setup_component(hass, "light", {"light": {"platform": "test"}})
    assert await async_setup_component(hass, "group", {"group": {"lamps": {"entities": LAMPS}}})
    await hass.async_block_till_done()
    calls = async_mock_service(hass, "test", "tell")
    automations = [
        {
            "alias": behavior,
            "triggers": {"trigger": "light.turned_on", "target": TARGET, "options": {"behavior": behavior}},
            "actions": {"action": "test.tell"},
        }
        for behavior in ("each", "first", "all")
    ]
    assert await async_setup_component(hass, "automation", {"automation": automations})

    async def tell_conditions():
        for name in ("light.is_on", "light.is_off"):
            for behavior in ("any", "all"):
                config = {"condition": name, "target": TARGET, "options": {"behavior": behavior}}
                config = await condition.async_validate_condition_config(hass, cv.CONDITION_SCHEMA(config))
                tell(f"  {name}, {behavior} ->", (await condition.async_from_config(hass, config)).async_check())

    async def see():
        await hass.async_block_till_done()
        tell("lamps:", *(hass.states.get(lamp).state for lamp in LAMPS), "group:", hass.states.get("group.lamps").state)
        await tell_conditions()

    await see()
    await hass.services.async_call("light", "turn_on", TARGET, blocking=True)
    tell("light.turn_on")
    await see()
    tell("triggers that fired:", len(calls))
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
