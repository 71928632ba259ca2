"""PDFs that mean harm, each of a known kind, and how a service that minds itself ends them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.pdf_builder.raw import (
    CONTENTS,
    MIB,
    PAGES,
    assemble,
    flate,
    one_page,
    page,
    stream,
    swollen,
)

COMPLETED = "completed"
OVER_THE_LIMITS = frozenset({"took_too_long", "took_too_much_memory", "too_much_output"})
NOTHING_THERE = frozenset({"no_text", "damaged_pdf", "no_pages"})
_TEXT = b"BT /F 12 Tf 72 700 Td (Silver nanoparticles were made with leaves.) Tj ET\n"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file, and the ways it may end: codes of errors, or "completed"."""

    name: str
    make: Callable[[], bytes]
    ends: frozenset[str]


def _drawn(content: bytes, **more: bytes) -> bytes:
    """A page that draws this."""
    return assemble(one_page(contents=flate(content), **more))


def _with_object(number: int, content: bytes, **changed: bytes) -> bytes:
    return assemble({**one_page(**changed), number: content})


def text_bomb() -> bytes:
    """64 MiB of text, deflated to 0.2 MB; MuPDF wants 60 bytes of memory for each."""
    contents = swollen(b"BT /F 9 Tf 72 700 Td (Words of no end.) Tj ET\n", 64 * MIB)
    return assemble(one_page(contents=contents))


def twice_deflated() -> bytes:
    """512 MiB of nothing in 3 KB."""
    return assemble(one_page(contents=swollen(b" ", 512 * MIB, times=2)))


def nested_states() -> bytes:
    """A million graphics states, none of which ends."""
    return _drawn(b"q " * 1_000_000 + _TEXT)


def endless_form() -> bytes:
    """A form that draws itself."""
    form = stream(
        b"/X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 9 0 R>>>>"
    )
    return _with_object(
        9, form, page=page(resources=b"/XObject<</X 9 0 R>>"), contents=stream(b"/X Do")
    )


def forms_of_forms() -> bytes:
    """Ten forms, each of which draws the next one ten times: 10^9 pieces of text."""
    objects = one_page(page=page(resources=b"/XObject<</X 10 0 R>>"), contents=stream(b"/X Do"))
    for level in range(10):
        inside = b"/X Do " * 10 if level < 9 else _TEXT
        resources = b"/Font<</F 3 0 R>>/XObject<</X %d 0 R>>" % (11 + level)
        entries = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<%b>>" % resources
        objects[10 + level] = stream(inside, entries)
    return assemble(objects)


def kids_in_a_circle() -> bytes:
    """A tree of pages that is its own branch."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[2 0 R 5 0 R]/Count 2>>"))


def contents_in_a_circle() -> bytes:
    """Contents that are a list of themselves."""
    return assemble(one_page(contents=b"[4 0 R 4 0 R]"))


def parent_in_a_circle() -> bytes:
    """A page that inherits from itself."""
    return assemble(one_page(page=b"<</Type/Page/Parent 5 0 R/Contents 4 0 R>>"))


def tables_in_a_circle() -> bytes:
    """A table of objects that goes on where it began."""
    whole = assemble(one_page())
    start = whole.rindex(b"xref\n0 ")
    return assemble(one_page(), b"/Prev %d" % start)


def counts_a_billion() -> bytes:
    """One page that claims to be 10^9."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[5 0 R]/Count 1000000000>>"))


def counts_below_nothing() -> bytes:
    """One page that claims to be -5."""
    return assemble(one_page(pages=b"<</Type/Pages/Kids[5 0 R]/Count -5>>"))


def ten_thousand_pages() -> bytes:
    """The same page 10^4 times."""
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10_010))
    pages = b"<</Type/Pages/Kids[%b]/Count 10000>>" % kids
    return assemble(one_page(pages=pages) | dict.fromkeys(range(10, 10_010), page()))


def deep_dictionaries() -> bytes:
    """A dictionary in a dictionary, 50,000 times."""
    names = b"<</A" * 50_000 + b">>" * 50_000
    return assemble(one_page(catalog=b"<</Type/Catalog/Pages 2 0 R/Names%b>>" % names))


def deep_arrays() -> bytes:
    """Contents in a list in a list, 50,000 times."""
    return assemble(one_page(contents=b"[" * 50_000 + b"]" * 50_000))


def page_of_light_years() -> bytes:
    """A page of 10^30 points."""
    return assemble(one_page(page=page(box=b"0 0 1e30 99999999999999999999")))


def page_without_measure() -> bytes:
    """A page from infinity to nowhere."""
    return assemble(one_page(page=page(box=b"-1e400 nan 1e400 inf")))


def picture_of_a_million_square() -> bytes:
    """An image that claims 10^6 by 10^6 pixels in three colours."""
    image = flate(
        bytes(4096),
        b"/Type/XObject/Subtype/Image/Width 1000000/Height 1000000"
        b"/BitsPerComponent 8/ColorSpace/DeviceRGB",
    )
    drawing = stream(b"500 0 0 700 50 50 cm /I Do")
    return _with_object(9, image, page=page(resources=b"/XObject<</I 9 0 R>>"), contents=drawing)


def picture_that_swells() -> bytes:
    """A grey image of 12,000 by 12,000 pixels in 140 KB."""
    image = swollen(
        b"\xff",
        12_000 * 12_000,
        entries=b"/Type/XObject/Subtype/Image/Width 12000/Height 12000"
        b"/BitsPerComponent 8/ColorSpace/DeviceGray",
    )
    drawing = stream(b"500 0 0 700 50 50 cm /I Do")
    return _with_object(9, image, page=page(resources=b"/XObject<</I 9 0 R>>"), contents=drawing)


def forest_of_rules() -> bytes:
    """200,000 lines, as of tables in tables."""
    lines = (
        b"%d %d m %d %d l S" % (n % 500, n % 701, n % 503 + 60, n % 701) for n in range(200_000)
    )
    return _drawn(_TEXT + b"\n".join(lines))


def confetti() -> bytes:
    """60,000 letters, no two of them on one line."""
    letters = (
        b"1 0 0 1 %d.%d %d.%d Tm (a) Tj" % (n * 7 % 590, n % 10, n * 13 % 830, n % 97)
        for n in range(60_000)
    )
    return _drawn(b"BT /F 6 Tf " + b" ".join(letters) + b" ET")


def word_without_end() -> bytes:
    """One word of half a million letters, and one of brackets."""
    return _drawn(
        _TEXT
        + b"BT /F 1 Tf 10 500 Td (%b) Tj ET BT /F 1 Tf 10 400 Td (%b) Tj ET"
        % (b"a" * 500_000, b"\\(" * 50_000)
    )


def references_without_end() -> bytes:
    """A bibliography of 20,000 entries, all commas and digits."""
    entry = b"[%d] A. B, C. D, E. F, and G. H. 1999, 2000, 2001, 12(3):4-5. doi:10.1/" + b"9" * 40
    lines = (b"(%b) Tj T*" % (entry % n).replace(b"(3)", b"\\(3\\)") for n in range(20_000))
    return _drawn(b"BT /F 4 Tf 4 TL 20 830 Td (References) Tj T* " + b" ".join(lines) + b" ET")


def font_of_rubbish() -> bytes:
    """A font whose file, widths and map of characters are rubbish."""
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


def title_of_nuls() -> bytes:
    """A title of NULs, half pairs and ten thousand letters."""
    title = (b"\xfe\xff" + b"\x00\x00\xd8\x00\x00A" * 10_000).hex().encode()
    return assemble(one_page(info=b"<</Title<%b>/Author(\\000\\000)>>" % title), b"/Info 6 0 R")


def text_of_nuls() -> bytes:
    """A page whose letters are mapped to NUL, half pairs and marks of direction."""
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


def lock_without_key() -> bytes:
    """Encrypted by a method that there is not."""
    lock = b"/Encrypt<</Filter/Standard/V 99/R 99/O(x)/U(x)/P -1/Length 128>>/ID[(a)(b)]"
    return assemble(one_page(), lock)


def lies_about_lengths() -> bytes:
    """Streams that say they are as long as the sea, or point at themselves."""
    contents = b"<</Length 4 0 R>>stream\n" + _TEXT + b"endstream"
    return assemble(one_page(contents=contents, info=b"<</Length 99999999999>>stream\n\nendstream"))


def broken_stream() -> bytes:
    """Deflated contents, the middle of which is noise."""
    data = zlib.compress(_TEXT * 50)
    return assemble(
        one_page(contents=stream(data[:40] + b"\xff\x00noise" + data[60:], b"/Filter/FlateDecode"))
    )


def program_inside() -> bytes:
    """Actions that would start a program, and a form that reads a file, on opening."""
    act = b"<</S/Launch/F(/bin/sh)/Next<</S/JavaScript/JS(app.alert\\(1\\))>>>>"
    form = b"<</XFA 9 0 R/Fields[]>>"
    entity = b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'
    catalog = b"<</Type/Catalog/Pages 2 0 R/OpenAction%b/AcroForm%b>>" % (act, form)
    return _with_object(9, stream(entity), catalog=catalog)


def only_a_header() -> bytes:
    """A file that begins like a PDF and ends there."""
    return b"%PDF-1.7\n"


def no_pages_at_all() -> bytes:
    """A tree without leaves."""
    objects = one_page(pages=b"<</Type/Pages/Kids[]/Count 0>>")
    return assemble(
        {number: one for number, one in objects.items() if number <= PAGES or number > CONTENTS + 1}
    )


def _kind(make: Callable[[], bytes], *ends: str) -> Hostile:
    return Hostile(make.__name__, make, frozenset(ends))


KINDS = (
    _kind(text_bomb, *OVER_THE_LIMITS),
    _kind(twice_deflated, *OVER_THE_LIMITS, "no_text"),
    _kind(nested_states, "damaged_pdf"),
    _kind(endless_form, "no_text"),
    _kind(forms_of_forms, *OVER_THE_LIMITS),
    _kind(kids_in_a_circle, "damaged_pdf"),
    _kind(contents_in_a_circle, "damaged_pdf"),
    _kind(parent_in_a_circle, COMPLETED),
    _kind(tables_in_a_circle, COMPLETED),
    _kind(counts_a_billion, "damaged_pdf"),
    _kind(counts_below_nothing, "damaged_pdf"),
    _kind(ten_thousand_pages, "too_many_pages"),
    _kind(deep_dictionaries, "no_pages"),
    _kind(deep_arrays, "damaged_pdf"),
    _kind(page_of_light_years, COMPLETED),
    _kind(page_without_measure, COMPLETED),
    _kind(picture_of_a_million_square, "no_text"),
    _kind(picture_that_swells, "no_text"),
    _kind(forest_of_rules, COMPLETED),
    _kind(confetti, COMPLETED, *OVER_THE_LIMITS),
    _kind(word_without_end, COMPLETED),
    _kind(references_without_end, COMPLETED),
    _kind(font_of_rubbish, "damaged_pdf"),
    _kind(title_of_nuls, COMPLETED),
    _kind(text_of_nuls, COMPLETED, "no_text"),  # as OCR is there or not
    _kind(lock_without_key, "damaged_pdf"),
    _kind(lies_about_lengths, COMPLETED),
    _kind(broken_stream, "damaged_pdf"),
    _kind(program_inside, COMPLETED),
    _kind(only_a_header, "damaged_pdf"),
    _kind(no_pages_at_all, "no_pages"),
)
