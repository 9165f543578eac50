#!/usr/bin/env bash
# Question: Can a webhook's handler read a cloudhook's body in pieces, to stop at a limit?
#
# A guess: Yes, by `request.content.read(n)` until nothing is left; or by `request.read()`.
#
# What happens: `content` is a new stream each time, so that such a loop never ends; keep the
# stream, and it does. There is no read(), content_length, content_type or can_read_body;
# `remote` is None.
#
# Output seen:
#   read twice from content: b'abc' b'abc'
#   read twice from one stream: b'abc' b'def' b''
#   missing: read content_length content_type can_read_body
#   remote: None
# Seen with homeassistant 2026.11.0 (PyPI), Python 3.14.8, on 2026-11-27.
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
install homeassistant==2026.11.0

cat >finding.py <<'PY'
import asyncio

from homeassistant.util.aiohttp import MockRequest


async def main():
    request = MockRequest(b"abcdef", "finding", "POST", {"Content-Type": "application/json"})
    print("read twice from content:", await request.content.read(3), await request.content.read(3))
    stream = request.content
    print("read twice from one stream:", await stream.read(3), await stream.read(3), await stream.read(3))
    names = ("read", "text", "json", "post", "content_length", "content_type", "can_read_body", "body_exists")
    print("missing:", *(name for name in names if not hasattr(request, name)))
    print("remote:", request.remote)


asyncio.run(main())
PY
timeout 120 venv/bin/python -W ignore finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
