"""Asks Home Assistant again and again, from a process of its own, how long it takes.

    python -m tests.chaos.asker URL TOKEN PID

Asks until its input ends. Prints an empty line when it begins, and at the end one for
each answer: when it was asked and when that was answered, in seconds of the machine's
monotonic clock, and how long it would have taken had the machine not made either side
wait for other processes. That is no longer than Home Assistant computed meanwhile, all
of its threads together.
"""

from http.client import HTTPConnection
from pathlib import Path
import sys
import threading
import time
from urllib.parse import urlsplit

PAUSE = 0.02
CALL = 0.002
"""Seconds that the question itself takes on this side and on the way."""


def waited(process: str) -> float:
    """Return for how many seconds a thread could have run, but did not."""
    return int(Path(f"/proc/{process}/schedstat").read_text("ascii").split()[1]) / 1e9


def computed(process: int) -> float:
    """Return for how many seconds a process has computed, as Linux numbers its clock."""
    return time.clock_gettime_ns((~process << 3) | 2) / 1e9


def main(url: str, token: str, pid: str) -> None:
    """Ask, and tell of each answer."""
    address = urlsplit(url)
    assert address.hostname is not None
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    ended = threading.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), ended.set()), daemon=True
    ).start()
    theirs = f"{pid}/task/{pid}"
    answers: list[str] = []
    print(flush=True)
    while not ended.wait(PAUSE):
        before = waited("thread-self") + waited(theirs)
        busy = computed(int(pid))
        began = time.monotonic()
        connection.request("GET", "/api/", headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        ended_at = time.monotonic()
        left = ended_at - began - (waited("thread-self") + waited(theirs) - before)
        own = min(left, computed(int(pid)) - busy + CALL)
        answers.append(f"{began} {ended_at} {own}")
    print("\n".join(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
