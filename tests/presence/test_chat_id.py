"""Chat ids and phone numbers in all the notations that the world writes."""

from hypothesis import given, strategies as st
import pytest

from custom_components.whatsapp_presence.presence.chat_id import (
    InvalidChatIdError,
    from_input,
    is_group,
    is_lid,
    normalise,
    phone_number,
)

# Hypothesis miscounts the references to its own generator on Python 3.14.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")

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
        ("491511234567.0:12@s.whatsapp.net", ANNA),
        ("491511234567_1:12@s.whatsapp.net", ANNA),
        ("491511234567.0@s.whatsapp.net", ANNA),
        ("491511234567_1@c.us", ANNA),
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
    assert from_input(raw) == chat_id


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


@pytest.mark.parametrize(
    "text",
    [
        "+491511234567",
        "491511234567",
        "00491511234567",
        "+49 151 1234567",
        "+49 151 1234-567",
        "+49-151-123-45-67",
        "+49.151.1234567",
        "+49 151/1234567",
        "(+49) 151 1234567",
        "+(49) 151 1234567",
        "+49 (151) 1234567",
        "[+49] 151 1234567",
        "0049 (0)151 1234567",
        "00 49 (0)151 1234567",
        "+49(0)1511234567",
        "+49 [0] 151 1234567",
        "49 (0)151 1234567",
        "  +49 151 1234567\t",
        "+49\u00a0151\u202f123\u20094567",
        "+49\u2011151\u20131234\u2014567",
        "+49\u2212151\u22121234567",
        "+49·151·1234567",
        "\u202a+49 151 1234567\u202c",
        "\ufeff+49\u200b151\u200d1234567",
        "＋４９　（０）１５１－１２３４５６７",
        "٤٩١٥١١٢٣٤٥٦٧",
        "+४९ १५१ १२३४५६७",
        "tel:+49-151-1234567",
        "TEL:+491511234567;ext=12",
        "tel:%2B491511234567",
        "sms:+491511234567?body=hello",
        "whatsapp:+491511234567",
        "https://wa.me/491511234567",
        "https://wa.me/+49 151 1234567/",
        "HTTPS://WA.ME/491511234567?text=a@b",
        "wa.me/491511234567",
        "http://www.wa.me/491511234567",
        "https://api.whatsapp.com/send?phone=491511234567&text=hello",
        "https://api.whatsapp.com/send/?phone=%2B491511234567",
        "https://web.whatsapp.com/send?phone=+491511234567",
        "whatsapp://send?phone=491511234567",
        "491511234567@c.us",
        "491511234567:3@s.whatsapp.net",
    ],
)
def test_users_write_one_number_in_many_ways(text: str) -> None:
    """Every common international notation leads to the same chat."""
    assert from_input(text) == ANNA


@pytest.mark.parametrize(
    ("text", "chat_id"),
    [
        ("+1 (202) 555-0123", "12025550123@c.us"),
        ("+39 06 1234 5678", "390612345678@c.us"),
        ("+44 (0) 20 7946 0018", "442079460018@c.us"),
        ("+683 4000", "6834000@c.us"),
        ("+358 (0)50 1234567", "358501234567@c.us"),
        ("1694@lid", "1694@lid"),
        ("120363000000000001@g.us", "120363000000000001@g.us"),
    ],
)
def test_the_digits_of_a_number_are_kept(text: str, chat_id: str) -> None:
    """Only a zero in brackets behind the country code goes."""
    assert from_input(text) == chat_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "00",
        "Anna",
        "0151 1234567",
        "(0)151 1234567",
        "(0151) 1234567",
        "+0151 1234567",
        "+00491511234567",
        "++491511234567",
        "49+1511234567",
        "+49 151 1234567 ext 3",
        "+49 151 1234567, +49 151 1234568",
        "1-800-FLOWERS",
        "123456",
        "+1234567890123456",
        "120363000000000001",
        "491511234567-1600000000",
        "+49 151 123456²",
        "+49 151 123456①",
        "tel:",
        "tel:0151-1234567;phone-context=+49",
        "wa.me/",
        "https://wa.me/message/ABCDEF123456",
        "https://wa.me/qr/1234567890",
        "https://chat.whatsapp.com/AbCdEf1234567890",
        "https://example.com/491511234567",
        "http://[wa.me/491511234567",
        "whatsapp://send?text=hello",
        "https://www.whatsapp.com/[1",
        "anna@example.com",
        "491511234567@newsletter",
    ],
)
def test_what_leads_to_no_chat_is_refused(text: str) -> None:
    """National numbers, several numbers, other links, words and nothing."""
    with pytest.raises(InvalidChatIdError):
        from_input(text)


def outcome(text: str) -> str:
    """Return the id that was read, or what is said if there is none."""
    try:
        return from_input(text)
    except ValueError as err:
        return str(err)


@given(st.text())
def test_errors_never_repeat_the_input(text: str) -> None:
    """What the user typed is a phone number, and errors end up in logs."""
    said = outcome(text)
    assert said == str(InvalidChatIdError()) or normalise(said) == said


@given(st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), st.data())
def test_any_number_survives_any_punctuation(digits: str, data: st.DataObject) -> None:
    """Separators say nothing, wherever they stand."""
    separators = data.draw(
        st.lists(
            st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", "\u200e"]),
            min_size=len(digits),
            max_size=len(digits),
        )
    )
    prefix = data.draw(st.sampled_from(["", "+", "00", "+ ", "tel:+"]))
    text = prefix + "".join(map("".join, zip(digits, separators, strict=True)))
    assert from_input(text) == f"{digits}@c.us"


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
