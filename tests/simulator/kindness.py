"""In what the simulator may be kinder than the gateways are."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Kindness:
    """Switches, all off by default: a test that needs one says so.

    `members_told`         a group tells of each member who comes online and goes; in
                           truth it tells its own count, and who types and records
                           (WAHA and Wawp).
    `live_answers`         an answer is the present truth under whichever id it was
                           asked; in truth it is the last event heard under that very
                           id (WAHA and Wawp).
    `pauses_told`          NOWEB says `paused`; in truth it says `online`.
    `hidden_goes_offline`  who hides being online is told to be offline; in truth only
                           typing, recording and their end are told, and no offline.
    `one_device`           a group's answer lists each member once; in truth once a
                           device, the newer last.
    `own_presence_kept`    the account's own announcement stands until it is taken
                           back; in truth the end of any asking ends it 25 s later
                           (WAHA and Wawp).

    A seventh is not a switch but a clock: `SkippingClock` leaves out the seconds that
    a gateway keeps its callers waiting.
    """

    members_told: bool = False
    live_answers: bool = False
    pauses_told: bool = False
    hidden_goes_offline: bool = False
    one_device: bool = False
    own_presence_kept: bool = False


STRICT: Final = Kindness()
