"""The account's chats, to pick from: what they are called, and in which order."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
import logging

from homeassistant.core import HomeAssistant

from .gateways.base import ChatInfo, Gateway, GatewayError, NotReadyError
from .presence import chat_id as cid
from .presence.names import as_name

_LOGGER = logging.getLogger(__name__)

# The form is shown without the account's chats rather than late.
LIST_TIMEOUT = 20
MAX_LISTED = 500

# So many digits can be read as a number.
_NUMBER_LIKE = 5


class Notice(StrEnum):
    """What is to be known before a chat is chosen.

    The first three: why there are no chats to pick from, or not all of them.
    """

    NOT_CONNECTED = "not_connected"
    NOT_LISTED = "not_listed"
    GROUPS_ONLY = "groups_only"
    TRIAL = "trial"
    NO_WEBHOOK = "no_webhook"
    STORE_OFF = "store_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatList:
    """An account's chats in its own order, that of the conversations.

    `names` has those without a name too; `aliases` goes in both directions;
    `numbers` says how the numbers of those without a name are written.
    """

    names: Mapping[str, str | None] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None

    def name(self, *chat_ids: str | None) -> str | None:
        """Return the name that somebody has under one of their ids."""
        return next(filter(None, (self.names.get(one or "") for one in chat_ids)), None)

    def offer(self, configured: set[str]) -> dict[str, str]:
        """Return the chats that can still be added, by what they are called.

        Those with a name come first. `configured` has ids as `same_person` writes them.
        """
        # Somebody who is listed with their number needs no second, opaque line.
        numbered = {name for one, name in self.names.items() if cid.phone_number(one)}
        labels: dict[str, str] = {}
        numbers: dict[str, str] = {}
        for chat_id, own_name in self.names.items():
            alias = self.aliases.get(chat_id)
            name = own_name or self.name(alias)
            if not configured.isdisjoint(
                map(cid.same_person, filter(None, (chat_id, alias)))
            ) or (cid.is_lid(chat_id) and (alias in self.names or name in numbered)):
                continue
            if name is not None:
                labels[chat_id] = f"👥 {name}" if cid.is_group(chat_id) else name
            elif (number := self.numbers.get(chat_id)) is not None:
                numbers[chat_id] = number
        listed = list((labels | numbers).items())[:MAX_LISTED]
        return {label: chat_id for chat_id, label in _told_apart(dict(listed)).items()}


async def async_list_chats(hass: HomeAssistant, gateway: Gateway) -> ChatList:
    """List the account's chats; why there are none is told, and is no failure."""
    try:
        async with asyncio.timeout(LIST_TIMEOUT):
            chats = await gateway.list_chats()
    except (GatewayError, TimeoutError) as err:
        _LOGGER.debug("Listing the chats failed: %s", type(err).__name__)
        is_away = isinstance(err, NotReadyError)
        return ChatList(notice=Notice.NOT_CONNECTED if is_away else Notice.NOT_LISTED)
    names, aliases = _read(chats)
    nameless = {
        chat_id: number
        for chat_id, name in names.items()
        if name is None and (number := cid.phone_number(chat_id))
    }
    numbers = await hass.async_add_executor_job(_format, nameless) if nameless else {}
    # A server that keeps no store knows no contacts, but its groups.
    is_storeless = (
        bool(names)
        and all(map(cid.is_group, names))
        and gateway.capabilities.self_hosted
    )
    return ChatList(
        names=names,
        aliases=aliases,
        numbers=numbers,
        notice=Notice.GROUPS_ONLY if is_storeless else None,
    )


def _format(numbers: Mapping[str, str]) -> dict[str, str]:
    # Brings the world's numbering plans: not for the event loop.
    from .phone import format_number

    return {chat_id: format_number(number) for chat_id, number in numbers.items()}


def _read(
    chats: Iterable[ChatInfo],
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Read names and aliases; a chat may be listed a second time as a contact."""
    names: dict[str, str | None] = {}
    aliases: dict[str, str] = {}
    for chat in chats:
        try:
            chat_id = cid.normalise(chat.chat_id)
            alias = cid.normalise(chat.alias) if chat.alias else None
        except cid.InvalidChatIdError:
            continue
        names[chat_id] = names.get(chat_id) or as_name(chat.name)
        if alias is not None:
            aliases[chat_id], aliases[alias] = alias, chat_id
    return names, aliases


def _told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Give each chat a label of its own, which no other chat can be typed as.

    A label that several share, or that may be another's number or id, gets the last
    digits of the chat's id; should that not do, its place among its namesakes.
    """
    count = Counter(labels.values())
    ambiguous = {
        chat_id
        for chat_id, label in labels.items()
        if count[label] > 1 or _may_mean_another(label, chat_id)
    }
    taken = {label for chat_id, label in labels.items() if chat_id not in ambiguous}
    result: dict[str, str] = {}
    for chat_id, label in labels.items():
        own = label
        if chat_id in ambiguous:
            base = own = f"{label} (…{chat_id.partition('@')[0][-2:]})"
            place = 1
            while own in taken:
                place += 1
                own = f"{base} · {place}"
            taken.add(own)
        result[chat_id] = own
    return result


def _may_mean_another(label: str, chat_id: str) -> bool:
    """Whether who types the label may mean another chat."""
    digits = "".join(filter(str.isdecimal, label))
    if "@" in label or "wa.me" in label.lower():
        return True
    return len(digits) >= _NUMBER_LIKE and digits != cid.phone_number(chat_id)
