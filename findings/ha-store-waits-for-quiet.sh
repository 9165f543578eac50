#!/usr/bin/env bash
# Question: Store.async_delay_save(…, 10) is called every five seconds for ten minutes. How
# often is the file written?
#
# A guess: Every ten seconds: a write that is planned stays planned.
#
# What happens: Not once. Each call puts the write off; it comes ten seconds after the last
# call. What is stored often, and then lost in a power cut, was never stored.
#
# Output seen:
#   writes in ten minutes: 0
#   after ten quiet seconds: 1
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
from homeassistant.helpers.storage import Store
from pytest_homeassistant_custom_component.common import async_fire_time_changed


async def test_finding(hass, hass_storage, freezer):
    store = Store(hass, 1, "finding")
    writes = []

    def data():
        writes.append(1)
        return {}

    for _ in range(120):
        store.async_delay_save(data, 10)
        freezer.tick(5)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    tell("writes in ten minutes:", len(writes))
    freezer.tick(10)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    tell("after ten quiet seconds:", len(writes))
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
