"""A short piece of the life of homes with one backup in common, and some losses."""

import pytest

from .test_chaos import run


def test_homes_leave_each_other_alone() -> None:
    """Each hears everything, and neither writes once all have settled."""
    done = run("-m", "tests.chaos", "--homes", "--hours", "1.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("good\n")


@pytest.mark.parametrize("loss", ["killed", "disk full", "store broken"])
def test_what_is_lost_is_borne(loss: str) -> None:
    """Accounts come back, and what was known is known again."""
    done = run("-m", "tests.chaos", "--losses", "--only", loss)
    assert done.returncode == 0, done.stdout + done.stderr


BROKEN = """
import sys
import custom_components.whatsapp_presence
from custom_components.whatsapp_presence.instance import contest, written
from tests.chaos.homes import run
{sabotage}
print(*run(1, 0.9).problems, sep="\\n")
"""

# Whatever ends at the webhook's id is taken for this home's own.
FIGHTS = """
contest.Contest.is_same = lambda self, url, own: self._ends_here(url)
"""
# What stands in a backup is taken for this home's own.
CLAIMS = """
written.WrittenAddresses.of_this_home = lambda self, own: {
    *self.old, *filter(None, [self._entry.data.get("webhook_url")])
}
"""


@pytest.mark.parametrize(
    ("sabotage", "found"),
    [(FIGHTS, "wrote"), (CLAIMS, "took the original's")],
    ids=["fights", "claims"],
)
def test_what_is_broken_is_seen(sabotage: str, found: str) -> None:
    """The run is worth something: homes that harm each other do not pass."""
    done = run("-c", BROKEN.format(sabotage=sabotage))
    assert done.returncode == 0, done.stderr
    assert found in done.stdout, done.stdout
