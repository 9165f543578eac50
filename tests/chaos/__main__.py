"""Run chaos from the command line; see scripts/chaos."""

import argparse
import sys

# Ours first: the test package brings a custom_components of its own.
import custom_components.whatsapp_presence  # noqa: F401

from . import homes, losses
from .floods import FLOODS, floods
from .fuzz import FuzzResult, fuzz
from .oracle import KINDS, Oracle
from .run import Result, run


def report(seed: int, result: Result) -> None:
    """Print what a run found."""
    print(f"seed {seed}, {result.hours:g} simulated hours, {result.seconds:.0f} s")
    print(
        "faults: " + ", ".join(f"{n} × {k}" for k, n in sorted(result.faults.items()))
    )
    print(
        f"{result.requests} requests, {result.deliveries} deliveries, "
        f"{result.calms} quiet moments, {result.outages} outages"
    )
    print(
        f"{'chat':<14}{'events':>8}{'answers':>8}{'watched s':>11}{'differed s':>11}"
        f"{'in doubt s':>11}{'unavail. s':>11}{'unsubscr. s':>12}"
    )
    for chat in result.oracle.chats.values():
        tally = chat.tally
        print(
            f"{chat.name:<14}{tally.events:>8}{tally.answers:>8}{tally.watched:>11.0f}"
            f"{tally.differed:>11.1f}{tally.doubtful:>11.0f}"
            f"{tally.unavailable:>11.0f}{tally.unsubscribed:>12.0f}"
        )
    print(
        f"{'':<14}{'nothing supported, s':>34}{'':<4}{'without cause':>30}\n"
        f"{'chat':<14}"
        + "".join(f"{kind:>10}" for kind in KINDS)
        + f"{'triggers':>12}{'of':>7}{'resets':>9}{'of':>7}"
    )
    for chat in result.oracle.chats.values():
        tally = chat.tally
        print(
            f"{chat.name:<14}"
            + "".join(f"{tally.unsupported[kind]:>10.0f}" for kind in KINDS)
            + f"{tally.fired_without_cause:>12}{tally.fired:>7}"
            + f"{tally.resets_without_cause:>9}{tally.resets:>7}"
        )
    print(
        "shown online because of us, at most of an hour: "
        + ", ".join(f"{key} {part:.1%}" for key, part in result.announced.items())
    )
    print(
        f"leaked tasks, timers, sockets: {result.leaks}; memory {result.memory:+.2%}; "
        f"log lines of an outage at most: {result.most_lines[0]} down, "
        f"{result.most_lines[1]} up"
    )
    verdict(result.oracle)


def report_rows(seed: int, result: Result) -> None:
    """Print what a run found as the rows of the tables in docs/reliability.md."""
    chats = result.oracle.chats
    tallies = [chat.tally for chat in chats.values()]
    supported = {k: sum(t.unsupported[k] for t in tallies) for k in KINDS}
    cells = [
        str(seed),
        str(sum(result.faults.values())),
        f"{result.requests:,}",
        f"{result.deliveries:,}",
        str(result.outages),
        *(f"{seconds:.0f}" for seconds in supported.values()),
        (
            f"{sum(t.fired_without_cause for t in tallies)} of "
            f"{sum(t.fired for t in tallies):,}"
        ),
        (
            f"{sum(t.resets_without_cause for t in tallies)} of "
            f"{sum(t.resets for t in tallies):,}"
        ),
        " ".join(
            f"{part:.1%}".replace("%", " %") for part in result.announced.values()
        ),
    ]
    print("| " + " | ".join(cells) + " |")
    for account in result.announced:
        own = [chat.tally for (owner, _), chat in chats.items() if owner == account]
        cells = [
            str(seed),
            account,
            f"{sum(t.events for t in own):,}",
            f"{sum(t.answers for t in own):,}",
            f"{sum(t.watched for t in own) / 3600:.0f}",
            f"{sum(t.differed for t in own):.0f}",
            f"{max(t.differed for t in own):.0f}",
            f"{sum(t.doubtful for t in own):.0f}",
            f"{sum(t.unavailable for t in own) / 3600:.1f}",
        ]
        print("| " + " | ".join(cells) + " |")


def report_fuzz(seed: int, result: FuzzResult) -> None:
    """Print what fuzzing found."""
    answers = ", ".join(f"{n} × {k}" for k, n in sorted(result.statuses.items()))
    print(f"seed {seed}, {result.count} bodies, {result.seconds:.0f} s")
    print(f"answers: {answers}; {result.applied} updates, {result.changes} rises shown")
    print(f"tasks at most: {result.most_tasks}; memory {result.memory:+.2%}")
    verdict(result.oracle)


def verdict(oracle: Oracle) -> None:
    """Print what was wrong."""
    for problem in oracle.problems:
        print(problem)
    for kind, count in oracle.counts.items():
        print(f"{count} × {kind}")
    print("NOT GOOD" if oracle.problems else "good")


def main() -> int:
    """Run, print, and tell by the exit code whether all was well."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what decides everything")
    parser.add_argument(
        "--fuzz",
        type=int,
        nargs="?",
        const=1_000_000,
        metavar="COUNT",
        help="throw so many webhook bodies instead (%(const)s)",
    )
    parser.add_argument(
        "--floods",
        nargs="*",
        metavar="FLOOD",
        help="throw floods at a Home Assistant in a process of its own instead: all, or "
        + ", ".join(FLOODS),
    )
    parser.add_argument("--hours", type=float, default=24, help="simulated hours")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FAULT",
        help="let this fault happen alone, as it is called in the report; repeatable",
    )
    parser.add_argument(
        "--rows", action="store_true", help="print the documentation's rows as well"
    )
    parser.add_argument(
        "--homes",
        action="store_true",
        help="let homes with one backup in common live side by side instead",
    )
    parser.add_argument(
        "--losses",
        action="store_true",
        help="lose the power, the disk, stores and entries instead",
    )
    arguments = parser.parse_args()
    if arguments.floods is not None:
        return 0 if floods(arguments.floods) else 1
    if arguments.fuzz is not None:
        found = fuzz(arguments.seed, arguments.fuzz)
        report_fuzz(arguments.seed, found)
        return 0 if found.good else 1
    if arguments.homes:
        lived = homes.run(arguments.seed, arguments.hours)
        homes.report(arguments.seed, lived)
        return 0 if lived.good else 1
    if arguments.losses:
        lost = losses.run(arguments.only)
        losses.report(lost)
        return 0 if lost.good else 1
    result = run(arguments.seed, arguments.hours, only=arguments.only)
    report(arguments.seed, result)
    if arguments.rows:
        report_rows(arguments.seed, result)
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
