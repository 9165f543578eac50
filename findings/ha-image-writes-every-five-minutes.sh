#!/usr/bin/env bash
# Question: How often does an image entity whose picture never changes write its state?
#
# A guess: Once.
#
# What happens: Each five minutes, with a new access token, and so a new entity_picture. Whoever
# takes its address as one's own picture is written as often.
#
# Output seen:
#   writes in an hour: 12
#   states: 1
#   addresses: 13
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
from homeassistant.components import image
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed


async def test_finding(hass, freezer):
    class Picture(image.ImageEntity):
        _attr_image_last_updated = dt_util.utcnow()
        _attr_name = "Anna"
        _attr_should_poll = False

    assert await async_setup_component(hass, "image", {})
    await hass.data[image.DATA_COMPONENT].async_add_entities([Picture(hass)])
    await hass.async_block_till_done()
    before = hass.states.get("image.anna")
    seen = []
    hass.bus.async_listen("state_changed", lambda event: seen.append(event.data["new_state"]))
    for _ in range(60):
        freezer.tick(60)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    tell("writes in an hour:", len(seen))
    tell("states:", len({before.state, *(state.state for state in seen)}))
    tell("addresses:", len({before.attributes["entity_picture"], *(state.attributes["entity_picture"] for state in seen)}))
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
