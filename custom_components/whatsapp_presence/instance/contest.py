"""Whether another home has the same webhook, and what the user is told of it."""

from collections.abc import Collection

from yarl import URL

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback

from ..repairs import Issue, async_clear_issue, async_raise_issue


class Contest:
    """Tells the user of addresses of the webhook that are not this home's.

    They are left alone. One look may find what another home is about to take away;
    what is found again, or had been written before this home's start, is told.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with nobody seen."""
        self._hass = hass
        self._entry = entry
        self._path = webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID])
        self._seen = False
        # What this entry, or the one that it is a copy of, had written.
        self._left: set[str] = set()

    def is_same(self, url: str, own: str | None) -> bool:
        """Whether an address is but another spelling of this home's own."""
        return own is not None and self._ends_here(url) and _origin(url) == _origin(own)

    def is_anothers(self, url: str) -> bool:
        """Whether an address is that of this webhook at another home."""
        return url in self._left or self._ends_here(url)

    def _ends_here(self, url: str) -> bool:
        return url.partition("?")[0].rstrip("/").endswith(self._path)

    @callback
    def leave(self, url: str) -> None:
        """Let an address be that was written under another than this home's."""
        self._left.add(url)

    @callback
    def note(self, others: Collection[str], *, is_check: bool = True) -> None:
        """Note what was found at the gateway; `is_check`: at one of the regular looks."""
        if others:
            if (self._seen and is_check) or not self._left.isdisjoint(others):
                async_raise_issue(
                    self._hass,
                    Issue.WEBHOOK_CONTESTED,
                    self._entry.entry_id,
                    instance=self._entry.title,
                    hosts=", ".join(sorted({_host(url) for url in others})),
                )
            self._seen = True
        elif is_check:
            self._seen = False
            self._left.clear()
            async_clear_issue(self._hass, Issue.WEBHOOK_CONTESTED, self._entry.entry_id)


def _origin(url: str) -> URL | None:
    try:
        return URL(url).origin()
    except ValueError:
        return None


def _host(url: str) -> str:
    """Return where an address leads, without what is secret of it."""
    origin = _origin(url)
    return str(origin).partition("://")[2] if origin else "?"
