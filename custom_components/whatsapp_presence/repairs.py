"""Problems that the user can mend, and those that mend themselves."""

from abc import abstractmethod
from enum import StrEnum
from typing import Any, override

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN


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


_SEVERITY = {
    Issue.NO_PUBLIC_URL: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_NOT_REGISTERED: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_SILENT: ir.IssueSeverity.WARNING,
    Issue.STREAM_REFUSED: ir.IssueSeverity.WARNING,
    Issue.STREAM_SILENT: ir.IssueSeverity.WARNING,
    Issue.INSTANCE_NOT_READY: ir.IssueSeverity.ERROR,
    Issue.CHAT_REFUSED: ir.IssueSeverity.WARNING,
    Issue.PRESENCE_FAILING: ir.IssueSeverity.WARNING,
}


def _issue_id(issue: Issue, owner_id: str) -> str:
    return f"{issue}_{owner_id}"


@callback
def async_raise_issue(
    hass: HomeAssistant, issue: Issue, owner_id: str, **placeholders: str
) -> None:
    """Tell the user of a problem; `owner_id` is the entry's or the subentry's id."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(issue, owner_id),
        data={"issue": issue.value, "owner_id": owner_id},
        is_fixable=issue in FIX_FLOWS,
        severity=_SEVERITY[issue],
        translation_key=issue,
        translation_placeholders=placeholders,
    )


@callback
def async_clear_issue(hass: HomeAssistant, issue: Issue, owner_id: str) -> None:
    """Take a problem back; one that was never told is no error."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(issue, owner_id))


class _FixFlow(RepairsFlow):
    """Tells what the user can do, and looks on a click whether it has helped."""

    reason: str

    def __init__(self, entry_id: str) -> None:
        """Remember whose problem it is."""
        self._entry_id = entry_id

    @abstractmethod
    async def async_fix(self, data: Any) -> bool:
        """Try to fix it, with what the loaded entry holds; returns whether it is."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Wait for the click, then try."""
        entry: ConfigEntry[Any] | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        if entry is None:
            return self.async_abort(reason="account_removed")
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            return self.async_show_form(
                step_id="confirm",
                data_schema=vol.Schema({}),
                description_placeholders=issue.translation_placeholders
                if issue
                else None,
            )
        if entry.state is ConfigEntryState.LOADED and await self.async_fix(
            entry.runtime_data
        ):
            return self.async_create_entry(data={})
        return self.async_abort(reason=self.reason)


class _RegisterWebhookFlow(_FixFlow):
    """Registers the webhook anew."""

    reason = "not_registered"

    @override
    async def async_fix(self, data: Any) -> bool:
        if not await data.webhook.async_register_anew():
            return False
        # Whoever lost the webhook may have lost the subscriptions as well.
        data.instance.async_resubscribe()
        return True


class _LookAgainFlow(_FixFlow):
    """Asks how the instance stands; the chats subscribe by themselves if it is ready."""

    reason = "still_not_ready"

    @override
    async def async_fix(self, data: Any) -> bool:
        coordinator = data.instance.coordinator
        await coordinator.async_refresh()
        return bool(coordinator.ready)


FIX_FLOWS: dict[Issue, type[_FixFlow]] = {
    Issue.WEBHOOK_NOT_REGISTERED: _RegisterWebhookFlow,
    Issue.WEBHOOK_SILENT: _RegisterWebhookFlow,
    Issue.INSTANCE_NOT_READY: _LookAgainFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Create the flow for a problem that a click can help with."""
    assert data is not None
    return FIX_FLOWS[Issue(data["issue"])](data["owner_id"])
