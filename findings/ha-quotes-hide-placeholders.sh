#!/usr/bin/env bash
# Question: A text of an integration has a placeholder between apostrophes, or behind an elision:
# "'{name}' is gone", "l'{name}". What is written?
#
# A guess: The name, with the apostrophes around it, wherever it is written.
#
# What happens: The server, which fills in what goes to the log, does so, and drops the full stop.
# The front end, which words dialogs and errors, takes an apostrophe before a brace for a quotation
# that ends at the next apostrophe, or never: no placeholder in it is filled in, and it is gone
# itself. An apostrophe between letters stays.
#
# Output seen:
#   server: 'Anna' is gone, long ago
#   server: L'Anna est parti, long ago
#   server: Anna can't be found, long ago
#   front end: {name} is gone, long ago.
#   front end: L{name} est parti, {reason}.
#   front end: Anna can't be found, long ago.
# Seen with homeassistant 2026.11.0 with pytest-homeassistant-custom-component 0.13.375 (PyPI), Python 3.14.8, and intl-messageformat 10.7.18 (npm), on 2026-11-27.
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

printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund intl-messageformat@10.7.18 >/dev/null
mkdir -p custom_components/fake/translations
touch custom_components/__init__.py custom_components/fake/__init__.py
cat >custom_components/fake/manifest.json <<'JSON'
{"domain": "fake", "name": "Fake", "version": "1.0.0", "integration_type": "service", "codeowners": [], "documentation": "", "iot_class": "calculated", "requirements": [], "dependencies": []}
JSON
cat >custom_components/fake/translations/en.json <<'JSON'
{"exceptions": {
  "a": {"message": "'{name}' is gone, {reason}."},
  "b": {"message": "L'{name} est parti, {reason}."},
  "c": {"message": "{name} can't be found, {reason}."}
}}
JSON

cat >test_finding.py <<'PY'
# The test package brings one of its own, which is found first from then on.
import custom_components
from first import tell
from homeassistant.helpers import translation


async def test_finding(hass, enable_custom_integrations):
    hass.config.components.add("fake")
    await translation.async_load_integrations(hass, {"fake"})
    for key in "abc":
        tell("server:", translation.async_get_exception_message("fake", key, {"name": "Anna", "reason": "long ago"}))
PY
PYTHONPATH=$work timeout 300 venv/bin/python -m pytest -q -p first -p no:cacheprovider \
  -o asyncio_mode=auto -o log_level=CRITICAL test_finding.py >log 2>&1 || {
  tail -n 30 log >&2
  exit 1
}

cat >finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { IntlMessageFormat } from "intl-messageformat";
const texts = JSON.parse(readFileSync("custom_components/fake/translations/en.json", "utf8")).exceptions;
for (const { message } of Object.values(texts)) {
  const filled = new IntlMessageFormat(message, "en", undefined, { ignoreTag: true });
  console.log("front end:", filled.format({ name: "Anna", reason: "long ago" }));
}
JS
timeout 120 node finding.mjs >>seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
