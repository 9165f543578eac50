#!/usr/bin/env bash
# Question: Can waha-py's set_presence be called with its own model WAHASessionPresence?
#
# A guess: Yes: its calls take a dictionary or a model.
#
# What happens: TypeError before anything is sent: the model is dumped with its enumeration in
# it, which is no JSON. Only the dictionary works. An answer is never read by a model at all: it
# comes as a plain dictionary, whatever it holds.
#
# Output seen:
#   dict -> sent {"presence":"online"}
#   WAHASessionPresence -> Object of type Presence is not JSON serializable | sent: []
#   read: {'id': 1, 'presences': 'none'}
# Seen with waha-py 2026.9.2 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check waha-py==2026.9.2

cat >finding.py <<'PY'
import httpx
from waha import WahaClient
from waha.generated import models
from waha.http import WahaHttpClient

sent = []


def answer(request):
    sent.append(request.content.decode())
    return httpx.Response(200, json={"id": 1, "presences": "none"})


base = "http://127.0.0.1"
http = httpx.Client(base_url=base, transport=httpx.MockTransport(answer))
client = WahaClient(base, http_client=WahaHttpClient(base, "key", client=http))
for payload in ({"presence": "online"}, models.WAHASessionPresence(presence="online")):
    try:
        client.presence.set_presence("default", payload)
        print(type(payload).__name__, "-> sent", sent.pop())
    except TypeError as err:
        print(type(payload).__name__, "->", err, "| sent:", sent)
print("read:", client.presence.get_presence("default", "15555550101@c.us"))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
