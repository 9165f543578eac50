#!/usr/bin/env bash
# Question: What does wppconnect's subscribePresence do for somebody who was subscribed before,
# as to renew it after a reconnect?
#
# A guess: It subscribes anew, and counts them.
#
# What happens: Nothing, and it counts nobody: whoever the page's store knows is taken for
# subscribed, for as long as the page lives. Only after unsubscribePresence, which tells
# WhatsApp nothing but drops them from the store, is the next one asked for. To renew is to
# unsubscribe first.
#
# Output seen:
#   subscribe Anna -> counted 1 asked for: 15555550101@c.us
#   subscribe Anna again -> counted 0 asked for: nobody
#   subscribe Anna and Ben -> counted 1 asked for: 15555550102@c.us
#   unsubscribe Anna -> counted 1 asked for: nobody
#   subscribe Anna again -> counted 1 asked for: 15555550101@c.us
# Seen with @wppconnect-team/wppconnect 2.3.3 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
npm pack --silent @wppconnect-team/wppconnect@2.3.3 >/dev/null
tar -xf *.tgz

cat >finding.cjs <<'JS'
const fs = require("node:fs");
const vm = require("node:vm");

// Its script lives in WhatsApp's page, beside wa-js: a store of our own in their place.
const known = new Map();
const asked = [];
const store = {
  get: (id) => known.get(id),
  find: async (id) => {
    asked.push(id);
    known.set(id, { delete: () => known.delete(id) });
  },
};
const page = {
  console: { log() {}, warn() {}, error() {} }, setTimeout, clearTimeout, setInterval, clearInterval,
  sessionStorage: { getItem: () => null }, navigator: { userAgent: "finding" }, addEventListener() {},
  WPP: { isReady: false, loader: { onReady() {} }, whatsapp: { WidFactory: { createWid: function (id) { return Object(id); } } } },
  Store: { Presence: { get: (id) => store.get(String(id)), find: (id) => store.find(String(id)) } },
};
page.window = page.self = page;
vm.createContext(page);
vm.runInContext(fs.readFileSync("package/dist/lib/wapi/wapi.js", "utf8"), page, { timeout: 60_000 });

const [anna, ben] = ["15555550101@c.us", "15555550102@c.us"];
const tell = (what, counted) => console.log(what, "-> counted", counted, "asked for:", asked.splice(0).join(" ") || "nobody");
(async () => {
  tell("subscribe Anna", await page.WAPI.subscribePresence(anna));
  tell("subscribe Anna again", await page.WAPI.subscribePresence(anna));
  tell("subscribe Anna and Ben", await page.WAPI.subscribePresence([anna, ben]));
  tell("unsubscribe Anna", await page.WAPI.unsubscribePresence(anna));
  tell("subscribe Anna again", await page.WAPI.subscribePresence(anna));
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
