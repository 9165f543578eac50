"""Whether the gateway takes an account's key, and the question for a new one."""

from datetime import timedelta
from typing import Final

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import STATUS_INTERVAL

# A key that is refused is tried again as often as ever at first, then less and less.
REFUSED_POLLS: Final = 6
MAX_REFUSED_INTERVAL: Final = 3 * STATUS_INTERVAL


class Credentials:
    """Asks the user for a new key, and takes the question back if it answers itself."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with a key that nobody has refused."""
        self._hass = hass
        self._entry = entry
        self._refused_polls = 0
        self._stream_refuses = False
        # Whether a new key is wanted. While another dialog of the entry is open, none
        # can be asked for; who closes that looks here.
        self.wanted = False

    @property
    def refused(self) -> bool:
        """Whether the last poll was refused: asking sooner would tell nothing new."""
        return self._refused_polls > 0

    @property
    def interval(self) -> timedelta:
        """After which time to try again."""
        more = max(self._refused_polls - REFUSED_POLLS + 1, 1)
        return min(more * STATUS_INTERVAL, MAX_REFUSED_INTERVAL)

    @callback
    def async_refuse(self) -> None:
        """A poll was refused."""
        self._refused_polls += 1
        self._ask()

    @callback
    def async_accept(self) -> None:
        """A poll was not refused: what was asked for is wanted no longer."""
        self._refused_polls = 0
        if not self.wanted or self._stream_refuses:
            return
        self.wanted = False
        for flow in list(
            self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})
        ):
            self._hass.config_entries.flow.async_abort(flow["flow_id"])

    @callback
    def async_note_stream(self, *, refused: bool) -> None:
        """The event stream refuses the key, whatever polls say, or does not."""
        self._stream_refuses = refused
        if refused:
            self._ask()

    @callback
    def _ask(self) -> None:
        self.wanted = True
        self._entry.async_start_reauth(self._hass)
