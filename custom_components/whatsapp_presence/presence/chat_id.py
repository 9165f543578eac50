"""The ids of chats: read them in any notation, write them in one.

The one notation is `<phone number>@c.us` or `<opaque digits>@lid` for a person
and `<digits>@g.us` for a group.
"""

import re

_PERSON = "@c.us"
_LID = "@lid"
_GROUP = "@g.us"

# The engines write a person's agent as `.0` or `_1` and the device as `:12`, which may
# also stand at the end. Who has their messages kept by another company has ids of their
# own for the same number.
_DEVICE = r"(?:[._][0-9]{1,3})?(?::[0-9]{1,5})?"
_LATE_DEVICE = r"(?::[0-9]{1,5})?"
_PHONE_ID = re.compile(
    rf"([1-9][0-9]{{6,14}}){_DEVICE}@(?:c\.us|s\.whatsapp\.net|hosted){_LATE_DEVICE}"
)
_LID_ID = re.compile(rf"([0-9]{{1,20}}){_DEVICE}@(?:lid|hosted\.lid){_LATE_DEVICE}")
_GROUP_ID = re.compile(r"([0-9]{5,25}|[0-9]{5,15}-[0-9]{5,15})@g\.us")

# Brazil's landlines begin with 2 to 5, and never had a ninth digit.
_FORMS = (
    (re.compile(r"521([0-9]{10})"), r"52\1"),
    (re.compile(r"549([0-9]{10})"), r"54\1"),
    (re.compile(r"55([1-9][0-9])9([6-9][0-9]{7})"), r"55\1\2"),
    (re.compile(r"22901([2-9][0-9]{7})"), r"229\1"),
)


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


def same_person(chat_id: str) -> str:
    """Return what all ids of one person by number have in common.

    WhatsApp keeps accounts under the numbers that countries have since changed: in
    Mexico a 1 behind the code, in Argentina a 9, in Brazil no ninth digit, in Benin no
    01. All others are returned as they are.
    """
    if (number := phone_number(chat_id)) is None:
        return chat_id
    for form, current in _FORMS:
        if match := form.fullmatch(number):
            return match.expand(current) + _PERSON
    return chat_id


def is_group(chat_id: str) -> bool:
    """Whether a normalised id is that of a group."""
    return chat_id.endswith(_GROUP)


def is_lid(chat_id: str) -> bool:
    """Whether a normalised id is opaque; its digits are never a phone number."""
    return chat_id.endswith(_LID)


def phone_number(chat_id: str) -> str | None:
    """Return the digits of the phone number in a normalised id, if it has one."""
    return chat_id.removesuffix(_PERSON) if chat_id.endswith(_PERSON) else None
