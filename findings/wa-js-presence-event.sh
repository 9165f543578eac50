#!/usr/bin/env bash
# Question: What does wa-js's event chat.presence_change tell?
#
# A guess: Each change, with the state that it brought; `isContact` says whether it is a
# contact.
#
# What happens: The state is read a moment later: two changes in one turn are told twice as the
# second. `isContact` is whether the last seen is *not* denied. Without `hasData` nothing is
# told, and `isOnline: false` with `typing` is passed on.
#
# Output seen:
#   typing: {"state":"typing","isOnline":false,"isContact":true}
#   typing, then unavailable, in one turn: {"state":"unavailable","isOnline":false,"isContact":true} {"state":"unavailable","isOnline":false,"isContact":true}
#   unavailable, last seen denied: {"state":"unavailable","isOnline":false,"isContact":false}
#   without data: nothing
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

const changes = new EventEmitter();
const chatstate = { type: undefined, deny: false };
const model = { id: wid("15555550101@c.us"), chatstate, isUser: true, isGroup: false, hasData: true, isOnline: false };
replace(WPP.whatsapp, "ContactStore", { get: () => undefined });
replace(WPP.whatsapp, "ChatStore", { map: () => [] });
replace(WPP.whatsapp, "PresenceStore", { getModelsArray: () => [model], on: (name, listener) => changes.on(name, listener) });
// Its inner emitter has no name outside; it is whoever waits for the page to be ready.
let kind = [...page.emitters][0];
while (!Object.hasOwn(kind, "emitAsync")) kind = Object.getPrototypeOf(kind);
const { emit, emitAsync } = kind;
const seen = new Set();
kind.emit = kind.emitAsync = function (...args) { seen.add(this); return emitAsync.apply(this, args); };
WPP.config.deviceName = "finding";
Object.assign(kind, { emit, emitAsync });
const inner = [...seen].find((emitter) => emitter.listenerCount("conn.main_ready") > 0);
const told = [];
WPP.on("chat.presence_change", ({ state, isOnline, isContact }) => told.push(JSON.stringify({ state, isOnline, isContact })));
const change = (type, rest = {}) => {
  Object.assign(chatstate, { type, deny: false, ...rest });
  Object.assign(model, { hasData: true, ...rest });
  changes.emit("change:chatstate.type", chatstate);
};
const tell = async (label) => { await pause(20); console.log(label, told.splice(0).join(" ") || "nothing"); };
(async () => {
  inner.emitAsync("conn.main_ready").catch(() => {});
  await pause(50);
  change("typing"); await tell("typing:");
  change("typing"); change("unavailable"); await tell("typing, then unavailable, in one turn:");
  change("unavailable", { deny: true }); await tell("unavailable, last seen denied:");
  change("unavailable", { hasData: false }); await tell("without data:");
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
