"""Ten layouts of journal and conference articles."""

from __future__ import annotations

from tests.quality.objects import FigureForm, TableForm, figure, table
from tests.quality.prose import CITATION_STYLES, Prose, alpha_labels
from tests.quality.truth import TrueReference
from tests.quality.typeset import A4, LETTER, LNCS, SANS, Heading, Style, Typesetter

YIELDS = (
    ("Site", "Depth", "Nitrate", "Error"),
    ("Aarhus", "1.25", "81.07", "0.31"),
    ("Bergen", "2.50", "77.93", "1.02"),
    ("Cádiz", "10.05", "64.20", "0.88"),
    ("Dover", "0.125", "9.41", "0.07"),
    ("Évora", "3.75", "12.60", "0.44"),
)
MODELS = (
    ("Model", "Recall", "Precision"),
    ("Baseline", "0.713", "0.690"),
    ("Sparse", "0.742", "0.705"),
    ("Dense (small)", "0.768", "0.731"),
    ("Dense (large)", "0.791", "0.764"),
)


def start(name: str, style: Style, language: str = "en") -> Typesetter:
    return Typesetter(style, Prose(name, language))


def references(
    setter: Typesetter,
    number: int,
    style: str,
    label: str = "",
    heading: str = "References",
    hang: float = 14,
) -> None:
    """A bibliography; `label` is "[{}]", "{}.", "alpha" or empty."""
    entries = setter.prose.entries(number)
    if not label:
        entries.sort(key=lambda entry: entry.authors[0][1])
    labels: list[str] = [label.format(place) for place in range(1, number + 1)]
    if label == "alpha":
        labels = [*alpha_labels(entries)]
    made = list[tuple[str, TrueReference]]()
    for shown, entry in zip(labels, entries, strict=True):
        raw = CITATION_STYLES[style](entry)
        made.append((shown, TrueReference(raw, entry.title, entry.doi if entry.doi in raw else "")))
    setter.bibliography(heading, made, hang=hang)


def plain_article() -> Typesetter:
    """Letter, one column, centred front, numbered headings, booktabs table, references [1]."""
    setter = start("plain article", Style(LETTER, 90, 90, numbering="1", footers="{page}"))
    people = setter.prose.people(3)
    setter.title("Nitrate in Shallow Lakes: a Survey of Five Sites")
    setter.authors(people, [", ".join(" ".join(name) for name in people)])
    setter.block("Institute of Inland Waters, Aarhus", align="centre", after=4)
    setter.block("12 March 2021", align="centre", after=14)
    setter.year = 2021
    setter.block("Abstract", 10, "bold", "centre", after=3)
    setter.abstract(setter.prose.paragraph(6))
    setter.section("Introduction")
    setter.paragraphs_of(3)
    setter.section("Study Sites")
    setter.section("Selection of lakes", 2)
    setter.paragraphs_of(2)
    figure(
        setter, "Figure 1:", "Nitrate over the hours after rain at two sites.", FigureForm("chart")
    )
    setter.section("Laboratory methods", 2)
    setter.paragraphs_of(3)
    setter.section("Results")
    setter.paragraph()
    table(setter, "Table 1:", "Nitrate by site and depth, in micromoles per litre.", YIELDS)
    setter.paragraphs_of(3)
    setter.section("Conclusion")
    setter.paragraphs_of(2)
    references(setter, 12, "plain", "[{}]")
    return setter


def engineering_conference() -> Typesetter:
    """Letter, two columns, Roman centred headings, run-in abstract, small-capital captions."""
    headings = (
        Heading(10, "roman", "centre", upper=True, before=12),
        Heading(10, "italic", before=8),
    )
    setter = start(
        "engineering",
        Style(
            LETTER, 54, 54, 60, 60, columns=2, gutter=16, size=9.5, hyphens=True,
            numbering="I", headings=headings, caption_size=8,
        ),
    )  # fmt: skip
    people = setter.prose.people(4)
    with setter.wide():
        setter.title("Low-Cost Sensors for the Monitoring of Drinking Water", 22, face="roman")
        setter.authors(people, [", ".join(" ".join(name) for name in people)])
        setter.block(
            "Department of Electrical Engineering, University of Dover", 9, "italic", "centre"
        )
        setter.block("{first, second}@ee.dover.example", 9, "mono", "centre", after=14)
    setter.abstract(setter.prose.paragraph(5), 9, "Abstract—", lead_face="bold", face="bold")
    setter.block("sensors, water quality, calibration", 9, "bold", lead="Index Terms—", after=6)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Related Work")
    setter.paragraphs_of(3)
    setter.section("Sensor Design")
    setter.section("Hardware", 2)
    setter.paragraphs_of(2)
    setter.equation("s(t) = a + b exp(−t/τ)", "(1)")
    setter.section("Calibration", 2)
    setter.paragraphs_of(3)
    caption = "SENSITIVITY OF THE TESTED MODELS"
    table(setter, "TABLE I", caption, MODELS, TableForm(label_face="roman", caption_align="centre"))
    figure(
        setter,
        "Fig. 1.",
        "Processing chain of the sensor node.",
        FigureForm("diagram", label_face="roman"),
    )
    setter.section("Experiments")
    setter.paragraphs_of(6)
    setter.section("Conclusion")
    setter.paragraphs_of(2)
    references(setter, 15, "ieee", "[{}]")
    return setter


def computing_proceedings() -> Typesetter:
    """A4, two columns, author blocks side by side, upper-case headings, rights footnote, DOI."""
    headings = (Heading(11, "bold", upper=True), Heading(10.5, "bold"), Heading(10, "italic"))
    setter = start(
        "computing",
        Style(
            A4, 54, 54, 70, 76, columns=2, gutter=24, size=9, hyphens=True, numbering="1",
            headings=headings,
            headers=("Learning to Rank Passages\t\t ", "SEARCH ’22, July 2022, Bergen\t\t "),
        ),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.doi, setter.year = "10.5555/3490000.3490017", 2022
    with setter.wide():
        setter.title("Learning to Rank Passages from Very Few Judgements", 18)
        setter.families = [family for _, family in people]
        middle = setter.style.left + setter.measure / 6
        places = ("University of Bergen", "Institute of Data, Aarhus", "Search Laboratory, Dover")
        for place, (name, institute) in enumerate(zip(people, places, strict=True)):
            x = middle + place * setter.measure / 3
            setter.centred(x, setter.y + 14, " ".join(name), 12)
            setter.centred(x, setter.y + 27, institute, 9)
            setter.centred(x, setter.y + 39, f"{name[0].lower()}@search.example", 9)
        setter.gap(56)
    setter.block("ABSTRACT", 11, "bold", after=4)
    setter.footnote(
        "Permission to make digital or hard copies of all or part of this work for personal use is "
        "granted without fee. SEARCH ’22, July 11–15, 2022, Bergen, Norway. © 2022 Copyright held "
        "by the owner/author(s). https://doi.org/10.5555/3490000.3490017"
    )
    setter.abstract(setter.prose.paragraph(6), 9)
    setter.block("CCS CONCEPTS", 11, "bold", after=4)
    setter.block("• Information systems → Learning to rank.", after=6)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Method")
    setter.paragraphs_of(2)
    setter.section("Sampling of judgements", 2)
    setter.paragraphs_of(2)
    table(
        setter,
        "Table 1:",
        "Effectiveness on the held-out queries.",
        MODELS,
        TableForm(caption_align="centre"),
    )
    setter.section("Loss function", 2)
    setter.paragraphs_of(2)
    figure(setter, "Figure 1:", "Loss over the training hours for two seeds.", FigureForm("chart"))
    setter.section("Evaluation")
    setter.paragraphs_of(5)
    setter.section("Conclusion and Future Work")
    setter.paragraphs_of(2)
    references(setter, 18, "acm", "[{}]", "REFERENCES")
    return setter


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


def lecture_notes() -> Typesetter:
    """Small page, one column, marks at the authors, run-in abstract, references 1., even heads."""
    setter = start(
        "lecture notes",
        Style(
            LNCS, 44, 44, 64, 50, numbering="1", hyphens=True, caption_size=9,
            headings=(Heading(12), Heading(10), Heading(10, "bold", run_in=".")),
            headers=("Alignment of Parish Registers\t\t{page}", "{page}\t\tRecords and Archives"),
            first_header=" ",
        ),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.title("Alignment of Parish Registers with Weak Supervision", 14)
    (a, b, c) = (" ".join(name) for name in people)
    setter.authors(people, [f"{a}^{{1}}, {b}^{{2}}, and {c}^{{1,2}}"], size=10)
    for text in (
        "^{1} Department of History, University of Évora, Évora, Portugal",
        "^{2} Archive of the Northern Province, Bodø, Norway",
    ):
        setter.block(text, 9, align="centre")
    setter.block("first.author@history.example", 9, "mono", "centre", after=14)
    setter.abstract(setter.prose.paragraph(5), 9, "Abstract.")
    setter.block("Record linkage · Archives · Weak supervision", 9, lead="Keywords:", after=4)
    setter.section("Introduction")
    setter.paragraphs_of(4, 4)
    setter.section("Data")
    setter.paragraphs_of(3, 4)
    table(
        setter,
        "Table 1.",
        "Registers and the share of aligned entries.",
        MODELS,
        TableForm(caption_align="centre"),
    )
    setter.section("Alignment")
    setter.section("Candidate pairs", 2)
    setter.paragraphs_of(3, 4)
    setter.section("Scoring", 2)
    setter.paragraphs_of(2, 4)
    figure(
        setter,
        "Fig. 1.",
        "The three stages of the alignment.",
        FigureForm("diagram", caption_align="centre"),
    )
    setter.section("Results")
    setter.paragraphs_of(4, 4)
    setter.section("Conclusion")
    setter.paragraphs_of(2, 4)
    references(setter, 14, "lncs", "{}.")
    return setter


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
    details = (
        *(
            "OPEN ACCESS",
            f"Citation: {people[0][1]} et al. (2020)",
            "Foraging ranges of urban bees.",
        ),
        *("Open Ecol 15(5): e0233511.", "https://doi.org/10.5555/", "opec.0233511"),
        *("Received: January 9, 2020", "Accepted: May 6, 2020", "Published: May 18, 2020"),
        *(f"Copyright: © 2020 {people[0][1]} et al.", "Funding: none."),
    )
    for place, text in enumerate(details):
        setter.put(40, 330 + 13 * place, text, 7.5, "bold" if place == 0 else "roman")
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


def line_numbered_manuscript() -> Typesetter:
    """Letter, double spacing, numbered lines, tables and figure legends at the end."""
    setter = start(
        "manuscript",
        Style(
            LETTER, 86, 72, 76, 72, size=11.5, leading=1.9, justify=False, line_numbers=True,
            headings=(Heading(12, before=10), Heading(11.5, "italic")),
            headers="Running head: GRAZING AND SEEDLINGS\t\t{page}", indent=30,
        ),
    )  # fmt: skip
    people = setter.prose.people(2)
    setter.title("Grazing pressure and the survival of oak seedlings", 14)
    setter.authors(people, [" and ".join(" ".join(name) for name in people)], size=11.5)
    setter.block("Department of Forestry, University of Cork", 11.5, align="centre")
    setter.new_page()
    setter.block("Abstract", 12, "bold", "left", after=2)
    setter.abstract(setter.prose.paragraph(6), 11.5)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Methods")
    setter.section("Exclosures", 2)
    setter.paragraphs_of(2)
    setter.section("Seedling counts", 2)
    setter.paragraphs_of(2)
    setter.section("Results")
    setter.paragraphs_of(2)
    setter.section("Discussion")
    setter.paragraphs_of(3)
    references(setter, 10, "apa", heading="Literature Cited", hang=30)
    setter.new_page()
    table(
        setter,
        "Table 1.",
        "Seedlings that survived by site.",
        YIELDS,
        TableForm("booktabs", size=10),
    )
    setter.new_page()
    figure(
        setter,
        "Figure 1.",
        "Survival of seedlings in two exclosures.",
        FigureForm("chart", height=200),
    )
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
