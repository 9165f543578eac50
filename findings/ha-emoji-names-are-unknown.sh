#!/usr/bin/env bash
# Question: Which object id does Home Assistant make of the name of a contact who calls
# themselves by an emoji alone?
#
# A guess: None, so that the platform's name or the unique id is taken; or the emoji's name.
#
# What happens: `unknown`, then `unknown_2`…: ids that read like a state, and of which nobody
# can tell whose they are. A name with one letter beside the emoji is fine.
#
# Output seen:
#   '\U0001f419' -> binary_sensor.unknown
#   '\u2728' -> binary_sensor.unknown_2
#   '\U0001f419 A' -> binary_sensor.a
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
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_finding(hass):
    entry = MockConfigEntry(domain="finding")
    entry.add_to_hass(hass)
    for number, name in enumerate(("\N{OCTOPUS}", "\N{SPARKLES}", "\N{OCTOPUS} A")):
        device = dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, identifiers={("finding", str(number))}, name=name)
        found = er.async_get(hass).async_get_or_create("binary_sensor", "finding", str(number), config_entry=entry, device_id=device.id, has_entity_name=True, original_name=None)
        tell(ascii(name), "->", found.entity_id)
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
