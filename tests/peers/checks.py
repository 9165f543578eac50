"""What is compared: each peer's own words beside ours."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
import json
import os
from pathlib import Path
import re
import signal
import sys
from types import ModuleType
from typing import Any, Final

from tests.simulator import Simulator

from .world import (
    ANNA,
    BEN,
    CONFLICT,
    ENGINES,
    ERROR,
    GROUP,
    KEY,
    LAST_SEEN,
    LID,
    LIMITED,
    NOBODY,
    NUMBERS,
    READY,
    World,
    entries,
)

HERE: Final = Path(__file__).resolve().parent
INTEGRATION: Final = HERE.parents[1] / "custom_components/whatsapp_presence"
PEER_LIMIT: Final = 120.0

# The words of WhatsApp's protocol and of its web client, and what WAHA makes of them
# (DOC for those on the right).
WORDS: Final = {
    "available": "online",
    "unavailable": "offline",
    "composing": "typing",
    "typing": "typing",
    "recording": "recording",
    "recording_audio": "recording",
    "paused": "paused",
}
STATES: Final = ("online", "typing", "paused", "recording", "offline")


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody to compare with: what is installed, how, and what it runs."""

    name: str
    package: str
    installer: str
    program: str
    entry: str = ""


_NODE: Final = "node_modules"
PEERS: Final = (
    Peer("waapi", "waapi==0.1.2", "from_pypi", "waapi_sdk.py"),
    Peer("waha-py", "waha-py==2026.9.2", "from_pypi", "waha_sdk.py"),
    Peer("phonenumbers", "phonenumbers==9.0.43", "from_pypi", "phone_numbers.py"),
    Peer("neonize", "neonize==0.5.2", "from_pypi", "neonize_fields.py"),
    Peer(
        "baileys-6",
        "baileys@6.17.16",
        "from_npm_without_git",
        "baileys.mjs",
        "package/lib/index.js",
    ),
    Peer(
        "baileys-7",
        "baileys@7.0.0-rc14",
        "from_npm",
        "baileys.mjs",
        f"{_NODE}/baileys/lib/index.js",
    ),
    Peer(
        "wa-js",
        "@wppconnect/wa-js@4.6.0",
        "from_npm",
        "wa_js.cjs",
        f"{_NODE}/@wppconnect/wa-js/dist/wppconnect-wa.js",
    ),
)


@dataclass(frozen=True, slots=True)
class Check:
    """What they say about something, and what is said here."""

    peer: str
    what: str
    theirs: Any
    ours: Any


async def run_peer(peer: Peer, homes: Path, *arguments: str) -> Any:
    """Run a peer's program in its own environment; what it says, read as JSON."""
    home = homes / peer.name
    program = str(HERE / peer.program)
    if peer.entry:
        command = ["node", program, str(home / peer.entry)]
    else:
        command = [str(home / "venv/bin/python"), "-I", program]
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PEER_LIMIT):
            out, err = await process.communicate()
    finally:
        # It leads a group of its own, so this reaches what it started as well.
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{peer.package} failed:\n{err.decode()[-2000:]}")
    return json.loads(out)


async def compare(peers: Sequence[Peer], homes: Path, root: Path) -> Sequence[Check]:
    """Run all that is wanted, beside one simulator."""
    found: list[Check] = []
    async with World.started(root) as world:
        await world.populate()
        told: dict[str, dict[str, Told]] = {}
        if any(peer.name in _NEED_STATES for peer in peers):
            for engine in ENGINES:
                told[engine] = await tell(world, engine)
        for peer in peers:
            match peer.name:
                case "waapi":
                    found += await _waapi(peer, homes, world, root)
                case "waha-py":
                    found += await _waha(peer, homes, world)
                case "phonenumbers":
                    found += await _phone_numbers(peer, homes)
                case "neonize":
                    found += await _neonize(peer, homes, told["GOWS"])
                case "wa-js":
                    found += await _wa_js(peer, homes, told)
                case _:
                    found += await _baileys(peer, homes, world, told["NOWEB"])
    return found


# ------------------------------------------------------------ what the simulator tells

_NEED_STATES: Final = ("neonize", "baileys-6", "baileys-7", "wa-js")


@dataclass(frozen=True, slots=True)
class Told:
    """One change, as the simulator told it; no word: it told nothing."""

    word: str | None
    last_seen: int | None = None


async def tell(world: World, engine: str) -> dict[str, Told]:
    """Let somebody do one thing after the other; what comes over the socket."""
    session = engine.lower()
    where = f"waha/{session}"
    told: dict[str, Told] = {}
    async with world.events(session) as events:
        for chat in (f"{ANNA}@c.us", GROUP):
            await world.subscribe(session, chat)
        await world.set_presence(where, ANNA, "offline")
        for state in STATES:
            await events.forget()
            more = {"last_seen": LAST_SEEN} if state == "offline" else {}
            await world.set_presence(where, ANNA, state, **more)
            told[state] = _read_told(await events.next(), chat=ANNA)
        await world.set_presence(where, ANNA, "online")
        await events.forget()
        await world.set_presence(where, ANNA, "offline", deny=True)
        told["denied"] = _read_told(await events.next(), chat=ANNA)
        await world.set_presence(where, ANNA, "online", deny=False)
        await events.forget()
        await world.set_presence(where, ANNA, "typing", group=GROUP)
        told["group"] = _read_told(await events.next(), chat=GROUP)
        # Whoever comes online in a group changes its count.
        await world.set_presence(where, BEN, "offline")
        await events.forget()
        await world.set_presence(where, BEN, "online")
        heard = entries(await events.next())
        counted = any(entry["participant"] == GROUP for entry in heard)
        told["count"] = Told("online" if counted else None)
    return told


def _same(chat_id: object, who: str) -> bool:
    """Whether an id, however it is written, is Anna's, or the group's."""
    mine = {GROUP} if who == GROUP else {f"{ANNA}@c.us", LID}
    return isinstance(chat_id, str) and _normal(chat_id) in mine


def _read_told(envelopes: list[dict[str, Any]], *, chat: str) -> Told:
    mine = [one for one in envelopes if _same(one["payload"]["id"], chat)]
    people = [entry for entry in entries(mine) if _same(entry["participant"], ANNA)]
    if not people:
        return Told(None)
    last = people[-1]
    return Told(last.get("lastKnownPresence"), last.get("lastSeen"))


@cache
def _chat_ids() -> ModuleType:
    """The integration's own reading of ids; its core needs no Home Assistant."""
    sys.path.insert(0, str(INTEGRATION))
    try:
        return import_module("presence.chat_id")
    finally:
        sys.path.remove(str(INTEGRATION))


def _normal(chat_id: str) -> str | None:
    """An id as the integration writes it; None: it takes it for no chat's."""
    try:
        return str(_chat_ids().normalise(chat_id))
    except ValueError:
        return None


# ------------------------------------------------------------------------------- WaAPI


async def _waapi(peer: Peer, homes: Path, world: World, root: Path) -> list[Check]:
    where = f"waapi/{READY}"
    states = {
        "online": ("online", {}),
        "typing": ("typing", {}),
        "recording": ("recording", {}),
        "offline": ("offline", {"last_seen": LAST_SEEN}),
        "denied": ("offline", {"deny": True}),
        "nothing": ("offline", {"has_data": False}),
        "typing_hidden": ("typing", {"online_hidden": True}),
    }
    for name, (state, more) in states.items():
        await world.set_presence(where, NUMBERS[name], state, **more)

    def chat(number: str) -> dict[str, Any]:
        return {"chat_id": f"{number}@c.us"}

    calls: list[list[Any]] = [
        [f"presence {name}", READY, None, "get_chat_presence", chat(number)]
        for name, number in NUMBERS.items()
    ]
    calls += [
        ["instances", READY, None, "get_instances", {}],
        ["instance", READY, None, "get_instance", {}],
        ["status", READY, None, "get_status", {}],
        ["status away", CONFLICT, None, "get_status", {}],
        ["snapshot", READY, None, "get_chat_presence_snapshot", chat(ANNA)],
        ["group", READY, None, "get_chat_presence", {"chat_id": GROUP}],
        ["nobody", READY, None, "get_chat_presence", chat(NOBODY)],
        ["bad id", READY, None, "get_chat_presence", {"chat_id": "nonsense"}],
        ["missing", READY, None, "action", {"name": "get-chat-presence"}],
        ["no action", READY, None, "action", {"name": "no-such-action"}],
        ["conflict", CONFLICT, None, "get_chat_presence", chat(ANNA)],
        ["error", ERROR, None, "get_chat_presence", chat(ANNA)],
        ["bad token", READY, "wrong", "get_chat_presence", chat(ANNA)],
        ["no instance", "99999", None, "get_chat_presence", chat(ANNA)],
        ["limited", LIMITED, None, "get_chat_presence", chat(ANNA)],
        ["number id", READY, None, "get_number_id", {"number": ANNA}],
        ["lid", READY, None, "action", _ask_lids],
        [
            "registered",
            READY,
            None,
            "is_registered_user",
            {"contact_id": f"{ANNA}@c.us"},
        ],
        ["chats", READY, None, "get_chats", {"limit": 2}],
        ["contacts", READY, None, "get_contacts", {}],
        ["members", READY, None, "get_group_info", {"chat_id": GROUP}],
        [
            "picture",
            READY,
            None,
            "get_profile_pic_url",
            {"contact_id": f"{ANNA}@c.us"},
        ],
        ["available", READY, None, "send_presence_available", {}],
        ["unavailable", READY, None, "send_presence_unavailable", {}],
    ]
    result = await run_peer(peer, homes, f"{world.url}/api/v1", KEY, json.dumps(calls))
    answers = result["answers"]
    found: list[Check] = []

    def check(what: str, theirs: Any, ours: Any) -> None:
        found.append(Check(peer.name, what, theirs, ours))

    used = set(re.findall(r'"((?:get|is|send)-[a-z-]+)"', _source(root, "waapi")))
    check(
        "actions that the integration uses and the SDK does not know",
        [],
        sorted(used - set(result["actions"])),
    )
    # What the SDK raises for what is refused.
    for label, raised in (
        ("bad id", "FailedActionError"),
        ("missing", "ValidationError"),
        ("no action", "NotFoundError"),
        ("conflict", "WaAPIError"),
        ("error", "FailedActionError"),
        ("bad token", "AuthenticationError"),
        ("no instance", "NotFoundError"),
        ("limited", "RateLimitError"),
    ):
        check(f"{label}: what is raised", raised, answers[label].get("raised"))
    check("limited: seconds to wait", 7.0, answers["limited"].get("retry_after"))
    # What a caller of the SDK finds where the documentation has it.
    for label, path in (
        ("instances", "instances.0.id"),
        ("instance", "instance.id"),
        ("status", "clientStatus.instanceStatus"),
        ("status away", "clientStatus.instanceStatus"),
        ("snapshot", "data.data.presence.chatstate"),
        ("group", "data.data.presence.isGroup"),
        ("number id", "data.data.numberId._serialized"),
        ("lid", "data.data.contacts.0.lid"),
        ("chats", "data.data.0.id._serialized"),
        ("contacts", "data.data.0.id._serialized"),
        ("members", "data.data.participants.0.id._serialized"),
        ("available", "data.data.available"),
    ):
        check(f"{label}: {path}", "there", _there(answers[label], path))
    registered = _at(answers["registered"], "data.data")
    if isinstance(registered, dict):
        registered = registered.get("isRegisteredUser")
    check("registered: a boolean", True, registered)
    check(
        "picture: where its address is",
        "there",
        _there(answers["picture"], "data.data.profilePicUrl"),
    )
    check("nobody: presence", None, _at(answers["nobody"], "data.data.presence"))
    presence = {
        name: _at(answers[f"presence {name}"], "data.data.presence") or {}
        for name in NUMBERS
    }
    for name, expected in (
        ("online", (True, "available", None)),
        ("typing", (True, "typing", None)),
        ("recording", (True, "recording_audio", None)),
        ("offline", (False, "unavailable", LAST_SEEN)),
        ("denied", (False, "unavailable", None)),
        ("typing_hidden", (False, "typing", None)),
    ):
        one = presence[name]
        check(
            f"presence {name}",
            list(expected),
            [one.get("isOnline"), one.get("chatstate"), one.get("lastSeen")],
        )
    check("presence denied: deny", True, presence["denied"].get("deny"))
    check("presence nothing: data", False, presence["nothing"].get("hasData", False))
    return found


_ask_lids: Final = {"name": "get-lid", "payload": {"contactIds": [f"{ANNA}@c.us"]}}


# -------------------------------------------------------------------------------- WAHA


async def _waha(peer: Peer, homes: Path, world: World) -> list[Check]:
    session = "noweb"
    anna = {"session": session, "chat_id": f"{ANNA}@c.us"}
    phone = {"params": {"phone": ANNA, "session": session}}
    nobody = {"params": {"phone": NOBODY, "session": session}}
    page = {"session": session, "params": {"limit": 2, "offset": 0}}
    calls: list[list[Any]] = [
        ["subscribe", "presence", "subscribe", anna, None],
        ["presence", "presence", "get_presence", anna, "WAHAChatPresences"],
        [
            "presence never heard",
            "presence",
            "get_presence",
            {"session": session, "chat_id": f"{NOBODY}@c.us"},
            "WAHAChatPresences",
        ],
        [
            "presences",
            "presence",
            "get_presence_all",
            {"session": session},
            ["WAHAChatPresences"],
        ],
        [
            "own presence",
            "presence",
            "set_presence",
            {"session": session, "payload": {"presence": "offline"}},
            None,
        ],
        ["session", "sessions", "get", {"session": session}, "SessionInfo"],
        ["sessions", "sessions", "list", {"params": {"all": "true"}}, ["SessionInfo"]],
        ["version", "server", "get", {}, "WAHAEnvironment"],
        [
            "lid of a number",
            "lids",
            "find_lid_by_phone_number",
            {"session": session, "phone_number": ANNA},
            "LidToPhoneNumber",
        ],
        [
            "number of a lid",
            "lids",
            "find_pn_by_lid",
            {"session": session, "lid": LID},
            "LidToPhoneNumber",
        ],
        ["on WhatsApp", "contacts", "check_exists", phone, "WANumberExistResult"],
        ["not on WhatsApp", "contacts", "check_exists", nobody, "WANumberExistResult"],
        [
            "members",
            "groups",
            "get_participants",
            {"session": session, "id": GROUP},
            ["GroupParticipant"],
        ],
        ["chats", "chats", "get_chats", page, None],
        ["overview", "chats", "get_chats_overview", page, ["ChatSummary"]],
        [
            "contacts",
            "contacts",
            "get_all",
            {"params": {"limit": 2, "session": session}},
            None,
        ],
        ["groups", "groups", "get_groups", {"session": session}, None],
        [
            "no session",
            "presence",
            "get_presence",
            {"session": "nobodys", "chat_id": f"{ANNA}@c.us"},
            None,
        ],
        ["no session itself", "sessions", "get", {"session": "nobodys"}, None],
    ]
    async with world.events(session) as events:
        await world.subscribe(session, f"{ANNA}@c.us")
        await world.set_presence(f"waha/{session}", ANNA, "offline")
        await events.forget()
        await world.set_presence(f"waha/{session}", ANNA, "typing")
        envelopes = await events.next()
    heard = envelopes[0] if envelopes else {}
    read = [
        ["envelope", "WAHAWebhookPresenceUpdate", heard],
        ["payload", "WAHAChatPresences", heard.get("payload")],
        ["environment", "WAHAEnvironment", heard.get("environment")],
        ["me", "MeInfo", heard.get("me")],
    ]
    result = await run_peer(
        peer, homes, world.url, KEY, json.dumps(calls), json.dumps(read)
    )
    refused = await run_peer(
        peer, homes, world.url, "wrong", json.dumps(calls[4:6]), json.dumps([])
    )
    answers = result["answers"]
    found: list[Check] = []

    def check(what: str, theirs: Any, ours: Any) -> None:
        found.append(Check(peer.name, what, theirs, ours))

    known = {_template(call) for call in result["calls"]}
    served = {
        _template(f"{route.method} {route.path}")
        for route in Simulator().waha.routes()
        if route.path.startswith("/api/") and route.method != "*"
    }
    check(
        "calls that the simulator serves and the client does not know",
        [],
        sorted(served - known),
    )
    for label, _, _, _, model in calls:
        answer = answers[label]
        if label.startswith("no session"):
            continue
        if "status" in answer:
            check(f"{label}: status", 200, f"{answer['status']} {answer['body'][:90]}")
        elif model is not None:
            check(f"{label}: read by {model}", "taken", answer["read"])
    check("subscribe: answer", "", answers["subscribe"].get("answer"))
    check(
        "presence never heard: entries",
        [],
        (answers["presence never heard"].get("answer") or {}).get("presences"),
    )
    # RUN: what the real server said.
    for label, status, word in (
        ("no session", 422, "does not exist"),
        ("no session itself", 404, "Session not found"),
    ):
        answer = answers[label]
        check(f"{label}: status", status, answer.get("status"))
        check(f"{label}: says so", True, word in answer.get("body", ""))
    check("wrong key: status", 401, refused["answers"]["session"].get("status"))
    for label, outcome in result["events"].items():
        check(f"event's {label}", "taken", outcome)
    return found


def _template(call: str) -> str:
    """A call with {} for what varies."""
    method, _, path = call.partition(" ")
    path = re.sub(r"\{[^}]*\}", "{}", path)
    return f"{method} {path}"


# ----------------------------------------------------------------------------- engines


async def _baileys(
    peer: Peer, homes: Path, world: World, told: Mapping[str, Told]
) -> list[Check]:
    result = await run_peer(peer, homes)
    found: list[Check] = []

    def check(what: str, theirs: Any, ours: Any) -> None:
        found.append(Check(peer.name, what, theirs, ours))

    def one(name: str) -> dict[str, Any]:
        (update,) = result["read"][name]
        (presence,) = update["presences"].values()
        return presence  # type: ignore[no-any-return]

    for state in (*STATES, "denied"):
        theirs = one("offline_denied" if state == "denied" else state)
        check(
            f"{state}: word and last seen on NOWEB",
            [WORDS[theirs["lastKnownPresence"]], theirs.get("lastSeen")],
            [told[state].word, told[state].last_seen],
        )
    for name in ("offline_none", "offline_error"):
        check(f"{name}: last seen", None, one(name).get("lastSeen"))
    (typing,) = result["read"]["group_typing"]
    check("a member's typing: the group's id", GROUP, typing["id"])
    check(
        "a member's typing: word",
        WORDS[one("group_typing")["lastKnownPresence"]],
        told["group"].word,
    )
    (under_lid,) = result["read"]["typing_under_lid"]
    check("typing under a lid: whose", LID, _normal(under_lid["id"]))
    (count,) = result["read"]["group_count"]
    check("a group's count: participant", [count["id"]], list(count["presences"]))
    check(
        "a group's count: word on NOWEB",
        WORDS[one("group_count")["lastKnownPresence"]],
        told["count"].word,
    )
    sent = result["sent"]
    check(
        "any text can be subscribed to",
        bool(sent["subscribe_any_text"]),
        await world.subscribe("noweb", "garbage") == 201,
    )
    # README 12: without a name nothing is announced, and nobody is told.
    check("available without a name: sent", [], sent["available_without_name"])
    check(
        "available with a name: sent",
        True,
        any(node["tag"] == "presence" for node in sent["available_with_name"]),
    )
    check(
        "a subscription without a token is sent all the same",
        [("presence", "subscribe", ())],
        [
            (node["tag"], node.get("type"), tuple(node["content"]))
            for node in sent["subscribe_without_token"]
        ],
    )
    for chat_id, theirs in result["ids"].items():
        check(f"id {chat_id}", _normal(theirs), _normal(chat_id))
    return found


async def _neonize(peer: Peer, homes: Path, told: Mapping[str, Told]) -> list[Check]:
    result = await run_peer(peer, homes)
    found: list[Check] = []

    def check(what: str, theirs: Any, ours: Any) -> None:
        found.append(Check(peer.name, what, theirs, ours))

    check(
        "presence: fields",
        ["From", "LastSeen", "Unavailable"],
        sorted(result["Presence"]),
    )
    check(
        "chat presence: states",
        ["COMPOSING", "PAUSED"],
        result["ChatPresence"]["State"],
    )
    check("chat presence: media", ["TEXT", "AUDIO"], result["ChatPresence"]["Media"])
    for field in ("SenderAlt", "AddressingMode"):
        check(f"source: {field}", True, field in result["MessageSource"])
    for field in ("LID", "PhoneNumber"):
        check(f"a member: {field}", True, field in result["GroupParticipant"])
    # whatsmeow knows all five; GOWS passes them on.
    for state in STATES:
        check(f"{state}: word on GOWS", state, told[state].word)
    for whole, plain in result["ids"]:
        check(f"id {whole}", _normal(plain), _normal(whole))
    return found


async def _wa_js(
    peer: Peer, homes: Path, told: Mapping[str, Mapping[str, Told]]
) -> list[Check]:
    result = await run_peer(peer, homes)
    found: list[Check] = []

    def check(what: str, theirs: Any, ours: Any) -> None:
        found.append(Check(peer.name, what, theirs, ours))

    for state in ("online", "typing", "recording", "offline"):
        (event,) = result["events"][state]
        for engine in ("WPP", "WEBJS"):
            check(
                f"{state}: word on {engine}",
                WORDS[event["state"]],
                told[engine][state].word,
            )
    check(
        "typing may come without online",
        False,
        result["events"]["typing_hidden"][0]["isOnline"],
    )
    check("without data nothing is told", [], result["events"]["no_data"])
    check("what refused is left out", [f"{ANNA}@c.us"], result["subscribed"])
    check("WhatsApp hears of no unsubscribing", [], result["unsubscribed"])
    # The end of typing is the web client's own available.
    check("paused: word on WEBJS", "online", told["WEBJS"]["paused"].word)
    return found


# ----------------------------------------------------------------------- phone numbers


async def _phone_numbers(peer: Peer, homes: Path) -> list[Check]:
    numbers = [f"+{number}" for number in (*NUMBERS.values(), "4915155500103")]
    # Brazil's ninth digit, Argentina's 9, Mexico's former 1, Italy's zero.
    foreign = ["+5511961234567", "+5491123456789", "+525512345678", "+390612345678"]
    result = await run_peer(peer, homes, json.dumps([*numbers, *foreign]))
    found = [
        Check(
            peer.name,
            f"{number}: the digits of its id",
            f"{said['digits']}@c.us",
            _normal(f"{number.lstrip('+')}@c.us"),
        )
        for number, said in result.items()
    ]
    found += [
        Check(peer.name, f"{number}: possible", True, result[number]["possible"])
        for number in numbers
    ]
    # Nobody may be reached by trying the demo: its numbers are nobody's.
    found += [
        Check(peer.name, f"{number}: region", None, result[number]["region"])
        for number in numbers[:-1]
    ]
    return found


# ----------------------------------------------------------------------------- helpers


def _source(root: Path, gateway: str) -> str:
    """The source of a gateway's client, wherever it is now."""
    folder = root / "custom_components/whatsapp_presence/gateways"
    files = [*folder.glob(f"{gateway}*.py"), *folder.glob(f"{gateway}*/**/*.py")]
    return "\n".join(file.read_text("utf-8") for file in sorted(files))


def _at(value: Any, path: str) -> Any:
    """What is at a path of keys and places; None: nothing."""
    for step in path.split("."):
        if isinstance(value, list):
            value = (
                value[int(step)] if step.isdigit() and int(step) < len(value) else None
            )
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _there(value: Any, path: str) -> str:
    """Whether the last step of a path is there, whatever its value."""
    *steps, last = path.split(".")
    parent = _at(value, ".".join(steps)) if steps else value
    if isinstance(parent, list):
        return "there" if last.isdigit() and int(last) < len(parent) else "missing"
    return "there" if isinstance(parent, dict) and last in parent else "missing"
