"""What was said of somebody last, and under which id."""

from enum import Enum, auto
from typing import Final

from .clock import LONG_AGO, Order
from .model import Activity, MemberUpdate, PresenceUpdate

BUSY: Final = (Activity.TYPING, Activity.RECORDING)

type Word = tuple[bool | None, Activity | None, bool]
"""What a gateway says of one person: online, activity, and whether online is implied."""

NOTHING: Final[Word] = (None, None, False)

# There are few words, and many who keep one.
_SHARED: Final[dict[Word, Word]] = {}


class Echo(Enum):
    """What a remembered answer is, beside the last word under the id that was asked."""

    # There was no word to compare it with.
    FIRST = auto()
    # Another word: it was said since.
    NEWER = auto()
    # The same: it tells nothing.
    OLD = auto()


class Memory(Order):
    """The last word on somebody under the id that events come under.

    Before there are events, it is the last word of the answers under each id.
    """

    __slots__ = ("_answers", "_told_as", "_word")

    def __init__(self) -> None:
        """Begin without a word."""
        super().__init__()
        self.forget_words()

    def forget_words(self) -> None:
        """Compare with nothing that was said so far."""
        self._told_as: str | None = None
        self._word = NOTHING
        self._answers: dict[str, Word] | None = None

    def ignores(self, asked_as: str) -> bool:
        """Whether events come under another id than the one that was asked."""
        return self._told_as not in (None, asked_as)

    def listen(self, told_as: str) -> None:
        """Compare an event with no answer that knew nothing of the event's id."""
        if self._answers is not None and told_as not in self._answers:
            self.answered = LONG_AGO

    def tell(
        self,
        word: PresenceUpdate | MemberUpdate,
        told_as: str,
        *,
        never_pauses: bool,
    ) -> bool:
        """Remember an event's word; returns whether its online is only implied.

        Where an engine never says paused, its "online" after typing means that, and
        not that the person was seen to be online.
        """
        said = (word.online, word.activity, word.implied)
        last = self._word
        if self._told_as is None and self._answers is not None:
            last = self._answers.get(told_as, NOTHING)
        if said != self._word:
            self._word = _SHARED.setdefault(said, said)
        if told_as != self._told_as:
            self._told_as = told_as
            self._answers = None
        return said[2] or (never_pauses and last[1] in BUSY)

    def recall(self, word: Word, asked_as: str) -> tuple[Echo, Word]:
        """Compare a remembered answer with the last word under the id that was asked.

        That word, which is returned as well, is the answer's from now on. The id is one
        that is not ignored.
        """
        if self._told_as is not None:
            last = self._word
            if word in (last, NOTHING):
                return Echo.OLD, last
            self._word = word
            return Echo.NEWER, last
        if self._answers is None:
            self._answers = {}
        if (before := self._answers.get(asked_as)) is None:
            self._answers[asked_as] = word
            return Echo.OLD if word == NOTHING else Echo.FIRST, NOTHING
        if word in (before, NOTHING):
            return Echo.OLD, before
        self._answers[asked_as] = word
        return Echo.NEWER, before

    def absorb_words(self, other: Memory) -> None:
        """Take in what was said of the same person under another id, and when."""
        if self._told_as is None or (
            other._told_as is not None and other.heard > self.heard
        ):
            if other._told_as is None and other._answers is not None:
                self._answers = other._answers | (self._answers or {})
            self._told_as, self._word = other._told_as, other._word
        self.epoch, self.newest = max(
            (self.epoch, self.newest), (other.epoch, other.newest)
        )
        self.heard = max(self.heard, other.heard)
        self.answered = max(self.answered, other.answered)
