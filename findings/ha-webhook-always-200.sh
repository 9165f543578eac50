#!/usr/bin/env bash
# Question: What does Home Assistant answer to a POST to a webhook that nobody registered, to
# one whose handler raises, and to one whose handler returns nothing?
#
# A guess: 404, 500 and 200.
#
# What happens: 200, empty, in all three: a sender never learns that nobody listens, or that its
# event was lost, and does not try again.
#
# Output seen:
#   nobody 200 ''
#   raises 200 ''
#   returns_nothing 200 ''
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
from first import tell
from homeassistant.components import webhook
from homeassistant.setup import async_setup_component


async def test_finding(hass, hass_client_no_auth):
    assert await async_setup_component(hass, "webhook", {})

    async def raises(hass, webhook_id, request):
        raise ValueError("broken")

    async def returns_nothing(hass, webhook_id, request):
        return None

    for handler in (raises, returns_nothing):
        webhook.async_register(hass, "finding", "Finding", handler.__name__, handler)
    client = await hass_client_no_auth()
    for webhook_id in ("nobody", "raises", "returns_nothing"):
        answer = await client.post(f"/api/webhook/{webhook_id}")
        tell(webhook_id, answer.status, repr(await answer.text()))
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
