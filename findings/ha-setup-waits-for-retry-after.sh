#!/usr/bin/env bash
# Question: The first refresh of a coordinator fails with UpdateFailed(retry_after=3600), then
# with 1. When is the set-up of the entry tried again?
#
# A guess: After 3600 s and after 1 s; or, as in 2026.10, after 5, 10, 20… s in both cases.
#
# What happens: The longer of the two wins: nothing for an hour in the first case, the usual 5,
# 10, 20… s in the second. It may be up to a day. A gateway's long Retry-After thus leaves an
# entry in `setup_retry` where a restart used to be back in seconds.
#
# Output seen:
#   at most: 86400
#   None -> [0, 5, 15, 35, 75, 155] setup_retry
#   1 -> [0, 5, 15, 35, 75, 155] setup_retry
#   60 -> [0, 60, 120, 180] setup_retry
#   3600 -> [0] setup_retry
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
from datetime import timedelta
import logging

from first import tell
from homeassistant.config_entries import SETUP_RETRY_AFTER_MAX_WAIT, ConfigFlow
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockModule, async_fire_time_changed, mock_config_flow, mock_integration, mock_platform


async def test_finding(hass, freezer):
    class Flow(ConfigFlow):
        """None is ever begun."""

    tell("at most:", SETUP_RETRY_AFTER_MAX_WAIT)
    for retry_after in (None, 1, 60, 3600):
        tries = []

        async def update(retry_after=retry_after, tries=tries):
            tries.append(dt_util.utcnow())
            raise UpdateFailed("no", retry_after=retry_after)

        async def setup(hass, entry, update=update):
            coordinator = DataUpdateCoordinator(hass, logging.getLogger("finding"), config_entry=entry, name="finding", update_method=update)
            await coordinator.async_config_entry_first_refresh()
            return True

        mock_integration(hass, MockModule("finding", async_setup_entry=setup))
        mock_platform(hass, "finding.config_flow", None)
        with mock_config_flow("finding", Flow):
            entry = MockConfigEntry(domain="finding")
            entry.add_to_hass(hass)
            await hass.config_entries.async_setup(entry.entry_id)
            for _ in range(40):
                freezer.tick(5)
                async_fire_time_changed(hass)
                await hass.async_block_till_done()
            tell(retry_after, "->", [round((one - tries[0]).total_seconds()) for one in tries], entry.state.value)
            await hass.config_entries.async_remove(entry.entry_id)
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
