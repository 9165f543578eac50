#!/usr/bin/env bash
# Question: An image entity has no picture (yet): async_image returns None. What do its state
# and its address say?
#
# A guess: No entity_picture, and 404; or an empty 200.
#
# What happens: It has an entity_picture all the same, and that answers 500 Internal Server
# Error, while an entity that is not there is 404. Whoever takes the address for one's own
# picture shows a broken one; it has to be asked first whether there is any.
#
# Output seen:
#   /api/image_proxy/image.anna unknown -> 500 Internal Server Error
#   /api/image_proxy/image.nobody -> 404 Not Found
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
from homeassistant.components.image import ImageEntity
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockEntityPlatform


class Picture(ImageEntity):
    _attr_should_poll = False
    entity_id = "image.anna"

    async def async_image(self):
        return None


async def test_finding(hass, hass_client):
    assert await async_setup_component(hass, "image", {})
    await MockEntityPlatform(hass, domain="image", platform_name="test").async_add_entities([Picture(hass)])
    client = await hass_client()
    state = hass.states.get("image.anna")
    address = state.attributes["entity_picture"]
    answer = await client.get(address)
    tell(address.split("?")[0], state.state, "->", answer.status, answer.reason)
    answer = await client.get("/api/image_proxy/image.nobody")
    tell("/api/image_proxy/image.nobody ->", answer.status, answer.reason)
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
