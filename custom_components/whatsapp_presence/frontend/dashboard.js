/**
 * The dashboard strategy "custom:whatsapp-presence": it fills itself.
 *
 * It makes a dashboard of Home Assistant's own cards, for all chats that there are: who
 * is online first, each in a tile; the day as a timeline; how each account stands. What
 * is hidden or disabled is left out. When a chat is added, renamed or removed, the front
 * end asks for the dashboard again.
 */

const DOMAIN = "whatsapp_presence";
const TYPE = "whatsapp-presence";
const ELEMENT = `ll-strategy-dashboard-${TYPE}`;
const ICON = "mdi:chat-processing-outline";
const DOCUMENTATION =
  "https://github.com/ha-whatsapp-presence/ha-whatsapp-presence/blob/main/docs/dashboard.md";

// With more chats, the day has a page of its own.
const MANY = 24;
// How much of it is shown, unless the strategy's "hours_to_show" says otherwise.
const HOURS = 24;
// How many chats stand in one column.
const PER_COLUMN = 8;
const MAX_COLUMNS = 4;

// The colours that the timeline has for the words of an activity, by their places.
const COLORS = { typing: "var(--color-2)", recording: "var(--color-3)" };

// Home Assistant asks for this before it loads an integration's texts.
const DESCRIPTIONS = {
  ar: "من المتصل ومن يكتب، ومنذ متى: كل محادثاتك في لوحة تملأ نفسها.",
  de: "Wer online ist, wer schreibt und seit wann: alle Chats, ohne Zutun.",
  en: "Who is online, who is typing, and since when: all chats, by itself.",
  es: "Quién está en línea, quién escribe y desde cuándo: todos los chats, sin configurar nada.",
  fr: "Qui est en ligne, qui écrit, et depuis quand : toutes les discussions, sans rien configurer.",
  hi: "कौन ऑनलाइन है, कौन टाइप कर रहा है और कब से: सभी चैट, अपने आप।",
  id: "Siapa yang online, siapa yang mengetik, dan sejak kapan: semua obrolan, dengan sendirinya.",
  it: "Chi è online, chi scrive e da quando: tutte le chat, senza configurare nulla.",
  nl: "Wie online is, wie typt en sinds wanneer: alle chats, vanzelf.",
  "pt-BR": "Quem está online, quem digita e desde quando: todas as conversas, sem configurar nada.",
};

/** Return the integration's entities that are shown, by device and by key. */
const findEntities = (hass) => {
  const devices = new Map();
  for (const entity of Object.values(hass.entities)) {
    if (entity.platform !== DOMAIN || entity.hidden || !entity.device_id) continue;
    if (!devices.has(entity.device_id)) devices.set(entity.device_id, {});
    devices.get(entity.device_id)[entity.translation_key] = entity.entity_id;
  }
  return devices;
};

const deviceName = (hass, deviceId) => {
  const device = hass.devices[deviceId];
  return device?.name_by_user ?? device?.name ?? "";
};

/** Return the accounts, each with its chats, sorted by name. */
const findAccounts = (hass) => {
  const compare = new Intl.Collator(hass.locale?.language, { numeric: true })
    .compare;
  const byName = (one, other) => compare(one.name, other.name);
  const accounts = new Map();
  const account = (id) => {
    if (!accounts.has(id)) {
      accounts.set(id, { name: deviceName(hass, id), entities: {}, chats: [] });
    }
    return accounts.get(id);
  };
  for (const [deviceId, entities] of findEntities(hass)) {
    if (entities.online) {
      const name = hass.states[entities.online]?.attributes.friendly_name;
      account(hass.devices[deviceId]?.via_device_id).chats.push({
        name: name ?? deviceName(hass, deviceId),
        entities,
      });
    } else if (entities.ready || entities.status) {
      account(deviceId).entities = entities;
    }
  }
  for (const { chats } of accounts.values()) chats.sort(byName);
  return [...accounts.values()].sort(byName);
};

const is = (entity, ...state) => ({ condition: "state", entity, state });
const isNot = (entity, ...state) => ({ condition: "state", entity, state_not: state });
const some = (entity) => ({ condition: "numeric_state", entity, above: 0 });
const any = (conditions) => ({ condition: "or", conditions });
// Of several conditions, one version takes "not" for "not all", another for "none".
const none = (conditions) => ({ condition: "not", conditions: [any(conditions)] });

const tile = (name, entity, visibility, options) => ({
  type: "tile",
  entity,
  name,
  show_entity_picture: true,
  state_content: ["state", "last_changed"],
  time_format: { type: "relative", style: "short" },
  visibility,
  ...options,
});

/** Return what a chat is doing, one thing after the other: the first that holds counts. */
const doings = (wordOf, { name, entities }) => {
  const { online, activity } = entities;
  const found = [];
  const members = { state_content: ["members"] };
  for (const [word, color] of Object.entries(COLORS)) {
    const who = entities[`${word}_members`];
    if (who) {
      // For where there is no picture.
      const icon = word === "typing" ? "mdi:keyboard" : "mdi:microphone";
      // The tile names who it is; what they do is said beside the group's name.
      found.push([who, some(who), { ...members, icon, color, suffix: wordOf(word) }]);
    } else if (activity) {
      found.push([activity, is(activity, word), { color }]);
    }
  }
  const who = entities.online_members;
  if (who) {
    // In the colour that "online" has; a number has none of its own.
    const color = "var(--state-binary_sensor-on-color, var(--state-active-color))";
    found.push([who, some(who), { ...members, color }]);
  }
  found.push([online, is(online, "on"), {}]);
  const before = [];
  return found.map(([entity, condition, { suffix, ...options }]) => {
    const visibility = before.length ? [condition, none([...before])] : [condition];
    before.push(condition);
    return tile(suffix ? `${name} · ${suffix}` : name, entity, visibility, options);
  });
};

/** Return whether anything at all is going on in a chat. */
const isHere = ({ entities }) => is(entities.online, "on");

const heading = (text, options) => ({ type: "heading", heading: text, ...options });

const columns = (chats) => Math.min(MAX_COLUMNS - 1, Math.ceil(chats.length / PER_COLUMN));

/**
 * Return the switch that announces the account: where it may help, as nothing is known of
 * any chat, with its price told first; and while it is on.
 */
const announcing = (text, entity, chats) => {
  const card = (visibility, confirmation, options) => {
    const action = { action: "toggle", confirmation };
    return tile({ type: "entity" }, entity, visibility, {
      state_content: "state",
      grid_options: { columns: "full" },
      tap_action: action,
      icon_tap_action: action,
      ...options,
    });
  };
  const silent = chats.map((chat) => is(chat.entities.online, "unknown"));
  return [
    card([is(entity, "off"), ...silent], { text: text("announce_online") }, {}),
    card([is(entity, "on")], undefined, { color: "amber" }),
  ];
};

/** Return an account's chats: who is here in one block, the others in another. */
const accountSection = (text, wordOf, { name, entities, chats }) => {
  const here = chats.map(isHere);
  const subtitle = (key, visibility) =>
    heading(text(key), { heading_style: "subtitle", visibility: [visibility] });
  const state = entities.status ?? entities.ready;
  const announce = entities.announce_online;
  return {
    type: "grid",
    column_span: Math.max(1, columns(chats)),
    cards: [
      heading(name, {
        icon: ICON,
        badges: state ? [{ type: "entity", entity: state, show_state: true }] : [],
      }),
      ...(chats.length
        ? [
            subtitle("online", any(here)),
            ...chats.flatMap((chat) => doings(wordOf, chat)),
            subtitle("not_online", none([{ condition: "and", conditions: here }])),
            ...chats.map((chat) =>
              tile(chat.name, chat.entities.online, [none([isHere(chat)])], {}),
            ),
            ...(announce && chats.length ? announcing(text, announce, chats) : []),
          ]
        : [{ type: "markdown", content: text("no_chats"), text_only: true }]),
    ],
  };
};

/** Return the day of an account's chats, in the colours that their tiles have. */
const daySection = (text, hours, { name, chats }, single) => ({
  type: "grid",
  cards: [
    heading(single ? text("day") : `${text("day")} · ${name}`, { icon: "mdi:chart-gantt" }),
    {
      type: "history-graph",
      hours_to_show: hours,
      entities: chats.map((chat) => ({ entity: chat.entities.online, name: chat.name })),
      grid_options: { columns: "full" },
    },
  ],
});

/** Make text safe for a card that reads HTML, Markdown and templates. */
const plain = (text) => text.replace(/[^\p{L}\p{N} ]/gu, (char) => `&#${char.codePointAt(0)};`);

/** Return what the user has to do something about; empty if that is nothing. */
const attentionSections = (hass, localize, text, accounts, issues) => {
  const waiting = accounts.filter(({ entities }) => entities.ready);
  if (!waiting.length && !issues.length) return [];
  const away = waiting.map(({ entities }) => isNot(entities.ready, "on"));
  const link = hass.user?.is_admin
    ? ` <a href="/config/repairs">${plain(text("repairs"))}</a>`
    : "";
  const title = (issue) =>
    localize(
      `component.${DOMAIN}.issues.${issue.translation_key}.title`,
      issue.translation_placeholders ?? {},
    ) || issue.issue_id;
  return [
    {
      type: "grid",
      visibility: issues.length ? [] : [any(away)],
      cards: [
        heading(text("attention"), { icon: "mdi:alert-outline" }),
        ...waiting.map(({ name, entities }, index) =>
          tile(name, entities.status ?? entities.ready, [away[index]], {
            color: "red",
            grid_options: { columns: "full" },
          }),
        ),
        ...issues.map((issue) => ({
          type: "markdown",
          text_only: true,
          content: `<ha-alert alert-type="warning">${plain(title(issue))}${link}</ha-alert>`,
        })),
      ],
    },
  ];
};

// The repairs are not part of what the front end tells a strategy of.
const repairs = { changes: 0, shown: 0, followed: undefined };

const followRepairs = (connection) => {
  repairs.followed ??= connection
    .subscribeEvents(() => {
      repairs.changes += 1;
    }, "repairs_issue_registry_updated")
    .catch(() => undefined);
};

const openIssues = async (hass) => {
  repairs.shown = repairs.changes;
  try {
    const { issues } = await hass.callWS({ type: "repairs/list_issues" });
    return issues.filter((issue) => issue.domain === DOMAIN && !issue.ignored);
  } catch {
    return [];
  }
};

// A chat's name is in its state, which may follow the registries a moment later.
const names = new Map();

const isRenamed = (states) =>
  [...names].some(([entity, name]) => {
    const current = states[entity]?.attributes.friendly_name;
    return current !== undefined && current !== name;
  });

/** Return all of the registries that the dashboard is made of. */
const signature = (hass) =>
  JSON.stringify(
    findAccounts(hass).map(({ name, entities, chats }) => [
      name,
      entities,
      chats.map((chat) => [chat.name, chat.entities]),
    ]),
  );

class WhatsAppPresenceStrategy extends HTMLElement {
  /** Make the dashboard of what there is now. */
  static async generate(config, hass) {
    followRepairs(hass.connection);
    const issues = await openIssues(hass);
    await hass.loadBackendTranslation("issues", DOMAIN);
    // What is handed on knows all that was loaded; what `hass` has may be older.
    const localize = await hass.loadBackendTranslation("selector", DOMAIN);
    const text = (key) =>
      localize(`component.${DOMAIN}.selector.dashboard.options.${key}`);
    const wordOf = (activity) =>
      localize(`component.${DOMAIN}.entity.sensor.activity.state.${activity}`);
    const accounts = findAccounts(hass);
    names.clear();
    for (const { chats } of accounts) {
      for (const { name, entities } of chats) names.set(entities.online, name);
    }
    const shown = accounts.filter(({ chats }) => chats.length);
    const days = hass.config.components.includes("history")
      ? shown.map((account) =>
          daySection(text, config.hours_to_show ?? HOURS, account, shown.length < 2),
        )
      : [];
    const isMany = shown.reduce((sum, { chats }) => sum + chats.length, 0) > MANY;
    const view = (title, path, icon, sections) => ({
      title,
      path,
      icon,
      type: "sections",
      max_columns: MAX_COLUMNS,
      sections,
    });
    const chats = [
      ...attentionSections(hass, localize, text, accounts, issues),
      ...accounts.map((account) => accountSection(text, wordOf, account)),
    ];
    if (!accounts.length) {
      chats.push({
        type: "grid",
        cards: [{ type: "markdown", content: text("no_chats"), text_only: true }],
      });
    }
    if (!isMany) return { views: [view("WhatsApp", "chats", undefined, [...chats, ...days])] };
    for (const day of days) day.column_span = MAX_COLUMNS;
    return {
      views: [
        view("WhatsApp", "chats", undefined, chats),
        ...(days.length ? [view(text("day"), "day", undefined, days)] : []),
      ],
    };
  }

  /** Whether what the dashboard is made of has changed. */
  static shouldRegenerate(_config, before, now) {
    if (repairs.changes !== repairs.shown || isRenamed(now.states)) return true;
    if (before.entities === now.entities && before.devices === now.devices) return false;
    return signature(before) !== signature(now);
  }

  /** What a new dashboard of this kind is called, unless the user says otherwise. */
  static getCreateSuggestions() {
    return { title: "WhatsApp", icon: ICON };
  }
}

if (!customElements.get(ELEMENT)) {
  customElements.define(ELEMENT, WhatsAppPresenceStrategy);
  window.customStrategies = window.customStrategies ?? [];
  window.customStrategies.push({
    type: TYPE,
    strategyType: "dashboard",
    name: "WhatsApp Presence",
    get description() {
      const { lang } = document.documentElement;
      return DESCRIPTIONS[lang] ?? DESCRIPTIONS[lang.split("-")[0]] ?? DESCRIPTIONS.en;
    },
    documentationURL: DOCUMENTATION,
  });
}
