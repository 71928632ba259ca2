"""Hostile PDFs of known kinds, with the results that the service may end with."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.pdf_builder.raw import (
    CONTENTS,
    MIB,
    PAGES,
    assemble,
    deflate_repeated,
    flate,
    one_page,
    page,
    stream,
)

COMPLETED = "completed"
OVER_THE_LIMITS = frozenset({"took_too_long", "took_too_much_memory", "too_much_output"})
_TEXT = b"BT /F 12 Tf 72 700 Td (Silver nanoparticles were made with leaves.) Tj ET\n"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A kind of file, and its expected results: error codes or "completed"."""

    name: str
    make: Callable[[], bytes]
    results: frozenset[str]


def _drawn(content: bytes, **more: bytes) -> bytes:
    """Returns a PDF with one page that draws this content."""
    return assemble(one_page(contents=flate(content), **more))


def _with_object(number: int, content: bytes, **changed: bytes) -> bytes:
    return assemble({**one_page(**changed), number: content})


def text_bomb() -> bytes:
    """64 MiB of text, deflated to 0.2 MB; MuPDF uses 60 bytes of memory for each byte."""
    contents = deflate_repeated(b"BT /F 9 Tf 72 700 Td (Words of no end.) Tj ET\n", 64 * MIB)
    return assemble(one_page(contents=contents))


def nested_deflate() -> bytes:
    """512 MiB of spaces, deflated twice to 3 KB."""
    return assemble(one_page(contents=deflate_repeated(b" ", 512 * MIB, times=2)))


def unbalanced_graphics_states() -> bytes:
    """A million `q` operators without `Q`."""
    return _drawn(b"q " * 1_000_000 + _TEXT)


def recursive_form() -> bytes:
    """A form XObject that draws itself."""
    form = stream(
        b"/X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 9 0 R>>>>"
    )
    return _with_object(
        9, form, page=page(resources=b"/XObject<</X 9 0 R>>"), contents=stream(b"/X Do")
    )


def exponential_forms() -> bytes:
    """Ten form XObjects; each draws the next one ten times: 10^9 texts in total."""
    objects = one_page(page=page(resources=b"/XObject<</X 10 0 R>>"), contents=stream(b"/X Do"))
    for level in range(10):
        inside = b"/X Do " * 10 if level < 9 else _TEXT
        resources = b"/Font<</F 3 0 R>>/XObject<</X %d 0 R>>" % (11 + level)
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<%b>>" % resources
        objects[10 + level] = stream(inside, entries)
    return assemble(objects)


def cyclic_page_tree() -> bytes:
    """A page tree that contains itself."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[2 0 R 5 0 R]/Count 2>>"))


def cyclic_contents() -> bytes:
    """A contents array that refers to itself."""
    return assemble(one_page(contents=b"[4 0 R 4 0 R]"))


def cyclic_parent() -> bytes:
    """A page that is its own parent."""
    return assemble(one_page(page=b"<</Type/Page/Parent 5 0 R/Contents 4 0 R>>"))


def cyclic_xref_tables() -> bytes:
    """An xref table whose /Prev is its own offset."""
    whole = assemble(one_page())
    start = whole.rindex(b"xref\n0 ")
    return assemble(one_page(), b"/Prev %d" % start)


def page_count_of_a_billion() -> bytes:
    """One page with a /Count of 10^9."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[5 0 R]/Count 1000000000>>"))


def negative_page_count() -> bytes:
    """One page with a /Count of -5."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[5 0 R]/Count -5>>"))


def ten_thousand_pages() -> bytes:
    """10^4 equal pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10_010))
    pages = b"<</Type/Pages/Kids[%b]/Count 10000>>" % kids
    return assemble(one_page(pages=pages) | dict.fromkeys(range(10, 10_010), page()))


def deep_dictionaries() -> bytes:
    """Dictionaries nested 50,000 deep."""
    names = b"<</A" * 50_000 + b">>" * 50_000
    return assemble(one_page(catalog=b"<</Type/Catalog/Pages 2 0 R/Names%b>>" % names))


def deep_arrays() -> bytes:
    """A contents array nested 50,000 deep."""
    return assemble(one_page(contents=b"[" * 50_000 + b"]" * 50_000))


def huge_page_box() -> bytes:
    """A page box of 10^30 points."""
    return assemble(one_page(page=page(box=b"0 0 1e30 99999999999999999999")))


def non_finite_page_box() -> bytes:
    """A page box with infinite and NaN coordinates."""
    return assemble(one_page(page=page(box=b"-1e400 nan 1e400 inf")))


def huge_image_dimensions() -> bytes:
    """An RGB image with declared dimensions of 10^6 by 10^6 pixels."""
    image = flate(
        bytes(4096),
        b"/Type/XObject/Subtype/Image/Width 1000000/Height 1000000"
        b"/BitsPerComponent 8/ColorSpace/DeviceRGB",
    )
    drawing = stream(b"500 0 0 700 50 50 cm /I Do")
    return _with_object(9, image, page=page(resources=b"/XObject<</I 9 0 R>>"), contents=drawing)


def image_bomb() -> bytes:
    """A grey image of 12,000 by 12,000 pixels, deflated to 140 KB."""
    image = deflate_repeated(
        b"\xff",
        12_000 * 12_000,
        entries=b"/Type/XObject/Subtype/Image/Width 12000/Height 12000"
        b"/BitsPerComponent 8/ColorSpace/DeviceGray",
    )
    drawing = stream(b"500 0 0 700 50 50 cm /I Do")
    return _with_object(9, image, page=page(resources=b"/XObject<</I 9 0 R>>"), contents=drawing)


def many_lines() -> bytes:
    """200,000 ruling lines."""
    lines = (
        b"%d %d m %d %d l S" % (n % 500, n % 701, n % 503 + 60, n % 701) for n in range(200_000)
    )
    return _drawn(_TEXT + b"\n".join(lines))


def scattered_letters() -> bytes:
    """60,000 letters, each at its own height."""
    letters = (
        b"1 0 0 1 %d.%d %d.%d Tm (a) Tj" % (n * 7 % 590, n % 10, n * 13 % 830, n % 97)
        for n in range(60_000)
    )
    return _drawn(b"BT /F 6 Tf " + b" ".join(letters) + b" ET")


def huge_words() -> bytes:
    """A word of 500,000 letters, and one of 50,000 brackets."""
    return _drawn(
        _TEXT
        + b"BT /F 1 Tf 10 500 Td (%b) Tj ET BT /F 1 Tf 10 400 Td (%b) Tj ET"
        % (b"a" * 500_000, b"\\(" * 50_000)
    )


def many_references() -> bytes:
    """A bibliography of 20,000 entries with many commas and digits."""
    entry = b"[%d] A. B, C. D, E. F, and G. H. 1999, 2000, 2001, 12(3):4-5. doi:10.1/" + b"9" * 40
    lines = (b"(%b) Tj T*" % (entry % n).replace(b"(3)", b"\\(3\\)") for n in range(20_000))
    return _drawn(b"BT /F 4 Tf 4 TL 20 830 Td (References) Tj T* " + b" ".join(lines) + b" ET")


def invalid_font() -> bytes:
    """A font with an invalid font file, widths and ToUnicode map."""
    objects = one_page(
        font=b"<</Type/Font/Subtype/TrueType/BaseFont/X/FirstChar -9/LastChar 2147483647"
        b"/Widths[1e30 -1 (a) null]/FontDescriptor 9 0 R/ToUnicode 10 0 R>>"
    )
    objects[9] = b"<</Type/FontDescriptor/FontName/X/Flags 4294967295/FontFile2 11 0 R>>"
    ranges = b"1 beginbfrange <0000> <FFFFFFFF> <D800> endbfrange " * 2000
    objects[10] = flate(
        b"begincmap 1 begincodespacerange <00> <FFFFFFFF> endcodespacerange " + ranges
    )
    objects[11] = flate(b"\x00\x01\x00\x00" + bytes(range(256)) * 200)
    return assemble(objects)


def invalid_title() -> bytes:
    """A title of 30,000 characters with NULs and lone surrogates."""
    title = (b"\xfe\xff" + b"\x00\x00\xd8\x00\x00A" * 10_000).hex().encode()
    return assemble(one_page(info=b"<</Title<%b>/Author(\\000\\000)>>" % title), b"/Info 6 0 R")


def invalid_unicode_map() -> bytes:
    """A ToUnicode map to NUL, lone surrogates and direction marks."""
    ranges = b"".join(
        b"<%02x> <%s>\n" % (code, target)
        for code, target in zip(
            b"aeinors", (b"0000", b"D800", b"DFFF", b"202E", b"FFFE", b"0007", b"200B"), strict=True
        )
    )
    cmap = (
        b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        b"7 beginbfchar %b endbfchar endcmap"
    )
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 9 0 R>>"
    return _with_object(9, stream(cmap % ranges), font=font)


def unknown_encryption() -> bytes:
    """Encrypted by an unknown method."""
    lock = b"/Encrypt<</Filter/Standard/V 99/R 99/O(x)/U(x)/P -1/Length 128>>/ID[(a)(b)]"
    return assemble(one_page(), lock)


def wrong_stream_lengths() -> bytes:
    """Streams with a huge /Length, or one that refers to the stream itself."""
    contents = b"<</Length 4 0 R>>stream\n" + _TEXT + b"endstream"
    return assemble(one_page(contents=contents, info=b"<</Length 99999999999>>stream\n\nendstream"))


def corrupt_stream() -> bytes:
    """Deflated contents with noise in the middle."""
    data = zlib.compress(_TEXT * 50)
    return assemble(
        one_page(contents=stream(data[:40] + b"\xff\x00noise" + data[60:], b"/Filter/FlateDecode"))
    )


def embedded_actions() -> bytes:
    """Open actions that start a program, and an XFA form with an external entity."""
    act = b"<</S/Launch/F(/bin/sh)/Next<</S/JavaScript/JS(app.alert\\(1\\))>>>>"
    form = b"<</XFA 9 0 R/Fields[]>>"
    entity = b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'
    catalog = b"<</Type/Catalog/Pages 2 0 R/OpenAction%b/AcroForm%b>>" % (act, form)
    return _with_object(9, stream(entity), catalog=catalog)


def header_only() -> bytes:
    """A PDF header without content."""
    return b"%PDF-1.7\n"


def empty_page_tree() -> bytes:
    """A page tree without pages."""
    objects = one_page(pages=b"<</Type/Pages/Kids[]/Count 0>>")
    return assemble(
        {number: one for number, one in objects.items() if number <= PAGES or number > CONTENTS + 1}
    )


def _kind(make: Callable[[], bytes], *results: str) -> Hostile:
    return Hostile(make.__name__, make, frozenset(results))


KINDS = (
    _kind(text_bomb, *OVER_THE_LIMITS),
    _kind(nested_deflate, *OVER_THE_LIMITS, "no_text"),
    _kind(unbalanced_graphics_states, "damaged_pdf"),
    _kind(recursive_form, "no_text"),
    _kind(exponential_forms, *OVER_THE_LIMITS),
    _kind(cyclic_page_tree, "damaged_pdf"),
    _kind(cyclic_contents, "damaged_pdf"),
    _kind(cyclic_parent, COMPLETED),
    _kind(cyclic_xref_tables, COMPLETED),
    _kind(page_count_of_a_billion, "damaged_pdf"),
    _kind(negative_page_count, "damaged_pdf"),
    _kind(ten_thousand_pages, "too_many_pages"),
    _kind(deep_dictionaries, "no_pages"),
    _kind(deep_arrays, "damaged_pdf"),
    _kind(huge_page_box, COMPLETED),
    _kind(non_finite_page_box, COMPLETED),
    _kind(huge_image_dimensions, "no_text"),
    _kind(image_bomb, "no_text"),
    _kind(many_lines, COMPLETED),
    _kind(scattered_letters, COMPLETED, *OVER_THE_LIMITS),
    _kind(huge_words, COMPLETED),
    _kind(many_references, COMPLETED),
    _kind(invalid_font, "damaged_pdf"),
    _kind(invalid_title, COMPLETED),
    _kind(invalid_unicode_map, COMPLETED, "no_text"),  # depends on whether OCR is installed
    _kind(unknown_encryption, "damaged_pdf"),
    _kind(wrong_stream_lengths, COMPLETED),
    _kind(corrupt_stream, "damaged_pdf"),
    _kind(embedded_actions, COMPLETED),
    _kind(header_only, "damaged_pdf"),
    _kind(empty_page_tree, "no_pages"),
)
