#!/usr/bin/env bash
# Question: ws_connect is given ClientWSTimeout(ws_receive=0.5, ws_close=0.5). The server takes
# the connection and does not answer the handshake, as one that hangs. When does it give up? And
# what ends a silent socket that is open?
#
# A guess: After half a second. And: half a second, or the session's total.
#
# What happens: Only the session's total ends the handshake, 1.5 s here and five minutes by
# default; once it is open, the total means nothing, and ws_receive ends it. So a handshake
# needs a time limit of one's own around it.
#
# Output seen:
#   by default, total: 300 s
#   handshake -> ended by total
#   open, ws_receive -> ended by ws_receive
#   open, none -> ended by nothing but our own 3 s
# Seen with aiohttp 3.14.5 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check aiohttp==3.14.5

cat >finding.py <<'PY'
import asyncio
import time

from aiohttp import ClientSession, ClientTimeout, ClientWSTimeout, web


async def handle(request):
    if "hangs" in request.query:
        await asyncio.sleep(5)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await asyncio.sleep(5)
    return socket


async def wait(session, address, timeout):
    async with session.ws_connect(address, timeout=timeout) as socket:
        await socket.receive()


async def main():
    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    async with ClientSession() as session:
        print("by default, total:", session.timeout.total, "s")
    async with ClientSession(timeout=ClientTimeout(total=1.5)) as session:
        for what, query, receive in (("handshake", "?hangs", 0.5), ("open, ws_receive", "", 0.5), ("open, none", "", None)):
            begun = time.monotonic()
            timeout = ClientWSTimeout(ws_receive=receive, ws_close=0.5)
            try:
                await asyncio.wait_for(wait(session, address + query, timeout), 3)
            except asyncio.TimeoutError:
                lasted = time.monotonic() - begun
                limit = "ws_receive" if lasted < 1.2 else "total" if lasted < 2.5 else "nothing but our own 3 s"
                print(what, "-> ended by", limit)
    await runner.cleanup()


asyncio.run(main())
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
