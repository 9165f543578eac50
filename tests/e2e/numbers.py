"""Phone numbers on a page: none is to be seen that the user did not type."""

import re
from typing import Final

from playwright.async_api import Page

from tests.simulator import Simulator

# Without the calling code, however it is written.
_NATIONAL: Final = 8

# All text of a page, that of its components and of its fields included.
_TEXT: Final = """() => {
  const found = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) found.push(node.data);
    if (node.matches?.("script, style")) return;
    if (typeof node.value === "string") found.push(node.value);
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
  };
  walk(document);
  return found.filter((text) => /\\d{3}/.test(text));
}"""


class Numbers:
    """Whose numbers there are, and which of them the user knows of."""

    def __init__(self, simulator: Simulator) -> None:
        """Nobody typed any."""
        self.simulator = simulator
        self.typed: set[str] = set()

    async def search(self, page: Page) -> None:
        """Raise if a number is to be seen; who has no name is known by nothing else."""
        texts = [re.sub(r"\D", "", text) for text in await page.evaluate(_TEXT)]
        seen = [
            number
            for number in self._private
            if any(number[-_NATIONAL:] in text for text in texts)
        ]
        assert not seen, f"{page.url} shows {seen}"

    @property
    def _private(self) -> list[str]:
        known = {re.sub(r"\D", "", text) for text in self.typed}
        numbers = [
            person.number
            for account in self.simulator.accounts.values()
            for person in (account.me, *account.people.values())
            if person.name
        ]
        return [
            number
            for number in numbers
            if not any(number[-_NATIONAL:] in text for text in known)
        ]
