"""The words in which WaAPI refuses something."""

from http import HTTPStatus
from typing import Final

from .base import NotAllowedError, NotFoundError, Refusal
from .refusals import Refusals, Rule

_FORBIDDEN: Final = frozenset({HTTPStatus.FORBIDDEN})
_NOT_READY_WORDS: Final = (
    "not ready",
    "not connected",
    "disconnected",
    "not authenticated",
    "initializ",
    "qr code",
)
_BAD_CHAT_WORDS: Final = (
    "chatid",
    "chat id",
    "contactid",
    "contact id",
    "wid",
    "no lid",
    "not found",
)

# DOC; what is told in words alone: OBS. Refusals have no codes.
REFUSALS: Final = Refusals(
    "WaAPI",
    credential="API token",
    first=(
        Rule(
            NotAllowedError,
            "The instance is on trial, and may reach only the chats of its trial.",
            words=("trial",),
            reason=Refusal.TRIAL,
        ),
        # INF: what a blocked account and a missing scope are called.
        Rule(
            NotAllowedError,
            "The account is blocked by WaAPI, and not allowed to do this.",
            statuses=_FORBIDDEN,
            words=("blocked", "banned", "suspended"),
            reason=Refusal.BLOCKED,
        ),
        Rule(
            NotAllowedError,
            "The API token lacks a scope, and is not allowed to do this.",
            statuses=_FORBIDDEN,
            words=("scope", "abilit", "permission"),
            reason=Refusal.SCOPE,
        ),
        Rule(
            NotFoundError,
            "WaAPI knows no such instance of yours.",
            statuses={HTTPStatus.NOT_FOUND},
        ),
    ),
    not_ready_words=_NOT_READY_WORDS,
    chat_words=_BAD_CHAT_WORDS,
)
