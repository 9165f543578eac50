"""Draw the integration's icon and logo.

Two people in a chat: one bubble in front of the other, somebody typing, and the
dot that says they are there. Run it by `.venv/bin/python scripts/draw_brand.py`;
the pictures it writes are committed.
"""

from pathlib import Path
import sys
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

BRAND = (
    Path(__file__).resolve().parent.parent
    / "custom_components"
    / "whatsapp_presence"
    / "brand"
)

# All is drawn on a grid of 512, this many times as large, and scaled down at the end.
GRID = 512
SCALE = 5

type Colour = tuple[int, int, int]
type Point = tuple[float, float]


class Palette(NamedTuple):
    """The colours on a light or a dark ground; pairs are a gradient's two ends."""

    back: tuple[Colour, Colour]
    front: tuple[Colour, Colour]
    dots: Colour
    presence: tuple[Colour, Colour]
    text: Colour


LIGHT = Palette(
    back=((255, 170, 92), (247, 104, 96)),
    front=((104, 112, 245), (72, 58, 196)),
    dots=(255, 255, 255),
    presence=((43, 221, 208), (10, 182, 190)),
    text=(46, 42, 92),
)
DARK = Palette(
    back=((255, 184, 112), (250, 120, 108)),
    front=((134, 142, 255), (98, 84, 226)),
    dots=(255, 255, 255),
    presence=((76, 236, 222), (24, 200, 206)),
    text=(238, 238, 252),
)


class Box(NamedTuple):
    """A rectangle on the grid."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> Box:
        """Return the rectangle with this much more on every side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def scaled(self) -> tuple[float, float, float, float]:
        """Return it in pixels."""
        left, top, right, bottom = (value * SCALE for value in self)
        return left, top, right, bottom


def _mask() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("L", (GRID * SCALE, GRID * SCALE))
    return mask, ImageDraw.Draw(mask)


def _curve(start: Point, control: Point, end: Point) -> list[Point]:
    """Follow a quadratic curve, in pixels."""
    steps = 48

    def at(t: float, axis: int) -> float:
        return SCALE * (
            (1 - t) ** 2 * start[axis]
            + 2 * t * (1 - t) * control[axis]
            + t**2 * end[axis]
        )

    return [(at(step / steps, 0), at(step / steps, 1)) for step in range(steps + 1)]


def bubble(
    box: Box, radius: float, *, tail: float = 0, grown: float = 0
) -> Image.Image:
    """Mask a bubble, with a tail of this width at its lower left, grown on all sides."""
    mask, draw = _mask()
    draw.rounded_rectangle(
        box.grown(grown).scaled(), radius=(radius + grown) * SCALE, fill=255
    )
    if not tail:
        return mask
    x, y = box.left + 0.34 * tail, box.bottom + 0.62 * tail
    tip = (x - 0.22 * tail, y)
    outline = [
        *_curve((x, y - 1.45 * tail), (x + 0.28 * tail, y - 0.3 * tail), tip),
        *_curve(
            tip, (x + 0.95 * tail, y - 0.06 * tail), (x + 1.5 * tail, y - 0.83 * tail)
        ),
    ]
    draw.polygon(outline, fill=255)
    reach = grown * SCALE
    for x, y in outline if reach else ():
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return mask


def disc(x: float, y: float, radius: float) -> Image.Image:
    """Mask a disc."""
    mask, draw = _mask()
    draw.ellipse(Box(x, y, x, y).grown(radius).scaled(), fill=255)
    return mask


def gradient(colours: tuple[Colour, Colour], box: Box) -> Image.Image:
    """Paint the whole canvas with a gradient that runs down the box, a little aslant."""
    size = 256
    height = box.bottom - box.top

    def tone(x: float, y: float) -> int:
        share = (0.85 * (y - box.top) + 0.3 * (x - box.left)) / height
        return round(255 * min(1, max(0, share)))

    step = GRID / size
    ramp = Image.new("L", (size, size))
    ramp.putdata([tone(x * step, y * step) for y in range(size) for x in range(size)])
    ramp = ramp.resize((GRID * SCALE, GRID * SCALE), Image.Resampling.BICUBIC)
    start, end = (Image.new("RGB", ramp.size, colour) for colour in colours)
    return Image.composite(end, start, ramp)


def draw_icon(palette: Palette) -> Image.Image:
    """Draw the motif, large, trimmed to a square."""
    back = Box(188, 22, 494, 268)
    front = Box(18, 142, 396, 420)
    presence = (414, 392, 66)
    gap = 17

    canvas = Image.new("RGB", (GRID * SCALE, GRID * SCALE))
    alpha = Image.new("L", canvas.size)

    def lay(mask: Image.Image, paint: Image.Image) -> None:
        canvas.paste(paint, mask=mask)
        alpha.paste(255, mask=mask)

    def cut(mask: Image.Image) -> None:
        alpha.paste(0, mask=mask)

    lay(bubble(back, 96), gradient(palette.back, back))
    cut(bubble(front, 112, tail=92, grown=gap))
    lay(bubble(front, 112, tail=92), gradient(palette.front, front))
    middle = (front.top + front.bottom) / 2
    for x, y in ((118, middle + 6), (207, middle - 14), (296, middle + 6)):
        lay(disc(x, y, 29), Image.new("RGB", canvas.size, palette.dots))
    x, y, radius = presence
    cut(disc(x, y, radius + gap))
    lay(disc(x, y, radius), gradient(palette.presence, Box(x, y, x, y).grown(radius)))

    canvas.putalpha(alpha)
    return trimmed(canvas, square=True)


def trimmed(picture: Image.Image, *, square: bool = False) -> Image.Image:
    """Cut the empty margins off; a square keeps what its shorter side needs."""
    left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 1, 1)
    if square:
        side = max(right - left, bottom - top)
        left -= (side - (right - left)) // 2
        top -= (side - (bottom - top)) // 2
        right, bottom = left + side, top + side
    return picture.crop((left, top, right, bottom))


def shrunk(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scale down with weighted colours, so that no dark seam is left at the edges."""
    weighted = picture.convert("RGBa")
    return weighted.resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")


def draw_logo(palette: Palette, icon: Image.Image) -> Image.Image:
    """Set the name beside the motif."""
    height = icon.height
    font = ImageFont.load_default(size=round(0.40 * height))
    weight = round(0.011 * height)
    lines = ("WhatsApp", "Presence")
    widths = [font.getbbox(line, stroke_width=weight)[2] for line in lines]
    left = round(1.1 * height)
    logo = Image.new("RGBA", (round(left + max(widths) + height), height))
    logo.paste(icon, (0, 0))
    draw = ImageDraw.Draw(logo)
    for line, y in zip(lines, (0.30, 0.72), strict=True):
        draw.text(
            (left, round(y * height)),
            line,
            font=font,
            fill=palette.text,
            stroke_width=weight,
            stroke_fill=palette.text,
            anchor="lm",
        )
    return trimmed(logo)


def save(picture: Image.Image, name: str) -> None:
    """Write a picture as small as PNG allows."""
    picture.save(BRAND / name, optimize=True)


def main() -> int:
    """Write every picture."""
    BRAND.mkdir(exist_ok=True)
    for prefix, palette in (("", LIGHT), ("dark_", DARK)):
        icon = draw_icon(palette)
        save(shrunk(icon, 256, 256), f"{prefix}icon.png")
        save(shrunk(icon, 512, 512), f"{prefix}icon@2x.png")
        logo = draw_logo(palette, icon)
        width = round(logo.width * 160 / logo.height)
        save(shrunk(logo, width, 160), f"{prefix}logo.png")
        save(shrunk(logo, 2 * width, 320), f"{prefix}logo@2x.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
