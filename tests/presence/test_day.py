"""A long day with one contact, against what anybody could know of them.

What is shown is held against the words that arrived: who is online was heard to be,
not too long ago; who types was told to, in an event; who is offline was the last to be
heard so; and nothing changes without a cause.
"""

from collections.abc import Iterator
import random

import pytest

from custom_components.whatsapp_presence.presence.model import PresenceChange

from .common import ANNA, NOW, Talk

DAY = 86_400.0
SETTLE_TIME = 3.0


class Day:
    """A contact, a gateway that remembers, and an account that is away now and then."""

    def __init__(self, seed: int, *, hides: bool) -> None:
        """Begin at midnight, subscribed. Who hides never says online or offline."""
        self.random = random.Random(seed)
        self.hides = hides
        self.talk = Talk(settle_time=SETTLE_TIME)
        self.memory = "nothing"
        self.heard: list[tuple[float, str]] = []
        self.typed: list[float] = []
        self.renewals: list[float] = []
        self.lost_at = -DAY
        self.back_at = 0.0
        self.is_away = False
        self.is_failing = False
        self.checked = 0

    def live(self) -> None:
        """Live through the day."""
        self.renew(0)
        for second, what in sorted(self.plan()):
            self.talk.at(second)
            self.check(second)
            getattr(self, f"do_{what}")(second)
            self.check(second)
        self.talk.at(DAY)
        self.check(DAY)

    def plan(self) -> Iterator[tuple[float, str]]:
        """Draw what happens when."""
        second = 0.0
        while second < DAY:
            # Busy for some minutes, then quiet for up to two hours.
            for _ in range(self.random.randrange(12)):
                second += self.random.uniform(1, 60)
                yield second, "word"
            second += self.random.uniform(60, 7200)
        yield from ((second, "renewal") for second in range(1200, int(DAY), 1200))
        yield from ((second + 7, "poll") for second in range(0, int(DAY), 600))
        for _ in range(40):
            begin = self.random.uniform(0, DAY - 200)
            yield begin, "loss"
            yield begin + self.random.choice((0.1, 4, 25, 110)), "return"
        for _ in range(10):
            yield self.random.uniform(0, DAY), "repetition"

    def do_word(self, second: float) -> None:
        """Let WhatsApp say something; nobody hears it while the account is away."""
        words = ["typing", "recording", "paused", "paused"]
        if not self.hides:
            words += ["online", "offline", "offline"]
        word = self.random.choice(words)
        if self.is_away:
            return
        self.memory = word
        self.hear(second, word)
        if word in ("typing", "recording"):
            self.typed.append(second)
        self.talk.event(word, event_id=f"{second}")

    def do_renewal(self, second: float) -> None:
        """Renew, and be told what is remembered."""
        if not self.is_away:
            self.renew(second)
            self.talk.answer(self.memory)
            assert not self.talk.tracker.missed

    def do_poll(self, second: float) -> None:
        """Ask for nothing but what is remembered."""
        if not self.is_away:
            self.talk.answer(self.memory)

    def do_loss(self, second: float) -> None:
        """Lose the account for a moment."""
        self.talk.interrupted()
        self.is_away, self.lost_at = True, second

    def do_return(self, second: float) -> None:
        """Get it back, and subscribe again."""
        if self.is_away:
            self.is_away, self.back_at = False, second
            self.renew(second)
            self.talk.answer(self.memory)

    def do_repetition(self, second: float) -> None:
        """Get an event again that was delivered before."""
        if self.heard:
            at, word = self.heard[-1]
            self.talk.event(word, event_id=f"{at}")

    def renew(self, second: float) -> None:
        """Let the gateway accept the subscription."""
        self.renewals.append(second)
        self.talk.renewed()

    def hear(self, second: float, word: str) -> None:
        """Note what arrived."""
        self.heard.append((second, word))

    def check(self, second: float) -> None:
        """Hold what was shown since the last look against what was heard."""
        talk = self.talk
        last = self.heard[-1][1] if self.heard else None
        if talk.presence.typing or talk.presence.recording:
            assert second - self.typed[-1] <= 30
        if talk.online:
            assert second < self.believed_until() + 0.001
        if talk.online is False:
            assert last == "offline"
        if last == "offline" and second - self.heard[-1][0] >= SETTLE_TIME:
            assert talk.online is False
        # Each change has its cause within the time that it takes to show.
        for before, after in zip(
            talk.shown[self.checked :], talk.shown[self.checked + 1 :], strict=False
        ):
            if not before.online and after.online:
                assert self.heard[-1][0] == second
        self.checked = len(talk.shown) - 1

    def believed_until(self) -> float:
        """Until when the last online that was heard holds."""
        run: list[tuple[float, str]] = []
        for at, word in self.heard:
            if word == "offline":
                # It still shows for a moment.
                ends = at + SETTLE_TIME
                run = []
            else:
                run.append((at, word))
        if not run:
            return ends
        # Of what lapsed before, nothing counts.
        started = 0
        for number in range(1, len(run)):
            if self.lapse(run[started:number]) <= run[number][0]:
                started = number
        return self.lapse(run[started:])

    def lapse(self, run: list[tuple[float, str]]) -> float:
        """Return when an online lapses that was heard so."""
        sign = run[-1][0]
        until = sign + 300
        if any(word == "online" for _, word in run):
            later = [at for at in self.renewals if at > sign]
            until = max(sign + 1800, later[2] if len(later) > 2 else DAY)
        if sign < self.lost_at:
            until = min(until, DAY if self.is_away else self.back_at + 120)
        return until


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_shows_only_what_was_heard(seed: int, hides: bool) -> None:
    """Through forty blips, with a memory that repeats itself."""
    day = Day(seed, hides=hides)
    day.live()
    fired = day.talk.fired
    assert (PresenceChange.CAME_ONLINE in fired) is not hides
    assert len(day.talk.shown) > 100
    assert day.talk.presence.last_seen is not None


def test_a_quiet_day_writes_nothing() -> None:
    """Offline all day long, with a blip every half hour."""
    talk = Talk().renewed().event("offline")
    shown = talk.presence
    for second in range(600, int(DAY), 600):
        talk.at(second).renewed().answer("offline")
        if second % 1800 == 0:
            talk.interrupted().at(second + 4).renewed().answer("offline")
        assert talk.presence is shown
    assert talk.tracker.deadline is None


def test_a_day_of_typing_that_is_only_remembered() -> None:
    """One event in the morning, and its echo until midnight."""
    talk = Talk().renewed().event("typing", last_seen=NOW - 50)
    talk.at(30)
    for second in range(300, int(DAY), 300):
        talk.at(second).renewed().answer("typing", chat_id=ANNA)
        assert talk.presence.typing is False
        assert talk.online is None
    assert [str(change) for change in talk.fired] == ["stopped_typing"]
