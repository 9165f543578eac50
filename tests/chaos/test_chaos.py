"""A short piece of the chaos run; scripts/chaos plays whole days."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python apart: the clock of a whole process is turned."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )


def test_some_hours_of_faults_end_without_a_wrong_state() -> None:
    """Nor with a missed re-subscription, a leak, or a line too many in the log."""
    done = run("-m", "tests.chaos", "--seed", "11", "--hours", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("good\n")


def test_some_thousand_odd_bodies_do_no_harm() -> None:
    """No exception, no state without a cause, no growth."""
    done = run("-m", "tests.chaos", "--fuzz", "4000")
    assert done.returncode == 0, done.stdout + done.stderr


BROKEN = """
import dataclasses
import sys
import custom_components.whatsapp_presence
from custom_components.whatsapp_presence.presence.model import Source
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker
from tests.chaos.run import run
{sabotage}
result = run({seed}, {hours}, ("wawp",), {only})
print(dict(result.oracle.counts))
sys.exit(all(result.oracle.counts[kind] for kind in {found}))
"""

# The old word taken for an event: what the integration did before it knew better.
BELIEVES = """
apply = PresenceTracker.apply
def believe(self, update, now, **answer):
    if update.source is Source.REMEMBERED:
        update = dataclasses.replace(update, source=Source.EVENT, asked_at=None)
        answer = {}
    return apply(self, update, now, **answer)
PresenceTracker.apply = believe
"""


# What nobody vouches for stays for ever.
KEEPS = """
from custom_components.whatsapp_presence.presence import person
person.IMPLIED_LIFE = person.SAID_LIFE = 1e9
"""


@pytest.mark.parametrize(
    ("sabotage", "only", "found"),
    [
        (
            "PresenceTracker.forget = lambda self: False",
            ["loss"],
            ["unsupported state"],
        ),
        (KEEPS, ["slowness"], ["unsupported state"]),
        (BELIEVES, [], ["unsupported state", "fired without cause"]),
    ],
    ids=["forgets nothing", "never ages", "believes old words"],
)
def test_the_oracle_sees_what_is_broken(
    sabotage: str, only: list[str], found: list[str]
) -> None:
    """The run is worth something: an integration that is broken does not pass."""
    code = BROKEN.format(sabotage=sabotage, seed=11, hours=3, only=only, found=found)
    done = run("-c", code)
    assert done.returncode == 1, done.stdout + done.stderr
