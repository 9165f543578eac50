"""The ids of chats: read them in any notation, write them in one.

The one notation is `<phone number>@c.us` or `<opaque digits>@lid` for a person
and `<digits>@g.us` for a group.
"""

import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

_PERSON = "@c.us"
_LID = "@lid"
_GROUP = "@g.us"

# The engines write a person's agent as `.0` or `_1` and the device as `:12`.
_PHONE_ID = re.compile(
    r"([1-9][0-9]{6,14})(?:[._][0-9]{1,3})?(?::[0-9]{1,5})?@(?:c\.us|s\.whatsapp\.net|hosted)"
)
_LID_ID = re.compile(
    r"([0-9]{1,20})(?:[._][0-9]{1,3})?(?::[0-9]{1,5})?@(?:lid|hosted\.lid)"
)
_GROUP_ID = re.compile(r"([0-9]{5,25}|[0-9]{5,15}-[0-9]{5,15})@g\.us")

_SCHEME = re.compile(r"(?:tel|sms|callto|whatsapp):(?!//)", re.IGNORECASE)
_LINK = re.compile(
    r"(?:[a-z]+://)?(?:(?:www\.)?wa\.me|(?:api\.|web\.|www\.)?whatsapp\.com|send)[/?]",
    re.IGNORECASE,
)
_TRUNK_ZERO = re.compile(
    r"^([^0-9]*(?:00[^0-9]*)?[1-9][0-9]{0,2}[^0-9]{0,3}?)[(\[]0[)\]]"
)
_NUMBER = re.compile(r"[(\[]?(\+?)([0-9 ()\[\]./-]+)")
_E164 = re.compile(r"[1-9][0-9]{6,14}")


class InvalidChatIdError(ValueError):
    """Something is no id of a chat with a presence; the message does not repeat it."""

    def __init__(self) -> None:
        """Say what is wrong without saying with what."""
        super().__init__("Not the id of a contact or a group, nor a phone number")


def normalise(raw: str) -> str:
    """Bring an id, as a gateway or a user may write it, into its one form.

    The device of a person is dropped. Raises InvalidChatIdError for all that is
    neither a person nor a group: broadcasts, channels, status, garbage.
    """
    chat_id = raw.strip().lower()
    if match := _PHONE_ID.fullmatch(chat_id):
        return match[1] + _PERSON
    if match := _LID_ID.fullmatch(chat_id):
        return match[1] + _LID
    if _GROUP_ID.fullmatch(chat_id):
        return chat_id
    raise InvalidChatIdError


def from_input(text: str) -> str:
    """Read what a user typed or pasted: an id, a phone number, a link to a chat.

    A number must be international (E.164: 7 to 15 digits with the country code,
    with or without `+` or `00` before them). Raises InvalidChatIdError for all
    else, a national number (`0151…`) among it, for its country can't be told.
    """
    folded = _fold(text)
    if "@" in folded and not _LINK.match(folded):
        return normalise(folded)
    number = _unwrap(folded)
    # "+49 (0)151…": the zero is dialled only inside the country.
    number = _TRUNK_ZERO.sub(r"\1", number)
    if not (match := _NUMBER.fullmatch(number)):
        raise InvalidChatIdError
    digits = re.sub("[^0-9]", "", match[2])
    if not match[1]:
        digits = digits.removeprefix("00")
    if not _E164.fullmatch(digits):
        raise InvalidChatIdError
    return digits + _PERSON


def is_group(chat_id: str) -> bool:
    """Whether a normalised id is that of a group."""
    return chat_id.endswith(_GROUP)


def is_lid(chat_id: str) -> bool:
    """Whether a normalised id is opaque; its digits are never a phone number."""
    return chat_id.endswith(_LID)


def phone_number(chat_id: str) -> str | None:
    """Return the digits of the phone number in a normalised id, if it has one."""
    return chat_id.removesuffix(_PERSON) if chat_id.endswith(_PERSON) else None


def _fold(text: str) -> str:
    """Replace the look-alikes of ASCII characters; drop what can't be seen."""
    return "".join(map(_fold_character, text)).strip()


def _fold_character(character: str) -> str:
    """Fold one character; all digits become ASCII, all dashes and spaces one."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character.isnumeric():
        # A footnote's ² must not become a digit of somebody else's number.
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Pd" and character != "-":
        return "-"
    if category == "Zs" or character.isspace():
        return " "
    if character in "\N{MINUS SIGN}\N{HYPHEN BULLET}":
        return "-"
    if character in "\N{MIDDLE DOT}\N{BULLET}":
        return "."
    return unicodedata.normalize("NFKC", character)


def _unwrap(text: str) -> str:
    """Take the number out of a link."""
    if match := _SCHEME.match(text):
        return unquote(text[match.end() :].partition(";")[0].partition("?")[0]).strip()
    if not _LINK.match(text):
        return text
    link = urlsplit(text if "://" in text else f"//{text}")
    # A plus that was not escaped reads as a space in a query.
    if phone := parse_qs(link.query).get("phone"):
        return phone[0].strip()
    return unquote(link.path).strip("/ ")
