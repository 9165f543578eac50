#!/usr/bin/env bash
# Question: An update listener keeps `dict(entry.subentries)` to tell, next time, what the user
# changed. Does it hold the old data of a subentry that was changed?
#
# A guess: Yes: ConfigSubentry is a frozen dataclass, so a change has to be a new object.
#
# What happens: No: async_update_subentry writes into the frozen object, so that what was kept
# is what is there now, and nothing ever seems changed. Keep its data, which is replaced, and
# its title. An integration that compares subentries misses every change of a chat's settings.
#
# Output seen:
#   told that it changed: True
#   kept subentries equal those of now: True
#   kept subentry: Ben {'settle_time': 9}
#   kept title and data: Anna {'settle_time': 3}
#   by hand: cannot assign to field 'title'
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
from types import MappingProxyType

from first import tell
from homeassistant.config_entries import ConfigSubentry
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_finding(hass):
    entry = MockConfigEntry()
    entry.add_to_hass(hass)
    chat = ConfigSubentry(data=MappingProxyType({"settle_time": 3}), subentry_type="chat", title="Anna", unique_id="a")
    hass.config_entries.async_add_subentry(entry, chat)
    kept = dict(entry.subentries)
    kept_data = {key: (subentry.title, subentry.data) for key, subentry in kept.items()}
    told = hass.config_entries.async_update_subentry(entry, chat, title="Ben", data={"settle_time": 9})
    tell("told that it changed:", told)
    tell("kept subentries equal those of now:", kept == dict(entry.subentries))
    for key, subentry in kept.items():
        tell("kept subentry:", subentry.title, dict(subentry.data))
        tell("kept title and data:", kept_data[key][0], dict(kept_data[key][1]))
    try:
        chat.title = "Eva"
    except AttributeError as err:
        tell("by hand:", err)
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
