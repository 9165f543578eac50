"""Chat ids in all the notations that engines write."""

import pytest

from custom_components.whatsapp_presence.presence.chat_id import (
    InvalidChatIdError,
    is_group,
    is_lid,
    normalise,
    phone_number,
    same_person,
)

ANNA = "491511234567@c.us"


@pytest.mark.parametrize(
    ("raw", "chat_id"),
    [
        ("491511234567@c.us", ANNA),
        ("491511234567@s.whatsapp.net", ANNA),
        (" 491511234567@C.US\n", ANNA),
        ("491511234567@S.WhatsApp.NET", ANNA),
        ("491511234567:12@s.whatsapp.net", ANNA),
        ("491511234567:12@c.us", ANNA),
        ("491511234567@s.whatsapp.net:12", ANNA),
        ("169412345678901@lid:12", "169412345678901@lid"),
        ("491511234567.0:12@s.whatsapp.net", ANNA),
        ("491511234567_1:12@s.whatsapp.net", ANNA),
        ("491511234567.0@s.whatsapp.net", ANNA),
        ("491511234567_1@c.us", ANNA),
        ("491511234567@hosted", ANNA),
        ("491511234567:99@hosted", ANNA),
        ("169412345678901@hosted.lid", "169412345678901@lid"),
        ("169412345678901:99@Hosted.LID", "169412345678901@lid"),
        ("6834000@c.us", "6834000@c.us"),
        ("123456789012345@c.us", "123456789012345@c.us"),
        ("169412345678901@lid", "169412345678901@lid"),
        ("169412345678901:3@LID", "169412345678901@lid"),
        ("169412345678901.1:3@lid", "169412345678901@lid"),
        ("999@lid", "999@lid"),
        ("120363000000000001@g.us", "120363000000000001@g.us"),
        ("120363000000000001@G.us", "120363000000000001@g.us"),
        ("491511234567-1600000000@g.us", "491511234567-1600000000@g.us"),
        ("111111@g.us", "111111@g.us"),
    ],
)
def test_ids_have_one_form(raw: str, chat_id: str) -> None:
    """However an engine writes an id, it becomes the same one, and stays it."""
    assert normalise(raw) == chat_id
    assert normalise(chat_id) == chat_id


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "@",
        "@c.us",
        "491511234567",
        "+491511234567@c.us",
        "0491511234567@c.us",
        "123456@c.us",
        "1234567890123456@c.us",
        "4915112a4567@c.us",
        "49 1511234567@c.us",
        "491511234567@c.us.example",
        "491511234567@@c.us",
        "491511234567:@c.us",
        "491511234567@hosted.example",
        "491511234567@hostedlid",
        "٤٩١٥١١٢٣٤٥٦٧@c.us",
        "status@broadcast",
        "1600000000@broadcast",
        "120363000000000001@newsletter",
        "0@c.us",
        "@lid",
        "123456789012345678901@lid",
        "1694-1@lid",
        "120363000000000001:1@g.us",
        "-1600000000@g.us",
        "491511234567-@g.us",
        "49-151-1600000000@g.us",
        "1203@g.us",
        "491511234567@c.us\x00",
        "491511234567@c.us,491511234568@c.us",
    ],
)
def test_what_is_no_person_and_no_group_is_refused(raw: str) -> None:
    """Broadcasts, channels and garbage have no presence."""
    with pytest.raises(InvalidChatIdError):
        normalise(raw)


@pytest.mark.parametrize("raw", ["", "nobody", "4915112a4567@c.us"])
def test_errors_never_repeat_the_input(raw: str) -> None:
    """What is no id may be a phone number, and errors end up in logs."""
    with pytest.raises(InvalidChatIdError) as raised:
        normalise(raw)
    assert str(raised.value) == str(InvalidChatIdError())


@pytest.mark.parametrize(
    ("ids", "apart"),
    [
        (("5215512345678@c.us", "525512345678@c.us"), "525512345679@c.us"),
        (("5491123456789@c.us", "541123456789@c.us"), "541123456780@c.us"),
        (("5551984487474@c.us", "555184487474@c.us"), "555134487474@c.us"),
        (("22995123456@c.us", "2290195123456@c.us"), "2290195123457@c.us"),
        # A landline in Brazil, and a mobile that has its digits behind a nine.
        (("551131234567@c.us",), "5511931234567@c.us"),
        ((ANNA,), "4915112345670@c.us"),
        (("5215512345678@lid",), "525512345678@lid"),
        (("120363000000000001@g.us",), "120363000000000002@g.us"),
    ],
)
def test_a_person_has_one_id_in_all_forms_of_the_number(
    ids: tuple[str, ...], apart: str
) -> None:
    """Mexico, Argentina, Brazil and Benin have changed theirs; nobody else is touched."""
    assert len(set(map(same_person, ids))) == 1
    assert same_person(apart) != same_person(ids[0])


@pytest.mark.parametrize(
    ("chat_id", "group", "lid", "number"),
    [
        (ANNA, False, False, "491511234567"),
        ("169412345678901@lid", False, True, None),
        ("120363000000000001@g.us", True, False, None),
        ("491511234567-1600000000@g.us", True, False, None),
    ],
)
def test_an_id_tells_what_it_names(
    chat_id: str, group: bool, lid: bool, number: str | None
) -> None:
    """The digits of a lid or a group are never a phone number."""
    assert is_group(chat_id) is group
    assert is_lid(chat_id) is lid
    assert phone_number(chat_id) == number
