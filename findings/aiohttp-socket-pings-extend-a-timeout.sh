#!/usr/bin/env bash
# Question: A client waits for the next message of a WebSocket by `receive(timeout=1)`. The
# server says nothing but a ping every 0.4 s. When does it time out?
#
# A guess: After a second: no message has come.
#
# What happens: Never, for as long as there are pings: each begins the second anew, though
# aiohttp answers it by itself and hands nothing out. With wait_for around it, or with pings
# handed out, it is a second. A socket that lives but tells nothing is thus not noticed by the
# time-out.
#
# Output seen:
#   receive(timeout=1) -> at last after more than three
#   wait_for(receive(), 1) -> timed out after a second
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

from aiohttp import ClientSession, web


async def handle(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    for _ in range(8):
        await asyncio.sleep(0.4)
        await socket.ping()
    await asyncio.sleep(0.4)
    await socket.send_str("at last")
    await asyncio.sleep(5)
    return socket


async def main():
    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    async with ClientSession() as session:
        for what in ("receive(timeout=1)", "wait_for(receive(), 1)"):
            async with session.ws_connect(address) as socket:
                begun = time.monotonic()
                try:
                    if what == "receive(timeout=1)":
                        came = (await socket.receive(timeout=1)).data
                    else:
                        came = (await asyncio.wait_for(socket.receive(), 1)).data
                except asyncio.TimeoutError:
                    came = "timed out"
                print(what, "->", came, "after", "a second" if time.monotonic() - begun < 2.5 else "more than three")
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
