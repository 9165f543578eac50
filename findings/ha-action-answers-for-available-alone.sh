#!/usr/bin/env bash
# Question: An entity's action with a response is called for two entities, of which one is
# unavailable. What is said of that one, and what if it is asked for alone?
#
# A guess: An error for it, or an empty answer under its id.
#
# What happens: It is left out without a word, so that a template that looks it up by id gets
# nothing. Alone it raises that no entity matched, the same as for an id that is not there. An
# action that has to say "not known" must not be one of entities.
#
# Output seen:
#   test.anna test.ben -> {'test.anna': {'online': True}}
#   test.ben -> HomeAssistantError: Service call requested response data but did not match any entities
#   test.nobody -> HomeAssistantError: Service call requested response data but did not match any entities
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
from homeassistant.core import SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import EntityComponent


class Chat(Entity):
    _attr_should_poll = False

    def __init__(self, name, available):
        self.entity_id = f"test.{name}"
        self._attr_available = available

    async def async_ask(self):
        return {"online": True}


async def test_finding(hass):
    component = EntityComponent(logging.getLogger(__name__), "test", hass)
    await component.async_add_entities([Chat("anna", True), Chat("ben", False)])
    component.async_register_entity_service("ask", {}, "async_ask", supports_response=SupportsResponse.ONLY)
    for names in (["test.anna", "test.ben"], ["test.ben"], ["test.nobody"]):
        try:
            answer = await hass.services.async_call("test", "ask", {"entity_id": names}, blocking=True, return_response=True)
        except HomeAssistantError as err:
            answer = f"{type(err).__name__}: {err}"
        tell(*names, "->", answer)
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
