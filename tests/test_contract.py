"""docs/gateways.md, the clients and the tests say the same of the gateways."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
import re
from typing import Final

import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS as REGISTRY

ROOT: Final = Path(__file__).resolve().parent.parent
TESTS: Final = ROOT / "tests"
GATEWAYS: Final = ROOT / "custom_components" / "whatsapp_presence" / "gateways"
PAGE: Final = (ROOT / "docs" / "gateways.md").read_text("utf-8")
SURE: Final = frozenset({"DOC", "RUN", "SRC", "OBS", "INF", "UNKNOWN"})
COLUMNS: Final = ["gateway", "what", "meaning", "sure", "code", "test"]
NAMES: Final = frozenset({"all", *(gateway.name for gateway in REGISTRY.values())})

# They speak HTTP and our own words, and none of a vendor's.
NEUTRAL: Final = frozenset(
    {"__init__.py", "base.py", "client.py", "pacing.py", "shapes.py"}
)
# What else is no vendor's word: HTTP, Python, our own names and the users' texts.
OURS: Final = frozenset(
    {
        # HTTP and Python
        "GET",
        "POST",
        "DELETE",
        "https",
        "ws",
        "wss",
        "replace",
        "body",
        "query",
        "utf-8",
        # our own fields
        "activity",
        "asked_as",
        "event_id",
        "implied",
        "last_seen",
        "time",
        # the gateways' names and the config flow's fields
        "WaAPI",
        "Wawp",
        "WAHA",
        "waapi",
        "wawp",
        "waha",
        "api_key",
        "api_token",
        "waapi.app",
        "api.wawp.net",
        # parts of our own texts
        "API key",
        "API token",
        "access token or the instance id",
        # kinds of characters
        "Cc",
        "Co",
        "Cs",
        "So",
        # values in any form of JSON
        "false",
        "c.us",
        "@c.us",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    gateway: str
    what: str
    meaning: str
    sure: str
    code: str
    test: str

    @property
    def words(self) -> list[str]:
        """The vendor's words, paths as they are written."""
        return quoted(self.what)

    @property
    def tokens(self) -> set[str]:
        """The words, paths taken apart, without what stands for a value."""
        return {token for word in self.words for token in parts(word)}


def quoted(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def parts(word: str) -> Iterator[str]:
    """Take a word apart: a path into its segments."""
    word = re.sub(r"\{[^}]*\}", "", word)
    pieces = word.split("/") if "/" in word else [word]
    for piece in pieces:
        stripped = piece.strip(" :=?&")
        if re.search(r"[A-Za-z0-9*]", stripped):
            yield stripped


def rows() -> list[Row]:
    """Read the table whose columns are the right ones."""
    _, _, below = PAGE.partition(f"| {' | '.join(COLUMNS)} |\n|")
    assert below, "the table is not there"
    found = []
    for line in below.split("\n")[1:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert len(cells) == len(COLUMNS), line
        found.append(Row(*cells))
    return found


ROWS: Final = rows()


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text("utf-8"))


def said(path: Path) -> Iterator[str]:
    """Return the texts in a file that are no docstrings and no messages of ours."""
    module = tree(path)
    ours: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            ours.add(id(node.value))
        elif isinstance(node, ast.Raise) or (
            isinstance(node, ast.Call)
            and re.search(r"notice|_LOGGER|warning|debug", ast.unparse(node.func))
        ):
            ours.update(map(id, ast.walk(node)))
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in ours
        ):
            yield node.value


def functions(path: Path) -> set[str]:
    """Return the names of a file's functions."""
    return {
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def is_text_of_ours(value: str) -> bool:
    """Whether it is a sentence, a part of one, a pattern, or nothing."""
    return (
        value.endswith(".")
        or value.startswith((" ", ". "))
        or bool(re.match(r"[A-Z]\w+ ", value))
        or any(char in value for char in "[]()\\+<>%")
        or not re.search(r"[A-Za-z*]", value)
    )


def words_of(path: Path) -> set[str]:
    """Return the vendor's words that a file speaks, paths taken apart."""
    return {
        token
        for value in said(path)
        if not is_text_of_ours(value)
        for token in parts(value.removeprefix("https://"))
        if token not in OURS
    }


def mentions(path: Path, token: str) -> bool:
    """Whether a file says a word, has a status, or a status' name."""
    if token.isdecimal():
        source = path.read_text("utf-8")
        names = {n for n, s in HTTPStatus.__members__.items() if s == int(token)}
        return token in source or any(name in source for name in names)
    values = {part for value in said(path) for part in parts(value)}
    return token in values or any(
        # A word that the code puts together: `send-presence-` and `available`.
        token.startswith(value) and token.removeprefix(value) in values
        for value in values
        if value.endswith("-")
    )


def test_each_row_says_how_sure_it_is() -> None:
    """In the words that the page explains."""
    for row in ROWS:
        assert set(row.gateway.split(", ")) <= NAMES, row
        assert row.meaning, row
        assert row.sure, row
        assert set(row.sure.split()) <= SURE, row


def test_each_row_s_code_is_there_and_says_it() -> None:
    """Each word in one of the files, each name in its own file."""
    missing: list[tuple[str, str]] = []
    for row in ROWS:
        files: list[Path] = []
        for place in quoted(row.code):
            name, _, needed = place.partition(":")
            path = (GATEWAYS / name).resolve()
            assert path.is_file(), row
            files.append(path)
            if needed not in path.read_text("utf-8"):
                missing.append((row.what, place))
        assert files, row
        if not all(":" in place for place in quoted(row.code)):
            missing += [
                (row.what, token)
                for token in sorted(row.tokens)
                if not any(mentions(path, token) for path in files)
            ]
    assert missing == []


def test_each_row_s_tests_are_there() -> None:
    """A file and the name of a function in it."""
    missing: list[tuple[str, str]] = []
    for row in ROWS:
        assert quoted(row.test), row
        for place in quoted(row.test):
            path, _, name = place.partition("::")
            if not (TESTS / path).is_file() or name not in functions(TESTS / path):
                missing.append((row.what, place))
    assert missing == []


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(GATEWAYS.glob("*.py")) if path.name not in NEUTRAL],
    ids=lambda path: path.name,
)
def test_every_word_of_a_vendor_has_a_row(path: Path) -> None:
    """Whoever adds one says how sure it is, and what tests it."""
    known = {token for row in ROWS for token in row.tokens}
    assert [
        word
        for word in sorted(words_of(path) - known)
        # The beginning of one that the code puts together will do.
        if not (word.endswith("-") and any(token.startswith(word) for token in known))
    ] == []


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_no_vendor_s_word_hides_in_a_file_that_has_none(name: str) -> None:
    """But those that are everybody's: `id`, `status`, `message` and the like."""
    vendors = {
        token
        for row in ROWS
        for token in row.tokens
        if row.gateway != "all" and re.search(r"[a-z][A-Z]|[._]", token)
    }
    assert sorted((words_of(GATEWAYS / name) & vendors) - {"@g.us"}) == []


def test_what_is_unknown_is_marked() -> None:
    """There is such a thing, or the page would claim to know everything."""
    assert [row for row in ROWS if "UNKNOWN" in row.sure]
