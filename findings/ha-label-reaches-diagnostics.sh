#!/usr/bin/env bash
# Question: A device has a plain, a diagnostic, a hidden and a disabled entity. Which of them
# are meant by a target that names the device, its area, a label of the device, or a label that
# all four have?
#
# A guess: Always the same: the plain one.
#
# What happens: A label put on entities reaches the diagnostic and the disabled one too; the
# other three do not, the label of the device among them. A trigger or an action for a label of
# one's own thus also gets what was never shown to it by the area.
#
# Output seen:
#   the device -> sensor.plain
#   its area -> sensor.plain
#   a label of the device -> sensor.plain
#   a label of the entities -> sensor.diagnostic sensor.disabled sensor.plain
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
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er, label_registry as lr, target
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def test_finding(hass):
    entry = MockConfigEntry()
    entry.add_to_hass(hass)
    devices, entities, labels = dr.async_get(hass), er.async_get(hass), lr.async_get(hass)
    area = ar.async_get(hass).async_create("Room")
    on_device, on_entities = labels.async_create("Device"), labels.async_create("Entities")
    device = devices.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("test", "anna")})
    devices.async_update_device(device.id, area_id=area.id, labels={on_device.label_id})
    for name, kind in (
        ("plain", {}),
        ("diagnostic", {"entity_category": er.EntityCategory.DIAGNOSTIC}),
        ("hidden", {"hidden_by": er.RegistryEntryHider.USER}),
        ("disabled", {"disabled_by": er.RegistryEntryDisabler.USER}),
    ):
        entity = entities.async_get_or_create(
            "sensor", "test", name, config_entry=entry, device_id=device.id, suggested_object_id=name, **kind
        )
        entities.async_update_entity(entity.entity_id, labels={on_entities.label_id})
    for what, selection in (
        ("the device", {"device_id": device.id}),
        ("its area", {"area_id": area.id}),
        ("a label of the device", {"label_id": on_device.label_id}),
        ("a label of the entities", {"label_id": on_entities.label_id}),
    ):
        found = target.async_extract_referenced_entity_ids(hass, target.TargetSelection(selection))
        tell(what, "->", *sorted(found.referenced | found.indirectly_referenced))
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
