#!/usr/bin/env bash
# Question: What does WaAPI's SDK make of HTTP 200 with a page instead of JSON, or with nothing?
#
# A guess: An error: its docstrings dwell on answers that only look like success.
#
# What happens: The text itself is returned, as a string where all other answers are objects.
# The two envelopes are checked in objects alone. An inner `me` or `clientStatus` that says
# error passes as well.
#
# Output seen:
#   a page -> '<html>maintenance</html>'
#   nothing -> ''
#   data.status error -> FailedActionError (its own): WaAPI accepted the request but did not carry the action out: {"status"
#   me.status error -> {'status': 'success', 'me': {'status': 'error'}}
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


print("a page ->", ask(200, text="<html>maintenance</html>"))
print("nothing ->", ask(204))
print("data.status error ->", ask(200, json={"status": "success", "data": {"status": "error"}}))
print("me.status error ->", ask(200, json={"status": "success", "me": {"status": "error"}}))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
