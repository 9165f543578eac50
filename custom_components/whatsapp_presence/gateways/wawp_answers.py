"""What Wawp's answers mean, whatever form they have."""

from http import HTTPStatus
from typing import Any, Final

from .base import InvalidResponseError, NotAllowedError, NotFoundError, RateLimitedError
from .client import Answer
from .refusals import Refusals, Rule
from .values import boolean, mapping

# What a `code` in a body means, where the HTTP status does not tell [OBS].
_STATUS_OF_CODE: Final = {
    "invalid_session": HTTPStatus.NOT_FOUND,
    "missing_param": HTTPStatus.BAD_REQUEST,
    "subscription_required": HTTPStatus.FORBIDDEN,
    "quota_reached": HTTPStatus.TOO_MANY_REQUESTS,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "invalid_token": HTTPStatus.UNAUTHORIZED,
    "invalid_access_token": HTTPStatus.UNAUTHORIZED,
}
_NO_SESSION_WORDS: Final = (
    "invalid_session",
    "session does not exist",
    "session not found",
)
_NOT_READY_WORDS: Final = (
    "not ready",
    "not working",
    "not connected",
    "disconnected",
    "session status",
    "scan_qr_code",
)

# DOC, OBS
REFUSALS: Final = Refusals(
    "Wawp",
    credential="access token or the instance id",
    first=(
        Rule(
            RateLimitedError,
            "The quota of the Wawp plan is used up.",
            words=("quota_reached",),
        ),
        Rule(
            NotAllowedError,
            "This needs a paid plan of Wawp.",
            words=("subscription_required",),
        ),
        Rule(
            NotFoundError,
            "Wawp knows no such instance of yours.",
            {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND},
            words=_NO_SESSION_WORDS,
        ),
    ),
    not_ready={HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY},
    not_ready_words=_NOT_READY_WORDS,
    codes=(*_STATUS_OF_CODE, *_NO_SESSION_WORDS, *_NOT_READY_WORDS),
)


def tells_of_session(answer: Answer) -> bool:
    """Whether an answer says that there is no such session."""
    return any(word in answer.hint for word in _NO_SESSION_WORDS)


def read_content(answer: Answer, *, chat: bool) -> Any:
    """Return the JSON of an answer with a good status; raises the error if it is one."""
    content = answer.json_or_none()
    if isinstance(content, (dict, list)):
        status = _status_in(content)
    else:
        status = next(
            (status for code, status in _STATUS_OF_CODE.items() if code in answer.hint),
            None,
        )
        if status is None:
            raise InvalidResponseError("Wawp answered something unexpected.")
    if status is not None:
        raise REFUSALS.find(status, answer.hint, chat=chat)
    return content


def _status_in(content: Any) -> int | None:
    """Find the status of an error that was answered as a success [OBS]."""
    body = mapping(content)
    success = boolean(body.get("success"))
    if success is True or (
        success is None and not ("code" in body and "message" in body)
    ):
        return None
    code = body.get("code")
    known = _STATUS_OF_CODE.get(code.lower()) if isinstance(code, str) else code
    for status in (
        known,
        mapping(body.get("data")).get("status"),
        body.get("statusCode"),
    ):
        if isinstance(status, int) and HTTPStatus.BAD_REQUEST <= status < 600:
            return status
    if success is None and isinstance(code, int) and code < HTTPStatus.BAD_REQUEST:
        return None
    return HTTPStatus.BAD_REQUEST
