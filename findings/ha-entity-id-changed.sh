#!/usr/bin/env bash
# Question: A user renames an entity's id. What is called of an entity that defines
# async_entity_id_changed, new in 2026.11, and of one that does not?
#
# A guess: It is called with the new id, beside what is called of any other.
#
# What happens: It is called with the old id, and entity_id is the new one already; the entity
# is neither removed nor added again, so that what async_added_to_hass did stays bound to the
# old id. One without it is removed and added as ever. 2026.10.4, run once, removed and added
# both.
#
# Output seen:
#   plain ['added', 'will_remove', 'added']
#   defines ['added', ('test_domain.test_platform_defines', 'test_domain.new_defines')]
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
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import MockEntityPlatform


async def test_finding(hass):
    class Plain(Entity):
        _attr_should_poll = False

        def __init__(self, unique_id):
            self._attr_unique_id = unique_id
            self.calls = []

        async def async_added_to_hass(self):
            self.calls.append("added")

        async def async_will_remove_from_hass(self):
            self.calls.append("will_remove")

    class Defines(Plain):
        def async_entity_id_changed(self, *arguments):
            self.calls.append((*arguments, self.entity_id))

    entities = [Plain("plain"), Defines("defines")]
    await MockEntityPlatform(hass).async_add_entities(entities)
    for entity in entities:
        er.async_get(hass).async_update_entity(entity.entity_id, new_entity_id=f"test_domain.new_{entity.unique_id}")
        await hass.async_block_till_done()
        tell(entity.unique_id, entity.calls)
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
