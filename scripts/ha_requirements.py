"""Print what a Home Assistant like the demo's would install while it runs.

Home Assistant installs an integration's requirements when it first needs it. A
demo or a test should neither wait for that nor depend on a network, so this
walks the same way (dependencies, after-dependencies, what discovery needs) and
names all of it. Run by the Python of the environment in question.
"""

from collections.abc import Iterable, Mapping
import json
from pathlib import Path
import sys
from typing import Any

import homeassistant
from homeassistant.auth.mfa_modules.totp import REQUIREMENTS as TOTP_REQUIREMENTS
from homeassistant.bootstrap import DEFAULT_INTEGRATIONS
from homeassistant.requirements import DISCOVERY_INTEGRATIONS

ROOT = Path(__file__).resolve().parent.parent

# What the demo's configuration names, and what onboarding adds by itself.
CONFIGURED = (
    "config",
    "diagnostics",
    "frontend",
    "history",
    "history_stats",
    "homeassistant",
    "logbook",
    "lovelace",
    "recorder",
    "sun",
    "system_log",
    "template",
    "webhook",
    "whatsapp_presence",
)
ONBOARDED = ("google_translate", "met", "radio_browser", "shopping_list")


def read_manifest(domain: str) -> Mapping[str, Any] | None:
    """Read the manifest of an integration, ours first; None if there is none."""
    for folder in (
        ROOT / "custom_components",
        Path(homeassistant.__file__).parent / "components",
    ):
        path = folder / domain / "manifest.json"
        if path.exists():
            manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return manifest
    return None


def requirements(domains: Iterable[str]) -> set[str]:
    """Name all that the integrations and those behind them require.

    Two-factor login is always on offer, and belongs to no integration.
    """
    found = set(TOTP_REQUIREMENTS)
    queue = list(domains)
    seen = set(queue)
    while queue:
        if (manifest := read_manifest(queue.pop())) is None:
            continue
        found.update(manifest.get("requirements", ()))
        behind = {
            *manifest.get("dependencies", ()),
            *manifest.get("after_dependencies", ()),
            *(
                domain
                for domain, keys in DISCOVERY_INTEGRATIONS.items()
                if any(key in manifest for key in keys)
            ),
        }
        queue.extend(behind - seen)
        seen |= behind
    return found


def main() -> int:
    """Print one requirement a line."""
    wanted = requirements((*DEFAULT_INTEGRATIONS, *CONFIGURED, *ONBOARDED))
    sys.stdout.write("".join(f"{line}\n" for line in sorted(wanted, key=str.lower)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
