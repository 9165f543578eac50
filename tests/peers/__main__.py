"""Compare the simulator with the others: `python -m tests.peers`; see scripts/peers."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
import sys
from typing import Final

from .checks import PEERS, Check, compare
from .known import KNOWN

ROOT: Final = Path(__file__).resolve().parents[2]
TIME_LIMIT: Final = 600.0


def _line(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def report(checks: Sequence[Check]) -> bool:
    """Print what agrees, and all that does not; whether nothing is unexplained."""
    unexplained = 0
    seen: set[tuple[str, str]] = set()
    for peer in dict.fromkeys(check.peer for check in checks):
        mine = [check for check in checks if check.peer == peer]
        different = [check for check in mine if check.theirs != check.ours]
        _line(f"{peer}: {len(mine) - len(different)} of {len(mine)} agree")
        for check in different:
            seen.add((peer, check.what))
            known = KNOWN.get((peer, check.what))
            if known is not None and known.ours != check.ours:
                known = None
            unexplained += known is None
            _line(f"  {'DIFFERS' if known is None else 'known'}: {check.what}")
            _line(f"    they: {check.theirs}")
            _line(f"    here: {check.ours}")
            if known is not None:
                _line(f"    {known.reason}")
    asked = {check.peer for check in checks}
    for peer, what in KNOWN:
        if peer in asked and (peer, what) not in seen:
            _line(f"{peer}: no longer differs, strike it off the list: {what}")
    _line()
    _line(f"{unexplained} unexplained differences")
    return unexplained == 0


async def run(homes: Path, root: Path, prefix: str) -> bool:
    """Compare with all whose names begin so."""
    wanted = [peer for peer in PEERS if peer.name.startswith(prefix)]
    async with asyncio.timeout(TIME_LIMIT):
        return report(await compare(wanted, homes, root))


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers")
    parser.add_argument("--list", action="store_true", help="what is to be installed")
    parser.add_argument("--homes", type=Path, help="where it is installed")
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the checkout whose simulator is run"
    )
    parser.add_argument("prefix", nargs="?", default="")
    options = parser.parse_args()
    if options.list:
        for peer in PEERS:
            _line(f"{peer.name} {peer.package} {peer.installer}")
        return
    if options.homes is None:
        parser.error("--homes is needed")
    sys.exit(0 if asyncio.run(run(options.homes, options.root, options.prefix)) else 1)


if __name__ == "__main__":
    main()
