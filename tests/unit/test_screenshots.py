"""Screenshots of the documentation: compression keeps what they show."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageChops, ImageDraw

from tests.screenshots import COLORS, compressed

SIZE = (640, 400)


def test_compressed_screenshot_has_palette_and_same_content() -> None:
    page = Image.new("RGB", SIZE, "#fbfbf9")
    draw = ImageDraw.Draw(page)
    for number in range(40):
        draw.text((10, 10 * number), f"A line of text with number {number}", fill="#23614f")
    png = BytesIO()
    page.save(png, format="PNG", compress_level=0)
    small = Image.open(BytesIO(compressed(png.getvalue())))
    assert small.mode == "P"
    assert len(small.getcolors() or ()) <= COLORS
    assert len(compressed(png.getvalue())) < len(png.getvalue()) / 10
    difference = ImageChops.difference(small.convert("RGB"), page)
    assert max(high for _, high in difference.getextrema()) <= 8  # pyright: ignore
