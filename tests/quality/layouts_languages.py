"""Layouts of the humanities and of papers in other languages."""

from __future__ import annotations

from tests.quality.layouts_common import references, start
from tests.quality.objects import (
    FigureForm,
    TableForm,
    figure,
    table,
)
from tests.quality.style import A4, OCTAVO, Heading, Style
from tests.quality.typeset import Typesetter


def humanities_essay() -> Typesetter:
    """Small page, one column, many footnotes, few unnumbered headings, Chicago bibliography."""
    setter = start(
        "humanities",
        Style(
            OCTAVO, 58, 58, 66, 64, size=10.5, hyphens=True, ligatures=True,
            headings=(Heading(11, "roman", "centre", upper=True, before=16, after=6),),
            headers=("The Ferry and the Frontier\t\t{page}", "{page}\t\tRegional History"),
            first_header=" ", first_footer="{page}",
        ),
    )  # fmt: skip
    people = setter.prose.people(1)
    setter.title(
        "The Ferry and the Frontier: Crossing the Minho before the Bridges", 15, face="roman"
    )
    setter.authors(people, [" ".join(people[0])], face="italic")
    setter.gap(14)
    setter.abstract(setter.prose.paragraph(4), 9, "Abstract:", lead_face="italic")
    heads = ("A Border of Water", "The Ferrymen", "Tolls and Disputes", "After the Bridges")
    number = 0
    for head in heads:
        setter.section(head)
        for place in range(3):
            if place == 1:
                setter.paragraph(sentences=6)
                continue
            number += 1
            setter.need(170)
            note = f"{number}. {setter.prose.sentence()} See also the town archive, box {number}."
            setter.footnote(note)
            setter.paragraph(f"{setter.prose.paragraph(5)}^{{{number}}}")
    references(setter, 9, "chicago", heading="Bibliography", hang=18)
    return setter


def german_report() -> Typesetter:
    """A4, one column, German, numbered headings, Tabelle and Abbildung, Literatur."""
    setter = start(
        "german",
        Style(
            A4, 72, 72, 76, 72, size=10.5, hyphens=False, numbering="1", paragraph_gap=4, indent=0,
            headers="Gewässerkunde 12 (2016)\t\t{page}",
        ),
        "de",
    )  # fmt: skip
    people = setter.prose.people(2)
    setter.year = 2016
    setter.title("Hochwasser an kleinen Flüssen: Messung und Vorhersage", 17, "left")
    setter.authors(people, [" und ".join(" ".join(name) for name in people)], align="left")
    setter.block("Fachhochschule für Wasserbau, Lübeck", 9, "italic", "left", after=12)
    setter.block("Zusammenfassung", 11, "bold", "left", after=3)
    setter.abstract(setter.prose.paragraph(6), 10)
    setter.section("Einleitung")
    setter.paragraphs_of(3)
    setter.section("Untersuchungsgebiet und Methoden")
    setter.section("Pegel und Messgeräte", 2)
    setter.paragraphs_of(2)
    rows = (
        ("Pegel", "Fläche (km²)", "Abfluss", "Fehler"),
        ("Ahrensburg", "12,5", "3,14", "0,02"),
        ("Mölln", "41,0", "8,90", "0,11"),
        ("Süsel", "7,3", "1,75", "0,05"),
    )
    table(setter, "Tabelle 1:", "Pegel mit Einzugsgebiet und mittlerem Abfluss.", rows)
    setter.section("Auswertung", 2)
    setter.paragraphs_of(3)
    setter.section("Ergebnisse")
    figure(setter, "Abbildung 1:", "Verlauf zweier Hochwasser im Frühjahr.", FigureForm("chart"))
    setter.paragraphs_of(4)
    setter.section("Schlussfolgerungen")
    setter.paragraphs_of(2)
    references(setter, 9, "german", heading="Literatur")
    return setter


def spanish_two_languages() -> Typesetter:
    """A4, two columns, a Spanish paper with an abstract in each of two languages."""
    setter = start(
        "spanish",
        Style(
            A4, 56, 56, 76, 70, columns=2, gutter=20, size=9.5, numbering="1.",
            headings=(Heading(10.5, upper=True), Heading(10)),
            headers="Revista de Ríos, 8 (2015), 21-30\t\t ", footers="{page}",
        ),
        "es",
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.year = 2015
    with setter.wide():
        setter.title("Sequía y caudal en los ríos del sur: una comparación de métodos", 16)
        shown = ", ".join(f"{' '.join(name)}^{{{place}}}" for place, name in enumerate(people, 1))
        setter.authors(people, [shown])
        setter.block(
            "^{1}Universidad de Cádiz, ^{2}Confederación del Sur, ^{3}Instituto del Agua",
            8.5,
            "italic",
            "centre",
            after=10,
        )
        setter.block("Resumen", 10, "bold", "left", after=2)
        setter.abstract(setter.prose.paragraph(6), 9)
        setter.block("sequía, caudal, ríos", 9, align="left", lead="Palabras clave:", after=8)
        setter.block("Abstract", 10, "bold", "left", after=2)
        english = start("spanish, in English", Style()).prose.paragraph(4)
        setter.block(english, 9, "italic", after=8)
        setter.block("drought, flow, rivers", 9, "italic", "left", lead="Keywords:", after=10)
    setter.section("Introducción")
    setter.paragraphs_of(4)
    setter.section("Datos y métodos")
    setter.paragraphs_of(3)
    rows = (
        ("Río", "Caudal", "Años"),
        ("Genal", "3,4", "41"),
        ("Hozgarganta", "1,9", "38"),
        ("Barbate", "2,2", "52"),
    )
    table(setter, "Tabla 1.", "Ríos del estudio.", rows, TableForm("rows"))
    setter.section("Resultados")
    figure(setter, "Figura 1.", "Caudal medio en dos décadas.", FigureForm("chart"))
    setter.paragraphs_of(5)
    setter.section("Conclusiones")
    setter.paragraphs_of(2)
    references(setter, 12, "apa", heading="Referencias")
    return setter


def russian_article() -> Typesetter:
    """A4, one column, Russian with Cyrillic letters, ГОСТ references."""
    setter = start(
        "russian", Style(A4, 80, 60, 76, 72, size=11, numbering="1.", footers="{page}"), "ru"
    )
    people = [("Анна", "Соколова"), ("Игорь", "Лебедев")]
    setter.title("Сток малых рек при изменении климата", 16)
    setter.authors(people, [", ".join(" ".join(name) for name in people)])
    setter.block("Институт водных проблем, Москва, 2014", 10, "italic", "centre", after=12)
    setter.abstract(setter.prose.paragraph(5), 10, "Аннотация.")
    setter.section("Введение")
    setter.paragraphs_of(4)
    setter.section("Материалы и методы")
    setter.paragraphs_of(4)
    rows = (
        ("Река", "Площадь", "Сток"),
        ("Ока", "245", "12,4"),
        ("Протва", "46", "3,1"),
        ("Нара", "21", "1,8"),
    )
    table(setter, "Таблица 1.", "Реки и их сток.", rows)
    setter.section("Результаты")
    setter.paragraphs_of(4)
    figure(setter, "Рис. 1.", "Изменение стока за двадцать лет.", FigureForm("chart"))
    setter.section("Заключение")
    setter.paragraph()
    references(setter, 8, "gost", "{}.", "Список литературы")
    return setter
