#!/usr/bin/env bash
# Question: What does WaAPI's SDK raise for a trial instance that may act on one number alone
# (403), and for an instance that is not ready (409)?
#
# A guess: An error that tells them from a bad token; FailedActionError for the second, as with
# HTTP 200.
#
# What happens: 403 is AuthenticationError, `rejected the API token`, like 401. 409 is the bare
# WaAPIError, while the same refusal with HTTP 200 is FailedActionError.
#
# Output seen:
#   401 -> AuthenticationError (its own): WaAPI rejected the API token (HTTP 401): {"status": "error", "message"
#   403 -> AuthenticationError (its own): WaAPI rejected the API token (HTTP 403): {"status": "error", "message"
#   409 -> WaAPIError (its own): WaAPI returned HTTP 409: {"status": "error", "message": "instance not
#   200 -> FailedActionError (its own): WaAPI accepted the request but did not carry the action out: {"status"
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


body = {"status": "error", "message": "only able to send actions to one number"}
print("401 ->", ask(401, json=body))
print("403 ->", ask(403, json=body))
print("409 ->", ask(409, json={"status": "error", "message": "instance not ready"}))
print("200 ->", ask(200, json={"status": "error", "message": "instance not ready"}))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
