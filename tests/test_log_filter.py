"""The filter that keeps secrets out of the log, whoever writes there."""

from collections.abc import Generator
import logging

import pytest
from yarl import URL

from custom_components.whatsapp_presence import log_filter
from custom_components.whatsapp_presence.log_filter import (
    REDACTED,
    async_redact,
    async_stop_redacting,
)

TOKEN = "s3cr3t+token/with=signs"
_LOGGER = logging.getLogger("somebody.else")


@pytest.fixture(autouse=True)
def clean(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Generator[None]:
    """Begin with all levels and a filter of our own, and leave nothing behind."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(log_filter, "_FILTER", log_filter._RedactingFilter())
    yield
    for owner in ("one", "two"):
        async_stop_redacting(owner)


def fail_with(text: str) -> None:
    """Log an error with the traceback of an exception."""
    _LOGGER.error("It went wrong", exc_info=ValueError(text))


def filters() -> int:
    """Return how many filters the handlers of the log have."""
    return sum(len(handler.filters) for handler in logging.getLogger().handlers)


def test_secret_is_blacked_out(caplog: pytest.LogCaptureFixture) -> None:
    """In the message, in its arguments, and as it is written in an address."""
    async_redact("one", [TOKEN, None, ""])
    _LOGGER.info("The token is %s", TOKEN)
    _LOGGER.info(f"GET /?token={TOKEN}")  # noqa: G004
    _LOGGER.info("GET %s", URL("http://host/").with_query(token=TOKEN))
    _LOGGER.info("GET /?token=s3cr3t%2Btoken%2Fwith%3Dsigns HTTP/1.1")
    _LOGGER.info("GET /%s HTTP/1.1", "s3cr3t%2Btoken/with%3Dsigns")
    _LOGGER.info("Nothing of interest: %s", "token")
    assert caplog.messages == [
        f"The token is {REDACTED}",
        f"GET /?token={REDACTED}",
        f"GET http://host/?token={REDACTED}",
        f"GET /?token={REDACTED} HTTP/1.1",
        f"GET /{REDACTED} HTTP/1.1",
        "Nothing of interest: token",
    ]


def test_traceback_is_blacked_out(caplog: pytest.LogCaptureFixture) -> None:
    """An exception that quotes a secret is told without it, any other as it is."""
    async_redact("one", [TOKEN])
    fail_with(f"no such host: {TOKEN}")
    assert f"ValueError: no such host: {REDACTED}" in caplog.text
    assert TOKEN not in caplog.text
    assert caplog.records[0].exc_info is None

    fail_with("something else")
    assert "ValueError: something else" in caplog.text
    assert caplog.records[1].exc_info is not None


def test_text_of_a_traceback_and_of_a_stack_are_blacked_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Records come with finished texts as well, from another thread or process."""
    async_redact("one", [TOKEN])
    record = logging.makeLogRecord(
        {
            "name": "somebody.else",
            "levelno": logging.ERROR,
            "msg": "Failed",
            "exc_text": f"ValueError: {TOKEN}",
            "stack_info": f"Stack: {TOKEN}",
        }
    )
    logging.getLogger().handle(record)
    assert record.exc_text == f"ValueError: {REDACTED}"
    assert record.stack_info == f"Stack: {REDACTED}"


def test_wrong_log_call_of_others_is_left_alone() -> None:
    """That arguments do not fit is for the handler to find out."""
    async_redact("one", [TOKEN])
    record = logging.makeLogRecord({"msg": "%d", "args": ("no number",)})
    assert log_filter._FILTER.filter(record)
    assert record.args == ("no number",)


def test_filter_without_secrets_lets_all_pass(caplog: pytest.LogCaptureFixture) -> None:
    """One that is still at a handler that was away when it was withdrawn."""
    async_redact("one", [TOKEN])
    handler = logging.getLogger().handlers[0]
    async_stop_redacting("one")
    handler.addFilter(log_filter._FILTER)
    _LOGGER.info("It is %s", TOKEN)
    handler.removeFilter(log_filter._FILTER)
    assert caplog.messages == [f"It is {TOKEN}"]


def test_owners_do_not_disturb_each_other(caplog: pytest.LogCaptureFixture) -> None:
    """Two entries may have a token in common; the filter goes with the last one."""
    before = filters()
    async_redact("one", [TOKEN, "first"])
    async_redact("two", [TOKEN, "second"])
    async_redact("two", [TOKEN, "third"])
    installed = filters()
    assert installed == before + len(logging.getLogger().handlers)

    async_stop_redacting("one")
    _LOGGER.info("%s first second third", TOKEN)
    assert filters() == installed
    async_stop_redacting("two")
    assert filters() == before
    _LOGGER.info("%s first second third", TOKEN)
    assert caplog.messages == [
        f"{REDACTED} first second {REDACTED}",
        f"{TOKEN} first second third",
    ]
    async_stop_redacting("two")
    assert filters() == before


def test_longer_secret_goes_first(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of a secret is left over that begins like another one."""
    async_redact("one", ["secret", "secret-and-more", "abc"])
    _LOGGER.info("secret-and-more, secret, abc")
    # What is as short as that would black out words of every language.
    assert caplog.messages == [f"{REDACTED}, {REDACTED}, abc"]
