"""Run the benchmark: `python -m tests.bench`."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path
import platform
import sys
import tempfile

from homeassistant.const import __version__

from .measure import FULL, QUICK, measure
from .report import bounded, plot, tables


def _machine() -> str:
    """Name the processor, as far as Linux tells."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} × {names[0]}" if names else platform.machine()


def main() -> int:
    """Measure, tell, and hold against the bounds."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="What an event costs, and a thousand chats."
    )
    parser.add_argument(
        "--quick", action="store_true", help="less, in a quarter of an hour"
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for the last of a thousand chats to be subscribed",
    )
    parser.add_argument("--plot", type=Path, help="draw the cost of an event (SVG)")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    if options.no_wait:
        plan = replace(plan, wait_for_all=False)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = asyncio.run(measure(Path(folder), plan))
    print(
        f"\n{_machine()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Home Assistant {__version__}\n"
    )
    print(tables(results))
    if options.plot:
        options.plot.write_text(plot(results), "utf-8")
    missed = [row.figure for row in bounded(results) if not row.met]
    for figure in missed:
        print(f"bench: missed: {figure}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
