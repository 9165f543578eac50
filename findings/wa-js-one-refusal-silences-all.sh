#!/usr/bin/env bash
# Question: To whose presence is wa-js subscribed when nobody has asked for any, and what
# happens if WhatsApp refuses one of them?
#
# A guess: To nobody's; and a refused one says nothing, while the others do.
#
# What happens: It subscribes to every chat of the account when the page is ready, groups too,
# and waits for all. One refusal, and it never begins to listen: chat.presence_change is silent
# for everybody, those included whom one subscribes to by hand later.
#
# Output seen:
#   none is refused: subscribed to 3 of 3 chats, told: 15555550101@c.us typing, 15555550102@c.us typing, 120363000000000001@g.us typing
#   one is refused: subscribed to 3 of 3 chats, told: nothing
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
const start = async (refuses) => {
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
  const subscribed = [];
  const people = ["15555550101@c.us", "15555550102@c.us", "120363000000000001@g.us"].map((id) => ({
    id: wid(id), isUser: !id.endsWith("@g.us"), isGroup: id.endsWith("@g.us"), hasData: true, isOnline: true,
    chatstate: {}, chatstates: { getModelsArray: () => [] },
    subscribe: async () => {
      subscribed.push(id);
      if (refuses && id.startsWith("15555550102")) throw new Error("refused");
    },
  }));
  replace(WPP.whatsapp, "ContactStore", { get: () => undefined });
  replace(WPP.whatsapp, "ChatStore", { map: (work) => people.map((presence) => work({ presence })) });
  replace(WPP.whatsapp, "PresenceStore", { getModelsArray: () => people, on: (name, listener) => changes.on(name, listener) });
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
  WPP.on("chat.presence_change", ({ id, state }) => told.push(`${id} ${state}`));
  inner.emitAsync("conn.main_ready").catch(() => {});
  await pause(50);
  for (const { chatstate } of people) {
    chatstate.type = "typing";
    changes.emit("change:chatstate.type", chatstate);
    await pause(20);
  }
  console.log(refuses ? "one is refused:" : "none is refused:", "subscribed to", subscribed.length, "of", people.length, "chats, told:", told.join(", ") || "nothing");
};

(async () => {
  await start(false);
  await start(true);
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
