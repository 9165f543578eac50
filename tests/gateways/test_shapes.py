"""What is odd can be reported without a word of what it said."""

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.whatsapp_presence.gateways.shapes import (
    CUT,
    HIDDEN_KEY,
    MAX_DEPTH,
    MAX_KEYS,
    MAX_NODES,
    MAX_SHAPES,
    Capture,
    structure_of,
)

NUMBER = "491511234567"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "boolean"),
        (7, "integer"),
        (0.5, "float"),
        ("Anna", "string"),
        (b"raw", "other"),
        ([], []),
        ({}, {}),
        ((1, "a"), ["integer", "string"]),
        (
            {"isOnline": True, "lastSeen": None},
            {"isOnline": "boolean", "lastSeen": "null"},
        ),
        ([{"id": "a"}, {"id": "b"}, {"id": 1}], [{"id": "string"}, {"id": "integer"}]),
    ],
)
def test_every_value_is_its_type(value: Any, expected: Any) -> None:
    """And of a list, each structure is told once."""
    assert structure_of(value) == expected


@pytest.mark.parametrize(
    "key",
    [
        f"{NUMBER}@c.us",
        NUMBER,
        f"+{NUMBER}",
        "Anna",
        "Anna Müller",
        "anna@example.org",
        "a" * 50,
        "https://home.example",
        7,
    ],
)
def test_a_key_that_may_be_somebody_s_is_hidden(key: Any) -> None:
    """Objects may be keyed by ids, numbers or names."""
    assert structure_of({key: 1}) == {HIDDEN_KEY: "integer"}


@pytest.mark.parametrize(
    "key",
    ["lastKnownPresence", "_serialized", "JID", "0", "12", "$oid", "user-id", "a1"],
)
def test_a_field_s_name_stays(key: str) -> None:
    """Or nothing could be learnt."""
    assert structure_of({key: 1}) == {key: "integer"}


def test_what_is_too_deep_too_wide_or_too_much_is_cut() -> None:
    """And says so."""
    deep: Any = "end"
    for _ in range(MAX_DEPTH + 5):
        deep = {"a": deep}
    assert CUT in json.dumps(structure_of(deep), ensure_ascii=False)
    wide = structure_of({f"a{'b' * (i % 30)}{i // 30}": 1 for i in range(200)})
    assert isinstance(wide, dict)
    assert (len(wide), wide[CUT]) == (MAX_KEYS + 1, CUT)
    assert structure_of([[1], ["a"], [None], [True]])[-1:] == [CUT]  # type: ignore[index]
    many = [{"a" * (i + 1): {"b" * (j + 1): j for j in range(20)} for i in range(20)}]
    assert len(json.dumps(structure_of(many))) < MAX_NODES * 40


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@given(json_values)
def test_any_body_has_a_structure_that_json_can_hold(value: Any) -> None:
    """Whatever comes, and never with a digit run that could be a number."""
    text = json.dumps(structure_of(value))
    assert not any(char.isdigit() for char in text.replace("\\u2026", "")) or all(
        len(run) <= 3 for run in _digits(text.replace("\\u2026", ""))
    )


def _digits(text: str) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in text).split()


def test_the_same_shape_is_kept_once() -> None:
    """With how many times it came; the last one at the end, the oldest gone."""
    capture = Capture()
    assert capture.as_list() == []
    for body in ({"type": "composing"}, {"type": 1}, {"type": "paused"}):
        capture.note("a presence update in an unknown form", body)
    assert capture.as_list() == [
        {
            "kind": "a presence update in an unknown form",
            "structure": {"type": "integer"},
            "count": 1,
        },
        {
            "kind": "a presence update in an unknown form",
            "structure": {"type": "string"},
            "count": 2,
        },
    ]
    for i in range(MAX_SHAPES):
        capture.note("another", {"a" * (i + 1): 1})
    assert len(capture.as_list()) == MAX_SHAPES
    assert {row["kind"] for row in capture.as_list()} == {"another"}
