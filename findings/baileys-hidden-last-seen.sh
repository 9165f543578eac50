#!/usr/bin/env bash
# Question: What is `lastSeen` in Baileys when the contact hides it, or the server does not know
# it?
#
# A guess: Missing, or null, in all those cases.
#
# What happens: Missing for `deny`; NaN for the other two words, since only `deny` is looked for
# before the text is made a number. NaN is no undefined and no null, survives `??`, and turns
# into null in JSON. A last seen that comes with `available` is passed on as well.
#
# Output seen:
#   6.17.16 1700000000 -> unavailable 1700000000 {"lastSeen":1700000000} 1700000000
#   6.17.16 deny -> unavailable undefined {} nothing
#   6.17.16 none -> unavailable NaN {"lastSeen":null} NaN
#   6.17.16 error -> unavailable NaN {"lastSeen":null} NaN
#   6.17.16 1700000000 -> available 1700000000 {"lastSeen":1700000000} 1700000000
#   7.0.0-rc14 1700000000 -> unavailable 1700000000 {"lastSeen":1700000000} 1700000000
#   7.0.0-rc14 deny -> unavailable undefined {} nothing
#   7.0.0-rc14 none -> unavailable NaN {"lastSeen":null} NaN
#   7.0.0-rc14 error -> unavailable NaN {"lastSeen":null} NaN
#   7.0.0-rc14 1700000000 -> available 1700000000 {"lastSeen":1700000000} 1700000000
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
import { createRequire } from "node:module";
const ENTRY = `${process.cwd()}/node_modules/baileys/lib/index.js`;
const seven = await import(ENTRY);
const six = (await import(`${process.cwd()}/six/lib/index.js`)).default;

// A socket of Baileys, connected to a server on loopback that never answers: what it sends
// can be read, for nothing is encrypted before a handshake.
const { WebSocketServer } = createRequire(ENTRY)("ws");
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const open = async (baileys, creds, kept, queryTimeout = 300) => {
  const frames = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((done) => server.once("listening", done));
  server.on("connection", (client) => client.on("message", (frame) => frames.push(Buffer.from(frame))));
  const quiet = () => {};
  const logger = { level: "silent", trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
  logger.child = () => logger;
  const keys = {
    get: async (type, ids) => Object.fromEntries(ids.map((id) => [id, kept[type]?.[id]])),
    set: async (data) => { for (const type in data) kept[type] = { ...kept[type], ...data[type] }; },
    transaction: async (work) => work(),
    isInTransaction: () => false,
  };
  const socket = (baileys.makeWASocket ?? baileys.default)({
    auth: { creds: { ...baileys.initAuthCreds(), me: creds }, keys },
    logger, version: [2, 3000, 1], connectTimeoutMs: 60_000, defaultQueryTimeoutMs: queryTimeout,
    waWebSocketUrl: `ws://127.0.0.1:${server.address().port}`,
  });
  if (!socket.ws.isOpen) await new Promise((done) => socket.ws.on("open", done));
  while (frames.length === 0) await pause(20);
  frames.length = 0;
  const sent = async () => {
    const nodes = [];
    for (const frame of frames.splice(0)) nodes.push(await baileys.decodeBinaryNode(frame.subarray(3)));
    return nodes;
  };
  return { socket, sent };
};

for (const [name, baileys] of [["6.17.16", six], ["7.0.0-rc14", seven]]) {
  const { socket } = await open(baileys, { id: "15550100001:3@s.whatsapp.net" }, {});
  const presences = [];
  socket.ev.on("presence.update", (update) => presences.push(...Object.values(update.presences)));
  for (const attrs of [{ type: "unavailable", last: "1700000000" }, ...["deny", "none", "error"].map((last) => ({ type: "unavailable", last })), { last: "1700000000" }]) {
    socket.ws.emit("CB:presence", { tag: "presence", attrs: { from: "15555550101@s.whatsapp.net", ...attrs } });
    await pause(20);
    const [{ lastKnownPresence, lastSeen }] = presences.splice(0);
    console.log(name, attrs.last, "->", lastKnownPresence, lastSeen, JSON.stringify({ lastSeen }), lastSeen ?? "nothing");
  }
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
