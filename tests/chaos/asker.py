"""Asks Home Assistant again and again, from a process of its own, how long it takes.

    python -m tests.chaos.asker URL TOKEN PID

Asks until its input ends, and prints the longest time in seconds: as it was, and as it
would have been had the machine not made either side wait for other processes. That is
no longer than Home Assistant computed meanwhile, all of its threads together.
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
    """Ask, and tell the longest."""
    address = urlsplit(url)
    assert address.hostname is not None
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    ended = threading.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), ended.set()), daemon=True
    ).start()
    theirs = f"{pid}/task/{pid}"
    longest = own = 0.0
    while not ended.wait(PAUSE):
        before = waited("thread-self") + waited(theirs)
        busy = computed(int(pid))
        began = time.perf_counter()
        connection.request("GET", "/api/", headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        took = time.perf_counter() - began
        longest = max(longest, took)
        left = took - (waited("thread-self") + waited(theirs) - before)
        own = max(own, min(left, computed(int(pid)) - busy + CALL))
    print(longest, own)


if __name__ == "__main__":
    main(*sys.argv[1:])
