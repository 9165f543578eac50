#!/usr/bin/env bash
# Question: What does Baileys 7 say is the number of a lid, and the lid of a number; and what
# after the number got another lid?
#
# A guess: The two ids of the person, as they were stored; the old lid is nobody's.
#
# What happens: The number comes with device 0, `…:0@s.whatsapp.net`, which equals no id that a
# chat or an event has until it is normalised; the lid comes without. `@c.us` is not known at
# all. The old lid goes on to name the number, but not the other way round. Who pairs ids has to
# drop `:0`.
#
# Output seen:
#   lid of 15555550101@s.whatsapp.net -> 20100000000001@lid
#   number of 20100000000001@lid -> 15555550101:0@s.whatsapp.net equal: false normalised: true
#   lid of 15555550101@c.us -> null
#   after another lid: lid -> 20100000000002@lid
#   after another lid: number of 20100000000001@lid -> 15555550101:0@s.whatsapp.net
#   after another lid: number of 20100000000002@lid -> 15555550101:0@s.whatsapp.net
# Seen with baileys 7.0.0-rc14 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer baileys@7.0.0-rc14 >/dev/null

cat >finding.mjs <<'JS'
import { jidNormalizedUser } from "baileys";
import { LIDMappingStore } from "./node_modules/baileys/lib/Signal/lid-mapping.js";

const stored = {};
const quiet = () => {};
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
const keys = {
  get: async (_, ids) => Object.fromEntries(ids.map((id) => [id, stored[id]])),
  set: async (data) => Object.assign(stored, data["lid-mapping"]),
  transaction: async (work) => work(),
};
const store = new LIDMappingStore(keys, logger, async () => []);
const number = "15555550101@s.whatsapp.net";
const [lid, newer] = ["20100000000001@lid", "20100000000002@lid"];

await store.storeLIDPNMappings([{ lid, pn: number }]);
console.log("lid of", number, "->", await store.getLIDForPN(number));
const found = await store.getPNForLID(lid);
console.log("number of", lid, "->", found, "equal:", found === number, "normalised:", jidNormalizedUser(found) === number);
console.log("lid of 15555550101@c.us ->", await store.getLIDForPN("15555550101@c.us"));
await store.storeLIDPNMappings([{ lid: newer, pn: number }]);
console.log("after another lid: lid ->", await store.getLIDForPN(number));
for (const id of [lid, newer]) console.log("after another lid: number of", id, "->", await store.getPNForLID(id));
store.close();
process.exit(0);
JS
timeout 120 node finding.mjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
