#!/usr/bin/env bash
# Question: A server answers a WebSocket's handshake with a redirect, as a proxy does that wants
# https or a login. What does ws_connect do, and how is it told not to?
#
# A guess: WSServerHandshakeError with the status 302, as for 200 or 401; or by
# allow_redirects=False.
#
# What happens: It follows, without the query of the old address, which held WAHA's key. A page
# of a login at the end is an error with the status 200. ws_connect takes no allow_redirects;
# only a trace that raises at on_request_redirect keeps it from going elsewhere.
#
# Output seen:
#   to a socket -> connected to /other
#   to a page -> WSServerHandshakeError 200 [302]
#   allow_redirects=False -> TypeError got an unexpected keyword argument 'allow_redirects'
#   a trace that raises -> ValueError a redirect
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

from aiohttp import ClientSession, TraceConfig, WSServerHandshakeError, web


async def socket_at(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(str(request.rel_url))
    return socket


async def moved(request):
    raise web.HTTPFound("/other" if "other" in request.query else "/login")


async def login(request):
    return web.Response(text="<html>Please log in</html>")


async def refuse(*_):
    raise ValueError("a redirect")


async def main():
    app = web.Application()
    app.router.add_get("/ws", moved)
    app.router.add_get("/other", socket_at)
    app.router.add_get("/login", login)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    trace = TraceConfig()
    trace.on_request_redirect.append(refuse)
    for what, query, options, traces in (
        ("to a socket", "?other&session=default", {}, []),
        ("to a page", "?session=default", {}, []),
        ("allow_redirects=False", "?other", {"allow_redirects": False}, []),
        ("a trace that raises", "?other", {}, [trace]),
    ):
        async with ClientSession(trace_configs=traces) as session:
            try:
                async with session.ws_connect(address + query, **options) as socket:
                    print(what, "-> connected to", await socket.receive_str())
            except WSServerHandshakeError as err:
                print(what, "->", type(err).__name__, err.status, [step.status for step in err.history])
            except (TypeError, ValueError) as err:
                print(what, "->", type(err).__name__, str(err).split(") ")[-1])
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
