"""Run the benchmark: `python -m tests.bench`."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
import platform
import sys
import tempfile

from homeassistant.const import __version__

from . import callgrind, known, known_report
from .builds import THIS, builds
from .doc import write_doc
from .measure import FULL, SHORT
from .memory import measure_memory, memory_rows
from .report import Row, beside, bounded, plot, tables
from .runs import measure_long, measure_short


def _machine() -> str:
    """Name the processor, as far as Linux tells."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} × {names[0]}" if names else platform.machine()


def _where() -> str:
    """Tell what it was measured on."""
    return (
        f"On {_machine()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Home Assistant {__version__}, "
        f"its ids {'compiled' if find_spec('ulid_transform._ulid_impl') else 'slow'}."
    )


def _short(options: argparse.Namespace) -> list[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        builds(options.against) as found,
    ):
        results, rows = asyncio.run(measure_short(Path(folder), SHORT, found))
    text = "\n\n".join(
        (
            _where(),
            tables(results),
            "### What is held",
            beside(rows, options.against),
        )
    )
    print(f"\n{text}")
    if options.doc:
        write_doc("scripts/bench --doc", text, None)
    if options.plot:
        options.plot.write_text(plot(results), "utf-8")
    return [*bounded(results), *rows]


def _long(options: argparse.Namespace) -> list[Row]:
    plan = replace(FULL, wait_for_all=not options.no_wait)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = asyncio.run(measure_long(Path(folder), plan))
    print(f"\n{_where()}\n\n{tables(results)}")
    if options.plot:
        options.plot.write_text(plot(results), "utf-8")
    return bounded(results)


def _memory(options: argparse.Namespace) -> list[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        builds(options.against) as found,
    ):
        rows = memory_rows(asyncio.run(measure_memory(Path(folder), found)))
    print(f"\n{_where()}\n\n{beside(rows, options.against)}")
    return rows


def _known(options: argparse.Namespace) -> list[Row]:
    plan = known.QUICK if options.quick else known.FULL
    with builds(options.against) as found:
        results = asyncio.run(known.measure_known(plan, found))
    rows = known_report.bounded(results)
    text = known_report.tables(results, rows)
    print(f"\n{text}")
    if options.doc:
        picture = (
            "known.svg",
            "Seconds until all chats are known after a restart",
            known_report.plot(results),
        )
        write_doc("scripts/bench --known --doc", f"{_where()}\n\n{text}", picture)
    if options.plot:
        options.plot.write_text(known_report.plot(results), "utf-8")
    return rows


def _parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="What an event costs, what a chat holds, and what asking costs.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--known",
        action="store_true",
        help="how soon all chats are known, and what asking for them costs",
    )
    what.add_argument(
        "--memory",
        action="store_true",
        help="what a chat holds beyond plain entities, and how many timers there are",
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help=f"measure an older commit beside {THIS}",
    )
    what.add_argument(
        "--long",
        action="store_true",
        help="what an event costs with more chats, a longer flood, start and set-up",
    )
    parser.add_argument("--quick", action="store_true", help="less of --known")
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for the last of a thousand chats to be subscribed",
    )
    parser.add_argument("--plot", type=Path, help="draw what was measured (SVG)")
    parser.add_argument(
        "--doc",
        action="store_true",
        help="put what was found into docs/performance.md (not --long, --memory)",
    )
    options = parser.parse_args(arguments)
    if options.against and options.long:
        parser.error("--against is not for --long")
    if options.quick and not options.known:
        parser.error("--quick needs --known")
    if not (options.known or options.memory or callgrind.is_available()):
        parser.error("needs valgrind, which counts instructions")
    if options.doc and (options.long or options.memory):
        parser.error("--doc is not for --long and --memory")
    return options


def main() -> int:
    """Measure, tell, and hold against the bounds."""
    options = _parse()
    if options.known:
        rows = _known(options)
    elif options.memory:
        rows = _memory(options)
    elif options.long:
        rows = _long(options)
    else:
        rows = _short(options)
    missed = [row.figure for row in rows if not row.met]
    for figure in missed:
        print(f"bench: missed: {figure}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
