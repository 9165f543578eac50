"""Read what gateways write, leniently: a wrong type is as good as nothing."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
import logging
import math
import time
from typing import Any, Final, Protocol
from unicodedata import category

from yarl import URL

from ..presence.chat_id import InvalidChatIdError, is_group, is_lid, normalise
from ..presence.names import as_name
from .base import ChatInfo, InvalidEventError, JsonLoads
from .shapes import Capture

_LONGEST_ID: Final = 80
_LONGEST_TEXT: Final = 200
_LONGEST_ADDRESS: Final = 2048
MAX_EVENTS: Final = 1000
"""Events of one body that are read. No gateway is known to send more than one."""
MAX_ITEMS: Final = 10_000
"""Items of an answer's list that are read, lest they hold everybody up."""
SHAPES_A_SECOND: Final = 10
"""Odd bodies whose shapes are told, of those that come within a second."""
_MILLISECONDS: Final = 1e11
_PLEASE_REPORT: Final = (
    ". Nobody has shown this form: please report its shape, which the account's "
    "diagnostics hold, without what it said; see Report a shape in Troubleshooting"
)
# Control characters, halves of characters, private ones, and the marks that turn the
# direction of what follows. Joiners are kept, for names and emoji need them.
_HIDDEN: Final = frozenset({"Cc", "Cs", "Co"})
_DIRECTIONS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

_NAMES: Final = ("name", "subject", "pushname")
_OTHER_IDS: Final = ("phonenumber", "pn", "lid")


class Notice(Protocol):
    """Tells the log of a kind of oddity, in words that hold nothing private."""

    def __call__(self, kind: str, body: Any = None) -> None:
        """Tell of a kind; of a body in a form that nobody showed, keep the shape."""


_BOOLEANS: Final[Mapping[Any, bool]] = {
    True: True,
    False: False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}


def boolean(value: Any) -> bool | None:
    """Read a yes or no, in any of the forms that PHP and JavaScript give it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower())
    if isinstance(value, (int, float)):
        return _BOOLEANS.get(value)
    return None


def timestamp(value: Any) -> float | None:
    """Read a time in unix seconds or milliseconds; returns seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except ValueError, OverflowError:
        return None
    if seconds >= _MILLISECONDS:
        seconds /= 1000
    return seconds if math.isfinite(seconds) and 0 < seconds < _MILLISECONDS else None


def text(value: Any) -> str | None:
    """Read a word or a line; an empty one is none.

    What it is too long by is cut off, and what can't be seen but would do something to
    the text around it is taken out.
    """
    if not isinstance(value, str):
        return None
    # Cut first: a text may have a million characters.
    value = value[: 2 * _LONGEST_TEXT]
    if not (value.isascii() and value.isprintable()):
        value = "".join(map(_visible, value))
    return value.strip()[:_LONGEST_TEXT].strip() or None


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    hidden = category(character) in _HIDDEN or character in _DIRECTIONS
    return "" if hidden else character


def address(value: Any) -> str | None:
    """Read a URL as it is; one that no URL can be is none."""
    if not isinstance(value, str):
        return None
    value = value[: 2 * _LONGEST_ADDRESS].strip()
    fits = len(value) <= _LONGEST_ADDRESS and value.isprintable()
    return value if value and fits and " " not in value else None


def webhook_address(value: Any) -> str | None:
    """Read a webhook's URL in one form, with whatever port or capitals it is kept."""
    if (url := address(value)) is None:
        return None
    try:
        return str(URL(url))
    except ValueError:
        return url


def mapping(value: Any) -> dict[str, Any]:
    """Read an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def unwrapped(value: Any) -> dict[str, Any]:
    """Read an object that may stand inside of another one, under `data`."""
    body = mapping(value)
    return mapping(body.get("data")) or body


def items(value: Any, *keys: str) -> list[Any]:
    """Read a list: bare, under one of the keys, or as an object keyed "0", "1", …."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    for key in keys:
        if key in value:
            return items(value[key])
    return [item for key, item in value.items() if key.isdecimal()]


def as_chat_id(value: Any) -> str | None:
    """Read the id of a person or a group, bare or serialised; returns it normalised."""
    if isinstance(value, dict):
        value = value.get("_serialized")
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        return None
    return _normalised(value)


@lru_cache(maxsize=4096)
def _normalised(raw: str) -> str | None:
    try:
        return normalise(raw)
    except InvalidChatIdError:
        return None


def chats(entries: Iterable[Any]) -> list[ChatInfo]:
    """Read chats, contacts or members; those without a usable id are left out.

    They are bare ids or objects, whose keys one engine (GOWS) begins with capitals. Of
    more than MAX_ITEMS the first count: chats that were last written with.
    """
    found: list[ChatInfo] = []
    for value in islice(entries, MAX_ITEMS):
        entry = value if isinstance(value, dict) else {"id": value}
        entry = {str(key).lower(): inner for key, inner in entry.items()}
        chat_id = as_chat_id(entry.get("id")) or as_chat_id(entry.get("jid"))
        if chat_id is None:
            continue
        named = filter(None, (as_name(entry.get(key)) for key in _NAMES))
        other = filter(None, (other_id(entry.get(key)) for key in _OTHER_IDS))
        found.append(
            ChatInfo(
                chat_id=chat_id,
                name=next(named, None),
                alias=next((one for one in other if _are_pair(chat_id, one)), None),
            )
        )
    return found


def other_id(value: Any) -> str | None:
    """Read an id where a number may stand as bare digits, which a lid never does."""
    if (digits := text(value)) and digits.lstrip("+").isdecimal():
        value = f"{digits.lstrip('+')}@c.us"
    return as_chat_id(value)


def _are_pair(one: str, two: str) -> bool:
    """Whether two ids are of the two kinds that a person has."""
    return not (is_group(one) or is_group(two)) and is_lid(one) is not is_lid(two)


def merged(*lists: Iterable[ChatInfo]) -> list[ChatInfo]:
    """Put lists of chats together; each is there once, with what any list knows of it."""
    found: dict[str, ChatInfo] = {}
    for chat in (chat for chats in lists for chat in chats):
        known = found.setdefault(chat.chat_id, chat)
        found[chat.chat_id] = replace(
            known, name=known.name or chat.name, alias=known.alias or chat.alias
        )
    return list(found.values())


def pairs(asked: Iterable[str], found: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Map each id that was asked for to its other one; `found` may be in any order."""
    wanted = frozenset(asked)
    other: dict[str, str] = {}
    for first, second in found:
        one, two = as_chat_id(first), as_chat_id(second)
        if one is None or two is None or one == two:
            continue
        if one in wanted:
            other[one] = two
        if two in wanted:
            other[two] = one
    return other


def envelopes(
    raw: bytes, json_loads: JsonLoads, notice: Notice
) -> list[dict[str, Any]]:
    """Read the events that arrived: one, a list of them, or a JSON string of either.

    Of more than MAX_EVENTS the last ones count, for they are the newest. Raises
    InvalidEventError if there is nothing that names an event.
    """
    value = _load(raw, json_loads)
    if isinstance(value, str):
        value = _load(value.encode(errors="replace"), json_loads)
    if isinstance(value, dict) and isinstance(value.get("event"), str):
        return [value]
    found = [
        entry
        for entry in (value if isinstance(value, list) else [value])
        if isinstance(entry, dict) and isinstance(entry.get("event"), str)
    ]
    if not found:
        raise InvalidEventError("This is no event of the gateway.")
    if len(found) > MAX_EVENTS:
        notice("more events in one body than are read")
    return found[-MAX_EVENTS:]


def _load(raw: bytes, json_loads: JsonLoads) -> Any:
    try:
        return json_loads(raw)
    except ValueError, RecursionError:
        # The parser's own words repeat the body.
        raise InvalidEventError("This is not JSON.") from None


def has_events(webhook: dict[str, Any], needed: Iterable[str]) -> bool:
    """Whether a registered webhook gets all the events that are needed."""
    events = {event for event in items(webhook.get("events")) if text(event)}
    return "*" in events or events.issuperset(needed)


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header's value, whatever the case of its name; empty if missing."""
    if (value := headers.get(name)) is not None:
        return value
    return next((value for key, value in headers.items() if key.lower() == name), "")


class OnceLogger:
    """Logs each kind of oddity once, and captures the shapes of odd bodies."""

    def __init__(self, logger: logging.Logger, gateway: str) -> None:
        """Begin with nothing told."""
        self._logger = logger
        self._gateway = gateway
        self._told: set[str] = set()
        self._captured: deque[float] = deque(maxlen=SHAPES_A_SECOND)
        self.capture = Capture()

    def __call__(self, kind: str, body: Any = None) -> None:
        """Tell of a kind, a fixed phrase, unless that was done before."""
        if body is not None and self._has_time():
            self.capture.note(kind, body)
        if kind not in self._told:
            self._told.add(kind)
            self._logger.warning(
                "%s sent %s; ignored (told once)%s",
                self._gateway,
                kind,
                "" if body is None else _PLEASE_REPORT,
            )

    def _has_time(self) -> bool:
        """Whether another shape may be told; a flood of odd bodies has one to tell."""
        now = time.monotonic()
        if len(self._captured) == SHAPES_A_SECOND and now - self._captured[0] < 1:
            return False
        self._captured.append(now)
        return True
