"""What is odd can be reported without a word of what it said."""

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import Gateway
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


INSTANCES = {"waapi": "123", "wawp": "A1B2C3D4E5F6", "waha": "default"}


def client(key: str) -> Gateway:
    """Create a client that only reads events."""
    gateway = GATEWAYS[key]
    config = {
        "url": "http://127.0.0.1:1",
        gateway.instance_field: INSTANCES[key],
        gateway.token_field: "t0ken",
    }
    return gateway.from_config(None, config)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "event", "shapes"),
    [
        (
            "waapi",
            {
                "event": "presence_update",
                "data": {"who": {"user": NUMBER}, f"{NUMBER}@c.us": "typing"},
            },
            [{"data": {"who": {"user": "string"}, HIDDEN_KEY: "string"}}],
        ),
        (
            "waapi",
            {
                "event": "presence_update",
                "data": {"id": f"{NUMBER}@c.us", "chatstate": "dancing"},
            },
            [{"id": "string", "chatstate": "string"}],
        ),
        (
            "waha",
            {"event": "presence.update", "payload": {"who": NUMBER}},
            [{"event": "string", "payload": {"who": "string"}}],
        ),
        (
            "wawp",
            {
                "event": "presence.update",
                "payload": {
                    "id": f"{NUMBER}@c.us",
                    "presences": [{"lastKnownPresence": "dancing"}],
                },
            },
            [{"lastKnownPresence": "string"}],
        ),
    ],
)
def test_a_form_that_nobody_showed_is_told_once_and_kept_as_its_shape(
    caplog: pytest.LogCaptureFixture, key: str, event: Any, shapes: list[Any]
) -> None:
    """With the request to report it, and without a word of it."""
    gateway = client(key)
    assert gateway.odd_shapes == []
    for _ in range(3):
        gateway.parse_event(json.dumps(event).encode(), {})
    [line] = caplog.messages
    assert "told once" in line
    assert "please report its shape" in line
    kept = gateway.odd_shapes
    assert [shape["structure"] for shape in kept] == shapes
    assert [shape["count"] for shape in kept] == [3]
    for private in (NUMBER, "dancing"):
        assert private not in line + json.dumps(kept)


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("waapi", {"event": "ready", "instanceId": 9}),
        ("waha", {"event": "session.status", "session": "other"}),
    ],
)
def test_what_is_somebody_else_s_is_no_shape_to_report(
    caplog: pytest.LogCaptureFixture, key: str, event: Any
) -> None:
    """It is told once, and that is all."""
    gateway = client(key)
    gateway.parse_event(json.dumps(event).encode(), {})
    [line] = caplog.messages
    assert "report" not in line
    assert gateway.odd_shapes == []
