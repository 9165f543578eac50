"""Asking the gateway for a chat, and handing the chat what came of it."""

from collections.abc import Callable
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..gateways.base import (
    Gateway,
    GatewayError,
    NotAllowedError,
    NotFoundError,
    NotWantedError,
)
from ..presence.model import PresenceUpdate, Source
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .budget import AccountBudget
from .chat import Chat
from .delivery import Delivery
from .people import People

_LOGGER = logging.getLogger(__name__)


class Asker:
    """Asks for chats, one or all; what can't be had of one is told as a repair."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        people: People,
        delivery: Delivery,
        budget: AccountBudget,
        on_trouble: Callable[[GatewayError], None],
    ) -> None:
        """Begin; `on_trouble` is told of a failure whose reason is the instance's."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._people = people
        self._delivery = delivery
        self._budget = budget
        self._on_trouble = on_trouble
        # Whether answers count: not what an instance said that was lost meanwhile.
        self.active = False
        # Of whom the user is told that asking for them fails.
        self.failing: set[Chat] = set()
        # Of whom the user is told that they are refused, which says as much.
        self._refused: set[Chat] = set()
        # Whether one request for all chats was answered, the last time.
        self.answers_for_all = False

    async def async_renew(self, chat: Chat, *, wait: bool) -> bool:
        """Subscribe a chat, or renew that; returns whether its state was told.

        `wait`: for a state that the gateway has yet to learn. Raises GatewayError.
        """
        asked_at = self._hass.loop.time()
        try:
            with self._budget.request(self._hass.loop.time):
                answer = await self._gateway.subscribe(chat.chat_id, wait=wait)
        except GatewayError as err:
            self._failed(chat, err)
            raise
        if not self._counts(chat):
            return True
        chat.renewed()
        self.forget(chat)
        if answer is None and not self.answers_for_all:
            answer = await self._async_ask_under_alias(chat)
            if answer is None and self._gateway.capabilities.answers is not Source.LIVE:
                self._take(chat, _nothing_heard(chat), asked_at)
        return self._take(chat, answer, asked_at)

    async def async_look(self, chat: Chat) -> None:
        """Ask for a chat's state alone. Raises GatewayError."""
        asked_at = self._hass.loop.time()
        try:
            with self._budget.request(self._hass.loop.time):
                answer = await self._gateway.snapshot(chat.chat_id)
        except GatewayError as err:
            self._failed(chat, err)
            raise
        if self._counts(chat):
            self._take(chat, answer, asked_at)

    async def async_look_at_all(self) -> bool:
        """Ask for all chats at once; returns whether that was answered."""
        asked_at = self._hass.loop.time()
        try:
            answers = await self._gateway.presences()
        except GatewayError as err:
            _LOGGER.debug("Asking for all chats failed: %s", type(err).__name__)
            return False
        self.answers_for_all = answers is not None
        silent = dict(self._people.chats)
        for answer in answers or ():
            for chat in self._people.find_all(answer.chat_id):
                if self._counts(chat):
                    silent.pop(chat.chat_id, None)
                    self._take(chat, answer, asked_at)
        if answers is not None:
            for chat in silent.values():
                self._take(chat, _nothing_heard(chat), asked_at)
        # A server that was started anew has forgotten whom it listened for.
        return bool(answers)

    def _counts(self, chat: Chat) -> bool:
        """Whether neither the instance nor the chat was lost meanwhile."""
        return self.active and self._people.chats.get(chat.chat_id) is chat

    async def _async_ask_under_alias(self, chat: Chat) -> PresenceUpdate | None:
        """Ask a gateway that keeps what it hears by id for the chat's other id."""
        alias = self._people.alias_of(chat.chat_id)
        if alias is None or self._gateway.capabilities.answers is Source.LIVE:
            return None
        try:
            with self._budget.request(self._hass.loop.time):
                return await self._gateway.snapshot(alias)
        except GatewayError as err:
            _LOGGER.debug("Asking under an alias failed: %s", type(err).__name__)
            return None

    @callback
    def _take(self, chat: Chat, answer: PresenceUpdate | None, asked_at: float) -> bool:
        """Hand an answer to its chat; returns whether there is one."""
        if answer is None:
            return False
        if answer.chat_id != chat.chat_id:
            self._people.async_learn_pairs({answer.chat_id: chat.chat_id})
        changed = chat.answer(answer, asked_at)
        if changed or chat.tracker.missed:
            self._delivery.async_note_change(missed=chat.tracker.missed)
        return True

    @callback
    def _failed(self, chat: Chat, err: GatewayError) -> None:
        """Note a failure: the chat's own, or the instance's."""
        refused = isinstance(err, (NotAllowedError, NotFoundError))
        if not self._counts(chat) or isinstance(err, NotWantedError):
            return
        chat.failed(refused=refused)
        # It may also be the instance that is gone.
        self._on_trouble(err)
        if refused:
            self._refused.add(chat)
            self._recovered(chat)
            async_raise_issue(
                self._hass,
                Issue.CHAT_REFUSED,
                chat.subentry.subentry_id,
                chat=chat.subentry.title,
            )
        elif chat.tracker.failing and chat not in self.failing | self._refused:
            self.failing.add(chat)
            self._tell_failing()

    @callback
    def async_note_arrival(self) -> None:
        """Events arrived: who is told of by one is known, whatever asking comes to."""
        for chat in [chat for chat in self.failing if not chat.tracker.failing]:
            self._recovered(chat)

    @callback
    def forget(self, chat: Chat) -> None:
        """Take back what was told of a chat's requests."""
        self._refused.discard(chat)
        async_clear_issue(self._hass, Issue.CHAT_REFUSED, chat.subentry.subentry_id)
        self._recovered(chat)

    @callback
    def _recovered(self, chat: Chat) -> None:
        """Count a chat no longer among those of whom it is told that asking fails."""
        if chat in self.failing:
            self.failing.discard(chat)
            async_clear_issue(
                self._hass, Issue.PRESENCE_FAILING, chat.subentry.subentry_id
            )
            self._tell_failing()

    @callback
    def _tell_failing(self) -> None:
        """Tell of the account if it is most of its chats, else of each chat."""
        is_account = len(self.failing) * 2 > len(self._people.chats)
        owners = {
            chat.subentry.subentry_id: chat.subentry.title for chat in self.failing
        }
        account = {self._entry.entry_id: self._entry.title}
        for owner_id, title in (account if is_account else owners).items():
            async_raise_issue(self._hass, Issue.PRESENCE_FAILING, owner_id, name=title)
        for owner_id in owners if is_account else account:
            async_clear_issue(self._hass, Issue.PRESENCE_FAILING, owner_id)


def _nothing_heard(chat: Chat) -> PresenceUpdate:
    """Return what a gateway says that remembers nothing of a chat."""
    return PresenceUpdate(
        chat_id=chat.chat_id, source=Source.REMEMBERED, has_data=False
    )
