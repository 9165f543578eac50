#!/usr/bin/env bash
# Question: Since when is `import voluptuous` not voluptuous any more, and does it matter what
# is imported first?
#
# A guess: It is the same module whenever it is imported; or only a warning differs.
#
# What happens: Home Assistant puts its own engine under the name. What was imported before
# stays the old library: its Invalid does not catch the new one's errors, and its Optional
# inside a new schema is taken without an error, but its default is lost.
#
# Output seen:
#   before: voluptuous after: probatio._vol_shim
#   the old Invalid does not catch
#   Optional of the old one in a new schema: {}
#   Optional of the new one in a new schema: {'settle_time': 3}
# Seen with homeassistant 2026.11.0 (PyPI), Python 3.14.8, probatio 0.13.0, voluptuous 0.16.0, on 2026-11-27.
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
import voluptuous as before

import homeassistant
import voluptuous as after

print("before:", before.__name__, "after:", after.__name__)
try:
    after.Schema(int)("x")
except before.Invalid:
    print("the old Invalid catches")
except after.Invalid:
    print("the old Invalid does not catch")
for name, module in (("old", before), ("new", after)):
    print(f"Optional of the {name} one in a new schema:", after.Schema({module.Optional("settle_time", default=3): int})({}))
PY
timeout 120 venv/bin/python -W ignore finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
