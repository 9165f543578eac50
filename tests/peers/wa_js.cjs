// Runs wa-js outside a browser: gives it a page, and stores as small as can be.
//
//   node wa_js.cjs ENTRY   the package's bundle
const fs = require("node:fs");
const vm = require("node:vm");
const { EventEmitter } = require("node:events");

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const element = () => ({ style: {}, setAttribute() {}, appendChild() {}, addEventListener() {}, remove() {} });
const page = {
  console: { log() {}, debug() {}, info() {}, warn() {}, error() {} },
  setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, URL, TextEncoder, TextDecoder,
  Blob, Event, EventTarget, AbortController, performance, atob, btoa,
  location: { href: "https://localhost/", hostname: "localhost" },
  navigator: { userAgent: "peers", language: "en" },
  document: {
    createElement: element, head: element(), body: element(), documentElement: element(),
    addEventListener() {}, querySelector: () => null, readyState: "complete",
  },
  localStorage: { getItem: () => null, setItem() {}, removeItem() {} },
  addEventListener() {}, removeEventListener() {},
  MutationObserver: class { observe() {} },
  File: class {}, FileReader: class {}, Worker: class {}, Image: class {}, HTMLElement: class {},
  emitters: new Set(),
};
page.window = page;
page.self = page;
vm.createContext(page);
// Its inner emitter has no name outside: found by what its class does.
vm.runInContext(
  `(() => {
    const bind = Function.prototype.bind;
    Function.prototype.bind = function (owner, ...rest) {
      if (owner && typeof owner.emitAsync === "function") emitters.add(owner);
      return bind.call(this, owner, ...rest);
    };
  })()`,
  page,
);
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), page, { timeout: 60_000 });

const { WPP } = page;
const calls = [];
const changes = new EventEmitter();
const models = [];
const wid = (id) => ({ toString: () => id, isGroup: () => id.endsWith("@g.us") });
const replace = (owner, name, value) =>
  Object.defineProperty(owner, name, { get: () => value, configurable: true, enumerable: true });
replace(WPP.whatsapp, "WidFactory", { createWid: wid });
replace(WPP.whatsapp, "ContactStore", { get: () => undefined });
replace(WPP.whatsapp, "ChatStore", { map: () => [] });
replace(WPP.whatsapp, "PresenceStore", {
  get: (id) => models.find((model) => String(model.id) === String(id)),
  find: async (id) => calls.push(["find", String(id)]),
  getModelsArray: () => models,
  on: (name, listener) => changes.on(name, listener),
});
replace(WPP.whatsapp.functions, "subscribePresence", async (id) => {
  calls.push(["subscribe", String(id)]);
  if (String(id).startsWith("15555550999")) throw new Error("refused");
});
replace(WPP.whatsapp.functions, "subscribeGroupPresence", (id) => calls.push(["subscribe", String(id)]));

const innerEmitter = () => {
  let kind = [...page.emitters][0];
  while (kind && !Object.hasOwn(kind, "emitAsync")) kind = Object.getPrototypeOf(kind);
  const seen = new Set();
  const { emit, emitAsync } = kind;
  kind.emit = kind.emitAsync = function (...args) {
    seen.add(this);
    return emitAsync.apply(this, args);
  };
  WPP.config.deviceName = "peers";
  Object.assign(kind, { emit, emitAsync });
  return [...seen].find((emitter) => emitter.listenerCount("conn.main_ready") > 0);
};

(async () => {
  const out = { version: WPP.version };
  const asked = await WPP.contact.subscribePresence(["15555550101@c.us", "15555550999@c.us"]);
  out.subscribed = asked.map(String);
  out.unsubscribed = (calls.splice(0), await WPP.contact.unsubscribePresence("15555550101@c.us"), calls.splice(0));

  const events = [];
  WPP.on("chat.presence_change", (event) => events.push(event));
  innerEmitter().emitAsync("conn.main_ready").catch(() => {});
  await pause(50);
  const chatstate = { type: undefined, deny: false };
  const model = { id: wid("15555550101@c.us"), chatstate, isUser: true, isGroup: false, hasData: true, isOnline: false };
  models.push(model);
  const change = async (type, isOnline, rest = {}) => {
    Object.assign(chatstate, { type, deny: false, ...rest });
    Object.assign(model, { isOnline, hasData: true, ...rest });
    events.length = 0;
    changes.emit("change:chatstate.type", chatstate);
    await pause(10);
    return events.map(({ state, isOnline: online, isContact }) => ({ state, isOnline: online, isContact }));
  };
  out.events = {
    online: await change("available", true),
    typing: await change("typing", true),
    recording: await change("recording_audio", true),
    typing_hidden: await change("typing", false),
    offline: await change("unavailable", false),
    denied: await change("unavailable", false, { deny: true }),
    no_data: await change("unavailable", false, { hasData: false }),
  };
  process.stdout.write(JSON.stringify(out), () => process.exit(0));
})();
