#!/usr/bin/env bash
# Question: A server closes a WebSocket with 1008 and the reason "Unauthorized", or "Forbidden",
# as WAHA does. Where is the reason when `async for message in socket` has ended? And after a
# connection that was cut?
#
# A guess: Beside the code, in the socket, or in an exception that the loop raised.
#
# What happens: Nowhere: the loop ends as after any close and raises nothing, the code is kept,
# the reason is not. Only receive() shows it, once, as the CLOSE message's `extra`. Who loops
# can't tell a wrong key from one for another session.
#
# Output seen:
#   Unauthorized -> the loop saw [] and left the code 1008 reason: []
#   Unauthorized -> receive: CLOSE 1008 Unauthorized
#   Forbidden -> the loop saw [] and left the code 1008 reason: []
#   Forbidden -> receive: CLOSE 1008 Forbidden
#   cut -> the loop saw [] and left the code 1006 reason: []
#   cut -> receive: CLOSED None None
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

from aiohttp import ClientSession, web


async def handle(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    reason = request.query["reason"]
    if reason == "cut":
        request.transport.abort()
    else:
        await socket.close(code=1008, message=reason.encode())
    return socket


async def main():
    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    async with ClientSession() as session:
        for reason in ("Unauthorized", "Forbidden", "cut"):
            async with session.ws_connect(address, params={"reason": reason}) as socket:
                seen = [message async for message in socket]
            kept = [name for name in dir(socket) if "reason" in name]
            print(reason, "-> the loop saw", seen, "and left the code", socket.close_code, "reason:", kept)
            async with session.ws_connect(address, params={"reason": reason}) as socket:
                first = await socket.receive()
            print(reason, "-> receive:", first.type.name, first.data, first.extra)
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
