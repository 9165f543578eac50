#!/usr/bin/env bash
# Question: Does it matter whether httpx is imported before Home Assistant or after it?
#
# A guess: No.
#
# What happens: 2026.11 lets the name httpx mean httpx2. After it, `import httpx` gives httpx2;
# before it, `import homeassistant` raises RuntimeError. Test tools that bring httpx (respx, a
# client's SDK) have to come second.
#
# Output seen:
#   httpx -> httpx
#   homeassistant -> RuntimeError httpx was already imported
#   homeassistant -> homeassistant
#   httpx -> httpx2
# Seen with homeassistant 2026.11.0 (PyPI), Python 3.14.8, httpx 0.28.1, httpx2 2.14.0, on 2026-11-27.
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
install httpx==0.28.1

cat >finding.py <<'PY'
import importlib
import sys

for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
    except RuntimeError as err:
        print(name, "->", type(err).__name__, str(err).partition(";")[0])
    else:
        print(name, "->", module.__name__)
PY
for order in 'httpx homeassistant' 'homeassistant httpx'; do
  # shellcheck disable=SC2086
  timeout 120 venv/bin/python -W ignore finding.py $order
done >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
