"""For how long somebody has been online on a day.

All times are unix seconds in UTC (float); the caller owns the clock and the calendar.
"""


class OnlineTime:
    """Counts the seconds of a day in which somebody is known to be online.

    What is unknown does not count, nor does what nobody has watched.
    """

    __slots__ = ("_counted", "_midnight", "_since")

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counted = 0.0
        self._midnight = 0.0
        # Until when a stay that goes on is counted; None while there is none.
        self._since: float | None = None

    @property
    def is_counting(self) -> bool:
        """Whether somebody is online as far as is known."""
        return self._since is not None

    @property
    def midnight(self) -> float:
        """When the day began of which is counted."""
        return self._midnight

    @property
    def seconds(self) -> float:
        """What has been counted of the day."""
        return self._counted

    def restore(self, seconds: float, midnight: float) -> None:
        """Take over what was counted before, of the day that began at that midnight."""
        self._counted, self._midnight = seconds, midnight

    def follow(self, online: bool | None, now: float, midnight: float) -> None:
        """Count up to now, and go on counting if somebody is online.

        `midnight` is when the present day began. A clock that was set back takes
        nothing away.
        """
        if midnight != self._midnight:
            self._counted, self._midnight = 0.0, midnight
        if self._since is not None:
            self._counted += max(0.0, now - max(self._since, midnight))
        self._since = now if online else None
