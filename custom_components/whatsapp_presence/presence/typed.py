"""What a user typed or pasted: an id, a link, a number, in any notation.

Only how it is written is told here; whose number it is, depends on the country.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

from .chat_id import InvalidChatIdError, normalise

# Much longer than a contact's card with a number in it.
_LONGEST = 2000
# On Tokelau, four digits are a number; beside another, so few are a part of its label.
_FEWEST = 4

_INVITATION = re.compile(r"\bchat\.whatsapp\.com/|\bwhatsapp://chat\b", re.IGNORECASE)
_LINK = re.compile(
    r"(?<![\w./@%=[-])(?:(?:https?://)?(?:(?:www\.)?wa\.me"
    r"|(?:api\.|web\.|www\.)?whatsapp\.com)|(?:whatsapp|intent)://send)[/?]",
    re.IGNORECASE,
)
# A link ends where words go on, or what stands around it.
_LINK_END = re.compile(r"[\s<>\"')\]]")
_SCHEME = re.compile(
    r"(?:tel|sms|smsto|mms|mmsto|callto|whatsapp):(?://)?", re.IGNORECASE
)
_CONTEXT = re.compile(r";phone-context=(\+[0-9.() -]+)", re.IGNORECASE)
_CARD = re.compile(r"\bwaid=\+?([0-9]{5,20})\b", re.IGNORECASE)
# Of a field in one line, a browser takes the ends of lines away.
_WHOLE_CARD = re.compile(r"(?:BEGIN:VCARD|MECARD:)", re.IGNORECASE)
_CARD_NUMBER = re.compile(
    r"TEL(?:;[^:]*)?:((?:tel:)?[ +0-9()./-]*[0-9])", re.IGNORECASE
)

# In Brazil, the place of a carrier's two digits.
_ANY_CARRIER = re.compile("(?<=0)xx(?= ?[0-9])", re.IGNORECASE)
_AROUND_AT = re.compile(" *@ *")

_NUMBER = re.compile(r"[(\[]?\+?[ (\[]*[0-9](?:[ ()\[\]./~_-]*[0-9])*[)\]]?")
_SEPARATORS = frozenset(" ()[]<>,;:.!?|\"'")
_LABEL = re.compile(r"[^\W\d_][0-9]+")
# Behind so many digits, a stroke parts no area from a number: another's end follows.
_WHOLE = 7


class Refusal(StrEnum):
    """Why something that was typed leads to no chat."""

    INVALID = "invalid_chat"
    INVITATION = "invitation"
    EXIT_CODE = "exit_code"
    TRUNK_PREFIX = "trunk_prefix"


@dataclass(frozen=True, slots=True)
class ChatId:
    """A chat that was named beyond doubt; `as_id`: by its id, not by a number."""

    chat_id: str
    as_id: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Confirm:
    """A chat that was probably meant; `number` is how its number is written."""

    chat_id: str
    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What was typed is of no use."""

    reason: Refusal


type Typed = ChatId | Confirm | Refused


class Start(StrEnum):
    """What a number begins with."""

    PLUS = "+"
    ZEROS = "00"
    DIGITS = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: the digits after `start`.

    Where `doubtful`, something else stands beside it that may belong to it.
    """

    digits: str
    start: Start
    doubtful: bool = False


_INVALID = Refused(Refusal.INVALID)


def read(text: str) -> ChatId | Number | Refused:
    """Read an id, a link to a chat, an address of a phone, a card, or a number.

    Numbers may stand among words, if it is one number.
    """
    if len(text) > _LONGEST:
        return _INVALID
    folded = _fold(text)
    if _INVITATION.search(folded):
        return Refused(Refusal.INVITATION)
    if links := list(_LINK.finditer(folded)):
        return _read_links(folded, [match.start() for match in links])
    if cards := set(_CARD.findall(folded)):
        return _only(Number(digits, Start.PLUS) for digits in cards)
    if _WHOLE_CARD.match(folded):
        return _only(map(_read_address, _CARD_NUMBER.findall(folded)))
    if scheme := _SCHEME.match(folded):
        return _read_address(folded[scheme.end() :])
    if "@" in folded:
        try:
            chat_id = _AROUND_AT.sub("@", folded.strip("+ <>()[]\"',;"))
            return ChatId(normalise(chat_id), as_id=True)
        except InvalidChatIdError:
            return _INVALID
    if "://" in folded:
        return _INVALID
    return _read_number(folded)


def _only(numbers: Iterable[Number | Refused]) -> Number | Refused:
    """Return what all of them are, if there are any."""
    found = set(numbers)
    return found.pop() if len(found) == 1 else _INVALID


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
    if category in ("Cf", "Mn", "Me"):
        # Marks of direction, and what makes a key of a digit.
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


def _read_links(text: str, starts: list[int]) -> Number | Refused:
    """Read the links to one chat that stand in a text."""
    links = [_LINK_END.split(text[start:], maxsplit=1)[0] for start in starts]
    number = _only(map(_read_link, links))
    if starts == [0] and not (
        isinstance(number, Number) and len(number.digits) >= _WHOLE
    ):
        # The number itself may be written with spaces.
        return _read_link(text)
    for link in links:
        text = text.replace(link, " ")
    if isinstance(number, Number) and any(map(str.isdecimal, text)):
        return replace(number, doubtful=True)
    return number


def _read_link(text: str) -> Number | Refused:
    """Read a link to a chat: its number has the country's code, with or without +."""
    link = urlsplit(text if "://" in text else f"//{text}")
    # A plus that was not escaped reads as a space in a query.
    phone = parse_qs(link.query.lower()).get("phone")
    number = _read_number((phone[0] if phone else unquote(link.path)).strip("/ "))
    if not isinstance(number, Number) or number.doubtful:
        return _INVALID
    if number.start is Start.DIGITS and not number.digits.startswith("0"):
        return Number(number.digits, Start.PLUS)
    return number


def _read_address(text: str) -> Number | Refused:
    """Read what is behind `tel:` and the like, in RFC 3966's notation as well."""
    text = unquote(text.lower().removeprefix("tel:")).partition("?")[0]
    address = re.split("[;&:]", text, maxsplit=1)[0].strip()
    if ";phone-context=" not in text or address.startswith("+"):
        return _read_number(address)
    if context := _CONTEXT.search(text):
        return _read_number(f"{context[1]} {address}")
    # It counts where somebody's own exchange says so.
    number = _read_number(address)
    return replace(number, doubtful=True) if isinstance(number, Number) else number


def _read_number(text: str) -> Number | Refused:
    """Read the one number in a text."""
    text = _ANY_CARRIER.sub("", text)
    found = [(match, _number(match[0])) for match in _NUMBER.finditer(text)]
    fewest = min(_FEWEST + 1, max((len(one.digits) for _, one in found), default=0))
    long = [one for one in found if len(one[1].digits) >= max(_FEWEST, fewest)]
    if len(long) != 1 or sum("+" in match[0] for match, _ in found) > 1:
        return _INVALID
    ((match, number),) = long
    before, after = text[: match.start()], text[match.end() :]
    if "+" in before + after or before[-1:].isnumeric() or after[:1].isnumeric():
        return _INVALID
    head = _number(match[0].rpartition("/")[0]).digits
    if number.start is Start.DIGITS:
        doubtful = any(map(str.isalnum, before + after))
    else:
        # "item1" and "Phone2" are labels.
        others = _LABEL.sub("", before) + after
        doubtful = any(map(str.isnumeric, others)) or any(
            any(map(str.isalnum, beside)) and end not in _SEPARATORS
            for beside, end in ((before, before[-1:]), (after, after[:1]))
        )
    return Number(number.digits, number.start, doubtful or len(head) >= _WHOLE)


def _number(text: str) -> Number:
    digits = re.sub("[^0-9]", "", text)
    if "+" in text:
        digits = digits.removeprefix("00")
        # Nobody's code begins with a zero: it was written as it is dialled at home.
        return Number(digits, Start.DIGITS if digits.startswith("0") else Start.PLUS)
    if digits.startswith("00"):
        return Number(digits.removeprefix("00"), Start.ZEROS)
    return Number(digits, Start.DIGITS)
