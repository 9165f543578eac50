"""How a chat stands with the gateway."""

from .model import PresenceAccess


class Standing:
    """Whether a chat is subscribed, and how much of it the account may see.

    `known`: the gateway has said something of it; `hidden`: the contact hides when
    they were last seen, None is not said.
    """

    __slots__ = ("hidden", "known", "subscribed")

    def __init__(self) -> None:
        """Begin without a subscription."""
        self.subscribed = self.known = False
        self.hidden: bool | None = None

    @property
    def access(self) -> PresenceAccess:
        """How much can be seen of the chat."""
        if not self.subscribed:
            return PresenceAccess.NOT_SUBSCRIBED
        if not self.known:
            return PresenceAccess.WAITING
        if self.hidden:
            return PresenceAccess.LAST_SEEN_HIDDEN
        return PresenceAccess.VISIBLE
