"""Layouts of journals."""

from __future__ import annotations

from tests.quality.layouts_common import MODELS, YIELDS, references, start
from tests.quality.objects import (
    FigureForm,
    TableForm,
    figure,
    table,
)
from tests.quality.style import A4, LETTER, SANS, Heading, Style
from tests.quality.typeset import Typesetter


def elsevier_article() -> Typesetter:
    """A4, article-info panel beside the abstract, marks at the authors, author-year references."""
    headings = (Heading(10.5, "bold"), Heading(10, "italic"), Heading(10, "italic"))
    setter = start(
        "elsevier",
        Style(
            A4, 48, 48, 76, 70, columns=2, gutter=20, size=9, hyphens=True, numbering="1.",
            headings=headings,
            headers="Fine sediment in rivers\t\tWater Studies 41 (2019) 117–126",
            first_header="Water Studies 41 (2019) 117–126",
            first_footer="https://doi.org/10.5555/j.waterstud.2019.04.011\t\t117",
            footers="{page}",
        ),
    )  # fmt: skip
    setter.doi, setter.year = "10.5555/j.waterstud.2019.04.011", 2019
    people = setter.prose.people(4)
    marks = ("^{a,b,}*", "^{a}", "^{b}", "^{c}")
    with setter.wide():
        setter.title(
            "Spring floods and the transport of fine sediment in regulated rivers",
            15,
            "left",
            "roman",
        )
        shown = ", ".join(
            f"{' '.join(name)}{mark}" for name, mark in zip(people, marks, strict=True)
        )
        setter.authors(people, [shown], align="left")
        for text in (
            "^{a} Institute of Rivers, Lyon, France",
            "^{b} Water Board, Delft, Netherlands",
            "^{c} Geological Survey, Prague, Czech Republic",
        ):
            setter.block(text, 7.5, "italic", "left")
        setter.gap(8)
        setter.rule(setter.x, setter.x + setter.measure, setter.y)
        _info_beside_abstract(setter)
        setter.rule(setter.x, setter.x + setter.measure, setter.y)
        setter.gap(8)
    setter.section("Introduction")
    setter.footnote("* Corresponding author. E-mail address: first.author@rivers.example.")
    setter.paragraphs_of(4)
    setter.section("Materials and methods")
    setter.section("Gauging stations", 2)
    setter.paragraphs_of(3)
    table(setter, "Table 1", "Sites and their sediment load.", YIELDS, TableForm("rows"))
    setter.section("Turbidity", 2)
    setter.paragraphs_of(3)
    setter.section("Results and discussion")
    figure(
        setter, "Fig. 1.", "Suspended sediment during two floods of the year.", FigureForm("chart")
    )
    setter.paragraphs_of(5)
    setter.section("Conclusions")
    setter.paragraph()
    setter.section("Acknowledgements", number="")
    setter.paragraph(sentences=2)
    references(setter, 16, "harvard")
    return setter


def _info_beside_abstract(setter: Typesetter) -> None:
    """Keywords in a narrow column at the left, the abstract in a wide one at its right."""
    text = setter.prose.paragraph(6)
    top, x = setter.y, setter.x
    for place, words in enumerate(
        (
            "A R T I C L E I N F O",
            "Article history:",
            "Received 4 May 2018",
            "Accepted 2 April 2019",
            "Keywords:",
            "Sediment",
            "Floods",
            "Turbidity",
        )
    ):
        setter.put(x, top + 16 + 11 * place, words, 7.5, "roman" if place else "bold")
    setter.put(x + 150, top + 16, "A B S T R A C T", 7.5, "bold")
    setter.gap(22)
    setter.abstract_text = text
    for words in setter._wrapped([(word, "roman") for word in text.split()], 8, 340, 0, 0):
        setter.line(words, 8, "left", inset=150)
    setter.y = max(setter.y, top + 16 + 11 * 8) + 8


def margin_column() -> Typesetter:
    """Letter, publication details in a wide left margin, unnumbered sans headings, Vancouver."""
    setter = start(
        "margin column",
        Style(
            LETTER, 200, 48, 72, 64, size=9.5, faces=SANS | {"roman": "tiro", "italic": "tiit"},
            justify=False, indent=0, paragraph_gap=6,
            headings=(Heading(15, before=14), Heading(12), Heading(10)),
            headers=" \t\tForaging of urban bees",
            footers="Open Ecology\t\tMay 18, 2020   {page}/7",
        ),
    )  # fmt: skip
    setter.doi, setter.year = "10.5555/opec.0233511", 2020
    people = setter.prose.people(5)
    setter.block("RESEARCH ARTICLE", 9, "bold", "left", after=6)
    setter.title("Foraging ranges of urban bees in a temperate city", 18, "left")
    shown = ", ".join(f"{' '.join(name)}^{{{place}}}" for place, name in enumerate(people, 1))
    setter.authors(people, [shown], align="left", face="bold", size=10)
    setter.block(
        "1 School of Biology, 2 City Museum, 3 Botanical Garden, 4 Institute of Bees, "
        "5 Office of Parks",
        8,
        align="left",
        after=10,
    )
    _margin_details(setter, people[0][1])
    setter.block("Abstract", 15, "bold", "left", after=4)
    setter.abstract(setter.prose.paragraph(6), 9.5)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Materials and methods")
    setter.section("Study area", 2)
    setter.paragraphs_of(2)
    setter.section("Marking of bees", 2)
    setter.paragraphs_of(2)
    figure(
        setter,
        "Fig 1.",
        "Distances flown by marked bees. Lines show two summers.",
        FigureForm("chart"),
    )
    setter.section("Results")
    setter.paragraphs_of(3)
    table(setter, "Table 1.", "Recaptures by district.", YIELDS, TableForm("grid", centred=False))
    setter.section("Discussion")
    setter.paragraphs_of(3)
    setter.section("Supporting information")
    setter.paragraph(
        "S1 Data. All recaptures with their coordinates are listed in a separate file."
    )
    references(setter, 14, "vancouver", "{}.")
    return setter


def _margin_details(setter: Typesetter, family: str) -> None:
    """Details of the publication in the left margin; the DOI is broken over two lines."""
    details = (
        *("OPEN ACCESS", f"Citation: {family} et al. (2020)", "Foraging ranges of urban bees."),
        *("Open Ecol 15(5): e0233511.", "https://doi.org/10.5555/", "opec.0233511"),
        *("Received: January 9, 2020", "Accepted: May 6, 2020", "Published: May 18, 2020"),
        *(f"Copyright: © 2020 {family} et al.", "Funding: none."),
    )
    for place, text in enumerate(details):
        setter.put(40, 330 + 13 * place, text, 7.5, "bold" if place == 0 else "roman")


def letter_to_journal() -> Typesetter:
    """A4, two columns, a bold first paragraph as abstract, few headings, Nature style."""
    setter = start(
        "letter",
        Style(
            A4, 42, 42, 70, 64, columns=2, gutter=18, size=9, hyphens=True, ligatures=True,
            headings=(Heading(10, "bold", before=10), Heading(9, "bold", run_in=".")),
            headers=("LETTERS\t\tNORTHERN SCIENCE", "NORTHERN SCIENCE\t\tLETTERS"),
            footers="NORTHERN SCIENCE | VOL 12 | AUGUST 2018 | {page}",
            caption_size=8,
        ),
    )  # fmt: skip
    setter.doi, setter.year = "10.5555/s41999-018-0042-7", 2018
    people = setter.prose.people(5)
    with setter.wide():
        setter.title("A warming fjord loses its winter stratification", 22, "left")
        (a, b, c, d, e) = (" ".join(name) for name in people)
        setter.authors(
            people, [f"{a}^{{1}}*, {b}^{{1,2}}, {c}^{{2}}, {d}^{{3}} & {e}^{{1}}"], align="left"
        )
        setter.gap(8)
    setter.footnote(
        "^{1}Marine Station, Bodø, Norway. ^{2}Polar Office, Tromsø, Norway. "
        "^{3}Department of Oceans, Cork, Ireland. *e-mail: a@fjord.example. "
        "https://doi.org/10.5555/s41999-018-0042-7"
    )
    setter.abstract(setter.prose.paragraph(6), 9, face="bold")
    for number in range(1, 7):
        setter.paragraph(f"{setter.prose.paragraph(4)[:-1]}^{{{number},{number + 1}}}.")
    figure(
        setter,
        "Fig. 1 |",
        "Temperature at the mouth of the fjord in two winters.",
        FigureForm("chart"),
    )
    setter.paragraphs_of(4)
    figure(setter, "Fig. 2 |", "View of the fjord from the southern station.", FigureForm("image"))
    setter.section("Methods")
    setter.section("Moorings", 2)
    setter.paragraphs_of(2)
    setter.section("Statistical analysis", 2)
    setter.paragraphs_of(2)
    setter.section("Data availability", 2)
    setter.paragraph("All series are available from the marine station upon reasonable request.")
    references(setter, 15, "nature", "{}.")
    return setter


def structured_abstract_box() -> Typesetter:
    """A4, two columns, a grey box with a structured abstract, ruled table, unnumbered headings."""
    setter = start(
        "abstract box",
        Style(
            A4, 56, 56, 76, 70, columns=2, gutter=18, size=9.2, faces=SANS | {"roman": "tiro"},
            headings=(Heading(11.5, before=10), Heading(9.5)),
            headers="Community Health (2017) 17:204\t\tPage {page} of 6",
            first_header="Community Health (2017) 17:204",
        ),
    )  # fmt: skip
    setter.doi, setter.year = "10.5555/s12999-017-4109-x", 2017
    people = setter.prose.people(4)
    with setter.wide():
        setter.put(setter.x, setter.y + 8, "DOI 10.5555/s12999-017-4109-x", 8)
        setter.gap(14)
        setter.block("RESEARCH ARTICLE", 9, "bold", "left")
        setter.block("Open Access", 9, "bold", "right", after=6)
        setter.title("Walking to school and the fitness of children: a cohort study", 18, "left")
        marks = ("^{1*}", "^{2}", "^{1}", "^{3}")
        shown = ", ".join(f"{' '.join(n)}{mark}" for n, mark in zip(people, marks, strict=True))
        setter.authors(people, [shown], align="left", face="bold", size=10)
        setter.gap(10)
        top, parts = setter.y, []
        setter.panel(top, top + 182)
        setter.gap(4)
        setter.block("Abstract", 11, "bold", "left", after=2)
        for name in ("Background:", "Methods:", "Results:", "Conclusions:"):
            text = setter.prose.paragraph(3)
            parts.append(f"{name} {text}")
            setter.block(text, 8.8, lead=name, after=3)
        setter.block("Walking, Children, Fitness, Cohort", 8.8, align="left", lead="Keywords:")
        assert setter.y < top + 182, setter.y - top
        setter.abstract_text, setter.y = " ".join(parts), top + 194
    setter.section("Background")
    setter.footnote(
        "* Correspondence: first.author@health.example. ^{1}School of Public Health, Cairo."
    )
    setter.paragraphs_of(4)
    setter.section("Methods")
    setter.section("Participants", 2)
    setter.paragraphs_of(2)
    setter.section("Measurements", 2)
    setter.paragraphs_of(2)
    table(setter, "Table 1", "Distances by school, in kilometres.", YIELDS, TableForm("grid"))
    setter.section("Results")
    setter.paragraphs_of(4)
    setter.section("Discussion")
    setter.paragraphs_of(3)
    setter.section("Conclusions")
    setter.paragraph()
    setter.section("Competing interests")
    setter.paragraph("The authors declare that they have no competing interests of any kind.")
    references(setter, 15, "vancouver", "{}.")
    return setter


def physics_letter() -> Typesetter:
    """Letter, two columns, run-in italic headings, an abstract without heading, formulas."""
    setter = start(
        "physics",
        Style(
            LETTER, 54, 54, 64, 60, columns=2, gutter=18, size=9.8, hyphens=True,
            headings=(Heading(9.8, "italic", run_in=".—"),) * 2,
            headers="PHYSICAL NOTES 104, 052301 (2021)\t\t ", footers="052301-{page}",
        ),
    )  # fmt: skip
    setter.doi, setter.year = "10.5555/PhysNotes.104.052301", 2021
    people = setter.prose.people(3)
    with setter.wide():
        setter.title("Damped oscillations of a driven droplet chain", 13)
        (a, b, c) = (" ".join(name) for name in people)
        setter.authors(people, [f"{a},^{{1,*}} {b},^{{2}} and {c}^{{1}}"], size=10)
        setter.block("^{1}Institute of Fluids, Prague, Czech Republic", 9, "italic", "centre")
        setter.block("^{2}Laboratory of Drops, Lund, Sweden", 9, "italic", "centre")
        setter.block(
            "(Received 3 February 2021; published 9 August 2021)", 9, align="centre", after=8
        )
        setter.abstract(setter.prose.paragraph(5), 9.2, indent=12)
        setter.block("DOI: 10.5555/PhysNotes.104.052301", 9, align="left", after=12)
    setter.section("Introduction")
    setter.paragraphs_of(3)
    setter.section("Model")
    setter.paragraphs_of(2)
    setter.equation("ẍ_{n} + γẋ_{n} = κ(x_{n+1} − 2x_{n} + x_{n−1}) + F cos(ωt)", "(1)")
    setter.paragraph()
    setter.equation("ω^{2} = ω_{0}^{2} + 4κ sin^{2}(k/2)", "(2)")
    setter.paragraphs_of(2)
    setter.section("Experiment")
    figure(
        setter,
        "FIG. 1.",
        "Amplitude of the third droplet at two frequencies.",
        FigureForm("chart", label_face="roman"),
    )
    setter.paragraphs_of(4)
    table(setter, "TABLE I.", "Fitted damping by chain.", MODELS, TableForm(label_face="roman"))
    setter.section("Conclusions")
    setter.paragraphs_of(2)
    setter.gap(8)
    setter.rule(setter.x + 60, setter.x + setter.measure - 60, setter.y)
    setter.gap(8)
    references(setter, 16, "aps", "[{}]", "")
    return setter
