"""What a reader of one language stumbles over, as far as a machine can see it."""

import json
from pathlib import Path
import re
from typing import Any, Final

import pytest

from .test_translations import ENGLISH, LANGUAGES, leaves

SOURCE: Final = dict(leaves(ENGLISH))
EACH_LANGUAGE: Final = pytest.mark.parametrize(
    "path", LANGUAGES, ids=lambda path: path.stem
)
# What ends a sentence, in all scripts, before marks that are not seen.
ENDS: Final = re.compile(r"[.?!:।؟][*`)\u200e\u200f\u2069]*$")


def read(path: Path) -> dict[str, str]:
    """Return all texts of a language by their keys."""
    return dict(leaves(json.loads(path.read_text("utf-8"))))


@EACH_LANGUAGE
def test_sentences_are_whole(path: Path) -> None:
    """What is a sentence in English is one here; what is a name is none."""
    for key, text in read(path).items():
        assert bool(ENDS.search(text)) is bool(ENDS.search(SOURCE[key])), key


@EACH_LANGUAGE
@pytest.mark.parametrize("mark", [r"\*\*", "```", "(?<!`)`(?!`)", "\n\n", "^[-0-9]"])
def test_paragraphs_and_marks_are_the_sources(path: Path, mark: str) -> None:
    """Nothing is left out, and no mark is left open."""
    for key, text in read(path).items():
        found, wanted = (
            len(re.findall(mark, one, re.MULTILINE)) for one in (text, SOURCE[key])
        )
        assert found == wanted, key


@EACH_LANGUAGE
def test_what_is_named_is_called_as_it_is_shown(path: Path) -> None:
    """A switch or field that a text points at has that name in this language."""
    texts = read(path)
    for key, source in SOURCE.items():
        for name in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", source):
            # What stands behind it in brackets is left out in a text.
            shown = {
                texts[other].split(" (")[0]
                for other, text in SOURCE.items()
                if text.split(" (")[0] == name
            }
            if shown:
                assert any(f"*{one}*" in texts[key] for one in shown), (key, name)


@EACH_LANGUAGE
def test_ready_does_not_read_like_the_status(path: Path) -> None:
    """Both stand on one page: one says yes or no, the other how the account stands."""
    texts = read(path)
    ready, status = (
        {text for key, text in texts.items() if key.startswith(f"entity.{prefix}.")}
        for prefix in ("binary_sensor.ready.state", "sensor.status.state")
    )
    assert len(ready) == 2
    assert not ready & status
    assert texts["entity.binary_sensor.ready.name"] not in status


@EACH_LANGUAGE
def test_titles_of_repairs_fit_a_phone(path: Path) -> None:
    """Beside the name of an account or chat, which is the longer part on some days."""
    for key, issue in json.loads(path.read_text("utf-8"))["issues"].items():
        assert len(re.sub(r"{\w+}", "", issue["title"])) <= 30, key


@EACH_LANGUAGE
def test_the_switch_that_has_a_price_tells_it_on_a_phone(path: Path) -> None:
    """It stands behind the name, where a longer name is cut off."""
    name = read(path)["entity.switch.announce_online.name"]
    assert re.fullmatch(r".+ \(.+\)", name)
    assert len(name) <= 33


def units(node: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Return where a unit is translated."""
    if not isinstance(node, dict):
        return []
    found = [".".join(path)] if "unit_of_measurement" in node else []
    for key, value in node.items():
        found += units(value, (*path, key))
    return found


@EACH_LANGUAGE
def test_no_number_stands_before_a_noun(path: Path) -> None:
    """Home Assistant has no plural for a unit, and “1 members” is wrong."""
    assert units(json.loads(path.read_text("utf-8"))) == []


@EACH_LANGUAGE
def test_a_number_in_a_text_needs_no_plural(path: Path) -> None:
    """A count stands after a colon, not before what is counted."""
    for key, text in read(path).items():
        if "{count}" in text:
            assert re.search(r":\s*{count}[.।]?$", text, re.MULTILINE), key


@EACH_LANGUAGE
def test_french_spaces_do_not_break(path: Path) -> None:
    """Before a colon and its like, French has a space at which no line ends."""
    if path.stem == "fr":
        for key, text in read(path).items():
            assert not re.search(r"(?<=\S) [:;?!»](?=\s|$)", text), key
            assert "« " not in text, key
