"""Problems that the user can mend, and those that mend themselves."""

from abc import abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final, override

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

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
    WEBHOOK_CONTESTED = "webhook_contested"
    CHAT_UNREADABLE = "chat_unreadable"
    ENTRY_TOO_NEW = "entry_too_new"


_SEVERITY = {
    Issue.NO_PUBLIC_URL: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_NOT_REGISTERED: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_SILENT: ir.IssueSeverity.WARNING,
    Issue.STREAM_REFUSED: ir.IssueSeverity.WARNING,
    Issue.STREAM_SILENT: ir.IssueSeverity.WARNING,
    Issue.INSTANCE_NOT_READY: ir.IssueSeverity.ERROR,
    Issue.CHAT_REFUSED: ir.IssueSeverity.WARNING,
    Issue.PRESENCE_FAILING: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_CONTESTED: ir.IssueSeverity.WARNING,
    Issue.CHAT_UNREADABLE: ir.IssueSeverity.WARNING,
    Issue.ENTRY_TOO_NEW: ir.IssueSeverity.ERROR,
}


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
        severity=_SEVERITY[issue],
        translation_key=issue if variant is None else f"{issue}_{variant}",
        translation_placeholders=placeholders,
    )


@callback
def async_clear_issue(hass: HomeAssistant, issue: Issue, owner_id: str) -> None:
    """Take a problem back; one that was never told is no error."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(issue, owner_id))


class _FixFlow(RepairsFlow):
    """Tells what the user can do, and looks on a click whether it has helped."""

    reason: str
    schema: ClassVar[vol.Schema] = vol.Schema({})

    def __init__(self, entry: ConfigEntry[Any]) -> None:
        """Remember whose problem it is."""
        self._entry = entry

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
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            return self.async_show_form(
                step_id="confirm",
                data_schema=self.schema,
                description_placeholders=issue.translation_placeholders
                if issue
                else None,
            )
        if self._entry.state is ConfigEntryState.LOADED and await self.async_fix(
            self._entry.runtime_data, user_input
        ):
            return self.async_create_entry(data={})
        return self.async_abort(reason=self.reason)


class _RegisterWebhookFlow(_FixFlow):
    """Registers the webhook anew."""

    reason = "not_registered"

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        if not await data.webhook.async_register_anew():
            return False
        # Whoever lost the webhook may have lost the subscriptions as well.
        data.instance.async_resubscribe()
        return True


class _LookAgainFlow(_FixFlow):
    """Asks how the instance stands; the chats subscribe by themselves if it is ready."""

    reason = "still_not_ready"

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        coordinator = data.instance.coordinator
        await coordinator.async_refresh()
        return bool(coordinator.ready)


class _ContestedFlow(_FixFlow):
    """Gives this home's webhook a new address, or has the other one deleted."""

    reason = "not_settled"
    schema = vol.Schema({vol.Optional(CONF_DELETE_OTHER, default=False): bool})

    @override
    async def async_fix(self, data: Any, user_input: Mapping[str, Any]) -> bool:
        if user_input.get(CONF_DELETE_OTHER):
            return bool(await data.webhook.async_delete_others())
        data.webhook.async_renew()
        return True


FIX_FLOWS: dict[Issue, type[_FixFlow]] = {
    Issue.WEBHOOK_NOT_REGISTERED: _RegisterWebhookFlow,
    Issue.WEBHOOK_SILENT: _RegisterWebhookFlow,
    Issue.INSTANCE_NOT_READY: _LookAgainFlow,
    Issue.WEBHOOK_CONTESTED: _ContestedFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Create the flow for a problem that a click can help with."""
    assert data is not None
    entry = hass.config_entries.async_get_known_entry(data["owner_id"])
    return FIX_FLOWS[Issue(data["issue"])](entry)
