#!/usr/bin/env bash
# Question: Does waha-py's WAHAWebhookPresenceUpdate read the `presence.update` that WAHA
# documents?
#
# A guess: Yes: the models are made from WAHA's own OpenAPI description.
#
# What happens: No: `event` is declared an object, in all webhook models, while it is a word.
# The payload alone is read, but not an entry that has no `lastKnownPresence`, as GOWS may leave
# it out.
#
# Output seen:
#   event: [('event', 'Input should be a valid dictionary')]
#   payload: taken
#   without a word: [('presences.0.lastKnownPresence', 'Field required')]
#   25 models, 25 want an object
# Seen with waha-py 2026.9.2 (PyPI), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check waha-py==2026.9.2

cat >finding.py <<'PY'
from typing import Any

from pydantic import ValidationError
from waha.generated import models

payload = {"id": "15555550101@c.us", "presences": [{"participant": "15555550101@c.us", "lastKnownPresence": "typing", "lastSeen": None}]}
event = {
    "id": "evt_01", "timestamp": 1741249702485, "event": "presence.update", "session": "default", "metadata": {},
    "me": {"id": "15550100001@c.us", "pushName": "~"}, "engine": "NOWEB", "payload": payload,
    "environment": {"tier": "PLUS", "version": "2026.9.2", "engine": "NOWEB", "browser": "none", "platform": "linux/x86", "worker": {"id": "one"}},
}
wordless = {"id": "15555550101@c.us", "presences": [{"participant": "15555550101@c.us", "lastSeen": None}]}


def read(model, value):
    try:
        model.model_validate(value)
    except ValidationError as err:
        return [(".".join(map(str, error["loc"])), error["msg"]) for error in err.errors()]
    return "taken"


print("event:", read(models.WAHAWebhookPresenceUpdate, event))
print("payload:", read(models.WAHAChatPresences, payload))
print("without a word:", read(models.WAHAChatPresences, wordless))
hooks = [kind for name, kind in vars(models).items() if name.startswith("WAHAWebhook")]
print(len(hooks), "models,", sum(kind.model_fields["event"].annotation == dict[str, Any] for kind in hooks), "want an object")
PY
timeout 120 venv/bin/python -I finding.py >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
