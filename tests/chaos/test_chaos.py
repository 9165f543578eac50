"""A short piece of the chaos run; scripts/chaos plays whole days."""

import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python apart: the clock of a whole process is turned."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=240,
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
import sys
import custom_components.whatsapp_presence
from custom_components.whatsapp_presence.presence import tracker
from tests.chaos.run import run
{sabotage}
result = run(11, 2, ("wawp",))
print(dict(result.oracle.counts))
sys.exit(bool(result.oracle.counts["wrong state"]))
"""


def test_the_oracle_sees_what_is_not_forgotten_when_the_instance_is_lost() -> None:
    """The run is worth something: an integration that is broken does not pass."""
    sabotage = "tracker.PresenceTracker.forget = lambda self: False"
    done = run("-c", BROKEN.format(sabotage=sabotage))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "wrong state" in done.stdout, done.stdout + done.stderr
