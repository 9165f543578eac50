"""Every text that the code asks for is there, and no text that nothing asks for.

What the code asks for is read out of the code, so that a new key can't be forgotten.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
import json
from pathlib import Path
import re
from typing import Any, Final

import pytest
import voluptuous as vol
import yaml  # type: ignore[import-untyped]

from custom_components.whatsapp_presence import (
    binary_sensor,
    button,
    config_flow,
    event,
    exceptions,
    image,
    reaching,
    sensor,
    switch,
)
from custom_components.whatsapp_presence.chat_flow import (
    ChatsSubentryFlow,
    ChatSubentryFlow,
)
from custom_components.whatsapp_presence.chat_list import Notice
from custom_components.whatsapp_presence.condition import CONDITIONS
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    GatewayError,
    UnreachableError,
)
from custom_components.whatsapp_presence.presence.model import PresenceChange
from custom_components.whatsapp_presence.presence.typed import Refusal
from custom_components.whatsapp_presence.repairs import FIX_FLOWS, Issue
from custom_components.whatsapp_presence.trigger import TRIGGERS
from homeassistant.helpers.entity import EntityDescription

PACKAGE: Final = Path(config_flow.__file__).parent
LANGUAGES: Final = sorted(PACKAGE.glob("translations/*.json"))
ENGLISH: Final = json.loads((PACKAGE / "translations" / "en.json").read_text("utf-8"))
ICONS: Final = json.loads((PACKAGE / "icons.json").read_text("utf-8"))
PLATFORMS: Final = {
    "binary_sensor": binary_sensor,
    "button": button,
    "event": event,
    "image": image,
    "sensor": sensor,
    "switch": switch,
}


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every text of a file with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield ".".join(path), node


def tree(module: str) -> ast.Module:
    """Parse a module of the package."""
    return ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))


def strings(node: ast.AST) -> set[str]:
    """Return the strings in a piece of code that look like keys."""
    return {
        child.value
        for child in ast.walk(node)
        if isinstance(child, ast.Constant)
        and isinstance(child.value, str)
        and re.fullmatch("[a-z][a-z_]+", child.value)
    }


def errors_of(module: str) -> set[str]:
    """Return what a flow puts among its errors."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "errors":
            assert isinstance(node, ast.Assign)
            value = node.value
            # `.get` of a table: the default; the table's own values come on top.
            found |= strings(value)
    return found


def keywords(module: str, name: str) -> set[str]:
    """Return the strings that a module's calls pass under a keyword."""
    return {
        keyword.value.value
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == name
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def descriptions(module: Any) -> list[Any]:
    """Return the descriptions of a platform's entities."""
    found: list[Any] = []
    for value in vars(module).values():
        candidates = value if isinstance(value, tuple) else (value,)
        # Home Assistant's frozen descriptions are no instances of their own classes.
        found.extend(
            one
            for one in candidates
            if is_dataclass(one)
            and not isinstance(one, type)
            and {"key", "translation_key"} <= {field.name for field in fields(one)}
        )
    return found


EACH_ENTITY = pytest.mark.parametrize(
    ("platform", "description"),
    [
        pytest.param(platform, description, id=f"{platform}-{description.key}")
        for platform, module in PLATFORMS.items()
        for description in descriptions(module)
    ],
)


def schema_fields(schema: vol.Schema) -> tuple[set[str], dict[str, set[str]]]:
    """Return the fields of a form and those of its sections."""
    names: set[str] = set()
    sections: dict[str, set[str]] = {}
    for key, value in schema.schema.items():
        if isinstance(inner := getattr(value, "schema", None), vol.Schema):
            sections[str(key)] = {str(field) for field in inner.schema}
        else:
            names.add(str(key))
    return names, sections


def assert_form_texts(
    step: dict[str, Any],
    names: set[str],
    sections: dict[str, set[str]],
    *,
    shared: bool = False,
) -> None:
    """Check that each field has a label and a description.

    A shared step serves all gateways, and may have texts for others' fields.
    """
    matches: Callable[[set[str], set[str]], bool] = (
        set.issubset if shared else set.__eq__
    )
    assert step["title"]
    assert matches(names, set(step["data"]))
    assert set(step["data"]) == set(step["data_description"])
    assert matches(set(sections), set(step.get("sections", {})))
    for name, inner in sections.items():
        section = step["sections"][name]
        assert section["name"]
        assert set(section["data"]) == inner
        assert set(section["data_description"]) == inner


def test_the_menu_has_a_text_for_each_gateway() -> None:
    """And no gateway is offered by its key."""
    step = ENGLISH["config"]["step"]["user"]
    assert set(step["menu_options"]) == set(GATEWAYS)
    assert set(step["menu_option_descriptions"]) == set(GATEWAYS)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_the_forms_of_a_gateway_have_texts(gateway: Any) -> None:
    """Set-up, reauth and reconfigure, with every field of theirs."""
    steps = ENGLISH["config"]["step"]
    schema = config_flow.credentials_schema(gateway)
    assert_form_texts(steps[gateway], *schema_fields(schema))

    own = GATEWAYS[gateway]
    assert_form_texts(steps["reauth_confirm"], {own.token_field}, {}, shared=True)
    names, sections = schema_fields(vol.Schema(config_flow.url_schema(gateway)))
    assert_form_texts(
        steps["reconfigure"], {own.token_field, *names}, sections, shared=True
    )
    if config_flow.lists_instances(gateway):
        assert_form_texts(
            steps[f"{gateway}_{own.instance_field}"], {own.instance_field}, {}
        )


def test_the_config_flow_has_no_text_too_many() -> None:
    """Each step of the texts is one of the code."""
    for step in ENGLISH["config"]["step"]:
        flow = config_flow.WhatsAppPresenceConfigFlow
        assert hasattr(flow, f"async_step_{step}"), step
    tokens = {GATEWAYS[gateway].token_field for gateway in GATEWAYS}
    assert set(ENGLISH["config"]["step"]["reauth_confirm"]["data"]) == tokens
    # What is missing of an entry is asked for as well.
    instances = {GATEWAYS[gateway].instance_field for gateway in GATEWAYS}
    assert set(ENGLISH["config"]["step"]["reconfigure"]["data"]) == {
        *tokens,
        *instances,
        "url",
    }


def test_the_config_flows_errors_and_aborts() -> None:
    """Every error has a message, and every message an error."""
    raised = errors_of("config_flow") | errors_of("reaching")
    raised |= set(reaching.ERRORS.values())
    assert raised - {"base", "url"} == set(ENGLISH["config"]["error"])
    # Successes are Home Assistant's own.
    assert keywords("config_flow", "reason") == set(ENGLISH["config"]["abort"])
    assert set(ENGLISH["config"]["abort"]) == {
        "already_configured",
        "account_removed",
        "unusable_entry",
    }
    assert set(ENGLISH["options"]["abort"]) == {"account_removed", "unusable_entry"}


def steps_of(flow: type) -> set[str]:
    """Return the steps of a flow."""
    return {
        name.removeprefix("async_step_")
        for name in vars(flow)
        if name.startswith("async_step_")
    }


def test_the_chat_flows_texts() -> None:
    """Steps, fields, errors and aborts of the subentry flows."""
    one, many = (ENGLISH["config_subentries"][key] for key in ("chat", "chats"))
    assert set(ENGLISH["config_subentries"]) == {"chat", "chats"}
    for flow, texts in ((ChatSubentryFlow, one), (ChatsSubentryFlow, many)):
        assert steps_of(flow) == set(texts["step"]) == set(texts["initiate_flow"])
        assert texts["entry_type"]
    timing = {"timing": {"settle_time"}}
    assert_form_texts(one["step"]["user"], {"chat", "name"}, timing)
    # Who it is, is asked where that is not stored.
    assert_form_texts(one["step"]["reconfigure"], {"chat", "name"}, timing)
    assert_form_texts(many["step"]["user"], {"chats"}, timing)
    assert set(many["error"]) == {"nothing_picked"}
    assert errors_of("chat_flow") | set(Refusal) == {*one["error"], *many["error"]}
    assert set(one["abort"]) == {
        "account_removed",
        "already_configured",
        "chat_removed",
        "unusable_entry",
    }
    assert keywords("chat_flow", "reason") == {*one["abort"], *many["abort"]}
    assert set(ENGLISH["selector"]) == {"chat_kind", "chat_list", "dashboard"}
    assert set(ENGLISH["selector"]["chat_kind"]["options"]) == {"contact", "group"}
    assert set(ENGLISH["selector"]["chat_list"]["options"]) == set(Notice)


def test_the_options_texts() -> None:
    """Both options, and the address to register by hand; the price of a switch."""
    steps = ENGLISH["options"]["step"]
    assert set(steps) == steps_of(config_flow.WhatsAppPresenceOptionsFlow)
    options = {"register_webhook", "webhook_secret", "new_webhook_address"}
    assert_form_texts(steps["init"], options, {})
    assert_form_texts(steps["stream"], {"webhook_secret"}, {})
    for step in steps.values():
        assert "{webhook_url}" in step["description"]
        assert "notifications" in step["description"]


def test_an_address_is_never_cut_off() -> None:
    """As code it is wrapped where it has to be; in a block it hides what is to scroll."""
    for path in LANGUAGES:
        text = json.loads(path.read_text("utf-8"))
        shown = [step["description"] for step in text["options"]["step"].values()]
        shown += [explanation(issue) for issue in text["issues"].values()]
        shown = [one for one in shown if "{webhook_url}" in one]
        assert len(shown) == 4, path.name
        for one in shown:
            assert "\n\n`{webhook_url}`\n\n" in one, path.name


@EACH_ENTITY
def test_an_entity_has_name_and_icon(
    platform: str, description: EntityDescription
) -> None:
    """Its key is its translation key; icons are no part of the code."""
    assert description.translation_key == description.key
    assert description.icon is None
    # The device's main entity is called like the device: a text would win over that.
    is_main = description.name is None
    assert is_main is ("name" not in ENGLISH["entity"][platform][description.key])
    assert ICONS["entity"][platform][description.key]["default"].startswith("mdi:")


@EACH_ENTITY
def test_an_entitys_states_have_texts(
    platform: str, description: EntityDescription
) -> None:
    """All states of an enum, on and off, and nobody.

    A device class would name the latter, but not in all languages.
    """
    texts = ENGLISH["entity"][platform][description.key]
    icons = ICONS["entity"][platform][description.key]
    states = set(getattr(description, "options", None) or ())
    if platform in ("binary_sensor", "switch"):
        states = {"on", "off"}
    elif isinstance(description, sensor.MembersSensorDescription):
        # A word for none; all others are numbers.
        states = {"0"}
    assert set(texts.get("state", {})) == states
    assert set(icons.get("state", {})) <= states


def test_there_is_no_text_or_icon_for_an_entity_that_is_not_there() -> None:
    """What was renamed is renamed everywhere."""
    expected = {
        platform: {description.key for description in descriptions(module)}
        for platform, module in PLATFORMS.items()
    }
    for file in (ENGLISH, ICONS):
        assert {
            platform: set(entities) for platform, entities in file["entity"].items()
        } == expected


def test_the_presence_events_have_texts_and_icons() -> None:
    """One for each change."""
    for file in (ENGLISH, ICONS):
        attributes = file["entity"]["event"]["presence"]["state_attributes"]
        assert set(attributes["event_type"]["state"]) == set(PresenceChange)


def explanation(issue: dict[str, Any]) -> str:
    """Return what a repair tells, be it in the issue or in the flow that fixes it."""
    if "fix_flow" not in issue:
        return str(issue["description"])
    return str(issue["fix_flow"]["step"]["confirm"]["description"])


def test_the_issues_texts() -> None:
    """Each issue has a text, and each text's placeholders are passed."""
    variants = {
        "entry_unusable_shared": Issue.ENTRY_UNUSABLE,
        "no_public_url_local": Issue.NO_PUBLIC_URL,
    }
    assert set(ENGLISH["issues"]) == {*Issue, *variants}
    passed: dict[str, set[str]] = {}
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                "async_raise_issue"
            ):
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                for name in ast.walk(node.args[1]):
                    if isinstance(name, ast.Attribute):
                        key: str = Issue[name.attr]
                        if "variant" in given:
                            (variant,) = (
                                ast.literal_eval(keyword.value)
                                for keyword in node.keywords
                                if keyword.arg == "variant"
                            )
                            key = f"{key}_{variant}"
                        passed[key] = passed.get(key, given) & given
    assert set(passed) == {*Issue, *variants}
    for issue, texts in ENGLISH["issues"].items():
        for path, text in leaves(texts):
            by_flow = {"learn_more"} if path.startswith("fix_flow") else set()
            by_flow |= {"events", "page"} if "by_hand" in path else set()
            assert placeholders(text) <= passed[issue] | by_flow, issue


def test_the_fix_flows_texts() -> None:
    """What a click can help with has the texts of its flow, and no other has."""
    for issue in Issue:
        texts = ENGLISH["issues"][issue]
        flow = FIX_FLOWS.get(issue)
        assert set(texts) == {"title", "fix_flow" if flow else "description"}
        if flow is None:
            continue
        assert set(texts["fix_flow"]["abort"]) == {flow.reason, "account_removed"}
        steps = texts["fix_flow"]["step"]
        assert all({"title", "description"} <= set(step) for step in steps.values())
        own = {name for one in flow.__mro__ for name in steps_of(one)} - {"init"}
        if set(steps) == {"confirm"}:
            assert own == {"confirm"}
            fields = {str(key) for key in flow.schema.schema}
            if fields:
                assert_form_texts(steps["confirm"], fields, {})
            else:
                assert steps["confirm"]["submit"]
            continue
        # What begins with a menu has a step for each of its options.
        options = set(steps["confirm"]["menu_options"])
        assert own == {"confirm", *options}
        assert set(steps["confirm"]["menu_option_descriptions"]) == options
        assert set(steps) == {"confirm", "by_hand"}
        assert set(steps["by_hand"]["data"]) == {"webhook_url"}
        assert steps["by_hand"]["submit"]
        assert set(texts["fix_flow"]["create_entry"]) == {"entered"}


def test_the_exceptions_texts() -> None:
    """Those of the gateways' errors, and those of the entities and actions."""
    gateways = {
        exceptions.error_key(error("x"))
        for error in (*GatewayError.__subclasses__(), UnreachableError)
    }
    raised = {
        keyword.value.value
        for module in PACKAGE.glob("*.py")
        for node in ast.walk(tree(module.stem))
        if isinstance(node, ast.Call)
        and any(keyword.arg == "translation_domain" for keyword in node.keywords)
        for keyword in node.keywords
        if keyword.arg == "translation_key" and isinstance(keyword.value, ast.Constant)
    }
    assert gateways | raised == set(ENGLISH["exceptions"])


@pytest.mark.parametrize(
    ("kind", "icon"),
    [("triggers", "trigger"), ("conditions", "condition"), ("services", "service")],
)
def test_automations_have_texts_and_icons(kind: str, icon: str) -> None:
    """Triggers, conditions and actions with each of their fields."""
    described = {
        key: value
        for key, value in yaml.safe_load((PACKAGE / f"{kind}.yaml").read_text()).items()
        if not key.startswith(".")
    }
    assert set(ENGLISH[kind]) == set(ICONS[kind]) == set(described)
    for key, value in described.items():
        texts = ENGLISH[kind][key]
        assert texts["name"]
        assert texts["description"]
        assert set(texts["fields"]) == set(value["fields"])
        assert all(field["name"] for field in texts["fields"].values())
        assert ICONS[kind][key][icon].startswith("mdi:")


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_triggers_and_conditions_are_found_by_name(path: Path) -> None:
    """The editor searches names and descriptions; and a door is no contact."""
    texts = json.loads(path.read_text())
    for kind in ("triggers", "conditions"):
        for one in texts[kind].values():
            assert "whatsapp" in one["name"].lower()
            assert "whatsapp presence" in one["description"].lower()


def test_the_triggers_and_conditions_are_those_of_the_code() -> None:
    """The files that describe them are no wish list."""
    assert set(ENGLISH["triggers"]) == set(TRIGGERS)
    assert set(ENGLISH["conditions"]) == set(CONDITIONS)


# What somebody may look for, beside the integration's own name.
PRESENCE = {
    "ar": "تواجد",
    "de": "präsenz",
    "en": "presence",
    "es": "presencia",
    "fr": "présence",
    "hi": "उपस्थिति",
    "id": "kehadiran",
    "it": "presenza",
    "nl": "aanwezigheid",
    "pt-BR": "presença",
}


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", ["triggers", "conditions"])
def test_triggers_and_conditions_can_be_found(path: Path, kind: str) -> None:
    """The editor's search looks at name and description; the name alone is clear."""
    for texts in json.loads(path.read_text("utf-8"))[kind].values():
        assert "WhatsApp" in texts["name"]
        found = f"{texts['name']} {texts['description']}".lower()
        for word in ("whatsapp", "presence", PRESENCE[path.stem]):
            assert word in found


def test_the_system_healths_texts() -> None:
    """Each line has a label, that of each gateway's being reachable among them."""
    info = set(ENGLISH["system_health"]["info"])
    reach = {f"can_reach_{gateway}" for gateway in GATEWAYS}
    (table,) = (
        node.value
        for node in ast.walk(tree("system_health"))
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "info"
    )
    assert isinstance(table, ast.Dict)
    keys = {key.value for key in table.keys if isinstance(key, ast.Constant)}
    assert info == keys | reach


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return set(re.findall(r"{(\w+)}", text))


def test_the_flows_texts_have_the_placeholders_that_are_passed() -> None:
    """A brace that nobody fills shows an error instead of the text."""
    passed = {
        "config.error.engine_cannot_tell": {"engine", "remedy", "version"},
        "config.step.reauth_confirm": {"instance"},
        "config.step.reconfigure": {"instance"},
        "config_subentries.chat.create_entry": {"automations", "dashboard", "help"},
        "config_subentries.chat.error.confirm_number": {"number"},
        "config_subentries.chat.step.reconfigure": {"chat"},
        "config_subentries.chat.step.user": {"notice"},
        "config_subentries.chats.abort.chats_added": {
            *("automations", "count", "dashboard", "help"),
        },
        "config_subentries.chats.step.user": {"notice"},
        "exceptions.no_chats": {"targets"},
        "exceptions.target_is_no_chat": {"target"},
        "options.step": {"webhook_url"},
    }
    for path, text in leaves(ENGLISH):
        if path.startswith("issues."):
            continue
        allowed = next(
            (names for step, names in passed.items() if path.startswith(step)), set()
        )
        assert placeholders(text) <= allowed, path


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_has_the_same_keys_and_placeholders(path: Path) -> None:
    """English is the source."""
    texts = dict(leaves(json.loads(path.read_text("utf-8"))))
    source = dict(leaves(ENGLISH))
    assert texts.keys() == source.keys()
    for key, text in texts.items():
        assert placeholders(text) == placeholders(source[key]), key


# What a language has in common with English, in these very letters.
COGNATES: Final = {
    "ar": set(),
    "de": {"Chat", "Chats", "Name", "Offline", "Online", "Status"},
    "es": {"Chat", "Chats", "Visible"},
    "fr": {"Contact", "Instances", "Session", "Visible"},
    "hi": set(),
    "id": {"Offline", "Online", "Status"},
    "it": {"Chat", "Offline", "Online"},
    "nl": {
        *("Chat", "Chats", "Contact", "Offline", "Online"),
        *("Status", "Timing"),
    },
    "pt-BR": {"Offline", "Online", "Status"},
}


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_no_english_is_left_over(path: Path) -> None:
    """What reads as it does in English is a brand's name or a true cognate."""
    if path.stem == "en":
        assert {other.stem for other in LANGUAGES} == {"en", *COGNATES}
        return
    source = dict(leaves(ENGLISH))
    same = {
        text
        for key, text in leaves(json.loads(path.read_text("utf-8")))
        if text == source[key]
    }
    brands = {one.name for one in GATEWAYS.values()}
    assert same == COGNATES[path.stem] | brands


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_repairs_title_fits_its_dialog(path: Path) -> None:
    """On two lines, the front end lays it upon the next one; a name may be long.

    So it is what the title in the list begins with, and the name stands below.
    """
    for issue in json.loads(path.read_text("utf-8"))["issues"].values():
        words, _, name = issue["title"].rpartition(":")
        words = words.rstrip()
        assert re.fullmatch(r" {\w+}", name)
        for step in issue.get("fix_flow", {}).get("step", {}).values():
            assert step["title"] == words
            assert len(words) <= 28
            assert step["description"].startswith(f"**{name.strip()}**\n\n")
            assert step["description"].endswith("]({learn_more})")


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_the_texts_are_plain(path: Path) -> None:
    """No references, HTML, addresses of sites, or quoted placeholders; no blanks."""
    for key, text in leaves(json.loads(path.read_text("utf-8"))):
        assert text == text.strip() != "", key
        assert "[%key" not in text, key
        assert not re.search(r"<[a-z/]", text), key
        assert not re.search(r"https?://[a-z]", text), key
        # Quotes switch placeholders off.
        assert not re.search(r"'{|}'", text), key
