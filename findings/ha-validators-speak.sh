#!/usr/bin/env bash
# Question: What does a schema tell of a validator that raises ValueError with a text, and does
# `float` take 1?
#
# A guess: As voluptuous: `not a valid value`, and no.
#
# What happens: The text of the ValueError is told, so that what it holds (an address with a
# token, a number) reaches forms and logs; `float` takes 1 and makes it 1.0; a NaN is kept out
# by a Range as before.
#
# Output seen:
#   voluptuous: ValueError: not a valid value
#   voluptuous: float of 1: expected float
#   voluptuous: NaN in a Range: value must be at least 0
#   voluptuous: unknown key: extra keys not allowed @ data['b']
#   home-assistant: ValueError: not a valid value: no such chat: secret
#   home-assistant: float of 1: 1.0
#   home-assistant: NaN in a Range: value must be at least 0
#   home-assistant: unknown key: not a valid option at 'b'
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
import sys

if sys.argv[1] == "home-assistant":
    import homeassistant
import voluptuous as vol


def check(value):
    raise ValueError(f"no such chat: {value}")


for label, schema, value in (("ValueError", check, "secret"), ("float of 1", float, 1), ("NaN in a Range", vol.Range(min=0, max=60), float("nan")), ("unknown key", {"a": int}, {"b": 1})):
    try:
        answer = repr(vol.Schema(schema)(value))
    except vol.Invalid as err:
        answer = f"{err}"
    print(f"{sys.argv[1]}: {label}: {answer}")
PY
for engine in voluptuous home-assistant; do timeout 120 venv/bin/python -W ignore finding.py "$engine"; done >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
