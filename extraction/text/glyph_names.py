"""Completes fonts that have no mapping to Unicode for some of their glyphs, in memory.

MuPDF reads a glyph by the font's ToUnicode map, else by its name. It takes the name of a ligature
of parts ("T_h", "c_t") for its first part, does not know the names of TeX's large operators, and
does not look into the program of a font whose codes are glyph numbers. These fonts get a ToUnicode
map here, before the page is read. The map of a composite font that lacks some glyphs is completed
when a page turns out to print them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from extraction.text.mupdf import pymupdf

_mupdf = pymupdf.mupdf  # pyright: ignore[reportPrivateImportUsage]
_REPLACEMENT = 0xFFFD
# Bounds of the work on a made-up file.
_MAX_FONTS_OF_PAGE, _MAX_FORM_DEPTH, _MAX_FORMS = 200, 3, 50
_MAX_NAMES, _MAX_PARTS = 256, 8  # of an encoding, and of one name
_MAX_PROGRAM_BYTES = 8 * 1024**2
_MAX_GLYPHS = 30_000
_MAX_HEAD_BYTES = 32_768  # of a Type 1 program, up to the end of its encoding
_CACHED_NAMES = 4096  # of a process
_ENCODED = re.compile(rb"dup\s{1,4}(\d{1,3})\s{0,4}/([A-Za-z0-9_.]{1,60})\s{1,4}put")
_DIGIT = re.compile(r"\d")
_SIZED = re.compile(r"([a-z]{3,16}?)(?:text|display|big|Big|bigg|Bigg)")
# Pieces of horizontal braces, wide accents and arrows, which print no character of their own.
_TEX_PIECES = ("braceht", "hatwide", "tildewide", "mapsto")
_INVISIBLE = "\u2060"  # `clean_text` removes it
_TEX_SIGNS = {"negationslash": "/", "vextendsingle": "|", "vextenddouble": "‖"}
_TEX_OPERATORS = {
    **{"summation": "∑", "product": "∏", "coproduct": "∐", "integral": "∫", "contintegral": "∮"},
    **{"union": "⋃", "intersection": "⋂", "unionmulti": "⨄", "unionsq": "⨆", "radical": "√"},
    **{"logicaland": "⋀", "logicalor": "⋁"},
    **{"circleplus": "⨁", "circlemultiply": "⨂", "circledot": "⨀"},
    **{"parenleft": "(", "parenright": ")", "bracketleft": "[", "bracketright": "]"},
    **{"braceleft": "{", "braceright": "}", "slash": "/", "backslash": "\\"},
    **{"floorleft": "⌊", "floorright": "⌋", "ceilingleft": "⌈", "ceilingright": "⌉"},
    **{"angbracketleft": "⟨", "angbracketright": "⟩"},
}
_ROWS_OF_BLOCK = 100  # that a CMap may list in one block
_END_OF_CODES = b"endcodespacerange"


def complete_fonts(document: Any, number: int, examined: set[int]) -> None:
    """Adds the missing ToUnicode maps of the fonts of page `number` (from 1).

    `examined` are the object numbers of fonts and forms that need no second look; they are added
    to it. Raises what MuPDF raises for a damaged page.
    """
    page = _mupdf.pdf_lookup_page_obj(_mupdf.PdfDocument(document.this), number - 1)
    resources = _mupdf.pdf_dict_gets_inheritable(page, "Resources")
    for font in _fonts(resources, examined, _MAX_FORM_DEPTH):
        if not _mupdf.pdf_dict_gets(font, "ToUnicode").m_internal:
            with suppress(Exception):  # a font that MuPDF cannot open stays as it is
                _complete(document, font)


def complete_maps(document: Any, number: int, examined: set[int]) -> bool:
    """Adds to the ToUnicode maps of composite fonts of page `number` what their programs give.

    Returns whether there was any; the page must be loaded again then. `examined`: as above. Raises
    what MuPDF raises for a damaged page.
    """
    page = _mupdf.pdf_lookup_page_obj(_mupdf.PdfDocument(document.this), number - 1)
    resources = _mupdf.pdf_dict_gets_inheritable(page, "Resources")
    fonts = list(_fonts(resources, examined, _MAX_FORM_DEPTH))
    completed = [_complete_map(document, font) for font in fonts]
    if any(completed):
        pymupdf.TOOLS.store_shrink(100)  # MuPDF keeps fonts with the maps that they had
    return any(completed)


def _complete_map(document: Any, font: Any) -> bool:
    unicode_map = _mupdf.pdf_dict_gets(font, "ToUnicode")
    if not _mupdf.pdf_is_stream(unicode_map):
        return False
    known = _mupdf.fz_buffer_extract_copy(_mupdf.pdf_load_stream(unicode_map))
    head, end, rest = known.partition(_END_OF_CODES)
    texts = _of_program(font) if end else {}
    if texts:  # what the map itself states comes later, and is valid
        added = b"\n" + _blocks(texts, 4).encode() + b"\n"
        document.update_stream(_mupdf.pdf_to_num(unicode_map), head + end + added + rest)
    return bool(texts)


def _fonts(resources: Any, examined: set[int], depth: int) -> Iterator[Any]:
    """Yields the fonts of these resources and of the forms that they name."""
    fonts = _mupdf.pdf_dict_gets(resources, "Font")
    yield from _entries(fonts, examined, _MAX_FONTS_OF_PAGE)
    forms = _mupdf.pdf_dict_gets(resources, "XObject")
    for form in _entries(forms, examined, _MAX_FORMS) if depth else ():
        yield from _fonts(_mupdf.pdf_dict_gets(form, "Resources"), examined, depth - 1)


def _entries(dictionary: Any, examined: set[int], most: int) -> Iterator[Any]:
    """Yields the indirect objects of a dictionary that were not examined before."""
    for index in range(min(most, _mupdf.pdf_dict_len(dictionary))):
        entry = _mupdf.pdf_dict_get_val(dictionary, index)
        xref = _mupdf.pdf_to_num(entry)
        if xref and xref not in examined:
            examined.add(xref)
            yield entry


def _complete(document: Any, font: Any) -> None:
    kind = _mupdf.pdf_to_name(_mupdf.pdf_dict_gets(font, "Subtype"))
    width, texts = (4, _of_program(font)) if kind == "Type0" else (2, _of_names(font))
    if texts:
        xref = document.get_new_xref()
        document.update_object(xref, "<<>>")
        document.update_stream(xref, _cmap(texts, width))
        document.xref_set_key(_mupdf.pdf_to_num(font), "ToUnicode", f"{xref} 0 R")


def _of_names(font: Any) -> dict[int, str]:
    """Returns the texts, by code, of the glyph names that MuPDF reads otherwise or not at all."""
    encoding = _mupdf.pdf_dict_gets(font, "Encoding")
    names = _program_names(font) if not encoding.m_internal else {}
    names.update(_differences(_mupdf.pdf_dict_gets(encoding, "Differences")))
    texts = {code: text for code, name in names.items() if (text := _other_text(name))}
    if _mupdf.pdf_to_name(_mupdf.pdf_dict_gets(font, "Subtype")) == "Type3":
        texts.update((code, chr(_REPLACEMENT)) for code, name in names.items() if _is_drawn(name))
    return texts


def _is_drawn(name: str) -> bool:
    """True for an unknown name of a drawn glyph, for which MuPDF reads the code itself.

    A name with a number ("a65", "g27") is one of a program that numbers its glyphs by their codes.
    """
    is_unknown = _mupdf.fz_unicode_from_glyph_name(name) == _REPLACEMENT and name != ".notdef"
    return is_unknown and not _DIGIT.search(name) and not text_of_name(name)


@lru_cache(maxsize=_CACHED_NAMES)
def _other_text(name: str) -> str:
    """Returns the text of a name if MuPDF reads another one, else ""."""
    text = text_of_name(name)
    return "" if text == chr(_mupdf.fz_unicode_from_glyph_name(name)) else text


def _differences(differences: Any) -> dict[int, str]:
    """Returns the glyph names, by code, that an encoding lists."""
    names: dict[int, str] = {}
    code = 0
    for index in range(min(2 * _MAX_NAMES, _mupdf.pdf_array_len(differences))):
        entry = _mupdf.pdf_array_get(differences, index)
        if _mupdf.pdf_is_number(entry):
            code = _mupdf.pdf_to_int(entry)
            continue
        if 0 <= code < _MAX_NAMES:
            names[code] = _mupdf.pdf_to_name(entry)
        code += 1
    return names


def _program_names(font: Any) -> dict[int, str]:
    """Returns the glyph names, by code, of the encoding in the program of a Type 1 font."""
    descriptor = _mupdf.pdf_dict_gets(font, "FontDescriptor")
    program = _mupdf.pdf_dict_gets(descriptor, "FontFile")
    if not _mupdf.pdf_is_stream(program):
        return {}
    head = _mupdf.fz_buffer_extract_copy(_mupdf.pdf_load_stream(program))[:_MAX_HEAD_BYTES]
    found = _ENCODED.findall(head)[:_MAX_NAMES]
    return {int(code): name.decode("ascii") for code, name in found if int(code) < _MAX_NAMES}


def text_of_name(name: str) -> str:
    """Returns the text that a glyph's name stands for by the rules of the Adobe Glyph List; "" for
    an unknown name.

    A suffix after a period is a variant: "f_f_i.alt" is "ffi". "uni00B5" is a micro sign.
    """
    if operator := _tex_operator(name):
        return operator
    parts = name.split(".", 1)[0].split("_")
    if not 0 < len(parts) <= _MAX_PARTS:
        return ""
    codes = [_code_of_part(part) for part in parts]
    return "".join(map(chr, codes)) if all(codes) else ""


def _tex_operator(name: str) -> str:
    """Returns the sign that a font of TeX has in several sizes, "" for another name."""
    if name.startswith(_TEX_PIECES):
        return _INVISIBLE
    sized = _SIZED.fullmatch(name)
    return _TEX_SIGNS.get(name, "") or (_TEX_OPERATORS.get(sized[1], "") if sized else "")


def _code_of_part(part: str) -> int:
    """Returns the code point of one part of a name, 0 if it has none."""
    known = _mupdf.fz_unicode_from_glyph_name_strict(part)
    if known:
        return known
    for prefix, lengths in (("uni", (4,)), ("u", (4, 5, 6))):
        digits = part.removeprefix(prefix)
        if digits != part and len(digits) in lengths:
            with suppress(ValueError):
                code = int(digits, 16)
                is_character = code < 0x110000 and not 0xD800 <= code < 0xE000
                return code if is_character else 0
    return 0


def _of_program(font: Any) -> dict[int, str]:
    """Returns the texts, by glyph number, that the embedded program of a composite font gives.

    Only for codes that are glyph numbers: "Identity-H" or "Identity-V", without another map.
    """
    encoding = _mupdf.pdf_to_name(_mupdf.pdf_dict_gets(font, "Encoding"))
    descendant = _mupdf.pdf_array_get(_mupdf.pdf_dict_gets(font, "DescendantFonts"), 0)
    numbers = _mupdf.pdf_dict_gets(descendant, "CIDToGIDMap")
    if not encoding.startswith("Identity-") or _mupdf.pdf_is_stream(numbers):
        return {}
    descriptor = _mupdf.pdf_dict_gets(descendant, "FontDescriptor")
    for key in ("FontFile2", "FontFile3", "FontFile"):
        program = _mupdf.pdf_dict_gets(descriptor, key)
        if _mupdf.pdf_is_stream(program):
            return _texts_of_glyphs(_mupdf.pdf_load_stream(program))
    return {}


def _texts_of_glyphs(program: Any) -> dict[int, str]:
    data = _mupdf.fz_buffer_extract_copy(program)
    if not data or len(data) > _MAX_PROGRAM_BYTES:
        return {}
    font = pymupdf.Font(fontbuffer=data)
    texts: dict[int, str] = {}
    for code in font.valid_codepoints()[:_MAX_GLYPHS]:
        if code >= ord(" ") and not 0xE000 <= code < 0xF900 and code != _REPLACEMENT:
            texts.setdefault(font.has_glyph(code), chr(code))
    texts.pop(0, None)  # the glyph of characters that the font lacks
    return texts


def _cmap(texts: Mapping[int, str], width: int) -> bytes:
    """Returns a ToUnicode map of codes with `width` hexadecimal digits."""
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CMapName /ToUnicode def\n/CMapType 2 def\n1 begincodespacerange\n"
        f"<{'0' * width}> <{'f' * width}>\nendcodespacerange\n"
        f"{_blocks(texts, width)}\nendcmap\nend\nend\n"
    ).encode()


def _blocks(texts: Mapping[int, str], width: int) -> str:
    """Returns the rows of a ToUnicode map."""
    rows = [
        f"<{code:0{width}x}> <{text.encode('utf-16-be').hex()}>" for code, text in texts.items()
    ]
    return "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar"
        for start in range(0, len(rows), _ROWS_OF_BLOCK)
        for block in [rows[start : start + _ROWS_OF_BLOCK]]
    )
