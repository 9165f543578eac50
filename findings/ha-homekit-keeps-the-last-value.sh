#!/usr/bin/env bash
# Question: What does HomeKit show of a binary sensor without a device class while its state is
# unknown or unavailable?
#
# A guess: Nothing, or no response.
#
# What happens: It is an occupancy sensor, and keeps the last value. Over unknown it is called
# available; over unavailable it is not.
#
# Output seen:
#   service: ['AccessoryInformation', 'OccupancySensor']
#   on -> 1 available
#   unknown -> 1 available
#   unavailable -> 1 not available
#   off -> 0 available
#   unavailable -> 0 not available
#   on -> 1 available
# Seen with homeassistant 2026.11.0 with pytest-homeassistant-custom-component 0.13.375 and HAP-python 5.0.0 (PyPI), Python 3.14.8, on 2026-11-27.
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
install homeassistant==2026.11.0 HAP-python==5.0.0 fnv-hash-fast==2.0.3 PyQRCode==1.2.1 base36==0.1.1 homekit-audio-proxy==1.2.1 PyTurboJPEG==1.8.3 ha-ffmpeg==3.2.2
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
from unittest.mock import patch

from first import tell
from homeassistant.components.homekit.accessories import HomeDriver
from homeassistant.components.homekit.type_sensors import BinarySensor
from homeassistant.components.homekit.iidmanager import AccessoryIIDStorage
from pyhap.accessory_driver import AccessoryDriver


async def test_finding(hass):
    hass.states.async_set("binary_sensor.anna", "on")
    with patch("pyhap.accessory_driver.AsyncZeroconf"), patch("pyhap.accessory_driver.AccessoryDriver.publish"), patch("pyhap.accessory_driver.AccessoryDriver.persist"):
        storage = AccessoryIIDStorage(hass, "entry")
        await storage.async_initialize()
        driver = HomeDriver(hass, "entry", "Bridge", "Bridge", storage, loop=hass.loop, address="127.0.0.1", port=51826, persist_file="state")
        sensor = BinarySensor(hass, driver, "Anna", "binary_sensor.anna", 2, {})
        tell("service:", [service.display_name for service in sensor.services])
        sensor.run()
        for state in ("on", "unknown", "unavailable", "off", "unavailable", "on"):
            hass.states.async_set("binary_sensor.anna", state)
            await hass.async_block_till_done()
            tell(state, "->", sensor.char_detected.value, "available" if sensor.available else "not available")
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
