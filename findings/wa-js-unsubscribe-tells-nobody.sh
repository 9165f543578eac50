#!/usr/bin/env bash
# Question: What does wa-js ask of WhatsApp when one subscribes to presences, and when one
# unsubscribes?
#
# A guess: A subscription for each, errors raised; and an unsubscription.
#
# What happens: A refused one is left out of the answer without an error. unsubscribePresence
# only drops the local model, and names the chat as unsubscribed even if there was none;
# WhatsApp hears nothing and goes on.
#
# Output seen:
#   subscribed: 15555550101@c.us
#   asked of WhatsApp: subscribe 15555550101@c.us, subscribe 15555550102@c.us
#   unsubscribed: 15555550101@c.us
#   asked of WhatsApp: nothing
# Seen with @wppconnect/wa-js 4.6.0 (npm), on 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self=$(realpath "${BASH_SOURCE[0]}")
cd "$work"
printf '{"private": true}' >package.json
timeout 600 npm install --silent --ignore-scripts --no-audit --no-fund --omit=peer @wppconnect/wa-js@4.6.0 >/dev/null

cat >finding.cjs <<'JS'
const fs = require("node:fs");
const vm = require("node:vm");
const { EventEmitter } = require("node:events");
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// wa-js lives in WhatsApp's page: a page as small as can be, and stores of our own in it.
const element = () => ({ style: {}, setAttribute() {}, appendChild() {}, addEventListener() {}, remove() {} });
const page = {
  console: { log() {}, debug() {}, info() {}, warn() {}, error() {} },
  setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, URL, TextEncoder, TextDecoder,
  Blob, Event, EventTarget, AbortController, performance, atob, btoa,
  location: { href: "https://localhost/" }, navigator: { userAgent: "finding", language: "en" },
  document: { createElement: element, head: element(), body: element(), documentElement: element(), addEventListener() {}, querySelector: () => null, readyState: "complete" },
  localStorage: { getItem: () => null, setItem() {}, removeItem() {} },
  addEventListener() {}, removeEventListener() {}, MutationObserver: class { observe() {} },
  File: class {}, FileReader: class {}, Worker: class {}, Image: class {}, HTMLElement: class {}, emitters: new Set(),
};
page.window = page.self = page;
vm.createContext(page);
vm.runInContext(`(() => {
  const bind = Function.prototype.bind;
  Function.prototype.bind = function (owner, ...rest) {
    if (owner && typeof owner.emitAsync === "function") emitters.add(owner);
    return bind.call(this, owner, ...rest);
  };
})()`, page);
vm.runInContext(fs.readFileSync("node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js", "utf8"), page, { timeout: 60_000 });
const { WPP } = page;
const replace = (owner, name, value) => Object.defineProperty(owner, name, { get: () => value, configurable: true });
const wid = (id) => ({ toString: () => id, isGroup: () => id.endsWith("@g.us") });

const calls = [];
replace(WPP.whatsapp, "WidFactory", { createWid: wid });
replace(WPP.whatsapp, "PresenceStore", { get: () => undefined, find: async () => {} });
replace(WPP.whatsapp.functions, "subscribePresence", async (id) => {
  calls.push(`subscribe ${id}`);
  if (String(id).startsWith("15555550102")) throw new Error("refused");
});
replace(WPP.whatsapp.functions, "subscribeGroupPresence", undefined);
(async () => {
  console.log("subscribed:", String(await WPP.contact.subscribePresence(["15555550101@c.us", "15555550102@c.us"])));
  console.log("asked of WhatsApp:", calls.splice(0).join(", "));
  console.log("unsubscribed:", String(await WPP.contact.unsubscribePresence("15555550101@c.us")));
  console.log("asked of WhatsApp:", calls.splice(0).join(", ") || "nothing");
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
