#!/usr/bin/env bash
# Question: An id with an agent and a device, written by neonize (whatsmeow): who is it to
# Baileys?
#
# A guess: The same person: both drop agent and device.
#
# What happens: neonize writes `user.agent:device@server`. Baileys knows agents only as
# `user_agent`, keeps `.1` as a part of the number, and takes the two for different people.
#
# Output seen:
#   neonize: 15555550101.1:12@s.whatsapp.net -> 15555550101@s.whatsapp.net
#   baileys: 15555550101.1:12@s.whatsapp.net -> 15555550101.1@s.whatsapp.net same user: false
#   baileys: 15555550101_1:12@s.whatsapp.net -> 15555550101@s.whatsapp.net same user: true
# Seen with neonize 0.5.2 (PyPI) and baileys 7.0.0-rc14 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer baileys@7.0.0-rc14 >/dev/null
python3 -m venv venv
timeout 600 venv/bin/python -m pip install --quiet --disable-pip-version-check neonize==0.5.2

cat >finding.py <<'PY'
from neonize.utils.jid import Jid2String, JIDToNonAD, build_jid

jid = build_jid("15555550101")
jid.RawAgent, jid.Device = 1, 12
print(Jid2String(jid))
print(Jid2String(JIDToNonAD(jid)))
PY
timeout 120 venv/bin/python -I finding.py >ids
cat >finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { areJidsSameUser, jidNormalizedUser } from "baileys";
const [whole, plain] = readFileSync("ids", "utf8").trim().split("\n");
console.log("neonize:", whole, "->", plain);
console.log("baileys:", whole, "->", jidNormalizedUser(whole), "same user:", areJidsSameUser(whole, plain));
const underscore = whole.replace(".1:", "_1:");
console.log("baileys:", underscore, "->", jidNormalizedUser(underscore), "same user:", areJidsSameUser(underscore, plain));
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
