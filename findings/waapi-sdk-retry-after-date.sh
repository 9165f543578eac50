#!/usr/bin/env bash
# Question: What does WaAPI's official SDK raise for a 429 whose Retry-After is a date, as HTTP
# allows?
#
# A guess: RateLimitError, with the seconds until then, or without.
#
# What happens: ValueError, which is none of its own errors: who catches WaAPIError, or
# RateLimitError, misses it. Seconds work.
#
# Output seen:
#   7 -> RateLimitError (its own): Rate limited by WaAPI (HTTP 429): {"message": "slow"}
#   Fri, 27 Nov 2026 12:00:00 GMT -> ValueError (not its own): could not convert string to float: 'Fri, 27 Nov 2026 12:00:00 GMT'
# Seen with waapi 0.1.2 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check waapi==0.1.2

cat >finding.py <<'PY'
import httpx
from waapi import WaAPI, WaAPIError


def ask(*answer, **more):
    """What the SDK makes of an answer to get-chat-presence."""
    transport = httpx.MockTransport(lambda request: httpx.Response(*answer, **more))
    client = WaAPI("token", instance_id=1, transport=transport)
    try:
        return repr(client.get_chat_presence("15555550101@c.us"))
    except Exception as err:
        ours = "its own" if isinstance(err, WaAPIError) else "not its own"
        return f"{type(err).__name__} ({ours}): {str(err)[:70].rstrip()}"


for value in ("7", "Fri, 27 Nov 2026 12:00:00 GMT"):
    print(value, "->", ask(429, json={"message": "slow"}, headers={"Retry-After": value}))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
