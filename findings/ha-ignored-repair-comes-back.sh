#!/usr/bin/env bash
# Question: A user ignores a repair. Does it stay ignored when its problem gets worse, when it
# was mended and comes again, and over a restart?
#
# A guess: Ignored is ignored, until another version of Home Assistant or another problem.
#
# What happens: It stays so while the issue is there, even as another text of a higher severity,
# and over a restart, where it is gone until it is raised again. Taken back and raised again in
# the same run it is a new one. A problem that comes and goes nags; one that gets worse does so
# unheard, and needs an id of its own.
#
# Output seen:
#   raised -> shown as warning
#   ignored, raised again -> ignored as warning
#   another text, critical -> ignored as critical
#   mended, raised again -> shown as warning
#   ignored, restarted, raised again -> ignored as warning
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
from homeassistant.helpers import issue_registry as ir


async def test_finding(hass, hass_storage):
    await ir.async_load(hass)
    registry = ir.async_get(hass)

    def tells(what):
        issue = registry.async_get_issue("test", "problem")
        tell(what, "->", "ignored" if issue.dismissed_version else "shown", "as", issue.severity)

    def problem(severity=ir.IssueSeverity.WARNING, text="silent"):
        ir.async_create_issue(hass, "test", "problem", is_fixable=False, severity=severity, translation_key=text)

    problem()
    tells("raised")
    ir.async_ignore_issue(hass, "test", "problem", True)
    problem()
    tells("ignored, raised again")
    problem(ir.IssueSeverity.CRITICAL, "refused")
    tells("another text, critical")
    ir.async_delete_issue(hass, "test", "problem")
    problem()
    tells("mended, raised again")
    ir.async_ignore_issue(hass, "test", "problem", True)
    await registry._store.async_save(registry._data_to_save())
    await registry._async_load()
    problem()
    tells("ignored, restarted, raised again")
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
