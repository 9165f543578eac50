#!/usr/bin/env bash
# Question: An integration's diagnostics of a device name nobody. May the file be shown, when the
# user has renamed the device to be on the safe side?
#
# A guess: Yes. The file is named like that of an entry: by domain and ids.
#
# What happens: The file's own name has the name that the integration gave the device, behind the
# entry's id. What the user called it since does not count, and a quotation mark in it ends the
# name in the header.
#
# Output seen:
#   ENTRY -> attachment; filename="config_entry-fake-ENTRY.json" named inside: False
#   ENTRY/device/DEVICE -> attachment; filename="fake-ENTRY-Anna Example-DEVICE.json" named inside: False
#   ENTRY -> attachment; filename="config_entry-fake-ENTRY.json" named inside: False
#   ENTRY/device/DEVICE -> attachment; filename="fake-ENTRY-Ben "Benny" Example-DEVICE.json" named inside: False
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
from types import SimpleNamespace

from first import tell
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockModule, mock_integration, mock_platform


async def test_finding(hass, hass_client):
    async def diagnostics(*_):
        return {}

    mock_integration(hass, MockModule("fake"))
    mock_platform(
        hass,
        "fake.diagnostics",
        SimpleNamespace(async_get_config_entry_diagnostics=diagnostics, async_get_device_diagnostics=diagnostics),
    )
    hass.config.components.add("fake")
    entry = MockConfigEntry(domain="fake", title="Carla", entry_id="ENTRY")
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    devices = dr.async_get(hass)
    for name in ("Anna Example", 'Ben "Benny" Example'):
        device = devices.async_get_or_create(config_entry_id="ENTRY", identifiers={("fake", name)}, name=name)
        devices.async_update_device(device.id, name_by_user="Somebody")
        for path in ("ENTRY", f"ENTRY/device/{device.id}"):
            answer = await client.get(f"/api/diagnostics/config_entry/{path}")
            file = answer.headers["Content-Disposition"].replace(device.id, "DEVICE")
            tell(path.replace(device.id, "DEVICE"), "->", file, "named inside:", name in await answer.text())
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
