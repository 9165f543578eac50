"""What Home Assistant, HACS and the Marketplace read of this repository, and the pins."""

from importlib.metadata import version
import json
from pathlib import Path
import re
import tomllib
from typing import Any

from PIL import Image
import pytest

from scripts.ha_requirements import CONFIGURED, ONBOARDED, requirements

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "custom_components" / "whatsapp_presence"
BRAND = INTEGRATION / "brand"
REPOSITORY = "https://github.com/ha-whatsapp-presence/ha-whatsapp-presence"

HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}
REQUIREMENT_FILES = (
    "requirements_test.txt",
    "scripts/requirements_compiled.txt",
    "scripts/constraints.txt",
)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, and refuse a key that stands in it twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"{path.name} repeats a key: {keys}"
        return dict(pairs)

    loaded = json.loads(path.read_text("utf-8"), object_pairs_hook=unique)
    assert isinstance(loaded, dict)
    return loaded


def pins(name: str) -> dict[str, str]:
    """Read a requirements file: normalised name and exact version."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if not line or line.startswith(("#", "-c ")):
            continue
        match = re.fullmatch(r"([A-Za-z0-9][\w.-]*)==([\w.!+]+)( ; .+)?", line)
        assert match, f"{name}: “{line}” is not pinned"
        found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found


def test_manifest_is_complete() -> None:
    """It has what Home Assistant, HACS and the Marketplace require."""
    manifest = read_json(INTEGRATION / "manifest.json")
    assert manifest.keys() >= {
        "codeowners",
        "config_flow",
        "dependencies",
        "documentation",
        "domain",
        "integration_type",
        "iot_class",
        "issue_tracker",
        "loggers",
        "name",
        "quality_scale",
        "requirements",
        "version",
    }
    assert manifest["domain"] == INTEGRATION.name
    assert manifest["config_flow"] is True
    assert manifest["dependencies"] == ["http", "webhook"]
    assert manifest["after_dependencies"] == ["cloud", "frontend"]
    assert manifest["documentation"].startswith(REPOSITORY)
    assert manifest["issue_tracker"] == f"{REPOSITORY}/issues"
    assert manifest["codeowners"] == ["@ha-whatsapp-presence"]
    assert manifest["requirements"] == [
        f"phonenumbers=={pins('scripts/constraints.txt')['phonenumbers']}"
    ]
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])


def test_manifest_is_ordered() -> None:
    """Domain and name come first, the rest by the alphabet."""
    keys = list(read_json(INTEGRATION / "manifest.json"))
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


def test_hacs_knows_every_key() -> None:
    """HACS refuses a hacs.json with keys it does not know."""
    hacs = read_json(ROOT / "hacs.json")
    assert set(hacs) <= HACS_KEYS
    assert hacs["name"] == read_json(INTEGRATION / "manifest.json")["name"]
    assert hacs["homeassistant"] == "2026.10.0"


def test_there_is_a_licence() -> None:
    """HACS asks for an open one, and pyproject.toml names the same."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith("MIT License\n")
    assert "WhatsApp Presence for Home Assistant contributors" in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "MIT"
    assert project["requires-python"] == ">=3.14.2"


@pytest.mark.parametrize(
    "path",
    sorted(INTEGRATION.rglob("*.json")),
    ids=lambda path: path.relative_to(INTEGRATION).as_posix(),
)
def test_json_files_are_sound(path: Path) -> None:
    """Every JSON file is one object, without a repeated key."""
    assert read_json(path)


def strings(value: Any) -> list[str]:
    """List all strings in a translation."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    return [value]


def test_english_is_written_out() -> None:
    """A custom integration has no strings.json whose references could be resolved."""
    texts = strings(read_json(INTEGRATION / "translations" / "en.json"))
    assert texts
    assert not [text for text in texts if "[%key:" in text]
    assert not [text for text in texts if not text.strip()]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("icon.png", (256, 256)),
        ("icon@2x.png", (512, 512)),
        ("dark_icon.png", (256, 256)),
        ("dark_icon@2x.png", (512, 512)),
    ],
)
def test_icons_have_the_size_that_is_asked_for(
    name: str, size: tuple[int, int]
) -> None:
    """They are square, transparent around the motif, and trimmed to it."""
    with Image.open(BRAND / name) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGBA"
        assert picture.size == size
        alpha = picture.getchannel("A")
    assert alpha.getextrema() == (0, 255)
    left, top, right, bottom = alpha.getbbox() or (0, 0, 0, 0)
    assert (left, right) == (0, size[0]) or (top, bottom) == (0, size[1])


@pytest.mark.parametrize("name", ["logo", "dark_logo"])
def test_logos_come_in_both_sizes(name: str) -> None:
    """The shorter side is 128 to 256 pixels, and the large one is twice the small one."""
    with (
        Image.open(BRAND / f"{name}.png") as small,
        Image.open(BRAND / f"{name}@2x.png") as large,
    ):
        assert small.mode == large.mode == "RGBA"
        assert 128 <= min(small.size) <= 256
        assert large.size == (2 * small.width, 2 * small.height)


def test_every_requirement_is_pinned() -> None:
    """The same versions today and in a year."""
    for name in REQUIREMENT_FILES:
        assert pins(name)


def test_pins_and_constraints_agree() -> None:
    """What is asked for is what the constraints allow."""
    constraints = pins("scripts/constraints.txt")
    for name in REQUIREMENT_FILES[:2]:
        for package, wanted in pins(name).items():
            assert constraints[package] == wanted


def test_setup_installs_what_home_assistant_would_install_while_it_runs() -> None:
    """The demo's Home Assistant finds all it needs, so that it needs no network.

    With another Home Assistant than the pinned one, scripts/setup asks that one.
    """
    constraints = pins("scripts/constraints.txt")
    if version("homeassistant") != constraints["homeassistant"]:
        constraints = pins_installed(constraints)
    wanted = [
        re.fullmatch(r"([\w.-]+)==(\S+)", line)
        for line in requirements((*CONFIGURED, *ONBOARDED))
    ]
    assert wanted
    for match in wanted:
        assert match
        package = re.sub(r"[-_.]+", "-", match[1]).lower()
        assert constraints.get(package) == match[2], package


def pins_installed(packages: dict[str, str]) -> dict[str, str]:
    """Look up which versions of the packages are really there."""
    optional = pins("scripts/requirements_compiled.txt")
    return {
        name: packages[name] if name in optional else version(name)
        for name in packages
        if not name.startswith(("pyobjc", "httpx2-jsfetch"))
    }


def test_workflows_run_what_ci_runs() -> None:
    """GitHub does the same as .ci/run, and lets hassfest and HACS look as well."""
    workflows = ROOT / ".github" / "workflows"
    assert ".ci/run" in (workflows / "ci.yml").read_text("utf-8")
    validate = (workflows / "validate.yml").read_text("utf-8")
    assert "home-assistant/actions/hassfest" in validate
    assert "hacs/action" in validate
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    steps = ["scripts/lint", "scripts/test", "scripts/demo --check"]
    positions = [run.index(f"\n{step}\n") for step in steps]
    assert positions == sorted(positions)
