#!/usr/bin/env bash
# Question: What does whatsapp-web.js ask for when it is to find out whether a lid, a group or a
# number with a + is there (isRegisteredUser, getNumberId), and which country's they are?
#
# A guess: For the id as it is, and for the bare digits.
#
# What happens: Whatever does not end in @c.us gets it as an ending, so that `…@lid@c.us` is
# asked for: no id of anybody. The + and spaces stay. getCountryCode drops the first space
# alone, and takes a lid with its ending for a number. Ids are to be told apart before they get
# here.
#
# Output seen:
#   15555550101@c.us -> asked for 15555550101@c.us | country of 15555550101
#   +1 555 555 0101 -> asked for +1 555 555 0101@c.us | country of 1555 555 0101
#   15555550101@s.whatsapp.net -> asked for 15555550101@s.whatsapp.net@c.us | country of 15555550101@s.whatsapp.net
#   20100000000001@lid -> asked for 20100000000001@lid@c.us | country of 20100000000001@lid
#   120363000000000001@g.us -> asked for 120363000000000001@g.us@c.us | country of 120363000000000001@g.us
# Seen with whatsapp-web.js 1.34.7 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer whatsapp-web.js@1.34.7 >/dev/null

cat >finding.cjs <<'JS'
process.env.PUPPETEER_SKIP_DOWNLOAD = "1";
const { Client } = require("whatsapp-web.js");

// Its functions run in WhatsApp's page: one that notes what is asked of it.
const asked = [];
const modules = {
  WAWebWidFactory: { createWid: (id) => id },
  WAWebQueryExistsJob: { queryWidExists: async (id) => void asked.push(id) },
  WAPhoneFindCC: { findCC: (number) => void asked.push(number) },
};
globalThis.window = { require: (name) => modules[name] };
const client = { pupPage: { evaluate: (work, ...args) => work(...args) } };
client.getNumberId = Client.prototype.getNumberId;
(async () => {
  for (const id of ["15555550101@c.us", "+1 555 555 0101", "15555550101@s.whatsapp.net", "20100000000001@lid", "120363000000000001@g.us"]) {
    await Client.prototype.isRegisteredUser.call(client, id);
    await Client.prototype.getCountryCode.call(client, id);
    console.log(id, "-> asked for", asked[0], "| country of", asked[1]);
    asked.length = 0;
  }
  process.exit(0);
})();
JS
timeout 120 node finding.cjs >seen

cat seen
if ! diff <(sed -n '/^# Output seen/,/^# Seen with/s/^#   //p' "$self") seen >difference; then
  printf 'It behaves otherwise now:\n' >&2
  cat difference >&2
  exit 1
fi
