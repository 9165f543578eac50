"""Problems that the user can mend, and those that mend themselves."""

from enum import StrEnum

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN


class Issue(StrEnum):
    """The problems that are told as repairs."""

    NO_PUBLIC_URL = "no_public_url"
    WEBHOOK_NOT_REGISTERED = "webhook_not_registered"
    WEBHOOK_SILENT = "webhook_silent"
    STREAM_SILENT = "stream_silent"
    INSTANCE_NOT_READY = "instance_not_ready"
    CHAT_REFUSED = "chat_refused"


_SEVERITY = {
    Issue.NO_PUBLIC_URL: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_NOT_REGISTERED: ir.IssueSeverity.WARNING,
    Issue.WEBHOOK_SILENT: ir.IssueSeverity.WARNING,
    Issue.STREAM_SILENT: ir.IssueSeverity.WARNING,
    Issue.INSTANCE_NOT_READY: ir.IssueSeverity.ERROR,
    Issue.CHAT_REFUSED: ir.IssueSeverity.WARNING,
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
        is_fixable=False,
        severity=_SEVERITY[issue],
        translation_key=issue,
        translation_placeholders=placeholders,
    )


@callback
def async_clear_issue(hass: HomeAssistant, issue: Issue, owner_id: str) -> None:
    """Take a problem back; one that was never told is no error."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(issue, owner_id))
