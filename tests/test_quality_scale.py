"""The integration quality scale: every rule has an answer, and no claim is hollow."""

from pathlib import Path
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from .test_packaging import INTEGRATION, ROOT, read_json

# https://developers.home-assistant.io/docs/core/integration-quality-scale
TIERS = {
    "bronze": {
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    },
    "silver": {
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    },
    "gold": {
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    },
    "platinum": {"async-dependency", "inject-websession", "strict-typing"},
}
RULES: dict[str, Any] = yaml.safe_load(
    (INTEGRATION / "quality_scale.yaml").read_text("utf-8")
)["rules"]


def exists(name: str) -> bool:
    """Whether there is a file of this name where comments look for files."""
    folders = (ROOT, INTEGRATION, ROOT / "tests")
    return any((Path(folder) / name).exists() for folder in folders)


def test_every_rule_has_an_answer() -> None:
    """All 54 of them, and no other."""
    known = set[str]().union(*TIERS.values())
    assert len(known) == 54
    assert set(RULES) == known


@pytest.mark.parametrize("rule", RULES)
def test_a_claim_has_something_to_show(rule: str) -> None:
    """What it names is there: files, and sections of the README."""
    answer = RULES[rule]
    assert set(answer) == {"status", "comment"}
    assert answer["status"] in {"done", "exempt"}
    comment: str = answer["comment"]
    assert comment.endswith(".")
    for name in re.findall(r"[\w/]+\.(?:py|json|yaml|toml|md)\b|\b[a-z]+/", comment):
        assert exists(name), name
    for name, module in re.findall(r"\b([A-Z]\w+) in ([\w/]+\.py)", comment):
        assert f"class {name}" in (INTEGRATION / module).read_text("utf-8")
    for page, named in re.findall(r"([\w/]+\.md) \((.+?)\)", comment):
        text = (ROOT / page).read_text("utf-8")
        sections = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert set(named.split(", ")) <= set(sections), named
    if rule.startswith("docs-") and answer["status"] == "done":
        assert re.match(r"README\.md \(", comment)


def test_the_manifest_claims_no_more_than_is_done() -> None:
    """A tier is reached with all rules up to it done, or exempt for a reason."""
    claimed = read_json(INTEGRATION / "manifest.json")["quality_scale"]
    tiers = list(TIERS)
    for tier in tiers[: tiers.index(claimed) + 1]:
        assert {RULES[rule]["status"] for rule in TIERS[tier]} <= {"done", "exempt"}
