#!/usr/bin/env bash
# Question: Which machines may call a webhook that is registered with `local_only`?
#
# A guess: Those of the house, whatever address they have, and those of one's own VPN.
#
# What happens: Private IPv4 addresses and local IPv6 ones alone. A machine of the house that
# uses its public IPv6 address, as most have one, and one that comes by Tailscale
# (100.64.0.0/10), are dropped with an empty 200: the sender takes it for delivered. A gateway
# that resolves Home Assistant's name to IPv6 loses its events so, without an error anywhere but
# in the log.
#
# Output seen:
#   at home, IPv4 192.168.1.5 -> 201 handled
#   in a container 172.17.0.2 -> 201 handled
#   at home, IPv6, link fe80::5 -> 201 handled
#   at home, IPv6, local fd12:3456::5 -> 201 handled
#   at home, IPv6, public 2003:ea:1:2::5 -> 200 dropped
#   Tailscale 100.100.1.1 -> 200 dropped
#   elsewhere 203.0.113.5 -> 200 dropped
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
from aiohttp import web
from first import tell
from homeassistant.components import webhook
from homeassistant.setup import async_setup_component

CALLERS = {
    "at home, IPv4": "192.168.1.5",
    "in a container": "172.17.0.2",
    "at home, IPv6, link": "fe80::5",
    "at home, IPv6, local": "fd12:3456::5",
    "at home, IPv6, public": "2003:ea:1:2::5",
    "Tailscale": "100.100.1.1",
    "elsewhere": "203.0.113.5",
}


async def test_finding(hass, hass_client_no_auth):
    config = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": config})
    assert await async_setup_component(hass, "webhook", {})

    async def handle(hass, webhook_id, request):
        return web.Response(status=201)

    webhook.async_register(hass, "test", "Test", "hook", handle, local_only=True)
    client = await hass_client_no_auth()
    for what, address in CALLERS.items():
        answer = await client.post("/api/webhook/hook", headers={"X-Forwarded-For": address})
        tell(what, address, "->", answer.status, "handled" if answer.status == 201 else "dropped")
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
