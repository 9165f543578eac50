#!/usr/bin/env bash
# Question: A group of Anna and Ben, one of whom is unknown. Is any of them on, are all?
#
# A guess: Where the other decides it, that: any is on if he is on, all is off if he is off. Else
# unknown.
#
# What happens: A helper's group turns that round. Any is off if he is off, as if she were known
# to be off; all is unknown even if he is off. A group in YAML is never unknown as long as one is
# known: she counts as off.
#
# Output seen:
#   unknown and off -> helper, any: off; helper, all: unknown; yaml, any: off; yaml, all: off
#   unknown and on -> helper, any: on; helper, all: unknown; yaml, any: on; yaml, all: off
#   unavailable and off -> helper, any: off; helper, all: unknown; yaml, any: off; yaml, all: off
#   unavailable and on -> helper, any: on; helper, all: unknown; yaml, any: on; yaml, all: off
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
from homeassistant.setup import async_setup_component

MEMBERS = ["binary_sensor.anna", "binary_sensor.ben"]


async def test_finding(hass):
    for entity_id in MEMBERS:
        hass.states.async_set(entity_id, "off")
    yaml = {f"yaml_{name}": {"entities": MEMBERS, "all": name == "all"} for name in ("any", "all")}
    assert await async_setup_component(hass, "group", {"group": yaml})
    helpers = [
        {"platform": "group", "name": f"helper {name}", "entities": MEMBERS, "all": name == "all"}
        for name in ("any", "all")
    ]
    assert await async_setup_component(hass, "binary_sensor", {"binary_sensor": helpers})
    await hass.async_block_till_done()
    for anna in ("unknown", "unavailable"):
        for ben in ("off", "on"):
            hass.states.async_set("binary_sensor.anna", anna)
            hass.states.async_set("binary_sensor.ben", ben)
            await hass.async_block_till_done()
            shown = {
                f"{kind}, {name}": hass.states.get(f"{domain}.{kind}_{name}").state
                for kind, domain in (("helper", "binary_sensor"), ("yaml", "group"))
                for name in ("any", "all")
            }
            tell(f"{anna} and {ben} ->", "; ".join(f"{one}: {state}" for one, state in shown.items()))
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
