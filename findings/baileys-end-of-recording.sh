#!/usr/bin/env bash
# Question: What does Baileys tell when a contact stops typing, and when one stops recording a
# voice message?
#
# A guess: `paused` in both cases: its type WAPresence has that word.
#
# What happens: It never says `paused`. The end of typing becomes `available`, whether or not
# the contact was ever seen online; and a `paused` that still names its medium, as whatsmeow's
# SendChatPresence(paused, audio) writes it, becomes `recording`: the recording never ends.
#
# Output seen:
#   6.17.16 composing text -> composing
#   6.17.16 paused text -> available
#   6.17.16 composing audio -> recording
#   6.17.16 paused audio -> recording
#   7.0.0-rc14 composing text -> composing
#   7.0.0-rc14 paused text -> available
#   7.0.0-rc14 composing audio -> recording
#   7.0.0-rc14 paused audio -> recording
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
  const words = [];
  socket.ev.on("presence.update", ({ presences }) => words.push(...Object.values(presences).map((p) => p.lastKnownPresence)));
  const from = "15555550101@s.whatsapp.net";
  for (const [tag, attrs] of [["composing", {}], ["paused", {}], ["composing", { media: "audio" }], ["paused", { media: "audio" }]]) {
    const node = { tag: "chatstate", attrs: { from }, content: [{ tag, attrs }] };
    socket.ws.emit("CB:chatstate", await baileys.decodeBinaryNode(baileys.encodeBinaryNode(node)));
    await pause(20);
    console.log(name, tag, attrs.media ?? "text", "->", words.splice(0).join());
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
