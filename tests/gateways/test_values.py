"""What a gateway may put into Home Assistant is bounded and cleaned."""

from typing import Any

import pytest

from custom_components.whatsapp_presence.gateways.base import ChatInfo
from custom_components.whatsapp_presence.gateways.values import (
    MAX_ITEMS,
    address,
    as_chat_id,
    chats,
    merged,
    text,
)
from custom_components.whatsapp_presence.presence.names import as_name

from .conftest import ANNA, LID


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Anna", "Anna"),
        ("  Anna\n\tMaria ", "Anna Maria"),
        ("Anna\x00\x1b[31m", "Anna[31m"),
        ("\u202eannA\u202c", "annA"),
        ("\ud800Anna", "Anna"),
        ("آنا‌ماریا", "آنا‌ماریا"),
        ("👩‍👧", "👩‍👧"),
        ("+49 1512 3456789", None),
        ("447700900123", None),
        ("~", None),
        ("", None),
        (" \x00 ", None),
        (7, None),
        (None, None),
        ("A" * 300_000, "A" * 99 + "…"),
    ],
)
def test_a_name_is_one_that_can_be_shown(raw: Any, expected: str | None) -> None:
    """A text without letters is none; an emoji is as good as one."""
    assert as_name(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" WORKING\r\n", "WORKING"),
        ("a\x07b", "ab"),
        ("x" * 1_000_000, "x" * 200),
        ("", None),
        ({}, None),
    ],
)
def test_a_word_is_bounded(raw: Any, expected: str | None) -> None:
    """It may end in a state or a log."""
    assert text(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" https://pps.example/x?y=1 ", "https://pps.example/x?y=1"),
        (f"https://pps.example/{'x' * 1_000_000}", None),
        ("https://pps.example/\x00", None),
        ("https://pps.example/\n.evil", None),
        ("https://pps.example/a b", None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_an_address_is_as_it_was_or_none(raw: Any, expected: str | None) -> None:
    """Half of one would be another's."""
    assert address(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("4915123456789@hosted", "4915123456789@c.us"),
        ("4915123456789:99@hosted", "4915123456789@c.us"),
        ("123@hosted.lid", "123@lid"),
    ],
)
def test_hosted_ids_are_those_of_people(raw: str, expected: str) -> None:
    """A business that lets its messages be kept elsewhere."""
    assert as_chat_id(raw) == expected


def test_a_list_tells_the_other_id_where_it_has_it() -> None:
    """One of each kind; what is no pair is none."""
    assert chats(
        [
            {"id": LID, "phoneNumber": ANNA, "name": "Anna"},
            {"id": ANNA, "lid": LID},
            {"id": ANNA, "phoneNumber": ANNA},
            {"id": LID, "lid": "5@lid"},
            {"id": ANNA, "lid": None, "pn": 7},
        ]
    ) == [
        ChatInfo(chat_id=LID, name="Anna", alias=ANNA),
        ChatInfo(chat_id=ANNA, alias=LID),
        ChatInfo(chat_id=ANNA),
        ChatInfo(chat_id=LID),
        ChatInfo(chat_id=ANNA),
    ]


def test_lists_that_are_put_together_lose_nothing() -> None:
    """What any of them knows of a chat is kept, in the order of the first."""
    assert merged(
        [ChatInfo(chat_id=ANNA, alias=LID), ChatInfo(chat_id="5@lid")],
        [ChatInfo(chat_id="5@lid", name="Fritz"), ChatInfo(chat_id=ANNA, name="Anna")],
    ) == [
        ChatInfo(chat_id=ANNA, name="Anna", alias=LID),
        ChatInfo(chat_id="5@lid", name="Fritz"),
    ]


def test_of_a_list_without_end_the_first_are_read() -> None:
    """Nobody has so many chats; a gateway gone mad holds nobody up."""
    one_too_many = [{"id": f"49151{number:08}@c.us"} for number in range(MAX_ITEMS + 1)]
    found = chats(one_too_many)
    assert len(found) == MAX_ITEMS
    assert found[0].chat_id == "4915100000000@c.us"
