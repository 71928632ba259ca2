"""Sections, bibliographies, abstracts and keywords of papers in many languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from domain.papers import BlockKind, Paper, SectionRole
from extraction.export.markdown import to_markdown
from extraction.structure.references import is_references_title
from extraction.structure.roles import role_of
from extraction.vocabulary.section_names import SectionName, section_name
from tests.pdf_builder.canvas import BOLD, ITALIC
from tests.pdf_builder.front_pages import FrontPage

BIBLIOGRAPHIES = (
    *("Referências", "Referências bibliográficas", "Literatur", "Literaturverzeichnis"),
    *("Bibliografía", "Références bibliographiques", "Bibliografia", "Literatura", "Literatuur"),
    *("Список литературы", "Литература", "参考文献", "Kaynaklar", "Kaynakça", "Irodalom"),
    *("Viitteet", "Lähteet", "Källor", "Referenser", "Litteratur", "Referanser", "Piśmiennictwo"),
    *("Seznam literatury", "Referințe", "Daftar Pustaka", "Βιβλιογραφία", "Література", "참고문헌"),
)


@pytest.mark.parametrize("title", BIBLIOGRAPHIES)
def test_bibliography_is_recognized_however_it_is_printed(title: str) -> None:
    decomposed = unicodedata.normalize("NFD", title)
    without = "".join(char for char in decomposed if not unicodedata.combining(char))
    for printed in (title, title.upper(), decomposed, without, f"{title}:", " ".join(title)):
        assert is_references_title(printed)
        assert role_of(printed) is SectionRole.REFERENCES


@pytest.mark.parametrize(
    "title, name",
    [
        ("Einleitung", SectionName.INTRODUCTION),
        ("INTRODUÇÃO", SectionName.INTRODUCTION),
        ("Материалы и методы", SectionName.METHODS),
        ("Materiales y métodos", SectionName.METHODS),
        ("Résultats et discussion", SectionName.RESULTS),
        ("Discussione", SectionName.DISCUSSION),
        ("Závěr", SectionName.CONCLUSIONS),
        ("结论", SectionName.CONCLUSIONS),
        ("Agradecimentos", SectionName.ACKNOWLEDGEMENTS),
        ("Anhang", SectionName.APPENDIX),
        ("Conflits d'intérêts", SectionName.BACK_MATTER),
        ("Literatur der Romantik", None),
        ("Os resultados mostram que", None),
        ("Methods", None),
        ("", None),
        ("R" * 100_000, None),
    ],
)
def test_section_name_is_that_of_the_whole_heading(title: str, name: SectionName | None) -> None:
    assert section_name(title) is name


@dataclass(frozen=True)
class _Words:
    """What a paper prints in one language."""

    title: str
    other_title: str
    abstract: str
    text: str
    keywords_label: str
    keywords: Sequence[str]
    headings: Sequence[str]
    references: str
    sentence: str
    joined: str


WORDS = {
    "pt": _Words(
        "Regas e geadas nos vinhedos de encosta",
        "Watering and frost in hillside vineyards",
        "Resumo",
        "A rega de onze vinhedos foi medida durante oito anos. A geada diminuiu com a água e "
        "aumentou com o vento do norte. Os resultados mostram que a rega noturna é mais eficaz do "
        "que a cobertura das vinhas com palha ou com panos.",
        "Palavras-chave:",
        ("rega", "geada tardia", "vinha", "encosta", "cobertura das vinhas", "vento do norte"),
        ("Introdução", "Material e métodos", "Resultados", "Conclusões"),
        "Referências",
        "As vinhas das encostas sofrem com as geadas tardias, e a rega é cara em anos secos.",
        "Brito, L. e Costa, M. (2007). Cobertura do solo nos vinhedos. Revista da Vinha 9, 44–58.",
    ),
    "de": _Words(
        "Bewässerung und Frost in Weinbergen am Hang",
        "Watering and frost in hillside vineyards",
        "Zusammenfassung",
        "Die Bewässerung von elf Weinbergen wurde acht Jahre lang gemessen. Der Frost nahm mit dem "
        "Wasser ab und mit dem Nordwind zu. Die Ergebnisse zeigen, dass die Bewässerung in der "
        "Nacht wirksamer ist als das Abdecken der Reben mit Stroh.",
        "Schlüsselwörter:",
        ("Bewässerung", "Spätfrost", "Weinbau", "Hanglage", "Abdeckung der Reben", "Nordwind"),
        ("Einleitung", "Material und Methoden", "Ergebnisse", "Schlussfolgerungen"),
        "Literatur",
        "Die Reben am Hang leiden unter dem späten Frost, und das Wasser ist teuer.",
        "Brand, L. und Kehl, M. (2007). Der Boden der Weinberge. Zeitschrift für Reben 9, 44–58.",
    ),
    "es": _Words(
        "Riego y heladas en los viñedos de ladera",
        "Watering and frost in hillside vineyards",
        "Resumen",
        "El riego de once viñedos se midió durante ocho años. La helada disminuyó con el agua y "
        "aumentó con el viento del norte. Los resultados muestran que el riego nocturno es más "
        "eficaz que la cubierta de las viñas con paja o con telas.",
        "Palabras clave:",
        ("riego", "helada tardía", "viña", "ladera", "cubierta de las viñas", "viento del norte"),
        ("Introducción", "Materiales y métodos", "Resultados", "Conclusiones"),
        "Bibliografía",
        "Las viñas de las laderas sufren las heladas tardías, y el agua es cara en años secos.",
        "Bravo, L. y Cano, M. (2007). La cubierta del suelo. Revista de la Viña 9, 44–58.",
    ),
    "fr": _Words(
        "Arrosage et gel dans les vignobles de coteau",
        "Watering and frost in hillside vineyards",
        "Résumé",
        "L’arrosage de onze vignobles a été mesuré pendant huit ans. Le gel a diminué avec l’eau "
        "et augmenté avec le vent du nord. Les résultats montrent que l’arrosage de nuit est plus "
        "efficace que la couverture des vignes avec de la paille.",
        "Mots-clés :",
        ("arrosage", "gel tardif", "vigne", "coteau", "couverture des vignes", "vent du nord"),
        ("Introduction", "Matériel et méthodes", "Résultats", "Conclusions"),
        "Références bibliographiques",
        "Les vignes des coteaux souffrent des gelées tardives, et l’eau est chère en été.",
        "Brel, L. et Colin, M. (2007). La couverture du sol. Revue de la Vigne 9, 44–58.",
    ),
    "ru": _Words(
        "Полив и заморозки на виноградниках склонов",
        "Watering and frost in hillside vineyards",
        "Аннотация",
        "Полив одиннадцати виноградников измеряли в течение восьми лет. Заморозки ослабевали с "
        "водой и усиливались с северным ветром. Результаты показывают, что ночной полив более "
        "эффективен, чем укрытие лозы соломой или тканью.",
        "Ключевые слова:",
        ("полив", "поздние заморозки", "виноград", "склон", "укрытие лозы", "северный ветер"),
        ("Введение", "Материалы и методы", "Результаты", "Заключение"),
        "Список литературы",
        "Лоза на склонах страдает от поздних заморозков, а вода в засушливые годы дорога.",
        "Бунин Л. и Волков М. (2007). Почва виноградников. Вестник лозы 9, 44–58.",
    ),
}
ENGLISH = (
    "The watering of eleven vineyards was measured for eight years. Frost decreased with the water "
    "and increased with the north wind. The results show that watering at night is more effective "
    "than a cover of straw or of cloth, which is common in the region today."
)
FURTHER = (
    "Adams, R. (1998). Frost on hills. Annals of Vines 3, 12–20.",
    "Dunn, S., Eliot, P. (2011). Straw in rows. Annals of Vines 16, 1–9.",
    "Frank, A. (2015). North winds. Annals of Vines 20, 7–19.",
)


@dataclass(frozen=True)
class _Layout:
    """How a paper in two languages is set; `runs_in`: the labels of the abstracts run into them."""

    columns: int = 1
    number: str = "{}. "
    face: str = BOLD
    english_first: bool = False
    title_face: str = ITALIC
    runs_in: bool = False


LAYOUTS = (
    _Layout(),
    _Layout(number=""),
    _Layout(columns=2, face=ITALIC),
    _Layout(number="{} ", title_face=BOLD),
    _Layout(english_first=True, title_face=BOLD),
    _Layout(columns=2, number="", english_first=True, title_face=BOLD, runs_in=True),
    _Layout(title_face=BOLD, runs_in=True),
)


def _set_abstracts(page: FrontPage, words: _Words, layout: _Layout) -> None:
    parts = [
        (words.abstract, words.text, words.keywords_label, ", ".join(words.keywords)),
        ("Abstract", ENGLISH, "Keywords:", "watering, frost, vines"),
    ]
    for place, (label, text, keywords_label, keywords) in enumerate(
        reversed(parts) if layout.english_first else parts
    ):
        if place == 1:
            page.line(words.other_title, 12, layout.title_face)
            page.gap(4)
        if layout.runs_in:
            page.paragraph(text, 9, lead=f"{label}.")
        else:
            page.line(label, 10, BOLD)
            page.paragraph(text, 9)
        page.gap(4)
        page.paragraph(keywords, 9, lead=keywords_label, width=300)
        page.gap(8)


def two_languages(words: _Words, layout: _Layout) -> bytes:
    page = FrontPage()
    page.gap(20)
    page.line(words.title, 17, BOLD)
    page.line("Ana Brito, Jan Kehl", 11)
    page.gap(10)
    _set_abstracts(page, words, layout)
    width = 490.0 if layout.columns == 1 else 235.0
    for number, heading in enumerate(words.headings, 1):
        if number == 3:
            page.new_page()
        page.gap(10)
        page.line(layout.number.format(number) + heading, 11, layout.face)
        page.gap(3)
        for _ in range(2):
            page.paragraph(" ".join([words.sentence] * 5), 10, width=width)
            page.gap(6)
    page.gap(10)
    page.line(words.references.upper() if layout.number else words.references, 11, layout.face)
    for entry in (words.joined, *FURTHER):
        page.gap(3)
        page.paragraph(entry, 9, width=width)
    return page.to_pdf()


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_paper_in_two_languages_is_read_in_both(
    read: Callable[..., Paper], language: str, layout: _Layout
) -> None:
    words = WORDS[language]
    paper = read(two_languages(words, layout))
    metadata = paper.metadata
    assert (metadata.title, metadata.language) == (words.title, language)
    assert metadata.abstract == (ENGLISH if layout.english_first else words.text)
    own = ("watering", "frost", "vines") if layout.english_first else words.keywords
    assert metadata.keywords == own
    assert [section.title for section in paper.own_sections] == list(words.headings)
    abstracts = [block.text for block in paper.blocks if block.kind is BlockKind.ABSTRACT]
    for text in (words.text, ENGLISH):
        assert sum(text in abstract for abstract in abstracts) == 1
    assert paper.sections[-1].role is SectionRole.REFERENCES
    assert len(paper.references) == 1 + len(FURTHER)
    assert len(paper.references[0].authors) == 2
    markdown = to_markdown(paper)
    assert markdown.count("eleven vineyards was measured") == 1
    assert markdown.count(words.text[:30]) == 1


KEYWORDS = {
    "Palavras-chave:": "rega noturna; geada tardia; vinhedos de encosta; cobertura das vinhas",
    "Schlüsselwörter:": "Bewässerung, Spätfrost, Weinbau am Hang, Abdeckung der Reben, Nordwind",
    "Mots-clés :": "arrosage, gel tardif, vigne, coteau, couverture des vignes, vent du nord",
    "Mots clés.": "arrosage, gel tardif, vigne, coteau, couverture des vignes, vent du nord",
    "Palabras clave:": "riego, helada tardía, viña, ladera, cubierta de las viñas",
    "Parole chiave:": "irrigazione, gelata tardiva, vite, collina, copertura delle viti",
    "Ключевые слова:": "полив, поздние заморозки, виноград, склон, укрытие лозы, северный ветер",
    "Słowa kluczowe:": "nawadnianie, późne przymrozki, winorośl, zbocze, okrywanie winorośli",
    "Klíčová slova:": "zavlažování, pozdní mrazy, réva, svah, zakrývání révy, severní vítr",
    "Trefwoorden:": "bewatering, late vorst, wijnbouw, helling, afdekken van de ranken",
    "Nyckelord:": "bevattning, sen frost, vinodling, sluttning, täckning av rankor, nordanvind",
    "Anahtar kelimeler:": "sulama, geç don, bağcılık, yamaç, asmaların örtülmesi, kuzey rüzgarı",
    "Kulcsszavak:": "öntözés, késői fagy, szőlő, domboldal, a tőkék takarása, északi szél",
    "关键词：": "灌溉；晚霜；葡萄园；坡地；葡萄藤的覆盖；北风；土壤水分；产量",
    "【关键词】": "灌溉；晚霜；葡萄园；坡地；葡萄藤的覆盖；北风；土壤水分；产量",
    "キーワード：": "灌漑、晩霜、葡萄園、斜面、葡萄の被覆、北風、土壌水分、収量",
    "[关键词]": "灌溉；晚霜；葡萄园；坡地；葡萄藤的覆盖；北风；土壤水分；产量",
}


@pytest.mark.parametrize("label", KEYWORDS)
@pytest.mark.parametrize("is_heading", [False, True])
def test_keywords_of_two_lines_are_read_in_many_languages(label: str, is_heading: bool) -> None:
    text = KEYWORDS[label]
    half = len(text) // 2 if text[0] > "\u3000" else text.index(" ", len(text) // 2) + 1
    page = FrontPage()
    page.gap(30)
    page.line("Watering and frost in hillside vineyards", 18, BOLD)
    page.line("Jane Doe and John Roe", 11)
    page.gap(16)
    page.line("Abstract", 10, BOLD)
    page.paragraph(ENGLISH, 9)
    page.gap(6)
    if is_heading:
        page.line(label, 10, BOLD)
    gap = "" if label[-1] in "】]：" else " "
    page.line(text[:half] if is_heading else f"{label}{gap}{text[:half]}", 9)
    page.line(text[half:], 9)
    page.gap(10)
    page.body(heading="Introduction", columns=1)
    wanted = tuple(word.strip() for word in re.split("[;,；、]", text))
    assert page.front().metadata.keywords == wanted
