"""Config flow: gateway, credentials, and on to the first chat."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    UnknownEntry,
)
from homeassistant.const import CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .chat_flow import ChatsSubentryFlow, ChatSubentryFlow, FirstChatContext
from .chat_list import Notice
from .const import (
    CONF_GATEWAY,
    CONF_NEW_WEBHOOK_ADDRESS,
    CONF_REGISTER_WEBHOOK,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
    ENTRY_VERSION,
    SECTION_ADVANCED,
    SUBENTRY_TYPE_CHAT,
    SUBENTRY_TYPE_CHATS,
    WEBHOOK_DATA,
)
from .exceptions import error_key
from .gateways import GATEWAYS
from .gateways.base import (
    AuthenticationError,
    Gateway,
    InstanceInfo,
    InstanceLister,
    InstanceStatus,
    Transport,
)
from .helpers import ends_on, find_gateway, is_usable, new_webhook_id, webhook_holder
from .instance.address import known_url
from .instance.credentials import Credentials
from .instance.registration import async_renew_webhook
from .reaching import async_ask, async_find_notices
from .same_server import async_abort_if_same, async_leave_out_configured

_TEXT = TextSelector()
_TOKEN = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
_URL = TextSelector(TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url"))


def lists_instances(gateway_type: str) -> bool:
    """Whether the user may choose from the gateway's own instances."""
    return issubclass(GATEWAYS[gateway_type], InstanceLister)


def url_schema(gateway_type: str, url: str | None = None) -> dict[vol.Marker, Any]:
    """Ask for the address: openly where the user hosts it, else out of the way.

    A `url` that is not the vendor's is not hidden from who may have to correct it.
    """
    default = GATEWAYS[gateway_type].default_url
    if default is None:
        return {vol.Required(CONF_URL): _URL}
    return {
        vol.Optional(SECTION_ADVANCED): section(
            vol.Schema({vol.Required(CONF_URL, default=default): _URL}),
            {"collapsed": url in (None, default)},
        )
    }


def credentials_schema(gateway_type: str, url: str | None = None) -> vol.Schema:
    """Ask for all that a new entry needs."""
    gateway_class = GATEWAYS[gateway_type]
    if lists_instances(gateway_type):
        return vol.Schema(
            {
                **url_schema(gateway_type, url),
                vol.Required(gateway_class.token_field): _TOKEN,
                vol.Optional(gateway_class.instance_field): _TEXT,
            }
        )
    return vol.Schema(
        {
            vol.Required(gateway_class.instance_field): _TEXT,
            vol.Required(gateway_class.token_field): _TOKEN,
            **url_schema(gateway_type, url),
        }
    )


def _flatten(user_input: Mapping[str, Any]) -> dict[str, str]:
    """Lift the section's fields, and drop what was pasted around the values."""
    flat = {**user_input, **user_input.get(SECTION_ADVANCED, {})}
    flat.pop(SECTION_ADVANCED, None)
    return {key: value.strip() for key, value in flat.items()}


class _EntryDialog(ConfigFlow):
    """What the dialogs of an account have in common when they end."""

    _finished = False

    @callback
    @override
    def async_remove(self) -> None:
        """Let the question for a new key be asked that this dialog kept from it."""
        if self.source != SOURCE_RECONFIGURE or self._finished:
            return
        entry = self.hass.config_entries.async_get_entry(self._reconfigure_entry_id)
        if entry is not None and _wants_key(entry):
            entry.async_start_reauth(self.hass)

    @callback
    def _async_finish(self, entry: ConfigEntry, **changes: Any) -> ConfigFlowResult:
        """Store what has changed, and see to it that it is used."""
        self._finished = True
        if entry.update_listeners:
            return self.async_update_and_abort(entry, **changes)
        # An entry that could not be set up follows no changes.
        return self.async_update_reload_and_abort(entry, **changes)


class WhatsAppPresenceConfigFlow(_EntryDialog, domain=DOMAIN):
    """Set up an instance of a gateway.

    Each gateway in the registry has its own step, named by the gateway's key; those
    that can list their instances have a second one, named by key and field.
    """

    VERSION = ENTRY_VERSION
    MINOR_VERSION = 1

    _data: dict[str, Any]
    _instances: list[str]
    # What had been submitted when the user was told that the engine can't tell presence.
    _told: tuple[object, ...] | None = None
    _info = InstanceInfo(status=InstanceStatus.UNKNOWN)
    _notices: tuple[Notice, ...] = ()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added: a chat, or many at once."""
        return {
            SUBENTRY_TYPE_CHAT: ChatSubentryFlow,
            SUBENTRY_TYPE_CHATS: ChatsSubentryFlow,
        }

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the options flow."""
        return WhatsAppPresenceOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user choose the gateway."""
        return self.async_show_menu(step_id="user", menu_options=list(GATEWAYS))

    async def async_credentials(
        self, gateway_type: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for the credentials, and for the instance."""
        errors: dict[str, str] = {}
        url: str | None = None
        if user_input is not None:
            self._data = {CONF_GATEWAY: gateway_type, **_flatten(user_input)}
            url = self._data.get(CONF_URL)
            if self._data.get(
                GATEWAYS[gateway_type].instance_field
            ) or not lists_instances(gateway_type):
                if created := await self._async_go_on(errors):
                    return created
            elif instances := await self._async_list_instances(errors):
                self._instances = await async_leave_out_configured(
                    self.hass, self._data, instances
                )
                if not self._instances:
                    return self.async_abort(reason="already_configured")
                return await self.async_instance(gateway_type, None)
        return self.async_show_form(
            step_id=gateway_type,
            data_schema=self.add_suggested_values_to_schema(
                credentials_schema(gateway_type, url), user_input
            ),
            errors=errors,
            description_placeholders=_about_engine(self._info),
        )

    async def async_instance(
        self, gateway_type: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Let the user choose one of the instances that the gateway has."""
        field = GATEWAYS[gateway_type].instance_field
        errors: dict[str, str] = {}
        if user_input is not None:
            self._data[field] = user_input[field]
            if created := await self._async_go_on(errors):
                return created
        return self.async_show_form(
            step_id=f"{gateway_type}_{field}",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        field, default=(user_input or {}).get(field, self._instances[0])
                    ): SelectSelector(
                        SelectSelectorConfig(
                            options=self._instances, mode=SelectSelectorMode.DROPDOWN
                        )
                    )
                }
            ),
            errors=errors,
            description_placeholders=_about_engine(self._info),
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Begin when the gateway refuses the credentials."""
        return await self.async_step_reauth_confirm()

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the new token."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            updates = _flatten(user_input)
            if await self._async_check({**entry.data, **updates}, errors):
                return self._async_finish(entry, data_updates=updates)
        if not is_usable(self.hass, entry):
            return self.async_abort(reason="unusable_entry")
        token = GATEWAYS[entry.data[CONF_GATEWAY]].token_field
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=vol.Schema({vol.Required(token): _TOKEN}),
            description_placeholders={"instance": entry.title},
            errors=errors,
        )

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user change the token and the address, but not the instance."""
        entry = self._get_reconfigure_entry()
        gateway_class = find_gateway(entry.data)
        if gateway_class is None or entry.version != ENTRY_VERSION:
            return self.async_abort(reason="unusable_entry")
        gateway_type = gateway_class.key
        stored = _mended(self.hass, entry, gateway_class)
        data = dict(stored)
        errors: dict[str, str] = {}
        if user_input is not None:
            # A token that was left empty is kept.
            data |= {key: value for key, value in _flatten(user_input).items() if value}
            if gateway := await self._async_check(data, errors):
                await self.async_set_unique_id(f"{gateway_type}_{gateway.unique_id}")
                if self.unique_id != entry.unique_id:
                    # A server that moved to another host is the same to the user.
                    self._abort_if_unique_id_configured()
                    await async_abort_if_same(self.hass, data, entry)
                return self._async_finish(entry, unique_id=self.unique_id, data=data)
        url = {CONF_URL: stored[CONF_URL]}
        schema: dict[vol.Marker, Any] = {}
        if not stored[gateway_class.instance_field]:
            schema[vol.Required(gateway_class.instance_field)] = _TEXT
        schema[vol.Optional(gateway_class.token_field)] = _TOKEN
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({**schema, **url_schema(gateway_type, data[CONF_URL])}),
                user_input or {**url, SECTION_ADVANCED: url},
            ),
            description_placeholders={"instance": entry.title},
            errors=errors,
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on to the first chat, and say there what is worth knowing before."""
        chat = await self.hass.config_entries.subentries.async_init(
            (result["result"].entry_id, SUBENTRY_TYPE_CHAT),
            context=FirstChatContext(source=SOURCE_USER, notices=self._notices),
        )
        result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, chat["flow_id"])
        return result

    async def _async_go_on(self, errors: dict[str, str]) -> ConfigFlowResult | None:
        """Create the entry, if the instance is what it should be."""
        gateway = await self._async_check(self._data, errors)
        if gateway is None or not self._may_go_on(errors):
            return None
        gateway_type: str = self._data[CONF_GATEWAY]
        await self.async_set_unique_id(f"{gateway_type}_{gateway.unique_id}")
        self._abort_if_unique_id_configured()
        await async_abort_if_same(self.hass, self._data)
        self._notices = await async_find_notices(gateway, self._info)
        name = self._info.account_name
        if name is None or name.casefold() == gateway.name.casefold():
            name = self._data[GATEWAYS[gateway_type].instance_field]
        return self.async_create_entry(
            title=f"{gateway.name} {name}",
            data={**self._data, CONF_WEBHOOK_ID: new_webhook_id()},
            options={CONF_REGISTER_WEBHOOK: True},
        )

    @callback
    def _may_go_on(self, errors: dict[str, str]) -> bool:
        """Say that nothing will be told of presence; go on all the same if asked to."""
        info = self._info
        if info.cannot_tell is None or not info.cannot_tell.is_silent:
            return True
        asked = (info.cannot_tell, *self._data.values())
        if asked == self._told:
            return True
        self._told = asked
        errors["base"] = "engine_cannot_tell"
        return False

    async def _async_check(
        self, data: dict[str, Any], errors: dict[str, str]
    ) -> Gateway | None:
        """Check credentials and instance; an instance that is not ready will do."""
        gateway_class = GATEWAYS[data[CONF_GATEWAY]]
        if not data[gateway_class.instance_field]:
            errors["base"] = "instance_not_found"
            return None
        found = await async_ask(self.hass, data, errors, lambda one: one.validate())
        if found is None:
            return None
        gateway, self._info = found
        return gateway

    async def _async_list_instances(self, errors: dict[str, str]) -> list[str]:
        """List the instances that the credentials give access to."""
        found = await async_ask(self.hass, self._data, errors, _list_instances)
        instances = found[1] if found else []
        if not instances and not errors:
            errors["base"] = "instance_not_found"
        return instances


def _about_engine(info: InstanceInfo) -> dict[str, str]:
    return {
        "engine": info.engine or "",
        "version": info.version or "?",
        "remedy": info.remedy or "",
    }


async def _list_instances(gateway: Gateway) -> list[str]:
    lister: object = gateway
    assert isinstance(lister, InstanceLister)
    return await lister.list_instances()


def _mended(
    hass: HomeAssistant, entry: ConfigEntry, gateway_class: type[Gateway]
) -> dict[str, Any]:
    """Return an entry's data with what is missing left empty, or made up if it can be."""
    data = dict(entry.data)
    if webhook_holder(hass, entry) is not entry:
        for key in (*WEBHOOK_DATA, CONF_WEBHOOK_ID):
            data.pop(key, None)
    for key, default in (
        (gateway_class.instance_field, ""),
        (gateway_class.token_field, ""),
        (CONF_URL, gateway_class.default_url or ""),
        (CONF_WEBHOOK_ID, new_webhook_id()),
    ):
        if not isinstance(data.get(key), str) or not data[key]:
            data[key] = default
    return data


def _wants_key(entry: ConfigEntry[Any]) -> bool:
    """Whether an entry's key was refused, be it at set-up or later."""
    if entry.state is ConfigEntryState.LOADED:
        credentials: Credentials = entry.runtime_data.instance.coordinator.credentials
        return credentials.wanted
    refused = error_key(AuthenticationError())
    return (
        entry.state is ConfigEntryState.SETUP_ERROR
        and entry.error_reason_translation_key == refused
    )


def add_gateway_steps(gateway_type: str) -> None:
    """Give the config flow the steps of a gateway."""

    async def credentials(
        self: WhatsAppPresenceConfigFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        return await self.async_credentials(gateway_type, user_input)

    async def instance(
        self: WhatsAppPresenceConfigFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        return await self.async_instance(gateway_type, user_input)

    name = f"async_step_{gateway_type}"
    setattr(WhatsAppPresenceConfigFlow, name, credentials)
    if lists_instances(gateway_type):
        name = f"{name}_{GATEWAYS[gateway_type].instance_field}"
        setattr(WhatsAppPresenceConfigFlow, name, instance)


for _gateway_type in GATEWAYS:
    add_gateway_steps(_gateway_type)


class WhatsAppPresenceOptionsFlow(OptionsFlow):
    """Change how the gateway's events reach Home Assistant."""

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask in the form that says what is true of the gateway."""
        return await self._async_ask_options(user_input)

    @ends_on(UnknownEntry, reason="account_removed")
    async def async_step_stream(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where events come over a stream."""
        return await self._async_ask_options(user_input)

    async def _async_ask_options(
        self, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for all options at once that are of any use with the gateway."""
        entry = self.config_entry
        if not is_usable(self.hass, entry):
            return self.async_abort(reason="unusable_entry")
        if user_input is not None:
            options = {**entry.options, **user_input}
            options.pop(CONF_WEBHOOK_SECRET, None)
            if options.pop(CONF_NEW_WEBHOOK_ADDRESS, False):
                await async_renew_webhook(self.hass, entry)
            if secret := user_input.get(CONF_WEBHOOK_SECRET, "").strip():
                options[CONF_WEBHOOK_SECRET] = secret
            return self.async_create_entry(data=options)
        schema: dict[vol.Marker, Any] = {}
        capabilities = GATEWAYS[entry.data[CONF_GATEWAY]].capabilities
        if capabilities.manages_webhooks:
            schema[vol.Required(CONF_REGISTER_WEBHOOK, default=True)] = (
                BooleanSelector()
            )
            schema[vol.Optional(CONF_NEW_WEBHOOK_ADDRESS, default=False)] = (
                BooleanSelector()
            )
        if capabilities.signs_webhooks:
            schema[vol.Optional(CONF_WEBHOOK_SECRET)] = _TOKEN
        return self.async_show_form(
            step_id="init" if capabilities.transport is Transport.WEBHOOK else "stream",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(schema), entry.options
            ),
            description_placeholders={"webhook_url": self._webhook_url()},
        )

    def _webhook_url(self) -> str:
        """Return the address to register by hand, as far as it is known."""
        data = self.config_entry.data
        path = webhook.async_generate_path(data[CONF_WEBHOOK_ID])
        return known_url(self.hass, data) or f"https://…{path}"
