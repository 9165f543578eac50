#!/usr/bin/env bash
# Question: While Baileys buffers events (after a connection, up to half a minute), a contact is
# told, then the presence of that contact. In which order do they arrive?
#
# A guess: As told: all events wait, or none.
#
# What happens: The presence first: contacts, chats and groups are buffered, presences are not,
# nor is the pairing of a lid with a number. After a reconnect a presence may come under an id
# of which nothing is known yet, and who it is follows seconds later.
#
# Output seen:
#   6.17.16 while buffering: lid-mapping.update presence.update
#   6.17.16 in the end: lid-mapping.update presence.update contacts.upsert groups.update
#   7.0.0-rc14 while buffering: lid-mapping.update presence.update
#   7.0.0-rc14 in the end: lid-mapping.update presence.update contacts.upsert groups.update
# Seen with baileys 6.17.16 and 7.0.0-rc14 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer baileys@7.0.0-rc14 >/dev/null
# Two of its dependencies come straight from a Git host: a linter's settings, left out, and
# libsignal, taken from npm instead; nothing here calls it.
npm pack --silent baileys@6.17.16 >/dev/null
mkdir six
tar -xf baileys-6.17.16.tgz --strip-components=1 -C six
node -e '
  const fs = require("fs");
  const kept = JSON.parse(fs.readFileSync("six/package.json"));
  const wanted = Object.entries(kept.dependencies).filter(([, from]) => !/^(github:|git)/.test(from));
  const dependencies = { ...Object.fromEntries(wanted), libsignal: "npm:libsignal-node@2.0.1" };
  fs.writeFileSync("six/package.json", JSON.stringify({ name: kept.name, version: kept.version, main: kept.main, dependencies }));
'
(cd six && timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer >/dev/null)

cat >finding.mjs <<'JS'
const ENTRY = `${process.cwd()}/node_modules/baileys/lib/index.js`;
const seven = await import(ENTRY);
const six = (await import(`${process.cwd()}/six/lib/index.js`)).default;

const quiet = () => {};
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
for (const [name, baileys] of [["6.17.16", six], ["7.0.0-rc14", seven]]) {
  const ev = baileys.makeEventBuffer(logger);
  const order = [];
  const events = {
    "contacts.upsert": [{ id: "20100000000001@lid", notify: "Anna" }],
    "groups.update": [{ id: "120363000000000001@g.us", subject: "Family" }],
    "lid-mapping.update": { lid: "20100000000001@lid", pn: "15555550101@s.whatsapp.net" },
    "presence.update": { id: "20100000000001@lid", presences: {} },
  };
  for (const event in events) ev.on(event, () => order.push(event));
  ev.buffer();
  for (const event in events) ev.emit(event, events[event]);
  console.log(name, "while buffering:", order.join(" "));
  ev.flush();
  console.log(name, "in the end:", order.join(" "));
}
process.exit(0);
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
