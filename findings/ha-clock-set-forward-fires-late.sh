#!/usr/bin/env bash
# Question: Something is due at a point in time, in two seconds. The clock is set an hour
# forward, or two seconds back, as on a machine that gets its time from the network after the
# start. When does it happen?
#
# A guess: By the clock: at once, and two seconds late. Or by what has elapsed: after two
# seconds, both.
#
# What happens: After two seconds when the clock went forward, so an hour late by the clock, and
# by the clock when it went back. Midnight, too, is a point in time; only async_call_later
# counts what elapses whatever the clock does. What has to begin anew with the day looks at the
# date as well.
#
# Output seen:
#   left alone -> the point in time after 2 s, call_later after 2 s
#   an hour forward -> the point in time after 2 s, call_later after 2 s
#   two seconds back -> the point in time after 4 s, call_later after 2 s
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
import asyncio
import time
from unittest.mock import patch

from first import tell
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

real = time.time


async def test_finding(hass):
    shift = 0

    def clock():
        return real() + shift

    with patch("time.time", clock), patch("homeassistant.helpers.event.time_tracker_timestamp", clock):
        for what, by in (("left alone", 0), ("an hour forward", 3600), ("two seconds back", -2)):
            shift, begun, happened = 0, time.monotonic(), {}

            def happens(name, begun=begun, happened=happened):
                return lambda _: happened.setdefault(name, 2 * round((time.monotonic() - begun) / 2))

            async_track_point_in_utc_time(hass, happens("point"), dt_util.utc_from_timestamp(clock() + 2))
            async_call_later(hass, 2, happens("later"))
            shift = by
            await asyncio.sleep(4.9)
            tell(what, "-> the point in time after", happened["point"], "s, call_later after", happened["later"], "s")
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
