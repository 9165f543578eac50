"""Who is who: which chat an event is about, and what its people are called."""

from collections.abc import Mapping
import logging
from types import MappingProxyType

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_ALIAS
from ..gateways.base import Gateway, GatewayError, NotReadyError, RateLimitedError
from ..naming import async_give_name, awaits_name
from ..presence import chat_id as cid
from ..presence.model import PresenceUpdate
from .aliases import AliasBook
from .chat import Chat
from .lookups import Lookups
from .store import InstanceStore

_LOGGER = logging.getLogger(__name__)


class Persons:
    """The chats by person; of whom there are two, each has the other as a twin."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        """Begin without chats; `aliases` leads to main ids, and is read as it changes."""
        self._aliases = aliases
        self._chats: dict[str, tuple[Chat, ...]] = {}
        self._persons: dict[Chat, str] = {}
        self.twins: dict[Chat, tuple[Chat, ...]] = {}

    @callback
    def find(self, chat_id: str) -> Chat | None:
        """Return a chat of the person who has an id."""
        return next(iter(self._chats.get(self._person(chat_id), ())), None)

    @callback
    def add(self, chat: Chat) -> None:
        """Take in a chat, or put it to the person that it turned out to be."""
        self.remove(chat)
        person = self._persons[chat] = self._person(chat.chat_id)
        self._set(person, (*self._chats.get(person, ()), chat))

    @callback
    def remove(self, chat: Chat) -> None:
        """Forget a chat, if it is known."""
        self.twins.pop(chat, None)
        if (person := self._persons.pop(chat, None)) is not None:
            self._set(person, tuple(c for c in self._chats[person] if c is not chat))

    def _person(self, chat_id: str) -> str:
        """Return what all ids of a person have in common."""
        return cid.same_person(self._aliases.get(chat_id, chat_id))

    @callback
    def _set(self, person: str, chats: tuple[Chat, ...]) -> None:
        self._chats[person] = chats
        if not chats:
            del self._chats[person]
        for chat in chats:
            self.twins.pop(chat, None)
            if len(chats) > 1:
                self.twins[chat] = tuple(one for one in chats if one is not chat)


class People:
    """Finds the chat of an event, by any of its ids."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        store: InstanceStore,
    ) -> None:
        """Begin without chats; what the store has kept is loaded by then."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self.aliases = AliasBook(store)
        self._lookups = Lookups(
            hass,
            entry,
            gateway,
            on_pairs=self.async_learn_pairs,
            on_known=self._async_hear_again,
        )
        self._chats: dict[str, Chat] = {}
        self._persons = Persons(self.aliases.main)
        self._twins = self._persons.twins
        self._names: dict[str, str] = {}
        self._asked_aliases: set[str] = set()
        self._named_groups: set[str] = set()
        self._asked_names = False

    @property
    def chats(self) -> Mapping[str, Chat]:
        """The chats by their own ids."""
        return MappingProxyType(self._chats)

    @callback
    def async_add(self, chat: Chat) -> None:
        """Route events to a chat."""
        self._chats[chat.chat_id] = chat
        alias = chat.subentry.data.get(CONF_ALIAS)
        if isinstance(alias, str) and alias:
            self.async_learn_pairs({alias: chat.chat_id})
        self._persons.add(chat)
        self.async_rename(chat)
        self._lookups.forgive()
        self._asked_names = False

    @callback
    def async_remove(self, chat: Chat) -> None:
        """Route events to a chat no longer."""
        del self._chats[chat.chat_id]
        self._persons.remove(chat)

    @callback
    def async_rename(self, chat: Chat) -> bool:
        """Take over a chat's name; returns whether it is a new one."""
        before = self._names.get(chat.chat_id)
        self._names[chat.chat_id] = chat.subentry.title
        return before != chat.subentry.title

    @callback
    def member_name(self, member_id: str) -> str:
        """Return a name for a group's member that is never a phone number."""
        if name := self._names.get(self.aliases.main.get(member_id, member_id)):
            return name
        user = member_id.partition("@")[0]
        return f"…{user[-2:]}"

    @callback
    def find(self, chat_id: str) -> Chat | None:
        """Return the chat that is known by an id, its own or another."""
        return self._chats.get(chat_id) or self._persons.find(chat_id)

    @callback
    def find_all(self, chat_id: str) -> tuple[Chat, ...]:
        """Return the chat that is known by an id, and those that are the same person's."""
        chat = self.find(chat_id)
        return () if chat is None else (chat, *self._twins.get(chat, ()))

    @callback
    def alias_of(self, chat_id: str) -> str | None:
        """Return another id of a chat, where one is known."""
        return self.aliases.other.get(chat_id)

    @callback
    def async_hear(self, update: PresenceUpdate) -> bool:
        """Hand an event to its chat; returns whether that is known."""
        chat_id = update.chat_id
        chat = self._chats.get(chat_id) or self._persons.find(chat_id)
        if chat is None:
            if not cid.is_group(chat_id) and chat_id not in self.aliases.main:
                self._lookups.async_ask(chat_id, update)
            return False
        chat.hear(update)
        if self._twins:
            for twin in self._twins.get(chat, ()):
                twin.hear(update)
        if chat.is_group:
            self._look_up_members(update)
        return True

    @callback
    def forgive(self) -> None:
        """Ask again for whom nobody could name: it may be known by now."""
        self._lookups.forgive()
        self._asked_aliases.clear()
        self._asked_names = False

    @callback
    def expire(self) -> None:
        """Ask again who the groups are made of: members come and go."""
        self._named_groups.clear()
        self._asked_names = False

    async def async_learn(self) -> None:
        """Ask for what events may come under, and for whom groups are made of."""
        await self._async_name_members()
        await self._async_learn_missing_aliases()
        await self._async_name_chats()

    @callback
    def async_learn_pairs(self, pairs: Mapping[str, str]) -> None:
        """Learn that ids belong together, each pair in either order."""
        learnt = self.aliases.learn_pairs(pairs, self._chats)
        if learnt:
            for one in self._chats.keys() & {one for pair in learnt for one in pair}:
                self._persons.add(self._chats[one])
            for chat in self._chats.values():
                if chat.is_group:
                    chat.learn_aliases(learnt)

    @callback
    def _async_hear_again(self, update: PresenceUpdate) -> bool:
        """Hand on what was heard of somebody who was unknown then."""
        chats = self.find_all(update.chat_id)
        for chat in chats:
            chat.hear(update)
        return bool(chats)

    @callback
    def _look_up_members(self, update: PresenceUpdate) -> None:
        """Find out, once each, who the members are that an event names by a lid."""
        for member in update.member_ids:
            if cid.is_lid(member) and member not in self.aliases.main:
                self._lookups.async_ask(member)

    async def _async_learn_missing_aliases(self) -> None:
        """Ask once for the other ids of chats, before events come under them."""
        known = {*self.aliases.main, *self.aliases.main.values(), *self._asked_aliases}
        missing = [
            chat_id
            for chat_id, chat in self._chats.items()
            if not chat.is_group and chat_id not in known
        ]
        size = self._gateway.capabilities.lookup_batch
        for start in range(0, len(missing), size):
            batch = missing[start : start + size]
            try:
                self.async_learn_pairs(await self._gateway.aliases(batch))
            except NotReadyError, RateLimitedError:
                # None can be had just now.
                break
            except GatewayError as err:
                # The others are asked for all the same: it may be this one's fault.
                _LOGGER.debug("Asking for aliases failed: %s", type(err).__name__)
                continue
            self._asked_aliases.update(batch)

    async def _async_name_chats(self) -> None:
        """Call chats by their names that were added when these were not known."""
        nameless = [chat for chat in self._chats.values() if awaits_name(chat.subentry)]
        if not nameless or self._asked_names:
            return
        self._asked_names = True
        try:
            listed = await self._gateway.list_chats()
        except GatewayError as err:
            _LOGGER.debug("Asking for names failed: %s", type(err).__name__)
            self._asked_names = False
            return
        for one in listed:
            if one.name and (chat := self.find(one.chat_id)) in nameless:
                async_give_name(self._hass, self._entry, chat.subentry, one.name)

    async def _async_name_members(self) -> None:
        """Ask once a day who the groups are made of, and what they are called."""
        for chat_id, chat in list(self._chats.items()):
            if not chat.is_group or chat_id in self._named_groups:
                continue
            if self._chats.get(chat_id) is not chat:
                # It was removed meanwhile.
                continue
            self._named_groups.add(chat_id)
            try:
                members = await self._gateway.group_members(chat_id)
            except NotReadyError, RateLimitedError:
                self._named_groups.discard(chat_id)
                break
            except GatewayError as err:
                _LOGGER.debug("Asking for members failed: %s", type(err).__name__)
                continue
            pairs = {one.alias: one.chat_id for one in members if one.alias is not None}
            self.async_learn_pairs(pairs)
            for member in members:
                main = self.aliases.main.get(member.chat_id, member.chat_id)
                if member.name and main not in self._chats:
                    self._names[main] = member.name
            chat.keep_members({*pairs, *(member.chat_id for member in members)})
