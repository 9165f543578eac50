// Runs inside an installed Baileys: feeds it small nodes and tells what comes out.
//
//   node baileys.mjs ENTRY   the package's main file
//
// The socket is connected to a server of our own on loopback that never answers, so
// that nodes go out unencrypted and can be read; what would come in is emitted as the
// socket itself would after decoding.
import { createRequire } from "node:module";
import path from "node:path";

const entry = path.resolve(process.argv[2]);
const loaded = await import(entry);
const baileys = loaded.jidDecode ? loaded : loaded.default;
const { WebSocketServer } = createRequire(entry)("ws");

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const frames = [];
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await new Promise((done) => server.once("listening", done));
server.on("connection", (client) => client.on("message", (frame) => frames.push(Buffer.from(frame))));

const nothing = () => {};
const logger = { level: "silent", trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
logger.child = () => logger;

const kept = {};
const keys = {
  get: async (type, ids) => Object.fromEntries(ids.map((id) => [id, kept[type]?.[id]])),
  set: async (data) => {
    for (const type in data) kept[type] = { ...kept[type], ...data[type] };
  },
  transaction: async (work) => work(),
  isInTransaction: () => false,
};
const creds = baileys.initAuthCreds();
creds.me = { id: "15550100001:3@s.whatsapp.net", lid: "20100000000009:3@lid" };
const makeSocket = baileys.makeWASocket ?? baileys.default;
const socket = makeSocket({
  auth: { creds, keys },
  logger,
  waWebSocketUrl: `ws://127.0.0.1:${server.address().port}`,
  version: [2, 3000, 1],
  connectTimeoutMs: 30_000,
  defaultQueryTimeoutMs: 500,
});
const updates = [];
socket.ev.on("presence.update", (update) => updates.push(update));
if (!socket.ws.isOpen) await new Promise((done) => socket.ws.on("open", done));
for (let tries = 0; frames.length === 0 && tries < 100; tries += 1) await pause(20);

// What WhatsApp would send: encoded and decoded once, then handed to the socket.
const read = async (node) => {
  const decoded = await baileys.decodeBinaryNode(baileys.encodeBinaryNode(node));
  updates.length = 0;
  socket.ws.emit(`CB:${decoded.tag}`, decoded);
  await pause(20);
  return updates.map(({ id, presences }) => ({ id, presences }));
};

// What the socket sends when it is asked to do something.
const sent = async (work) => {
  frames.length = 0;
  await work();
  await pause(100);
  const nodes = [];
  for (const frame of frames) nodes.push(await baileys.decodeBinaryNode(frame.subarray(3)));
  return nodes.map(({ tag, attrs, content }) => ({
    tag,
    to: attrs.to,
    type: attrs.type,
    xmlns: attrs.xmlns,
    content: Array.isArray(content) ? content.map((child) => child.tag) : [],
  }));
};

const person = "15555550101@s.whatsapp.net";
const lid = "20100000000001@lid";
const group = "120363000000000001@g.us";
const presence = (attrs, from = person) => ({ tag: "presence", attrs: { from, ...attrs } });
const chatstate = (tag, attrs = {}, from = { from: person }) => ({ tag: "chatstate", attrs: from, content: [{ tag, attrs }] });

const out = { read: {}, sent: {}, ids: {} };
const nodes = {
  online: presence({}),
  offline: presence({ type: "unavailable", last: "1700000000" }),
  offline_denied: presence({ type: "unavailable", last: "deny" }),
  offline_none: presence({ type: "unavailable", last: "none" }),
  offline_error: presence({ type: "unavailable", last: "error" }),
  typing: chatstate("composing"),
  recording: chatstate("composing", { media: "audio" }),
  paused: chatstate("paused"),
  typing_under_lid: chatstate("composing", {}, { from: lid, sender_pn: person }),
  group_typing: chatstate("composing", {}, { from: group, participant: lid, participant_pn: person }),
  group_count: presence({ count: "3" }, group),
};
for (const [name, node] of Object.entries(nodes)) out.read[name] = await read(node);

out.sent.subscribe_any_text = await sent(() => socket.presenceSubscribe("garbage"));
out.sent.available_without_name = await sent(() => socket.sendPresenceUpdate("available"));
creds.me.name = "Demo";
out.sent.available_with_name = await sent(() => socket.sendPresenceUpdate("available"));
kept["lid-mapping"] = { "15555550101": "20100000000001" };
out.sent.subscribe_without_token = await sent(() => socket.presenceSubscribe(person).catch(nothing));

const ids = [
  "15555550101@c.us",
  "15555550101:12@s.whatsapp.net",
  "15555550101_1:12@s.whatsapp.net",
  "15555550101.0:12@s.whatsapp.net",
  "20100000000001:5@lid",
  "15555550101:99@hosted",
  "20100000000001:99@hosted.lid",
  group,
];
for (const id of ids) out.ids[id] = baileys.jidNormalizedUser(id);

process.stdout.write(JSON.stringify(out));
process.exit(0);
