#!/usr/bin/env bash
# Question: What does the client `waha` send to WAHA at http://home.example/waha/ to read a
# presence and to announce the account?
#
# A guess: GET /waha/api/{session}/presence/{chatId}, and {"presence": "online"}.
#
# What happens: GET /api/presence with the two as parameters, which is no call of WAHA's, and
# "available" and "unavailable", Baileys' words, where WAHA's are online and offline. The path
# behind the host is dropped, so that a server behind a proxy's path is never reached; and there
# is no subscribing.
#
# Output seen:
#   get -> GET /api/presence?chatId=15555550101%40c.us&session=default
#   set_online -> POST /api/default/presence {"presence":"available"}
#   set_offline -> POST /api/default/presence {"presence":"unavailable"}
#   calls: get set_offline set_online
# Seen with waha 1.0.5 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check waha==1.0.5 httpx==0.28.1

cat >finding.py <<'PY'
import httpx
import waha
from waha.exceptions import WahaAPIError

asked = []


def answer(request):
    asked.append(f"{request.method} {request.url.raw_path.decode()} {request.content.decode()}".rstrip())
    return httpx.Response(404)


client = waha.WahaClient("http://home.example/waha/", api_key="key")
presence = client.presence
presence._http_client._client = httpx.Client(transport=httpx.MockTransport(answer))
for name, call in (
    ("get", lambda: presence.get("15555550101@c.us")),
    ("set_online", presence.set_online),
    ("set_offline", presence.set_offline),
):
    try:
        call()
    except WahaAPIError as err:
        print(name, "->", asked.pop())
print("calls:", *sorted(name for name in dir(presence) if not name.startswith("_")))
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
