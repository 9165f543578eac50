"""What all gateways that are spoken to over HTTP have alike."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
import hmac
import json
import logging
import re
from typing import Any, ClassVar, Final, Self, Unpack, override

from aiohttp import ClientSession

from .base import (
    AuthenticationError,
    ChatInfo,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    JsonLoads,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
)
from .client import Answer, Client, Options, base_url
from .pacing import CLOUD, Pace, Pacer
from .refusals import Refusals
from .values import OnceLogger, as_chat_id, envelopes, header, merged

_LOGGER = logging.getLogger(__name__)

_MAX_PAGES: Final = 10
# What one call is refused for, and the next one need not be.
_REFUSALS: Final = (NotAllowedError, NotFoundError, InvalidResponseError)

type _ReadList = Callable[[], Awaitable[list[ChatInfo]]]


class HttpGateway(Gateway):
    """Configuration, requests, refusals and lists; a dialect adds its own words."""

    # The path of a URL that has none.
    api_path: ClassVar[str] = ""
    # The header that the token travels in, and its form there.
    token_header: ClassVar[tuple[str, str] | None] = None
    # What an instance can be called, where that is known.
    instance_form: ClassVar[re.Pattern[str] | None] = None
    # The header and the hash of a webhook's signature, where there is one.
    signature: ClassVar[tuple[str, str] | None] = None
    refusals: ClassVar[Refusals]
    pace: ClassVar[Pace] = CLOUD

    def __init__(
        self,
        session: ClientSession,
        config: Mapping[str, Any],
        *,
        json_loads: JsonLoads = json.loads,
    ) -> None:
        """Create the client of an instance; raises ValueError for a bad URL."""
        self._name: str = (config.get(self.instance_field) or "").strip()
        self._token: str = config[self.token_field].strip()
        self._json_loads = json_loads
        headers = {}
        if self.token_header:
            key, form = self.token_header
            headers[key] = form.format(self._token)
        self._client = Client(
            session,
            base_url(config.get("url"), self.default_url, self.api_path),
            headers=headers,
            json_loads=json_loads,
            pacer=Pacer(pace=self.pace),
        )
        self._notice = OnceLogger(
            logging.getLogger(type(self).__module__), type(self).name
        )

    @classmethod
    @override
    def from_config(
        cls,
        session: ClientSession,
        config: Mapping[str, Any],
        *,
        json_loads: JsonLoads = json.loads,
    ) -> Self:
        """Create from the two fields of the form and, if it is there, `url`."""
        return cls(session, config, json_loads=json_loads)

    @property
    @override
    def url(self) -> str:
        """The base URL of the API."""
        return self._client.url

    @property
    @override
    def unique_id(self) -> str:
        """The instance's name."""
        return self._name

    @property
    @override
    def secrets(self) -> frozenset[str]:
        """The token."""
        return frozenset({self._token})

    @property
    @override
    def odd_shapes(self) -> list[dict[str, Any]]:
        """What was captured since the client was created."""
        return self._notice.capture.as_list()

    @override
    async def status(self) -> InstanceInfo:
        """Ask how the instance stands; a refusal for not being ready is an answer."""
        try:
            return await self._ask_status()
        except NotReadyError:
            return InstanceInfo(status=InstanceStatus.DISCONNECTED)

    @override
    def parse_event(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Read a webhook's body: an envelope, a list of them, or JSON in a string."""
        return [
            event
            for envelope in envelopes(raw, self._json_loads, self._notice)
            if (event := self._read_event(envelope)) is not None
        ]

    @override
    def verify_signature(
        self, raw: bytes, headers: Mapping[str, str], secret: str
    ) -> bool:
        """Whether the signature is the body's HMAC, in hexadecimal."""
        if self.signature is None:
            return False
        name, algorithm = self.signature
        given = header(headers, name).strip().lower().removeprefix(f"{algorithm}=")
        expected = hmac.new(secret.encode(), raw, algorithm).hexdigest()
        return hmac.compare_digest(given.encode(errors="replace"), expected.encode())

    @abstractmethod
    async def _ask_status(self) -> InstanceInfo:
        """Ask how the instance stands; NotReadyError: it is not connected."""

    @abstractmethod
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        """Read one event; None if it is of no interest."""

    @property
    def _instance(self) -> str:
        """The instance's name, sure to be one segment of a path."""
        if self.instance_form and not self.instance_form.fullmatch(self._name):
            raise NotFoundError(f"{self.name} can have no instance of that name.")
        return self._name

    def _check_token(self) -> None:
        if self.token_header and not (
            self._token.isascii() and self._token.isprintable()
        ):
            raise AuthenticationError("The token has characters that it can't have.")

    async def _request(
        self, method: str, path: str, **options: Unpack[Options]
    ) -> Answer:
        self._check_token()
        return await self._client.request(method, path, **options)

    async def _get(self, path: str, **options: Unpack[Options]) -> Any:
        """Ask for something; returns the answer's JSON, errors raised."""
        return self._read(await self._request("GET", path, **options))

    def _read(self, answer: Answer, *, chat: bool = False) -> Any:
        """Return an answer's JSON, errors raised; `chat`: what is refused is a chat."""
        self._check(answer, chat=chat)
        return answer.json()

    def _check(self, answer: Answer, *, chat: bool = False) -> None:
        """Raise the error of an answer that says that it was not done."""
        if not answer.ok:
            raise self.refusals.error(answer, chat=chat)
        if answer.is_page:
            # "Under maintenance" is no success, even if nobody needs to read the answer.
            raise InvalidResponseError(
                "The gateway answered a web page, which is not JSON."
            )

    async def _read_lists(
        self, *lists: _ReadList, without_first: bool = False
    ) -> list[ChatInfo]:
        """Put lists of chats together; what can't be had of the others is done without.

        `without_first`: even if the first is refused. Raises the error of that if
        nothing can be had of any.
        """
        found: list[ChatInfo] = []
        refused: GatewayError | None = None
        for number, read in enumerate(lists):
            try:
                found = merged(found, await read())
            except GatewayError as err:
                passes = number or (without_first and isinstance(err, _REFUSALS))
                if isinstance(err, AuthenticationError) or not passes:
                    raise
                _LOGGER.debug("Listing failed: %s", type(err).__name__)
                refused = refused or err
        if refused is not None and not found:
            raise refused
        return found


def asked(raw: str) -> str:
    """Return an id as it is sent; raises NotFoundError for one that is none."""
    if (found := as_chat_id(raw)) is None:
        raise NotFoundError("This is no id of a chat.")
    return found


async def paged(
    size: int,
    page: Callable[[int], Awaitable[list[Any]]],
    read: Callable[[list[Any]], list[ChatInfo]],
) -> list[ChatInfo]:
    """Read a list from each offset on, until a page is not full or tells nothing new."""
    found: list[ChatInfo] = []
    for offset in range(0, size * _MAX_PAGES, size):
        entries = await page(offset)
        known = len(found)
        found = merged(found, read(entries))
        if len(entries) < size or len(found) == known:
            break
    return found
