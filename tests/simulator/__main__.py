"""Run the simulator: `python -m tests.simulator`."""

import argparse
import asyncio
import contextlib
import signal
import textwrap
from typing import Any, Final

from .clock import HurriedClock
from .server import HOST, Simulator

WAAPI: Final = ("12345", "demo-waapi-token")
WAWP: Final = ("DEMO12345678", "demo-wawp-token")
WAHA: Final = ("default", "demo-waha-key")

# Fictional numbers: 555-01xx, and a range that nobody has.
PEOPLE: Final = (
    ("15555550101", "Anna", "20100000000001@lid"),
    ("15555550102", "Ben", "20100000000002@lid"),
    ("4915155500103", "Clara", None),
    ("4915155500104", "David", "20100000000004@lid"),
)
FAMILY: Final = "120363000000000001@g.us"

_EPILOG: Final = """\
what it is
  A stand-in for the WhatsApp gateways, for trying the integration without a
  WhatsApp account. It listens on this machine alone, delivers webhooks to this
  machine alone, and keeps nothing.

what to type into Home Assistant (under "advanced", the URL)
  WaAPI   URL {url}/api/v1
          instance {waapi[0]}, API token {waapi[1]}
  Wawp    URL {url}
          instance {wawp[0]}, access token {wawp[1]}
  WAHA    URL {url}
          session {waha[0]}, API key {waha[1]}

who is there
{people}
  Family  {family}

what to try
  curl {url}/control
      lists everything that can be controlled
  curl -H 'Content-Type: application/json' \\
       -d '{{"person": "Anna", "state": "typing"}}' \\
       {url}/control/instances/waapi/{waapi[0]}/presence
      lets Anna type (online, offline, typing, recording, paused)
  curl -X POST {url}/control/instances/wawp/{wawp[0]}/reconnect
      loses all subscriptions, as a reconnect does
"""


def describe(url: str) -> str:
    """Tell a newcomer what there is and what to type where."""
    people = "\n".join(f"  {name:<7} +{number}" for number, name, _ in PEOPLE)
    return _EPILOG.format(
        url=url, waapi=WAAPI, wawp=WAWP, waha=WAHA, people=people, family=FAMILY
    )


def populate(simulator: Simulator) -> None:
    """Add the demo's accounts, the same people in each."""
    accounts: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("waapi", WAAPI[0], {"token": WAAPI[1], "name": "Demo"}),
        ("wawp", WAWP[0], {"token": WAWP[1], "name": "Demo"}),
        ("waha", WAHA[0], {"token": WAHA[1], "name": "Demo", "store": True}),
    )
    for gateway, instance, options in accounts:
        account = simulator.add_instance(gateway, instance, push_latency=0.2, **options)
        members = [
            account.add_person(number, name=name, lid=lid, picture=True)
            for number, name, lid in PEOPLE
        ]
        group = account.add_group(FAMILY, name="Family", members=members)
        group.picture = "/pictures/family.png"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description="Simulate the WhatsApp gateways WaAPI, Wawp and WAHA.",
        epilog=describe("http://127.0.0.1:8321"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--host",
        default=HOST,
        choices=[HOST],
        help="the address to listen on; loopback alone",
    )
    result.add_argument(
        "--port",
        type=int,
        default=8321,
        help="the port, 0 for any free one (default: %(default)s)",
    )
    result.add_argument(
        "--scenario",
        action="store_true",
        help="play days, one after the other: people come, type, record and go",
    )
    result.add_argument(
        "--speed",
        type=float,
        default=120.0,
        help="how many seconds of a day pass in one (default: %(default)g, "
        "which is a day in 12 minutes)",
    )
    result.add_argument(
        "--seed",
        type=int,
        default=0,
        help="the same seed plays the same days (default: %(default)s)",
    )
    result.add_argument(
        "--patience",
        type=float,
        default=10.0,
        help="how many times as fast as the real gateways' the delays of answers are; "
        "WAHA's are 1 to 10 s (default: %(default)g, 1 is as they are)",
    )
    result.add_argument(
        "--empty", action="store_true", help="begin without the demo's accounts"
    )
    return result


async def run(options: argparse.Namespace) -> None:
    """Serve until interrupted."""
    simulator = Simulator(clock=HurriedClock(options.patience))
    if not options.empty:
        populate(simulator)
    await simulator.start(options.port)
    try:
        if options.scenario:
            await simulator.control.play(speed=options.speed, seed=options.seed)
        print(f"simulator: {simulator.url}", flush=True)
        if not options.empty:
            print(textwrap.indent(describe(simulator.url), ""), flush=True)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await simulator.stop()


def main() -> None:
    """Parse the command line and run."""
    options = parser().parse_args()
    if options.speed <= 0 or options.patience <= 0:
        parser().error("--speed and --patience must be positive")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options))


if __name__ == "__main__":
    main()
