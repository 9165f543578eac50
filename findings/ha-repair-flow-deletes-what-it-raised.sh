#!/usr/bin/env bash
# Question: The flow of a repair tries to mend the problem, fails, and the problem is raised
# again under its id while the flow runs (a reload does so). What is left when the flow has
# ended?
#
# A guess: The repair that was raised last, however the flow ends.
#
# What happens: async_create_entry deletes the issue by its id after the last step, the new one
# as well: the problem is there, and nobody is told. After async_abort it stays. So a flow may
# only create an entry when it knows that the problem is gone.
#
# Output seen:
#   create_entry -> not told
#   abort -> told
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
from types import SimpleNamespace

from first import tell
from homeassistant.components.repairs import RepairsFlow
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockModule, mock_integration, mock_platform


async def test_finding(hass, hass_client):
    def problem():
        ir.async_create_issue(
            hass, "fake", "problem", is_fixable=True, severity=ir.IssueSeverity.WARNING, translation_key="problem"
        )

    class Flow(RepairsFlow):
        async def async_step_init(self, user_input=None):
            ir.async_delete_issue(hass, "fake", "problem")
            problem()
            return self.async_create_entry(data={}) if end == "create_entry" else self.async_abort(reason="failed")

    async def create(hass, issue_id, data):
        return Flow()

    mock_integration(hass, MockModule("fake"))
    mock_platform(hass, "fake.repairs", SimpleNamespace(async_create_fix_flow=create))
    hass.config.components.add("fake")
    assert await async_setup_component(hass, "repairs", {})
    await hass.async_block_till_done()
    client = await hass_client()
    for end in ("create_entry", "abort"):
        problem()
        answer = await client.post("/api/repairs/issues/fix", json={"handler": "fake", "issue_id": "problem"})
        issue = ir.async_get(hass).async_get_issue("fake", "problem")
        tell((await answer.json())["type"], "->", "told" if issue else "not told")
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
