"""Refuse a module of the integration that its tests do not cover well enough.

Reads the coverage.json that scripts/test has just written; branches count.
"""

from collections.abc import Iterator
import json
from pathlib import Path
import sys

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = Path("custom_components/whatsapp_presence")

REQUIRED = 95.0
# The integration quality scale wants every path of a config flow tested.
REQUIRED_OF = {"config_flow.py": 100.0, "chat_flow.py": 100.0}


def shortcomings(covered: dict[str, float]) -> Iterator[str]:
    """Tell which module lacks how much; a module without a figure lacks all."""
    for path in sorted((ROOT / INTEGRATION).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        required = REQUIRED_OF.get(
            path.relative_to(ROOT / INTEGRATION).as_posix(), REQUIRED
        )
        if (percent := covered.get(name, 0.0)) < required:
            yield f"{name}: {percent:.1f} % covered, {required:g} % required"


def main() -> int:
    """Compare the report with what is required."""
    report = json.loads((ROOT / "coverage.json").read_text("utf-8"))
    covered = {
        Path(name).as_posix(): float(file["summary"]["percent_covered"])
        for name, file in report["files"].items()
    }
    problems = list(shortcomings(covered))
    for problem in problems:
        print(f"coverage: {problem}", file=sys.stderr)
    if not problems:
        print("coverage: every module has what it needs")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
