"""Subentry flow: add a chat to an instance, and change it."""

import asyncio
from collections import Counter
from collections.abc import Mapping
import logging
import re
from types import MappingProxyType
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations

from .const import (
    CONF_ALIAS,
    CONF_CHAT,
    CONF_SETTLE_TIME,
    DEFAULT_SETTLE_TIME,
    DOMAIN,
    MAX_SETTLE_TIME,
    SECTION_TIMING,
)
from .gateways.base import Gateway, GatewayError
from .helpers import create_gateway
from .presence import chat_id as cid

_LOGGER = logging.getLogger(__name__)

# The form is shown without the account's chats rather than late.
LIST_TIMEOUT = 20
ALIAS_TIMEOUT = 5
MAX_LISTED = 500

# The country calling codes; those that are not listed have three digits.
_NUMBER = re.compile(
    "([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})"
    "([0-9]{3})([0-9]+)"
)

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

# What may be changed later as well.
_DETAILS_SCHEMA: dict[vol.Marker, Any] = {
    vol.Optional(CONF_NAME): TextSelector(),
    vol.Optional(SECTION_TIMING): section(_TIMING_SCHEMA, {"collapsed": True}),
}


def format_number(digits: str) -> str:
    """Write a phone number (E.164 digits) as people do: +49 151 1234567."""
    return _NUMBER.sub(r"+\1 \2 \3", digits)


class ChatSubentryFlow(ConfigSubentryFlow):
    """Add a chat, or change its name and timing.

    Works with its own client where the entry is not loaded: somebody may well add
    chats before the instance is connected for the first time.
    """

    _gateway: Gateway
    _names: dict[str, str | None] | None = None
    # What the form offers, and which chat each is.
    _offered: Mapping[str, str] = MappingProxyType({})
    # What could not be checked at the gateway, and is taken as it is the second time.
    _unchecked: str | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user pick one of the account's chats, or type a number or an id."""
        if self._names is None:
            self._gateway = self._get_gateway()
            self._names = await self._async_list_names()
        errors: dict[str, str] = {}
        if user_input is not None:
            chat = await self._async_identify(user_input[CONF_CHAT].strip(), errors)
            if chat is not None:
                return await self._async_create(chat, self._names, user_input)
        self._offered = self._offer(self._names)
        schema = vol.Schema(
            {
                # Without a default, the front end picks the first chat by itself.
                vol.Required(CONF_CHAT, default=""): SelectSelector(
                    SelectSelectorConfig(
                        # It shows the value of what is picked, not its label.
                        options=list(self._offered),
                        mode=SelectSelectorMode.DROPDOWN,
                        custom_value=True,
                    )
                ),
                **_DETAILS_SCHEMA,
            }
        )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user change all but who it is."""
        subentry = self._get_reconfigure_subentry()
        if user_input is not None:
            return self.async_update_and_abort(
                self._get_entry(),
                subentry,
                title=user_input.get(CONF_NAME, "").strip() or subentry.title,
                data_updates=user_input.get(SECTION_TIMING, {}),
            )
        settle_time = subentry.data.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(_DETAILS_SCHEMA),
                {
                    CONF_NAME: subentry.title,
                    SECTION_TIMING: {CONF_SETTLE_TIME: settle_time},
                },
            ),
            description_placeholders={"chat": subentry.title},
        )

    def _get_gateway(self) -> Gateway:
        entry: ConfigEntry[Any] = self._get_entry()
        if entry.state is ConfigEntryState.LOADED:
            gateway: Gateway = entry.runtime_data.gateway
            return gateway
        return create_gateway(self.hass, entry.data)

    async def _async_list_names(self) -> dict[str, str | None]:
        """List the account's chats with their names; empty if that can't be done."""
        try:
            async with asyncio.timeout(LIST_TIMEOUT):
                chats = await self._gateway.list_chats()
        except (GatewayError, TimeoutError) as err:
            _LOGGER.debug("Listing the chats failed: %s", type(err).__name__)
            return {}
        names: dict[str, str | None] = {}
        for chat in chats:
            try:
                chat_id = cid.normalise(chat.chat_id)
            except cid.InvalidChatIdError:
                continue
            # A chat may be listed a second time as a contact.
            names[chat_id] = names.get(chat_id) or (chat.name or "").strip() or None
        return names

    def _offer(self, names: Mapping[str, str | None]) -> dict[str, str]:
        """Return the chats that can still be added, sorted by what they are called."""
        configured = self._configured()
        # Somebody who is listed with their number needs no second, opaque line.
        numbered = {
            name for chat_id, name in names.items() if cid.phone_number(chat_id)
        }
        labels: dict[str, str] = {}
        for chat_id, name in names.items():
            if len(labels) == MAX_LISTED:
                break
            if chat_id in configured or (cid.is_lid(chat_id) and name in numbered):
                continue
            number = cid.phone_number(chat_id)
            if label := name or (number and format_number(number)):
                labels[chat_id] = f"👥 {label}" if cid.is_group(chat_id) else label
        return {
            label: chat_id
            for chat_id, label in sorted(
                _told_apart(labels).items(), key=lambda item: item[1].casefold()
            )
        }

    def _configured(self) -> set[str]:
        """Return the ids of the entry's chats, their other ids among them."""
        return {
            chat_id
            for subentry in self._get_entry().subentries.values()
            for chat_id in (subentry.data[CONF_CHAT], subentry.data.get(CONF_ALIAS))
            if chat_id is not None
        }

    async def _async_identify(self, text: str, errors: dict[str, str]) -> str | None:
        """Find out which chat the user means."""
        if (picked := self._offered.get(text)) is not None:
            return picked
        try:
            chat_id = cid.from_input(text)
        except cid.InvalidChatIdError:
            errors[CONF_CHAT] = "invalid_chat"
            return None
        number = cid.phone_number(chat_id)
        if "@" in text or number is None or chat_id == self._unchecked:
            return chat_id
        try:
            resolved = await self._gateway.resolve(number)
        except GatewayError as err:
            _LOGGER.debug("Checking a number failed: %s", type(err).__name__)
            self._unchecked = chat_id
            errors["base"] = "cannot_check"
            return None
        if resolved is None:
            errors[CONF_CHAT] = "not_on_whatsapp"
        return resolved

    async def _async_create(
        self,
        chat_id: str,
        names: Mapping[str, str | None],
        user_input: Mapping[str, Any],
    ) -> SubentryFlowResult:
        """Add the chat, unless it is there already under either of its ids."""
        alias = await self._async_find_alias(chat_id)
        if not self._configured().isdisjoint((chat_id, alias)):
            return self.async_abort(reason="already_configured")
        title = (
            user_input.get(CONF_NAME, "").strip()
            or names.get(chat_id)
            or (alias and names.get(alias))
            or await self._async_nameless(chat_id)
        )
        timing = user_input.get(SECTION_TIMING, {})
        data = {
            CONF_CHAT: chat_id,
            CONF_SETTLE_TIME: float(timing.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME)),
        }
        if alias is not None:
            data[CONF_ALIAS] = alias
        return self.async_create_entry(title=title, data=data, unique_id=chat_id)

    async def _async_find_alias(self, chat_id: str) -> str | None:
        """Find a person's other id; it may also be learnt later."""
        if cid.is_group(chat_id) or chat_id == self._unchecked:
            return None
        try:
            async with asyncio.timeout(ALIAS_TIMEOUT):
                return (await self._gateway.aliases([chat_id])).get(chat_id)
        except (GatewayError, TimeoutError) as err:
            _LOGGER.debug("Asking for an alias failed: %s", type(err).__name__)
            return None

    async def _async_nameless(self, chat_id: str) -> str:
        """Name a chat of which no name is known."""
        if number := cid.phone_number(chat_id):
            return format_number(number)
        kind = "group" if cid.is_group(chat_id) else "contact"
        translations = await async_get_translations(
            self.hass, self.hass.config.language, "selector", [DOMAIN]
        )
        key = f"component.{DOMAIN}.selector.chat_kind.options.{kind}"
        return translations.get(key, kind.capitalize())


def _told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Give each chat a label of its own, which no other chat can be typed as.

    A label that several share, or that is another's number, gets the last digits of
    the chat's id; should that not do, the id.
    """
    count = Counter(labels.values())
    result: dict[str, str] = {}
    taken: set[str] = set()
    for chat_id, label in labels.items():
        own = label
        if count[label] > 1 or _means_another(label, chat_id):
            own = f"{label} (…{chat_id.partition('@')[0][-2:]})"
        if own in taken:
            own = chat_id
        taken.add(own)
        result[chat_id] = own
    return result


def _means_another(label: str, chat_id: str) -> bool:
    """Whether who types the label means another chat."""
    try:
        return cid.from_input(label) != chat_id
    except cid.InvalidChatIdError:
        return False
