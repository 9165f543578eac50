"""Who is who: which chat an event is about, and what its people are called."""

from collections import deque
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_ALIAS, DOMAIN
from ..gateways.base import Gateway, GatewayError
from ..presence import chat_id as cid
from ..presence.model import PresenceUpdate
from .aliases import AliasBook
from .chat import Chat

_LOGGER = logging.getLogger(__name__)

ALIAS_CHUNK = 50
PENDING_UPDATES = 16


class People:
    """Finds the chat of an event, by any of its ids."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, gateway: Gateway
    ) -> None:
        """Begin without chats."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self.aliases = AliasBook(hass, entry.entry_id)
        self._chats: dict[str, Chat] = {}
        self._names: dict[str, str] = {}
        self._lookups: dict[str, deque[PresenceUpdate]] = {}
        self._asked_aliases: set[str] = set()
        self._named_groups: set[str] = set()

    @callback
    def async_add(self, chat: Chat) -> None:
        """Route events to a chat."""
        self._chats[chat.chat_id] = chat
        if alias := chat.subentry.data.get(CONF_ALIAS):
            self.aliases.learn(alias, chat.chat_id)
        self.async_rename(chat)
        self.aliases.welcome_strangers()

    @callback
    def async_remove(self, chat: Chat) -> None:
        """Route events to a chat no longer."""
        del self._chats[chat.chat_id]

    @callback
    def async_rename(self, chat: Chat) -> bool:
        """Take over a chat's name; returns whether it is a new one."""
        before = self._names.get(chat.chat_id)
        self._names[chat.chat_id] = chat.subentry.title
        return before != chat.subentry.title

    @callback
    def member_name(self, member_id: str) -> str:
        """Return a name for a group's member that is never a phone number."""
        if name := self._names.get(member_id):
            return name
        user = member_id.partition("@")[0]
        return f"…{user[-2:]}"

    @callback
    def async_hear(self, update: PresenceUpdate) -> bool:
        """Hand an event to its chat; returns whether that is known."""
        chat_id = update.chat_id
        chat = self._chats.get(chat_id) or self._chats.get(
            self.aliases.main.get(chat_id, "")
        )
        if chat is None:
            self._look_up(update)
            return False
        chat.hear(update)
        if chat.is_group:
            self._look_up_members(update)
        return True

    async def async_learn(self) -> None:
        """Ask for what events may come under, and for whom groups are made of."""
        await self._async_learn_missing_aliases()
        await self._async_name_members()

    @callback
    def async_learn_pairs(self, pairs: dict[str, str]) -> None:
        """Learn that ids belong together, each pair in either order."""
        learnt = self.aliases.learn_pairs(pairs, self._chats)
        for group in self._chats.values():
            if group.is_group:
                group.learn_aliases(learnt)

    async def _async_learn_missing_aliases(self) -> None:
        """Ask once for the other ids of chats, before events come under them."""
        known = {*self.aliases.main, *self.aliases.main.values(), *self._asked_aliases}
        missing = [
            chat_id
            for chat_id, chat in self._chats.items()
            if not chat.is_group and chat_id not in known
        ]
        for start in range(0, len(missing), ALIAS_CHUNK):
            chunk = missing[start : start + ALIAS_CHUNK]
            try:
                self.async_learn_pairs(await self._gateway.aliases(chunk))
            except GatewayError as err:
                _LOGGER.debug("Asking for aliases failed: %s", type(err).__name__)
                return
            self._asked_aliases.update(chunk)

    async def _async_name_members(self) -> None:
        """Ask once for the names of groups' members."""
        for chat_id, chat in list(self._chats.items()):
            if not chat.is_group or chat_id in self._named_groups:
                continue
            try:
                members = await self._gateway.group_members(chat_id)
            except GatewayError as err:
                _LOGGER.debug("Asking for members failed: %s", type(err).__name__)
                return
            self._named_groups.add(chat_id)
            for member in members:
                if member.name:
                    self._names.setdefault(member.chat_id, member.name)

    @callback
    def _look_up(self, update: PresenceUpdate) -> None:
        """Find out, once, whose id it is that an event came under."""
        unknown = update.chat_id
        if (pending := self._lookups.get(unknown)) is not None:
            pending.append(update)
        elif not cid.is_group(unknown) and not self.aliases.is_stranger(unknown):
            self._start_look_up([unknown], update)

    @callback
    def _look_up_members(self, update: PresenceUpdate) -> None:
        """Find out, once each, who the members are that an event names by a lid."""
        if unknown := [
            member
            for member in update.member_ids
            if cid.is_lid(member)
            and member not in self.aliases.main
            and member not in self._lookups
            and not self.aliases.is_stranger(member)
        ]:
            self._start_look_up(unknown)

    @callback
    def _start_look_up(self, unknown: list[str], *updates: PresenceUpdate) -> None:
        for one in unknown:
            # The latest is what counts, but the one before it may be typing.
            self._lookups[one] = deque(updates, maxlen=PENDING_UPDATES)
        self._entry.async_create_background_task(
            self._hass, self._async_look_up(unknown), f"{DOMAIN} look up ids"
        )

    async def _async_look_up(self, unknown: list[str]) -> None:
        known = False
        try:
            self.async_learn_pairs(await self._gateway.aliases(unknown))
            known = True
        except GatewayError as err:
            _LOGGER.debug("Looking up ids failed: %s", type(err).__name__)
        finally:
            pending = {one: self._lookups.pop(one) for one in unknown}
        for one, updates in pending.items():
            chat = self._chats.get(self.aliases.main.get(one, one))
            if chat is not None:
                for update in updates:
                    chat.hear(update)
            elif known and (updates or one not in self.aliases.main):
                self.aliases.add_stranger(one)
