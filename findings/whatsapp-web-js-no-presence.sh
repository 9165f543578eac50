#!/usr/bin/env bash
# Question: Which event of whatsapp-web.js tells other people's presence, and what subscribes to
# it?
#
# A guess: `presence_update`, which gateways built on it offer; the client sends one's own
# presence, after all.
#
# What happens: There is none: no event of that kind among all its events, no call to subscribe.
# It can announce one's own presence and show typing in a chat, no more. What a gateway offers
# beyond that is its own, and differs from one to the other.
#
# Output seen:
#   events: 31
#   about presence: none
#   calls: sendPresenceAvailable,sendPresenceUnavailable,sendStateTyping
# Seen with whatsapp-web.js 1.34.7 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer whatsapp-web.js@1.34.7 >/dev/null

cat >finding.cjs <<'JS'
const { Events } = require("./node_modules/whatsapp-web.js/src/util/Constants.js");
const fs = require("node:fs");
console.log("events:", Object.keys(Events).length);
console.log("about presence:", Object.entries(Events).flat().filter((word) => /presence|typing|online|chatstate/i.test(word)).join() || "none");
const client = fs.readFileSync("node_modules/whatsapp-web.js/index.d.ts", "utf8");
console.log("calls:", [...new Set(client.match(/\b\w*(?:presence|typing)\w*(?=[(:])/gi))].sort().join());
JS
timeout 120 node finding.cjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
