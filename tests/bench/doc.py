"""Put what was measured where the documentation has it."""

from pathlib import Path
from typing import Final

from .builds import REPOSITORY

_DOC: Final = REPOSITORY / "docs" / "performance.md"
_PICTURES: Final = REPOSITORY / "docs" / "images"


def write_doc(command: str, text: str, picture: tuple[str, str, str] | None) -> None:
    """Replace what a command wrote before.

    A picture is its file's name, what it shows, and the SVG. Raises RuntimeError if the
    documentation has no place for the command.
    """
    begin, end = (
        f"<!-- What {command} writes {where} here. -->" for where in ("begins", "ends")
    )
    before, found, rest = _DOC.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RuntimeError(f"{_DOC.name} has no place for {command}")
    if picture is not None:
        name, shows, svg = picture
        (_PICTURES / name).write_text(svg, "utf-8")
        text = f"![{shows}]({Path('images') / name})\n\n{text}"
    _DOC.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")
