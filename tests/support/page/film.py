"""A short film of a page: pictures with the mouse drawn in, joined to an animated GIF."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page

COLOURS = 160
PNG_COLOURS = 255
# An arrow, from its tip.
POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))


@dataclass(slots=True)
class Film:
    """What a page showed, picture by picture; `scale` is the scale of the page's context."""

    page: Page
    scale: float = 1
    pictures: list[Image.Image] = field(default_factory=list)
    durations_ms: list[int] = field(default_factory=list)
    pointer: tuple[int, int] | None = None

    def show(self, duration_ms: int) -> None:
        """Take a picture that stays so long."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        if self.pointer is not None:
            left, top = self.pointer
            points = [((left + x) * self.scale, (top + y) * self.scale) for x, y in POINTER]
            ImageDraw.Draw(picture).polygon(points, fill="white", outline="black")
        self.pictures.append(picture)
        self.durations_ms.append(duration_ms)

    def point(self, target: Locator, duration_ms: int = 500) -> None:
        """Move the mouse to the middle of something that the page shows."""
        box = target.bounding_box()
        assert box is not None, f"not shown: {target}"
        self.pointer = (
            int(box["x"] + min(box["width"] / 2, 60)), int(box["y"] + box["height"] / 2),
        )  # fmt: skip
        self.page.mouse.move(*self.pointer)
        self.show(duration_ms)

    def click(self, target: Locator) -> None:
        """Point at it and press the button."""
        self.point(target)
        target.click()

    def write(self, path: Path) -> None:
        """Join the pictures; all have the colours of the last one, which shows most."""
        palette = self.pictures[-1].quantize(COLOURS)
        frames = [
            picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in self.pictures
        ]
        frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=self.durations_ms, loop=0,
            optimize=True, disposal=1,
        )  # fmt: skip


def write_picture(page: Page, path: Path) -> None:
    """A picture of the page as a PNG with few colours, which is a third of its size."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(PNG_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
