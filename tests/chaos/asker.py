"""Asks Home Assistant again and again, from a process of its own, how long it takes.

    python -m tests.chaos.asker URL TOKEN PID

Asks until its input ends, and prints the longest time in seconds: as it was, and
without the time for which the machine made either side wait for other processes.
"""

from http.client import HTTPConnection
from pathlib import Path
import sys
import threading
import time
from urllib.parse import urlsplit

PAUSE = 0.02


def waited(process: str) -> float:
    """Return for how many seconds a thread could have run, but did not."""
    return int(Path(f"/proc/{process}/schedstat").read_text("ascii").split()[1]) / 1e9


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
        began = time.perf_counter()
        connection.request("GET", "/api/", headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        took = time.perf_counter() - began
        longest = max(longest, took)
        own = max(own, took - (waited("thread-self") + waited(theirs) - before))
    print(longest, own)


if __name__ == "__main__":
    main(*sys.argv[1:])
