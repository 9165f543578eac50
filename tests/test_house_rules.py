"""The rules of the house, read off the source: who may import whom, and who knows what."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
import re
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "custom_components.whatsapp_presence"
INTEGRATION = ROOT / "custom_components" / "whatsapp_presence"
TESTS = ROOT / "tests"

# The rooms of instance/, from the top; what stands side by side does not know each
# other. An event comes in near the top and goes down; what has to be told to a room
# above is told by a callback that it handed in.
ROOMS = (
    ("hub",),
    ("coordinator", "registration", "webhook", "stream", "announcing"),
    ("rounds",),
    ("asking", "timetable"),
    ("delivery", "silence"),
    ("pictures", "people"),
    ("chat", "lookups"),
    (
        "deadlines",
        "aliases",
        "address",
        "budget",
        "contest",
        "credentials",
        "inbox",
        "statuses",
    ),
    ("store", "written"),
)
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
# Where the tests are of what has no file of its own.
TESTED_IN = {
    "written": "instance/test_registration.py",
    "hub": "test_init.py",
    "timetable": "instance/test_rounds.py",
}
# A class with more lines has more than one job.
MAX_CLASS_LINES = 250

# What the vendors call things; outside gateways/ nobody has heard of it. Words that are
# the integration's own as well (ready, typing, online, …) can't be told apart and are
# not listed.
VENDOR_NAMES = frozenset(
    {
        # WaAPI
        "auth_failure",
        "change_state",
        "chatId",
        "chatstate",
        "clientStatus",
        "hasData",
        "instanceId",
        "instanceStatus",
        "isActive",
        "isOnline",
        "isRegisteredUser",
        "isSubscribed",
        "lastSeen",
        "presence_update",
        "recordingParticipants",
        "recording_audio",
        "typingParticipants",
        "waitForData",
        "_serialized",
        # Wawp and WAHA
        "composing",
        "invalid_session",
        "lastKnownPresence",
        "numberExists",
        "profilePictureURL",
        "pushName",
        "subscription_required",
        "PASSKEY_REQUIRED",
        "SCAN_QR_CODE",
        "WORKING",
    }
)
VENDOR_PHRASES = frozenset(
    {"get-chat-presence", "presence.update", "session.status", "X-Api-Key"}
)


def python_files(*folders: str) -> list[Path]:
    """List the Python files in these folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """Name a file the way the repository does."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """Parse a file, once."""
    return ast.parse(path.read_text("utf-8"), filename=name_of(path))


def module_name(path: Path) -> str:
    """Name the module that a file of the integration is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Map every module of the integration to its file."""
    return {module_name(path): path for path in INTEGRATION.rglob("*.py")}


def imported_by(path: Path) -> Iterator[str]:
    """Name what a file imports, wherever in it, with relative imports resolved.

    A name that is itself a module of ours counts as that module; an import behind
    TYPE_CHECKING counts like any other.
    """
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                member = f"{source}.{alias.name}"
                yield member if member in modules() else source


def strays(folder: str, *, ours: tuple[str, ...], others: frozenset[str]) -> set[str]:
    """Find imports in a folder beyond the standard library and what is allowed."""
    allowed = sys.stdlib_module_names | others
    return {
        f"{name_of(path)}: {name}"
        for path in (INTEGRATION / folder).rglob("*.py")
        for name in imported_by(path)
        if name.split(".")[0] not in allowed
        and not any(name == own or name.startswith(f"{own}.") for own in ours)
    }


def test_presence_imports_nothing_but_the_standard_library() -> None:
    """The pure core knows no Home Assistant, no network and no gateway."""
    assert list((INTEGRATION / "presence").glob("*.py"))
    assert not strays("presence", ours=(f"{PACKAGE}.presence",), others=frozenset())


def test_presence_has_no_clock_and_no_network_of_its_own() -> None:
    """The caller owns the time; the core touches nothing outside itself."""
    forbidden = {
        "asyncio",
        "http",
        "os",
        "random",
        "socket",
        "ssl",
        "threading",
        "time",
    }
    found = {
        f"{name_of(path)}: {name}"
        for path in (INTEGRATION / "presence").rglob("*.py")
        for name in imported_by(path)
        if name.split(".")[0] in forbidden
    }
    assert not found


def test_gateways_import_presence_and_aiohttp_alone() -> None:
    """A gateway's client could be used without Home Assistant."""
    assert list((INTEGRATION / "gateways").glob("*.py"))
    assert not strays(
        "gateways",
        ours=(f"{PACKAGE}.presence", f"{PACKAGE}.gateways"),
        others=frozenset({"aiohttp", "multidict", "yarl"}),
    )


def test_the_house_has_its_rooms() -> None:
    """All of instance/ has its place below; the rest is found where it belongs."""
    for folder in ("brand", "gateways", "instance", "presence", "translations"):
        assert (INTEGRATION / folder).is_dir(), folder
    for page in ("chat_flow", "config_flow", "const", "entity", "repairs"):
        assert (INTEGRATION / f"{page}.py").is_file(), page
    rooms = {path.stem for path in (INTEGRATION / "instance").glob("*.py")}
    assert rooms == {"__init__", *FLOOR}


def test_tests_stand_where_what_they_test_stands() -> None:
    """Each room has a file of tests, and there is none for a room that is gone."""
    there = {path.stem for path in (TESTS / "instance").glob("test_*.py")}
    assert there == {f"test_{room}" for room in FLOOR.keys() - TESTED_IN.keys()}
    assert all((TESTS / name).is_file() for name in TESTED_IN.values())
    for folder in ("gateways", "presence"):
        assert list((TESTS / folder).glob("test_*.py"))


def rooms_known_to(room: str) -> set[str]:
    """Name the rooms of the instance that a room imports."""
    prefix = f"{PACKAGE}.instance."
    return {
        name.removeprefix(prefix)
        for name in imported_by(INTEGRATION / "instance" / f"{room}.py")
        if name.startswith(prefix)
    }


@pytest.mark.parametrize("room", FLOOR)
def test_a_room_knows_only_rooms_below_it(room: str) -> None:
    """So an event goes down, and never comes back to a room that it has left."""
    known = rooms_known_to(room)
    assert known <= FLOOR.keys()
    assert {other for other in known if FLOOR[other] <= FLOOR[room]} == set()


@pytest.mark.parametrize("room", ["webhook", "stream"])
def test_where_events_come_in_nobody_asks_whose_they_are(room: str) -> None:
    """What receives hands events on by a callback, and knows nobody behind it."""
    assert not rooms_known_to(room) & {"coordinator", "hub", "people", "rounds"}


@pytest.mark.parametrize("folder", ["gateways", "presence"])
def test_what_speaks_and_what_decides_know_no_account(folder: str) -> None:
    """Both could be used without what is done for an account."""
    found = {
        f"{name_of(path)}: {name}"
        for path in (INTEGRATION / folder).rglob("*.py")
        for name in imported_by(path)
        if name.startswith(f"{PACKAGE}.instance")
    }
    assert not found


def has_classes(path: Path) -> bool:
    """Whether a file defines a class, wherever in it."""
    return any(isinstance(node, ast.ClassDef) for node in ast.walk(parsed(path)))


@pytest.mark.parametrize(
    "path", filter(has_classes, python_files("custom_components")), ids=name_of
)
def test_no_class_is_too_long(path: Path) -> None:
    """From its first line to its last."""
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and node.end_lineno is not None
    }
    assert {
        name: lines for name, lines in lengths.items() if lines > MAX_CLASS_LINES
    } == {}


def test_no_import_goes_in_a_circle() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    graph = {
        name: {target for target in imported_by(path) if target in modules()}
        for name, path in modules().items()
    }
    assert any(graph.values())
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as err:
        pytest.fail(f"imports in a circle: {' → '.join(reversed(err.args[1]))}")
    assert set(order) == set(modules())


def names_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every identifier and string of a module, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Constant(value=str(text)):
                yield node.lineno, text
            case ast.Constant(value=bytes(raw)):
                yield node.lineno, raw.decode("latin-1")


def vendor_words(text: str) -> set[str]:
    """Find the vendors' words in an identifier or a string."""
    return (set(re.findall(r"\w+", text)) & VENDOR_NAMES) | {
        phrase for phrase in VENDOR_PHRASES if phrase.lower() in text.lower()
    }


def test_nothing_outside_gateways_knows_a_vendors_word() -> None:
    """No field, event or status word of a vendor occurs, in a docstring either."""
    found = {
        f"{name_of(path)}:{line}: {word}"
        for path in INTEGRATION.rglob("*.py")
        if INTEGRATION / "gateways" not in path.parents
        for line, text in names_in(parsed(path))
        for word in vendor_words(text)
    }
    assert not found


def test_the_vendors_words_are_those_that_the_gateways_use() -> None:
    """The list above guards something: each of its words is in use in gateways/."""
    used = {
        word
        for path in (INTEGRATION / "gateways").rglob("*.py")
        for _, text in names_in(parsed(path))
        for word in vendor_words(text)
    }
    assert not (VENDOR_NAMES | VENDOR_PHRASES) - used


def test_nothing_outside_presence_decides_what_an_update_means() -> None:
    """Gateways fill an update in and the tracker reads it; nobody between looks inside."""
    inside = {"has_data", "last_seen_hidden", "members"}
    allowed = (INTEGRATION / "presence", INTEGRATION / "gateways")
    found = {
        f"{name_of(path)}:{node.lineno}: .{node.attr}"
        for path in INTEGRATION.rglob("*.py")
        if not any(folder in path.parents for folder in allowed)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in inside
    }
    assert not found


@pytest.mark.parametrize(
    "path", python_files("custom_components", "scripts", "tests"), ids=name_of
)
def test_every_module_has_a_docstring(path: Path) -> None:
    """Whoever opens a file is told what it is."""
    assert ast.get_docstring(parsed(path))


def test_the_integration_prints_nothing() -> None:
    """What there is to say goes to the log."""
    found = {
        f"{name_of(path)}:{node.lineno}"
        for path in INTEGRATION.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "breakpoint"}
    }
    assert not found


def test_no_type_error_is_silenced_wholesale() -> None:
    """A `type: ignore` names the error it means, and no file is exempt as a whole."""
    wholesale = re.compile(
        r"#\s*type:\s*ignore(?!\[[\w-]+)|#\s*mypy:\s*(ignore-errors|disable)"
    )
    found = {
        f"{name_of(path)}:{number}"
        for path in python_files("custom_components", "scripts", "tests")
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if wholesale.search(line)
    }
    assert not found


def test_nothing_is_left_for_later() -> None:
    """No stub, no note to come back to, no test that does not run."""
    later = re.compile(
        r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError|mark\.(skip|xfail)\b"
    )
    found = {
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in python_files("custom_components", "scripts", "tests")
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if later.search(line)
    }
    assert not found
