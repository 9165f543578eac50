#!/usr/bin/env bash
# Question: A Store has a write due in 30 s, by async_delay_save. What does async_load give
# meanwhile, and what is written in the end?
#
# A guess: What is due, and what the data function returns when it is written.
#
# What happens: async_load gives what is due, but asks the data function for it, once and for
# all: what changes after it is not written. Another Store of the same key, as a reloaded entry
# makes one, reads the file and knows nothing of what is due. Without a load, the function is
# asked at the write. So flush at unload, and load only once.
#
# Output seen:
#   without a load -> written: {'last_seen': 3}
#   the same store: {'last_seen': 2}
#   another store of this key: {'last_seen': 1}
#   with a load -> written: {'last_seen': 2}
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

from first import tell
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed


async def test_finding(hass, hass_storage):
    for loads in (False, True):
        key = f"test.{loads}"
        await Store(hass, 1, key).async_save({"last_seen": 1})
        kept = {"last_seen": 2}
        store = Store(hass, 1, key)
        store.async_delay_save(lambda kept=kept: dict(kept), 30)
        if loads:
            tell("the same store:", await store.async_load())
            tell("another store of this key:", await Store(hass, 1, key).async_load())
        kept["last_seen"] = 3
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
        await hass.async_block_till_done()
        tell("with a load" if loads else "without a load", "-> written:", hass_storage[key]["data"])
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
