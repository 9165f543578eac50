#!/usr/bin/env bash
# Question: Assist is asked for the state of Anna, a binary sensor that is on, and whether Anna
# is online. What does it answer?
#
# A guess: That she is on; and that it did not understand, at worst.
#
# What happens: The first is answered with today's date, as something done: only sensors have a
# state that can be asked for, and a likeness wins. Of the second it says that there is no floor
# called line. Only "is Anna on" works. Sentences of one's own, by an automation, go before all
# that.
#
# Output seen:
#   is Anna on -> query_answer | Yes
#   what is the state of Anna -> action_done | November 27th, 2026
#   is Anna online -> error | Sorry, I am not aware of any floor called line
#   what is Anna activity -> query_answer | Anna activity is typing
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
from first import tell
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_finding(hass, freezer):
    for component in ("homeassistant", "conversation", "binary_sensor", "sensor"):
        assert await async_setup_component(hass, component, {})
    entry = MockConfigEntry()
    entry.add_to_hass(hass)
    for domain, name, state in (("binary_sensor", "Anna", "on"), ("sensor", "Anna Activity", "typing")):
        entity = er.async_get(hass).async_get_or_create(domain, "test", name, config_entry=entry, original_name=name)
        hass.states.async_set(entity.entity_id, state, {"friendly_name": name})
        async_expose_entity(hass, "conversation", entity.entity_id, True)
    freezer.move_to("2026-11-27 12:00:00+00:00")
    for text in ("is Anna on", "what is the state of Anna", "is Anna online", "what is Anna activity"):
        response = (await conversation.async_converse(hass, text, None, Context(), language="en")).response
        tell(text, "->", response.response_type.value, "|", response.speech["plain"]["speech"])
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
