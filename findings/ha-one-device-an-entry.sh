#!/usr/bin/env bash
# Question: Two entries of an integration register a device with the same identifiers. What do
# they get?
#
# A guess: One device that belongs to both entries.
#
# What happens: Two devices, one an entry. `config_entries` of a device and looking one up by
# identifiers alone are refused in core's own code: it takes the entry as well.
#
# Output seen:
#   the same device: False | each its own entry's: True
#   Detected code that accesses `DeviceEntry.config_entries`
#   Detected code that calls `device_registry.async_get_device`
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
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_finding(hass):
    registry = dr.async_get(hass)
    devices = []
    for name in ("one", "two"):
        entry = MockConfigEntry(domain="finding")
        entry.add_to_hass(hass)
        devices.append(registry.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("finding", "anna")}, name=name))
    tell("the same device:", devices[0].id == devices[1].id, "| each its own entry's:", devices[0].config_entry_id != devices[1].config_entry_id)
    for what in (lambda: devices[0].config_entries, lambda: registry.async_get_device(identifiers={("finding", "anna")})):
        try:
            what()
        except RuntimeError as err:
            tell(str(err).partition(",")[0])
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
