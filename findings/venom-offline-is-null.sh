#!/usr/bin/env bash
# Question: venom hands out a chat with `isOnline` and `lastSeen`, and answers getChatIsOnline and
# getLastSeen. What do they say of somebody who is offline, who is hidden, and who is not known?
#
# A guess: false, null and null; the time where it is told, and null where it is not.
#
# What happens: In a chat, offline is null, as hidden is, and `lastSeen` is read from the last
# message: when its time began to run, if it is to disappear, in milliseconds. When asked for, hidden
# is undefined, who is not known is offline, and a last seen is in seconds, or false.
#
# Output seen:
#   online: in the chat true null | asked for true 1764230000
#   offline, seen at 1764230000: in the chat null null | asked for false 1764230000
#   offline, a message that disappears: in the chat null 1763000000000 | asked for false 1764230000
#   hidden: in the chat null null | asked for undefined false
#   not known: in the chat null null | asked for false false
# Seen with venom-bot 5.3.0 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
npm pack --silent venom-bot@5.3.0 >/dev/null
tar -xf *.tgz

cat >finding.cjs <<'JS'
const fs = require("node:fs");
const vm = require("node:vm");

// Its script lives in WhatsApp's page: people of our own in place of the page's store.
const page = {
  console: { log() {}, warn() {}, error() {} }, setTimeout, clearTimeout, setInterval, clearInterval,
  navigator: { userAgent: "finding" }, document: { addEventListener() {} }, addEventListener() {},
  sessionStorage: { getItem: () => null }, localStorage: { getItem: () => null },
};
page.window = page.self = page;
vm.createContext(page);
vm.runInContext(fs.readFileSync("package/dist/lib/wapi/wapi.js", "utf8"), page, { timeout: 60_000 });

const person = (isOnline, t, message) => {
  const presence = { attributes: { isOnline }, chatstate: { t }, subscribe: async () => {}, toJSON: () => ({}) };
  return { toJSON: () => ({}), presence, __x_presence: presence, previewMessage: message };
};
const people = {
  "online": person(true, 1764230000),
  "offline, seen at 1764230000": person(false, 1764230000),
  "offline, a message that disappears": person(false, 1764230000, { __x_ephemeralStartTimestamp: 1763000000 }),
  "hidden": person(undefined, undefined),
};
page.Store = { ...page.Store, Chat: { get: (id) => people[id] } };
(async () => {
  for (const id of [...Object.keys(people), "not known"]) {
    const chat = page.WAPI._serializeChatObj(people[id]);
    const asked = [await page.WAPI.getChatIsOnline(id), await page.WAPI.getLastSeen(id)];
    console.log(`${id}: in the chat`, chat && chat.isOnline, chat && chat.lastSeen, "| asked for", ...asked);
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
