#!/usr/bin/env bash
# Question: What does Baileys ask of WhatsApp when it is to find out whether a lid, a number
# written with spaces, or a number with a device is there (onWhatsApp)?
#
# A guess: For the person, by the kind of id; or it throws at what is none.
#
# What happens: 6.17.16 puts a + before the digits of a lid and asks for that phone number, so
# that somebody else may be found. 7.0.0-rc14 asks nothing about it and gives an empty answer,
# like for nobody. Both send spaces as they are, and drop devices. Whether a lid is there can't
# be asked so.
#
# Output seen:
#   6.17.16 15555550101@s.whatsapp.net -> asked for +15555550101
#   6.17.16 15555550101:7@s.whatsapp.net -> asked for +15555550101
#   6.17.16 20100000000001@lid -> asked for +20100000000001
#   6.17.16 +1 555 555 0101 -> asked for +1 555 555 0101
#   7.0.0-rc14 15555550101@s.whatsapp.net -> asked for +15555550101
#   7.0.0-rc14 15555550101:7@s.whatsapp.net -> asked for +15555550101
#   7.0.0-rc14 20100000000001@lid -> asked for nobody, answered []
#   7.0.0-rc14 +1 555 555 0101 -> asked for +1 555 555 0101
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
  const { socket, sent } = await open(baileys, { id: "15550100001:3@s.whatsapp.net" }, {});
  for (const id of ["15555550101@s.whatsapp.net", "15555550101:7@s.whatsapp.net", "20100000000001@lid", "+1 555 555 0101"]) {
    const answer = socket.onWhatsApp(id).then(JSON.stringify, (err) => err.message);
    await pause(100);
    const asked = [];
    const look = (node) => (node.tag === "contact" && node.content?.length ? asked.push(String(node.content)) : Array.isArray(node.content) && node.content.forEach(look));
    (await sent()).forEach(look);
    console.log(name, id, "-> asked for", asked.join(" ") || `nobody, answered ${await answer}`);
    await answer;
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
