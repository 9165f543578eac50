"""The way from the README to the first contact: what it says is what one meets."""

from itertools import pairwise
import json
from pathlib import Path
import re
import shlex
from typing import Any, Final

import hass_frontend
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.presences import read_info

from .test_docs import PAGES, blocks, section
from .test_packaging import REPOSITORY, ROOT, read_json
from .test_translations import ENGLISH

FRONTEND: Final = Path(hass_frontend.__file__).parent / "static" / "translations"


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return re.sub(r"\s+", " ", text)


def test_the_first_screen_says_what_it_is_and_how_to_begin() -> None:
    """What it shows, what one needs, three steps and one warning, in a minute's words."""
    first = PAGES["README.md"].split("\n## ", 1)[0]
    assert len(re.sub(r"<[^>]+>", "", first).split()) < 200
    assert re.findall(r"^(\d)\. ", first, re.MULTILINE) == ["1", "2", "3"]
    assert "**Follow only people who agreed to it.**" in first
    minimum = read_json(ROOT / "hacs.json")["homeassistant"].removesuffix(".0")
    assert f"Home Assistant {minimum} or later" in first


@pytest.mark.parametrize("gateway", [one.name for one in GATEWAYS.values()])
def test_each_gateway_can_be_chosen_and_set_up(gateway: str) -> None:
    """What it costs, where it runs, what it tells and what it can't; what to enter."""
    (row,) = re.findall(
        rf"^\| \[{gateway}\]\(https://.+$",
        section("README.md", "Which gateway should I take?"),
        re.MULTILINE,
    )
    assert len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 5
    (row,) = re.findall(
        rf"^\| {gateway} \|.+$", section("README.md", "Set up"), re.MULTILINE
    )
    shown = [
        name.lower()
        for name in ENGLISH["config"]["step"][gateway.lower()]["data"].values()
    ]
    assert all(name in row.lower() for name in shown)


def test_what_the_terms_may_say_stands_beside_the_gateways() -> None:
    """Plainly: the account can be banned."""
    text = one_line(section("README.md", "Which gateway should I take?"))
    assert "can be limited or banned" in text
    assert "unofficial clients" in text
    assert "no legal advice" in text


def test_waha_is_run_with_what_the_integration_needs() -> None:
    """One line with key, engine and a place for the sessions; a session that tells all."""
    run, make = (
        shlex.split(block)
        for block in blocks("README.md", "sh")
        if block.startswith(("docker", "curl"))
    )
    options = dict(pairwise(run))
    variables = dict(
        after.split("=", 1) for option, after in pairwise(run) if option == "-e"
    )
    assert options["-p"] == "3000:3000"
    assert options["-v"].endswith(":/app/.sessions")
    assert variables["WHATSAPP_DEFAULT_ENGINE"] == "NOWEB"
    assert f"X-Api-Key: {variables['WAHA_API_KEY']}" in make
    body = json.loads(make[make.index("-d") + 1])
    assert told(body, "NOWEB") is None
    noweb, webjs, _ = (json.loads(block) for block in blocks("docs/setup.md", "json"))
    assert noweb["config"] == body["config"]
    assert told(webjs, "WEBJS") is None
    for engine in ("NOWEB", "WEBJS"):
        assert told({"config": {}}, engine) is not None


def told(session: dict[str, Any], engine: str) -> Any:
    """Return what keeps a session of this engine from telling all."""
    return read_info(session | {"engine": {"engine": engine}}, "2026.9.1").cannot_tell


def test_the_ways_to_install_are_told_apart() -> None:
    """Step by step: one warns, asks for an account and needs no restart; one restarts."""
    install = "Home Assistant 2026.11 and later: the Marketplace"
    marketplace = section("README.md", install)
    hacs = section("README.md", "Home Assistant 2026.10: HACS")
    assert "No restart is needed" in marketplace
    assert "**Restart Home Assistant.**" in hacs
    for text in (marketplace, hacs):
        steps = [int(n) for n in re.findall(r"^(\d)\. ", text, re.MULTILINE)]
        assert steps == list(range(1, len(steps) + 1))
        assert REPOSITORY in text
        assert "my.home-assistant.io/redirect/hacs_repository/" in text


def test_the_marketplace_is_called_as_it_is_shown() -> None:
    """Where this Home Assistant has one, its own words stand in the steps."""
    steps = one_line(
        section("README.md", "Home Assistant 2026.11 and later: the Marketplace")
    )
    names = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", steps)
    assert {"I understand the risks and agree", "Connect GitHub", "Install"} <= set(
        names
    )
    for path in FRONTEND.glob("marketplace/en-[0-9a-f]*.json"):
        shown = path.read_text("utf-8")
        assert [
            name for name in names if name not in shown and name != "Integration"
        ] == []
