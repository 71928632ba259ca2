"""Mutants of valid papers: byte errors, invalid objects, invalid streams and corrupted xref tables.

The same papers and the same seed give the same mutants.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.papers import make_paper, make_study
from tests.pdf_builder.raw import MIB, assemble, deflate_repeated, flate, objects_of, page, stream
from tests.pdf_builder.scans import make_scan

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBERS = (
    *(b"-1", b"0", b"65536", b"2147483647", b"2147483648", b"-2147483648", b"4294967296"),
    *(b"9223372036854775807", b"1e38", b"-0.0000001", b"1" * 400),
)
_NUMBER = re.compile(rb"(?<![\w/.#-])-?\d+(?:\.\d+)?(?![\w.])")
_NAME = re.compile(rb"/[A-Z][A-Za-z0-9]*")
_REFERENCE = re.compile(rb"\d+ 0 R\b")
_LINK = re.compile(rb"/(?:Kids|Parent|Prev|Contents|Resources|Length|Font|XObject|Annots)\b")


@cache
def valid_papers() -> tuple[bytes, ...]:
    """Returns papers as PDF producers write them: deflated, plain, with object streams."""
    study, short = make_study(), make_paper(columns=1)
    scan = make_scan(study, dpi=40, keep={1})
    return (study, short, scan, *map(_uncompressed, (study, short)), _with_object_streams(study))


def _uncompressed(pdf: bytes) -> bytes:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return document.tobytes(expand=255)


def _with_object_streams(pdf: bytes) -> bytes:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return document.tobytes(use_objstms=1, deflate=True)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutated paper; its name lists the mutations."""

    name: str
    content: bytes


def mutants(papers: Sequence[bytes], count: int, seed: int) -> Iterator[Mutant]:
    """Yields mutants of these papers, each with one to four mutations."""
    for number in range(count):
        yield mutant(papers, seed, number)


def mutant(papers: Sequence[bytes], seed: int, number: int) -> Mutant:
    """Returns the mutant with this number; it depends on nothing but papers, seed and number."""
    rng = random.Random(f"{seed}/{number}")
    content = rng.choice(papers)
    chosen = rng.choices(MUTATIONS, k=rng.choice((1, 1, 2, 3, 4)))
    for mutate in chosen:
        content = mutate(content, rng)
    names = "+".join(mutate.__name__ for mutate in chosen)
    return Mutant(f"{seed}-{number}-{names}.pdf", content)


# Mutations of bytes.


def flip_bytes(pdf: bytes, rng: random.Random) -> bytes:
    changed = bytearray(pdf)
    for _ in range(rng.choice((1, 10, 100, 1000))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(pdf: bytes, rng: random.Random) -> bytes:
    return pdf[: rng.randrange(20, len(pdf))]


def delete_range(pdf: bytes, rng: random.Random) -> bytes:
    start, end = _range(pdf, rng)
    return pdf[:start] + pdf[end:]


def repeat_range(pdf: bytes, rng: random.Random) -> bytes:
    start, end = _range(pdf, rng)
    return pdf[:end] + pdf[start:end] * rng.choice((1, 5, 50)) + pdf[end:]


def overwrite_range(pdf: bytes, rng: random.Random) -> bytes:
    start, end = _range(pdf, rng)
    return pdf[:start] + rng.randbytes(end - start) + pdf[end:]


def insert_nuls(pdf: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(8, len(pdf))
    return pdf[:place] + bytes(rng.choice((1, 7, 4096))) + pdf[place:]


def _range(pdf: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(8, len(pdf) - 1)
    return start, min(len(pdf), start + rng.choice((1, 20, 500, 20_000)))


# Mutations of objects; the xref table is written again.


def swap_objects(pdf: bytes, rng: random.Random) -> bytes:
    objects = objects_of(pdf)
    if len(objects) < 2:
        return pdf
    one, other = rng.sample(sorted(objects), 2)
    return assemble(objects | {one: objects[other], other: objects[one]})


def duplicate_object(pdf: bytes, rng: random.Random) -> bytes:
    return _change(pdf, rng, lambda content, objects: rng.choice([*objects.values()]))


def null_object(pdf: bytes, rng: random.Random) -> bytes:
    return _change(pdf, rng, lambda content, objects: b"null")


def huge_numbers(pdf: bytes, rng: random.Random) -> bytes:
    return _substitute(pdf, rng, _NUMBER, lambda: rng.choice(_NUMBERS))


def swap_names(pdf: bytes, rng: random.Random) -> bytes:
    names = sorted({*_NAME.findall(b"".join(map(_head, objects_of(pdf).values())))})
    return _substitute(pdf, rng, _NAME, lambda: rng.choice(names))


def random_references(pdf: bytes, rng: random.Random) -> bytes:
    numbers = sorted(objects_of(pdf)) or [1]
    return _substitute(pdf, rng, _REFERENCE, lambda: b"%d 0 R" % rng.choice(numbers))


def reference_itself(pdf: bytes, rng: random.Random) -> bytes:
    linked = [n for n, content in objects_of(pdf).items() if _LINK.search(_head(content))]
    if not linked:
        return pdf
    number = rng.choice(linked)
    kept = objects_of(pdf)
    head = _REFERENCE.sub(b"%d 0 R" % number, _head(kept[number]))
    return assemble(kept | {number: head + kept[number][len(head) :]})


def nest_deeply(pdf: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((50, 600, 20_000))
    left, right = rng.choice(((b"[", b"]"), (b"<</A", b">>")))
    return _change(pdf, rng, lambda content, objects: left * depth + b"0" + right * depth)


def repeat_pages(pdf: bytes, rng: random.Random) -> bytes:
    objects = objects_of(pdf)
    for number, content in objects.items():
        if b"/Kids" in _head(content):
            kids = b" ".join(_REFERENCE.findall(_head(content))[:3]) or b"1 0 R"
            times = rng.choice((30, 1000, 10_000))
            tree = b"<</Type/Pages/Count %d/Kids[%b]>>" % (times, (kids + b" ") * times)
            return assemble(objects | {number: tree})
    return pdf


# Mutations of streams.


def wrong_stream_length(pdf: bytes, rng: random.Random) -> bytes:
    wrong = rng.choice((b"0", b"1", b"99999999", b"-5", b"1 0 R", b"(a)"))
    return re.sub(rb"/Length \d+", b"/Length " + wrong, pdf, count=rng.choice((0, 1, 3)))


def corrupt_stream(pdf: bytes, rng: random.Random) -> bytes:
    def corrupted(data: bytes) -> bytes:
        place = rng.randrange(len(data) + 1)
        return data[:place] + rng.randbytes(rng.choice((1, 30, 3000))) + data[place + 30 :]

    return _change_stream(pdf, rng, lambda head, data: _with_data(head, corrupted(data)))


def add_filter(pdf: bytes, rng: random.Random) -> bytes:
    names = (b"LZWDecode", b"ASCII85Decode", b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode")
    more = rng.choice((*names, b"JBIG2Decode", b"RunLengthDecode", b"Crypt"))
    return _change_stream(
        pdf, rng, lambda head, data: stream(data, b"/Filter[/%b/FlateDecode]" % more)
    )


def bomb_stream(pdf: bytes, rng: random.Random) -> bytes:
    part = rng.choice((b" ", b"q ", b"(a) Tj ", b"0 0 m 9 9 l S ", b"BT ET ", b"\x00", b"/X Do "))
    size, times = rng.choice((1, 8, 64)) * MIB, rng.choice((1, 2))
    return _change_stream(pdf, rng, lambda head, data: deflate_repeated(part, size, times))


def many_operators(pdf: bytes, rng: random.Random) -> bytes:
    part = rng.choice((b"1 0 0 1 %d %d Tm (x) Tj ", b"%d %d m 300 300 l S ", b"%d %d 40 3 re f "))
    drawn = b"".join(part % (rng.randrange(595), rng.randrange(842)) for _ in range(30_000))
    return _change_pages(pdf, rng, lambda: flate(b"BT /F 5 Tf " + drawn + b"ET"))


def huge_image(pdf: bytes, rng: random.Random) -> bytes:
    width, height = rng.choices((1, 5000, 1_000_000, 2**31 - 1), k=2)
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/%b"
    space = rng.choice((b"DeviceGray", b"DeviceRGB", b"DeviceCMYK"))
    objects = objects_of(pdf)
    new = max(objects, default=0) + 1
    objects[new] = flate(bytes(10_000), entries % (width, height, space))
    resources = b"/Resources<</XObject<</I %d 0 R>>>>" % new
    objects[new + 1] = stream(b"500 0 0 700 50 50 cm /I Do")
    pages = [number for number, one in objects.items() if b"/MediaBox" in _head(one)]
    if pages:
        objects[rng.choice(pages)] = (
            page()
            .replace(b"4 0 R", b"%d 0 R" % (new + 1))
            .replace(b"/Resources<</Font<</F 3 0 R>>>>", resources)
        )
    return assemble(objects)


def corrupt_font(pdf: bytes, rng: random.Random) -> bytes:
    objects = objects_of(pdf)
    fonts = [number for number, one in objects.items() if b"/BaseFont" in _head(one)]
    if not fonts:
        return pdf
    new, number = max(objects) + 1, rng.choice(fonts)
    ranges = b"1 beginbfrange <%02X> <%02X> <%b> endbfrange\n"
    target = rng.choice((b"0000", b"D800", b"202E", b"FFFFFFFF", b"0041" * 120))
    first = rng.randrange(256)
    objects[new] = flate(b"begincmap " + ranges % (first, 255, target) * rng.choice((1, 999)))
    objects[number] = objects[number].replace(b"/BaseFont", b"/ToUnicode %d 0 R/BaseFont" % new)
    return assemble(objects)


# Mutations of the xref table.


def wrong_startxref(pdf: bytes, rng: random.Random) -> bytes:
    wrong = rng.choice((b"0", b"17", b"-1", b"99999999999", b"x"))
    return re.sub(rb"startxref\s+\d+", b"startxref\n" + wrong, pdf)


def wrong_offsets(pdf: bytes, rng: random.Random) -> bytes:
    def moved(found: re.Match[bytes]) -> bytes:
        is_kept = rng.random() < 0.7
        return found[0] if is_kept else b"%010d 00000 n" % rng.randrange(2 * len(pdf))

    return re.sub(rb"\d{10} \d{5} n", moved, pdf)


def cyclic_xref_tables(pdf: bytes, rng: random.Random) -> bytes:
    starts = [found.start() for found in re.finditer(rb"\bxref\b", pdf)] or [0]
    return re.sub(rb"trailer\s*<<", b"trailer\n<</Prev %d " % rng.choice(starts), pdf)


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bytes, truncate, delete_range, repeat_range, overwrite_range, insert_nuls),
    *(swap_objects, duplicate_object, null_object, huge_numbers, swap_names, random_references),
    *(reference_itself, nest_deeply, repeat_pages, wrong_stream_length, corrupt_stream, add_filter),
    *(bomb_stream, many_operators, huge_image, corrupt_font),
    *(wrong_startxref, wrong_offsets, cyclic_xref_tables),
)


def _head(content: bytes) -> bytes:
    """Returns an object without its stream."""
    return content.partition(b"stream")[0]


def _change(
    pdf: bytes, rng: random.Random, change: Callable[[bytes, dict[int, bytes]], bytes]
) -> bytes:
    objects = objects_of(pdf)
    if not objects:
        return pdf
    number = rng.choice(sorted(objects))
    return assemble(objects | {number: change(objects[number], objects)})


def _substitute(
    pdf: bytes, rng: random.Random, pattern: re.Pattern[bytes], other: Callable[[], bytes]
) -> bytes:
    """Substitutes one, three or all matches in one object."""
    count = rng.choice((1, 1, 3, 0))

    def changed(content: bytes, objects: dict[int, bytes]) -> bytes:
        head = _head(content)
        return pattern.sub(lambda _found: other(), head, count=count) + content[len(head) :]

    return _change(pdf, rng, changed)


def _change_stream(
    pdf: bytes, rng: random.Random, change: Callable[[bytes, bytes], bytes]
) -> bytes:
    objects = objects_of(pdf)
    streams = [number for number, one in objects.items() if b"stream" in one]
    if not streams:
        return pdf
    number = rng.choice(streams)
    head, _, rest = objects[number].partition(b"stream")
    data = rest.removeprefix(b"\r").removeprefix(b"\n").removesuffix(b"endstream")
    return assemble(objects | {number: change(head, data)})


def _with_data(head: bytes, data: bytes) -> bytes:
    return re.sub(rb"/Length \d+", b"/Length %d" % len(data), head) + (
        b"stream\n" + data + b"\nendstream"
    )


def _change_pages(pdf: bytes, rng: random.Random, contents: Callable[[], bytes]) -> bytes:
    """Replaces the contents of one page; the page has a font /F."""
    objects = objects_of(pdf)
    pages = [number for number, one in objects.items() if b"/MediaBox" in _head(one)]
    if not pages:
        return pdf
    new = max(objects) + 1
    objects[new] = contents()
    objects[new + 1] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    drawn = page().replace(b"4 0 R", b"%d 0 R" % new).replace(b"3 0 R", b"%d 0 R" % (new + 1))
    return assemble(objects | {rng.choice(pages): drawn})
