"""Subentry flows: add a chat or many to an instance, and change one."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
import logging
from types import MappingProxyType
from typing import Any, Final, cast

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
    UnknownEntry,
    UnknownSubEntry,
)
from homeassistant.const import CONF_NAME, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from .chat_list import ChatList, Notice, async_list_chats
from .const import (
    CONF_ALIAS,
    CONF_CHAT,
    CONF_CHATS,
    CONF_SETTLE_TIME,
    CONF_STAND_IN,
    DEFAULT_SETTLE_TIME,
    DOCS_URL,
    MAX_SETTLE_TIME,
    SECTION_TIMING,
    SUBENTRY_TYPE_CHAT,
)
from .gateways.base import Gateway, GatewayError
from .helpers import create_gateway, ends_on, is_readable, is_usable
from .instance.hub import WhatsAppPresenceData
from .naming import async_text, is_own_number, named, typed_name
from .presence import chat_id as cid
from .presence.typed import ChatId, Confirm, Refused, Typed

_LOGGER = logging.getLogger(__name__)

ALIAS_TIMEOUT = 5

_TIMING_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_SETTLE_TIME, default=DEFAULT_SETTLE_TIME): NumberSelector(
            NumberSelectorConfig(
                min=0,
                max=MAX_SETTLE_TIME,
                step=0.5,
                unit_of_measurement=UnitOfTime.SECONDS,
                mode=NumberSelectorMode.BOX,
            )
        )
    }
)
_TIMING: dict[vol.Marker, Any] = {
    vol.Optional(SECTION_TIMING): section(_TIMING_SCHEMA, {"collapsed": True}),
}

# Where the last words of the flows lead; those are the front end's to find.
_NEXT_PAGES: Final = {
    "automations": f"{DOCS_URL}/automations.md",
    "dashboard": f"{DOCS_URL}/dashboard.md",
    "help": f"{DOCS_URL}/troubleshooting.md#unknown-or-no-data",
}

# What may be changed later as well.
_DETAILS: dict[vol.Marker, Any] = {vol.Optional(CONF_NAME): TextSelector(), **_TIMING}


def _parse(text: str, country: str | None) -> Typed:
    # Brings the world's numbering plans: not for the event loop.
    from .phone import parse_typed

    return parse_typed(text, country)


def _format(number: str) -> str:
    from .phone import format_number

    return format_number(number)


class FirstChatContext(SubentryFlowContext, total=False):
    """The context of the flow that follows the account's own."""

    notices: Collection[Notice]


class AddingFlow(ConfigSubentryFlow):
    """What the flows have in common that add chats.

    Works with its own client where the entry is not loaded: somebody may well add
    chats before the instance is connected for the first time.
    """

    _gateway: Gateway
    _list: ChatList | None = None
    # What the form offers, and which chat each is.
    _offered: Mapping[str, str] = MappingProxyType({})

    async def async_chats(self) -> ChatList:
        """Return the account's chats, which are looked up once."""
        entry: ConfigEntry[Any] = self._get_entry()
        is_loaded = entry.state is ConfigEntryState.LOADED
        if not is_loaded and not is_usable(self.hass, entry):
            raise AbortFlow(reason="unusable_entry")
        if self._list is None:
            self._gateway = (
                entry.runtime_data.gateway
                if is_loaded
                else create_gateway(self.hass, entry.data)
            )
            self._list = await async_list_chats(self.hass, self._gateway)
        return self._list

    def offer(self, chats: ChatList) -> list[str]:
        """Offer what is not there yet; what is picked counts as it was offered."""
        self._offered = chats.offer(self.configured())
        return list(self._offered)

    def configured(self) -> set[str]:
        """Return the ids of the entry's chats, their other ids among them."""
        entry: ConfigEntry[Any] = self._get_entry()
        subentries = entry.subentries.values()
        ids = {
            chat_id
            for subentry in subentries
            if subentry.subentry_type == SUBENTRY_TYPE_CHAT
            for chat_id in (subentry.data.get(CONF_CHAT), subentry.data.get(CONF_ALIAS))
            if isinstance(chat_id, str)
        }
        # Of what can't be read; nor can another have the same.
        ids |= {one.unique_id for one in subentries if isinstance(one.unique_id, str)}
        if entry.state is ConfigEntryState.LOADED and isinstance(
            data := entry.runtime_data, WhatsAppPresenceData
        ):
            # What was learnt since they were added.
            aliases = data.instance.people.aliases.main.items()
            ids |= {one for pair in aliases if not ids.isdisjoint(pair) for one in pair}
        return set(map(cid.same_person, ids))

    async def async_find_aliases(self, chat_ids: list[str]) -> dict[str, str]:
        """Find people's other ids; they may also be learnt later."""
        asked = [chat_id for chat_id in chat_ids if not cid.is_group(chat_id)]
        if not asked:
            return {}
        try:
            async with asyncio.timeout(ALIAS_TIMEOUT):
                return await self._gateway.aliases(asked)
        except (GatewayError, TimeoutError) as err:
            _LOGGER.debug("Asking for an alias failed: %s", type(err).__name__)
            return {}

    def is_added(self, chat_id: str, alias: str | None) -> bool:
        """Whether a chat is there already, under either of its ids."""
        ids = map(cid.same_person, filter(None, (chat_id, alias)))
        return not self.configured().isdisjoint(ids)


def chat_data(
    chat_id: str, alias: str | None, user_input: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is kept of a chat."""
    timing = user_input.get(SECTION_TIMING, {})
    data = {
        CONF_CHAT: chat_id,
        CONF_SETTLE_TIME: float(timing.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME)),
    }
    return data if alias is None else {**data, CONF_ALIAS: alias}


class ChatSubentryFlow(AddingFlow):
    """Add a chat, or change its name and timing."""

    # What could not be checked at the gateway, and is taken as it is the second time.
    _unchecked: str | None = None
    # The number that was shown, and is taken the second time.
    _shown: Confirm | None = None

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user pick one of the account's chats, or type a number or an id."""
        chats = await self.async_chats()
        errors: dict[str, str] = {}
        if user_input is not None:
            chat_id = await self._async_identify(user_input[CONF_CHAT].strip(), errors)
            if chat_id is not None:
                return await self._async_create(chat_id, chats, user_input)
        schema = vol.Schema(
            {
                # Without a default, the front end picks the first chat by itself.
                vol.Required(CONF_CHAT, default=""): SelectSelector(
                    SelectSelectorConfig(
                        # It shows the value of what is picked, not its label.
                        options=self.offer(chats),
                        mode=SelectSelectorMode.DROPDOWN,
                        custom_value=True,
                    )
                ),
                **_DETAILS,
            }
        )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={
                "number": self._shown.number if self._shown else "",
                "notice": await self._async_notices(chats.notice),
            },
        )

    @ends_on(UnknownEntry, reason="account_removed")
    @ends_on(UnknownSubEntry, reason="chat_removed")
    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user change all but who it is."""
        subentry = self._get_reconfigure_subentry()
        if not is_readable(subentry):
            return await self._async_mend(subentry, user_input)
        if user_input is not None:
            title = typed_name(user_input.get(CONF_NAME, "")) or subentry.title
            is_renamed = title != subentry.title
            data = named(subentry.data) if is_renamed else subentry.data
            return self.async_update_and_abort(
                self._get_entry(),
                subentry,
                title=title,
                data={**data, **user_input.get(SECTION_TIMING, {})},
            )
        settle_time = subentry.data.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(_DETAILS),
                {
                    CONF_NAME: subentry.title,
                    SECTION_TIMING: {CONF_SETTLE_TIME: settle_time},
                },
            ),
            description_placeholders={"chat": subentry.title},
        )

    async def _async_notices(self, of_list: Notice | None) -> str:
        """Say what is known of the list, and of an account that was just set up."""
        of_account = cast("FirstChatContext", self.context).get("notices", ())
        if of_list is Notice.GROUPS_ONLY:
            of_account = [one for one in of_account if one is not Notice.STORE_OFF]
        elif Notice.NOT_CONNECTED in of_account:
            of_list = None
        return await async_notices(self.hass, [of_list, *of_account])

    async def _async_mend(
        self, subentry: ConfigSubentry, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        """Have the user say who a chat is of which too little is stored."""
        await self.async_chats()
        errors: dict[str, str] = {}
        if user_input is not None:
            chat_id = await self._async_identify(user_input[CONF_CHAT].strip(), errors)
            if chat_id is not None:
                itself = (subentry.data.get(CONF_CHAT), subentry.unique_id)
                is_itself = chat_id in itself
                if not is_itself and self.is_added(chat_id, None):
                    return self.async_abort(reason="already_configured")
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=typed_name(user_input.get(CONF_NAME, "")) or subentry.title,
                    data=chat_data(chat_id, None, user_input),
                    unique_id=chat_id,
                )
        known = subentry.unique_id or subentry.data.get(CONF_CHAT) or ""
        schema = vol.Schema({vol.Required(CONF_CHAT): TextSelector(), **_DETAILS})
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                schema,
                user_input or {CONF_CHAT: str(known), CONF_NAME: subentry.title},
            ),
            description_placeholders={
                "chat": subentry.title,
                "number": self._shown.number if self._shown else "",
            },
            errors=errors,
        )

    async def _async_identify(self, text: str, errors: dict[str, str]) -> str | None:
        """Find out which chat the user means."""
        if (picked := self._offered.get(text)) is not None:
            return picked
        typed = await self.hass.async_add_executor_job(
            _parse, text, self.hass.config.country
        )
        if isinstance(typed, Refused):
            errors[CONF_CHAT] = typed.reason
            return None
        if isinstance(typed, Confirm) and typed != self._shown:
            self._shown = typed
            errors[CONF_CHAT] = "confirm_number"
            return None
        chat_id = typed.chat_id
        is_id = isinstance(typed, ChatId) and typed.as_id
        if is_id or chat_id == self._unchecked:
            return chat_id
        return await self._async_resolve(chat_id, errors)

    async def _async_resolve(self, chat_id: str, errors: dict[str, str]) -> str | None:
        """Have the gateway look for a number's chat."""
        try:
            resolved = await self._gateway.resolve(cid.phone_number(chat_id) or "")
        except GatewayError as err:
            _LOGGER.debug("Checking a number failed: %s", type(err).__name__)
            self._unchecked = chat_id
            errors["base"] = "cannot_check"
            return None
        if resolved is None:
            errors[CONF_CHAT] = "not_on_whatsapp"
        return resolved

    async def _async_create(
        self, chat_id: str, chats: ChatList, user_input: Mapping[str, Any]
    ) -> SubentryFlowResult:
        """Add the chat, unless it is there already under either of its ids."""
        alias = chats.aliases.get(chat_id)
        if alias is None and chat_id != self._unchecked:
            alias = (await self.async_find_aliases([chat_id])).get(chat_id)
        if self.is_added(chat_id, alias):
            return self.async_abort(reason="already_configured")
        data = chat_data(chat_id, alias, user_input)
        if title := typed_name(user_input.get(CONF_NAME, "")):
            if is_own_number(title, chat_id):
                data[CONF_STAND_IN] = False
        elif (title := chats.name(chat_id, alias)) is None:
            title, mark = await self._async_nameless(chat_id)
            data |= mark
        return self.async_create_entry(
            title=title,
            data=data,
            unique_id=chat_id,
            description_placeholders=_NEXT_PAGES,
        )

    async def _async_nameless(self, chat_id: str) -> tuple[str, dict[str, Any]]:
        """Name a chat of which no name is known; marks what is no number."""
        if number := cid.phone_number(chat_id):
            return await self.hass.async_add_executor_job(_format, number), {}
        kind = "group" if cid.is_group(chat_id) else "contact"
        title = await async_text(
            self.hass, f"chat_kind.options.{kind}", kind.capitalize()
        )
        return title, {CONF_STAND_IN: True}


class ChatsSubentryFlow(AddingFlow):
    """Add many chats at once; each becomes a subentry of its own."""

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user pick as many of the account's chats as they like."""
        chats = await self.async_chats()
        errors: dict[str, str] = {}
        if user_input is not None:
            if picked := user_input[CONF_CHATS]:
                return await self._async_add(picked, chats, user_input)
            errors[CONF_CHATS] = "nothing_picked"
        if not (labels := self.offer(chats)):
            return self._nothing_to_pick(chats.notice)
        schema = vol.Schema(
            {
                vol.Required(CONF_CHATS, default=list): SelectSelector(
                    SelectSelectorConfig(
                        options=labels, mode=SelectSelectorMode.LIST, multiple=True
                    )
                ),
                **_TIMING,
            }
        )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={
                "notice": await async_notices(self.hass, [chats.notice])
            },
        )

    def _nothing_to_pick(self, notice: Notice | None) -> SubentryFlowResult:
        """Say why there is nothing to pick."""
        if notice is Notice.NOT_CONNECTED:
            return self.async_abort(reason="not_connected")
        if notice is Notice.NOT_LISTED:
            return self.async_abort(reason="not_listed")
        return self.async_abort(reason="all_added")

    async def _async_add(
        self, picked: list[str], chats: ChatList, user_input: Mapping[str, Any]
    ) -> SubentryFlowResult:
        """Add what was picked, but nobody twice."""
        offered = self._offered
        chat_ids = [offered[label] for label in picked if label in offered]
        unknown = [one for one in chat_ids if one not in chats.aliases]
        aliases = {**chats.aliases, **await self.async_find_aliases(unknown)}
        entry = self._get_entry()
        added = 0
        for chat_id in chat_ids:
            alias = aliases.get(chat_id)
            if self.is_added(chat_id, alias):
                continue
            data = chat_data(chat_id, alias, user_input)
            # Who has no name, is offered by the number.
            title = chats.name(chat_id, alias) or chats.numbers[chat_id]
            self.hass.config_entries.async_add_subentry(
                entry,
                ConfigSubentry(
                    data=MappingProxyType(data),
                    subentry_type=SUBENTRY_TYPE_CHAT,
                    title=title,
                    unique_id=chat_id,
                ),
            )
            added += 1
        return self.async_abort(
            reason="chats_added",
            description_placeholders={**_NEXT_PAGES, "count": str(added)},
        )


async def async_notices(hass: HomeAssistant, notices: Iterable[Notice | None]) -> str:
    """Return what is to be said above a form's own words, each thing once."""
    texts = [
        await async_text(hass, f"chat_list.options.{notice}")
        for notice in dict.fromkeys(notices)
        if notice is not None
    ]
    return "".join(f"{text}\n\n" for text in texts)
