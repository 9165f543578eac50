#!/usr/bin/env bash
# Question: WhatsApp tells how many members of a group are online, by a presence of the group
# with `count`. What does Baileys make of it?
#
# A guess: An update that has the count and nobody's presence; or none at all.
#
# What happens: The group becomes its own member, and is `available` whatever the count: with
# nobody online too, unless the type says otherwise. 6.17.16 drops the count; 7.0.0-rc14 has it
# beside, as groupOnlineCount. Who takes each entry for a member sees one online who is none.
#
# Output seen:
#   6.17.16 {"count":"3"} -> {"120363000000000001@g.us":{"lastKnownPresence":"available"}}
#   6.17.16 {"count":"0"} -> {"120363000000000001@g.us":{"lastKnownPresence":"available"}}
#   6.17.16 {"type":"unavailable","count":"0"} -> {"120363000000000001@g.us":{"lastKnownPresence":"unavailable"}}
#   7.0.0-rc14 {"count":"3"} -> {"120363000000000001@g.us":{"lastKnownPresence":"available","groupOnlineCount":3}}
#   7.0.0-rc14 {"count":"0"} -> {"120363000000000001@g.us":{"lastKnownPresence":"available","groupOnlineCount":0}}
#   7.0.0-rc14 {"type":"unavailable","count":"0"} -> {"120363000000000001@g.us":{"lastKnownPresence":"unavailable","groupOnlineCount":0}}
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

const GROUP = "120363000000000001@g.us";
for (const [name, baileys] of [["6.17.16", six], ["7.0.0-rc14", seven]]) {
  const { socket } = await open(baileys, { id: "15550100001:3@s.whatsapp.net" }, {});
  const updates = [];
  socket.ev.on("presence.update", (update) => updates.push(update));
  for (const attrs of [{ count: "3" }, { count: "0" }, { type: "unavailable", count: "0" }]) {
    socket.ws.emit("CB:presence", { tag: "presence", attrs: { from: GROUP, ...attrs } });
    await pause(20);
    console.log(name, JSON.stringify(attrs), "->", ...updates.splice(0).map((update) => JSON.stringify(update.presences)));
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
