"""The same on a disk: what can't be read is set aside, and what the user put there."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.const import STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.util.file import WriteError

from .common import (
    ANNA,
    ENTRY_ID,
    advance,
    anna,
    chat,
    create_entry,
    online,
    set_up,
    settle,
    told,
)
from .simulator import WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

KEY = f"{DOMAIN}.{ENTRY_ID}"


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Let Home Assistant write into a folder of its own."""
    return hass_tmp_config_dir


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let it read and write files."""
    return {}


@pytest.fixture
def file(hass: HomeAssistant) -> Path:
    """Return where the account's store lies."""
    path = Path(hass.config.path(".storage", KEY))
    path.parent.mkdir(exist_ok=True)
    return path


def write(file: Path, content: Any) -> None:
    """Let there be a file of something, or with None a folder that is not empty."""
    if content is None:
        (file / "kept").mkdir(parents=True)
    elif isinstance(content, str):
        file.write_text(content)
    else:
        file.write_text(json.dumps(content))


def read(file: Path) -> Any:
    """Return what is in a file; None: there is none."""
    return json.loads(file.read_text()) if file.is_file() else None


def mode(file: Path) -> int:
    """Return who may do what with a file."""
    return file.stat().st_mode & 0o777


def set_aside(file: Path) -> list[Path]:
    """Return what was set aside."""
    return list(file.parent.glob(f"{KEY}.unreadable.*"))


@pytest.mark.parametrize("content", ["{", ""])
async def test_file_that_was_cut_off_stops_nothing(
    hass: HomeAssistant, account: WaapiAccount, file: Path, content: str
) -> None:
    """Home Assistant itself sets it aside, and says so."""
    write(file, content)
    await set_up(hass, account)
    assert online(hass) == STATE_OFF
    assert read(file) is None


@pytest.mark.parametrize(
    "content",
    [
        {"version": 3, "minor_version": 1, "key": KEY, "data": {"more": True}},
        {"version": 2, "minor_version": 1, "key": KEY, "data": []},
        {"version": 2, "minor_version": 1, "key": KEY, "data": {"aliases": None}},
        [],
    ],
)
async def test_unreadable_file_is_set_aside(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    file: Path,
    content: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It lies beside what is kept from now on, as it was."""
    write(file, content)
    await set_up(hass, account)
    assert online(hass) == STATE_OFF
    assert len(told(caplog)) == 1
    assert "set aside" in told(caplog)[0]
    (aside,) = set_aside(file)
    assert read(aside) == content

    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    assert ANNA in read(file)["data"]["last_seen"]
    assert set_aside(file) == [aside]


async def test_folder_in_its_place_is_set_aside(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever a tool that restores backups has left there."""
    write(file, None)
    await set_up(hass, account)
    assert online(hass) == STATE_OFF
    assert len(told(caplog)) == 1
    (aside,) = set_aside(file)
    assert read(aside) is None

    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    assert ANNA in read(file)["data"]["last_seen"]


async def test_file_is_nobody_elses_to_read(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    file: Path,
) -> None:
    """It names people's numbers, and when they were last seen."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    assert mode(file) == 0o600


@pytest.mark.parametrize("content", [{"version": 2, "key": KEY, "data": []}, None, "{"])
async def test_what_was_set_aside_goes_with_the_account(
    hass: HomeAssistant, account: WaapiAccount, file: Path, content: Any
) -> None:
    """Nothing of a removed account stays on the disk."""
    write(file, content)
    entry = await set_up(hass, account)
    assert list(file.parent.glob(f"{KEY}.*"))
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert list(file.parent.glob(f"{KEY}*")) == []


@pytest.mark.parametrize("content", ["{", None])
async def test_what_was_never_read_goes_with_the_account(
    hass: HomeAssistant,
    account: WaapiAccount,
    file: Path,
    content: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An account that can't be set up does not look into its store."""
    write(file, content)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={"gateway": "pigeons"})
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    assert list(file.parent.glob(f"{KEY}*")) == []
    assert "Error calling entry remove callback" not in caplog.text


@pytest.mark.parametrize("then", ["time passes", "it is unloaded"])
async def test_what_found_no_room_on_the_disk_is_written_later(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    file: Path,
    then: str,
) -> None:
    """Though nothing has changed since."""
    entry = await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    with patch(
        "homeassistant.helpers.storage.write_utf8_file", side_effect=WriteError
    ) as refused:
        await advance(hass, freezer, account, 31)
        assert str(file) in [call.args[0] for call in refused.call_args_list]
    assert read(file) is None
    if then == "time passes":
        await advance(hass, freezer, account, 601)
    else:
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert ANNA in read(file)["data"]["last_seen"]


@pytest.mark.parametrize("then", ["it is removed", "it goes on"])
async def test_an_account_that_is_unloaded_writes_nothing_any_more(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    file: Path,
    then: str,
) -> None:
    """What found no room as it was unloaded is neither brought back nor put over newer."""
    entry = await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    with patch("homeassistant.helpers.storage.write_utf8_file", side_effect=WriteError):
        assert await hass.config_entries.async_unload(entry.entry_id)
    if then == "it is removed":
        await hass.config_entries.async_remove(entry.entry_id)
        await advance(hass, freezer, account, 601)
        assert read(file) is None
        return
    assert await hass.config_entries.async_setup(entry.entry_id)
    await advance(hass, freezer, account, 60)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    newer = read(file)
    assert newer is not None
    await advance(hass, freezer, account, 601)
    assert read(file)["data"]["last_seen"] == newer["data"]["last_seen"]
