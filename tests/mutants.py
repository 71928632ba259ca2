"""Mutants of good papers: what bad disks, bad networks, bad programs and bad people make of them.

Seeded: the same papers and the same seed give the same mutants.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.papers import make_paper, make_study
from tests.pdf_builder.raw import MIB, assemble, flate, objects_of, page, stream, swollen
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
def good_papers() -> tuple[bytes, ...]:
    """Papers as programs write them: deflated, plain, with their objects in streams."""
    study, short = make_study(), make_paper(columns=1)
    scan = make_scan(study, dpi=40, keep={1})
    return (study, short, scan, *map(_plain, (study, short)), _packed(study))


def _plain(pdf: bytes) -> bytes:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return document.tobytes(expand=255)


def _packed(pdf: bytes) -> bytes:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return document.tobytes(use_objstms=1, deflate=True)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A paper with the names of what was done to it."""

    name: str
    content: bytes


def mutants(papers: Sequence[bytes], count: int, seed: int) -> Iterator[Mutant]:
    """So many mutants of these papers, each with one to four mutations."""
    for number in range(count):
        yield mutant(papers, seed, number)


def mutant(papers: Sequence[bytes], seed: int, number: int) -> Mutant:
    """One of them: to make it once more takes its number and nothing else."""
    chance = random.Random(f"{seed}/{number}")
    content = chance.choice(papers)
    chosen = chance.choices(MUTATIONS, k=chance.choice((1, 1, 2, 3, 4)))
    for mutate in chosen:
        content = mutate(content, chance)
    names = "+".join(mutate.__name__ for mutate in chosen)
    return Mutant(f"{seed}-{number}-{names}.pdf", content)


# What happens to bytes.


def flip_bytes(pdf: bytes, chance: random.Random) -> bytes:
    changed = bytearray(pdf)
    for _ in range(chance.choice((1, 10, 100, 1000))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncate(pdf: bytes, chance: random.Random) -> bytes:
    return pdf[: chance.randrange(20, len(pdf))]


def delete_range(pdf: bytes, chance: random.Random) -> bytes:
    start, end = _range(pdf, chance)
    return pdf[:start] + pdf[end:]


def repeat_range(pdf: bytes, chance: random.Random) -> bytes:
    start, end = _range(pdf, chance)
    return pdf[:end] + pdf[start:end] * chance.choice((1, 5, 50)) + pdf[end:]


def noise_over_range(pdf: bytes, chance: random.Random) -> bytes:
    start, end = _range(pdf, chance)
    return pdf[:start] + chance.randbytes(end - start) + pdf[end:]


def insert_nuls(pdf: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(8, len(pdf))
    return pdf[:place] + bytes(chance.choice((1, 7, 4096))) + pdf[place:]


def _range(pdf: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(8, len(pdf) - 1)
    return start, min(len(pdf), start + chance.choice((1, 20, 500, 20_000)))


# What happens to objects; their table is right again afterwards.


def swap_objects(pdf: bytes, chance: random.Random) -> bytes:
    objects = objects_of(pdf)
    if len(objects) < 2:
        return pdf
    one, other = chance.sample(sorted(objects), 2)
    return assemble(objects | {one: objects[other], other: objects[one]})


def duplicate_object(pdf: bytes, chance: random.Random) -> bytes:
    return _change(pdf, chance, lambda content, objects: chance.choice([*objects.values()]))


def drop_object(pdf: bytes, chance: random.Random) -> bytes:
    return _change(pdf, chance, lambda content, objects: b"null")


def huge_numbers(pdf: bytes, chance: random.Random) -> bytes:
    return _substitute(pdf, chance, _NUMBER, lambda: chance.choice(_NUMBERS))


def other_names(pdf: bytes, chance: random.Random) -> bytes:
    names = sorted({*_NAME.findall(b"".join(map(_head, objects_of(pdf).values())))})
    return _substitute(pdf, chance, _NAME, lambda: chance.choice(names))


def loop_references(pdf: bytes, chance: random.Random) -> bytes:
    numbers = sorted(objects_of(pdf)) or [1]
    return _substitute(pdf, chance, _REFERENCE, lambda: b"%d 0 R" % chance.choice(numbers))


def loop_to_itself(pdf: bytes, chance: random.Random) -> bytes:
    linked = [n for n, content in objects_of(pdf).items() if _LINK.search(_head(content))]
    if not linked:
        return pdf
    number = chance.choice(linked)
    kept = objects_of(pdf)
    head = _REFERENCE.sub(b"%d 0 R" % number, _head(kept[number]))
    return assemble(kept | {number: head + kept[number][len(head) :]})


def nest_deeply(pdf: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((50, 600, 20_000))
    left, right = chance.choice(((b"[", b"]"), (b"<</A", b">>")))
    return _change(pdf, chance, lambda content, objects: left * depth + b"0" + right * depth)


def repeat_pages(pdf: bytes, chance: random.Random) -> bytes:
    objects = objects_of(pdf)
    for number, content in objects.items():
        if b"/Kids" in _head(content):
            kids = b" ".join(_REFERENCE.findall(_head(content))[:3]) or b"1 0 R"
            times = chance.choice((30, 1000, 10_000))
            tree = b"<</Type/Pages/Count %d/Kids[%b]>>" % (times, (kids + b" ") * times)
            return assemble(objects | {number: tree})
    return pdf


# What happens to streams.


def lie_about_length(pdf: bytes, chance: random.Random) -> bytes:
    wrong = chance.choice((b"0", b"1", b"99999999", b"-5", b"1 0 R", b"(a)"))
    return re.sub(rb"/Length \d+", b"/Length " + wrong, pdf, count=chance.choice((0, 1, 3)))


def break_stream(pdf: bytes, chance: random.Random) -> bytes:
    def broken(data: bytes) -> bytes:
        place = chance.randrange(len(data) + 1)
        return data[:place] + chance.randbytes(chance.choice((1, 30, 3000))) + data[place + 30 :]

    return _change_stream(pdf, chance, lambda head, data: _with_data(head, broken(data)))


def other_filter(pdf: bytes, chance: random.Random) -> bytes:
    names = (b"LZWDecode", b"ASCII85Decode", b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode")
    more = chance.choice((*names, b"JBIG2Decode", b"RunLengthDecode", b"Crypt"))
    return _change_stream(
        pdf, chance, lambda head, data: stream(data, b"/Filter[/%b/FlateDecode]" % more)
    )


def bomb_stream(pdf: bytes, chance: random.Random) -> bytes:
    part = chance.choice(
        (b" ", b"q ", b"(a) Tj ", b"0 0 m 9 9 l S ", b"BT ET ", b"\x00", b"/X Do ")
    )
    size, times = chance.choice((1, 8, 64)) * MIB, chance.choice((1, 2))
    return _change_stream(pdf, chance, lambda head, data: swollen(part, size, times))


def many_operators(pdf: bytes, chance: random.Random) -> bytes:
    part = chance.choice(
        (b"1 0 0 1 %d %d Tm (x) Tj ", b"%d %d m 300 300 l S ", b"%d %d 40 3 re f ")
    )
    drawn = b"".join(part % (chance.randrange(595), chance.randrange(842)) for _ in range(30_000))
    return _change_pages(pdf, chance, lambda: flate(b"BT /F 5 Tf " + drawn + b"ET"))


def huge_image(pdf: bytes, chance: random.Random) -> bytes:
    width, height = chance.choices((1, 5000, 1_000_000, 2**31 - 1), k=2)
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/%b"
    space = chance.choice((b"DeviceGray", b"DeviceRGB", b"DeviceCMYK"))
    objects = objects_of(pdf)
    new = max(objects, default=0) + 1
    objects[new] = flate(bytes(10_000), entries % (width, height, space))
    resources = b"/Resources<</XObject<</I %d 0 R>>>>" % new
    objects[new + 1] = stream(b"500 0 0 700 50 50 cm /I Do")
    pages = [number for number, one in objects.items() if b"/MediaBox" in _head(one)]
    if pages:
        objects[chance.choice(pages)] = (
            page()
            .replace(b"4 0 R", b"%d 0 R" % (new + 1))
            .replace(b"/Resources<</Font<</F 3 0 R>>>>", resources)
        )
    return assemble(objects)


def break_font(pdf: bytes, chance: random.Random) -> bytes:
    objects = objects_of(pdf)
    fonts = [number for number, one in objects.items() if b"/BaseFont" in _head(one)]
    if not fonts:
        return pdf
    new, number = max(objects) + 1, chance.choice(fonts)
    ranges = b"1 beginbfrange <%02X> <%02X> <%b> endbfrange\n"
    target = chance.choice((b"0000", b"D800", b"202E", b"FFFFFFFF", b"0041" * 120))
    first = chance.randrange(256)
    objects[new] = flate(b"begincmap " + ranges % (first, 255, target) * chance.choice((1, 999)))
    objects[number] = objects[number].replace(b"/BaseFont", b"/ToUnicode %d 0 R/BaseFont" % new)
    return assemble(objects)


# What happens to the table of objects.


def wrong_startxref(pdf: bytes, chance: random.Random) -> bytes:
    wrong = chance.choice((b"0", b"17", b"-1", b"99999999999", b"x"))
    return re.sub(rb"startxref\s+\d+", b"startxref\n" + wrong, pdf)


def wrong_offsets(pdf: bytes, chance: random.Random) -> bytes:
    def moved(found: re.Match[bytes]) -> bytes:
        is_kept = chance.random() < 0.7
        return found[0] if is_kept else b"%010d 00000 n" % chance.randrange(2 * len(pdf))

    return re.sub(rb"\d{10} \d{5} n", moved, pdf)


def loop_tables(pdf: bytes, chance: random.Random) -> bytes:
    starts = [found.start() for found in re.finditer(rb"\bxref\b", pdf)] or [0]
    return re.sub(rb"trailer\s*<<", b"trailer\n<</Prev %d " % chance.choice(starts), pdf)


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bytes, truncate, delete_range, repeat_range, noise_over_range, insert_nuls),
    *(swap_objects, duplicate_object, drop_object, huge_numbers, other_names, loop_references),
    *(loop_to_itself, nest_deeply, repeat_pages, lie_about_length, break_stream, other_filter),
    *(bomb_stream, many_operators, huge_image, break_font),
    *(wrong_startxref, wrong_offsets, loop_tables),
)


def _head(content: bytes) -> bytes:
    """An object without its stream."""
    return content.partition(b"stream")[0]


def _change(
    pdf: bytes, chance: random.Random, change: Callable[[bytes, dict[int, bytes]], bytes]
) -> bytes:
    objects = objects_of(pdf)
    if not objects:
        return pdf
    number = chance.choice(sorted(objects))
    return assemble(objects | {number: change(objects[number], objects)})


def _substitute(
    pdf: bytes, chance: random.Random, pattern: re.Pattern[bytes], other: Callable[[], bytes]
) -> bytes:
    """In one object, and there in one place or in all of them."""
    often = chance.choice((1, 1, 3, 0))

    def changed(content: bytes, objects: dict[int, bytes]) -> bytes:
        head = _head(content)
        return pattern.sub(lambda _found: other(), head, count=often) + content[len(head) :]

    return _change(pdf, chance, changed)


def _change_stream(
    pdf: bytes, chance: random.Random, change: Callable[[bytes, bytes], bytes]
) -> bytes:
    objects = objects_of(pdf)
    streams = [number for number, one in objects.items() if b"stream" in one]
    if not streams:
        return pdf
    number = chance.choice(streams)
    head, _, rest = objects[number].partition(b"stream")
    data = rest.removeprefix(b"\r").removeprefix(b"\n").removesuffix(b"endstream")
    return assemble(objects | {number: change(head, data)})


def _with_data(head: bytes, data: bytes) -> bytes:
    return re.sub(rb"/Length \d+", b"/Length %d" % len(data), head) + (
        b"stream\n" + data + b"\nendstream"
    )


def _change_pages(pdf: bytes, chance: random.Random, contents: Callable[[], bytes]) -> bytes:
    """One page gets these contents, with a font /F."""
    objects = objects_of(pdf)
    pages = [number for number, one in objects.items() if b"/MediaBox" in _head(one)]
    if not pages:
        return pdf
    new = max(objects) + 1
    objects[new] = contents()
    objects[new + 1] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    drawn = page().replace(b"4 0 R", b"%d 0 R" % new).replace(b"3 0 R", b"%d 0 R" % (new + 1))
    return assemble(objects | {chance.choice(pages): drawn})
