"""Problems that the user can mend, and those that mend themselves."""

from abc import abstractmethod
import asyncio
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final, override

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig

from .const import (
    CONF_GATEWAY,
    CONF_REGISTER_WEBHOOK,
    CONF_WEBHOOK_URL,
    DOCS_URL,
    DOMAIN,
)
from .gateways import GATEWAYS
from .gateways.base import GatewayError

CONF_DELETE_OTHER: Final = "delete_other"


class Issue(StrEnum):
    """The problems that are told as repairs."""

    NO_PUBLIC_URL = "no_public_url"
    WEBHOOK_NOT_REGISTERED = "webhook_not_registered"
    WEBHOOK_SILENT = "webhook_silent"
    STREAM_REFUSED = "stream_refused"
    STREAM_SILENT = "stream_silent"
    INSTANCE_NOT_READY = "instance_not_ready"
    CHAT_REFUSED = "chat_refused"
    PRESENCE_FAILING = "presence_failing"
    NOTHING_ARRIVES = "nothing_arrives"
    ENGINE_CANNOT_TELL = "engine_cannot_tell"
    WEBHOOK_CONTESTED = "webhook_contested"
    CHAT_UNREADABLE = "chat_unreadable"
    ENTRY_TOO_NEW = "entry_too_new"
    ENTRY_UNUSABLE = "entry_unusable"


# What keeps a whole account from being shown.
_ERRORS: Final = frozenset(
    {
        Issue.INSTANCE_NOT_READY,
        Issue.ENGINE_CANNOT_TELL,
        Issue.ENTRY_TOO_NEW,
        Issue.ENTRY_UNUSABLE,
    }
)


def _issue_id(issue: Issue, owner_id: str) -> str:
    return f"{issue}_{owner_id}"


@callback
def async_raise_issue(
    hass: HomeAssistant,
    issue: Issue,
    owner_id: str,
    *,
    variant: str | None = None,
    **placeholders: str,
) -> None:
    """Tell the user of a problem; `owner_id` is the entry's or the subentry's id.

    A `variant` of it has a text of its own.
    """
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(issue, owner_id),
        data={"issue": issue.value, "owner_id": owner_id},
        is_fixable=issue in FIX_FLOWS,
        learn_more_url=learn_more_url(issue),
        severity=ir.IssueSeverity.ERROR
        if issue in _ERRORS
        else ir.IssueSeverity.WARNING,
        translation_key=issue if variant is None else f"{issue}_{variant}",
        translation_placeholders=placeholders,
    )


def learn_more_url(issue: Issue) -> str:
    """Return where the documentation tells of a problem: under a heading of its own."""
    return f"{DOCS_URL}/troubleshooting.md#{issue}"


@callback
def async_is_told(
    hass: HomeAssistant, owner_ids: Collection[str], *, besides: Collection[Issue]
) -> bool:
    """Whether the user is told of any other problem of an entry and its subentries."""
    return any(
        found.data is not None
        and found.data.get("owner_id") in owner_ids
        and found.data.get("issue") not in besides
        for (domain, _), found in ir.async_get(hass).issues.items()
        if domain == DOMAIN and found.active
    )


@callback
def async_clear_issue(hass: HomeAssistant, issue: Issue, owner_id: str) -> None:
    """Take a problem back; one that was never told is no error."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(issue, owner_id))


class _FixFlow(RepairsFlow):
    """Tells what the user can do, and looks on a click whether it has helped."""

    reason: str
    schema: ClassVar[vol.Schema] = vol.Schema({})

    def __init__(self, issue: Issue, entry_id: str) -> None:
        """Remember which problem it is, and whose."""
        self.issue = issue
        self._entry_id = entry_id
        self._named: Mapping[str, str] = {}

    @property
    def entry(self) -> ConfigEntry[Any] | None:
        """The account; None once it is removed."""
        return self.hass.config_entries.async_get_entry(self._entry_id)

    @abstractmethod
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        """Try to fix it, with what the loaded entry holds; returns whether it is."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Wait for the click, then try."""
        if self.entry is None:
            return self.async_abort(reason="account_removed")
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                data_schema=self.schema,
                description_placeholders=self.placeholders(),
            )
        return await self.async_try(user_input)

    async def async_try(self, user_input: Mapping[str, Any]) -> RepairsFlowResult:
        """Try, and say what came of it."""
        entry = self.entry
        if entry is None:
            return self.async_abort(reason="account_removed")
        if entry.state is ConfigEntryState.LOADED and await self.async_fix(
            entry.runtime_data, user_input
        ):
            return self.async_create_entry(data={})
        return self.async_abort(reason=self.reason)

    @callback
    def placeholders(self) -> dict[str, str]:
        """Return what the texts of the flow may name.

        The problem may be gone before the dialog is, which goes on to name it. The front
        end links to the documentation beside other problems, but not in a flow.
        """
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if issue is not None:
            self._named = issue.translation_placeholders or {}
        return {**self._named, "learn_more": learn_more_url(self.issue)}


class _WebhookFlow(_FixFlow):
    """Has the webhook entered by hand at the gateway, or tries to register it."""

    reason = "not_registered"

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Let the user choose who enters it."""
        return self.async_show_menu(
            step_id="confirm",
            menu_options=["by_hand", "again"],
            description_placeholders=self.placeholders(),
        )

    async def async_step_by_hand(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Show the address, to be copied; then take the user's word for it."""
        entry = self.entry
        if entry is None:
            return self.async_abort(reason="account_removed")
        if user_input is None:
            gateway = GATEWAYS[entry.data[CONF_GATEWAY]]
            placeholders = self.placeholders()
            url = placeholders.get(CONF_WEBHOOK_URL, "")
            return self.async_show_form(
                step_id="by_hand",
                # Several lines show it whole on a phone. What can't be written to
                # can't be copied from, so what comes back of the field is nothing.
                data_schema=vol.Schema(
                    {
                        vol.Optional(CONF_WEBHOOK_URL, default=url): TextSelector(
                            TextSelectorConfig(multiline=True)
                        )
                    }
                ),
                description_placeholders={
                    **placeholders,
                    "events": ", ".join(f"`{one}`" for one in gateway.webhook_events),
                    "page": gateway.webhook_page,
                },
            )
        self.async_leave_to_user(entry)
        if entry.state is ConfigEntryState.LOADED:
            instance = entry.runtime_data.instance
            instance.delivery.async_start_over()
            instance.async_resubscribe()
        return self.async_create_entry(data={}, description="entered")

    async def async_step_again(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Register the webhook anew."""
        return await self.async_try({})

    @callback
    def async_leave_to_user(self, entry: ConfigEntry[Any]) -> None:
        """Do what else follows from the user's having entered it."""

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        if not await data.webhook.async_register_anew():
            return False
        # Whoever lost the webhook may have lost the subscriptions as well.
        data.instance.async_resubscribe()
        return True


class _UnregisteredWebhookFlow(_WebhookFlow):
    """The same where the gateway does not let Home Assistant register it."""

    @callback
    @override
    def async_leave_to_user(self, entry: ConfigEntry[Any]) -> None:
        """Try to register it no longer, nor take back what is the user's from now on."""
        self.hass.config_entries.async_update_entry(
            entry,
            data={
                key: value
                for key, value in entry.data.items()
                if key != CONF_WEBHOOK_URL
            },
            options={**entry.options, CONF_REGISTER_WEBHOOK: False},
        )


class _LookAgainFlow(_FixFlow):
    """Asks how the instance stands; the chats subscribe by themselves if it is ready."""

    reason = "still_not_ready"

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        coordinator = data.instance.coordinator
        # The entry's own task: what is answered when that is unloaded is for nobody.
        look = coordinator.config_entry.async_create_background_task(
            self.hass, coordinator.async_refresh(), f"{DOMAIN} look at the instance"
        )
        await asyncio.wait([look])
        return bool(coordinator.ready)


class _AnnounceFlow(_FixFlow):
    """Announces the account as online: some are told of others only then."""

    reason = "not_announced"

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        try:
            await data.instance.announcer.async_begin()
        except GatewayError:
            return False
        if not data.instance.announcer.is_on:
            # The entry was unloaded meanwhile.
            return False
        data.instance.silence.async_start_over()
        # The switch shows it.
        data.instance.coordinator.async_update_listeners()
        return True


class _ContestedFlow(_FixFlow):
    """Gives this home's webhook a new address, or has the other one deleted."""

    reason = "not_settled"
    schema = vol.Schema({vol.Optional(CONF_DELETE_OTHER, default=False): bool})

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        if user_input.get(CONF_DELETE_OTHER):
            return bool(await data.webhook.async_delete_others())
        await data.webhook.async_renew()
        return True


FIX_FLOWS: dict[Issue, type[_FixFlow]] = {
    Issue.WEBHOOK_NOT_REGISTERED: _UnregisteredWebhookFlow,
    Issue.WEBHOOK_SILENT: _WebhookFlow,
    Issue.INSTANCE_NOT_READY: _LookAgainFlow,
    Issue.NOTHING_ARRIVES: _AnnounceFlow,
    Issue.WEBHOOK_CONTESTED: _ContestedFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Create the flow for a problem that a click can help with."""
    assert data is not None
    issue = Issue(data["issue"])
    return FIX_FLOWS[issue](issue, data["owner_id"])
