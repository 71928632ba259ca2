"""Sentences, names and bibliographies for generated papers: equal for an equal seed.

The sentences are built from parts, so that no two paragraphs of a paper are alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

Parts = tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str]]
Name = tuple[str, str]  # given names, family name

_ENGLISH: Parts = (
    (
        *("The calibrated sensor", "A second field trial", "Each sampled plot", "Our baseline"),
        *("The proposed estimator", "The annotated corpus", "This simplified model"),
        *("The treated group", "Every third reading", "The slower variant", "A larger catchment"),
        *("However, the first survey", "In addition, the control series", "The coarse grid"),
        *("As expected, the warm season", "By contrast, a shallow lake", "The final specification"),
    ),
    (
        *("follows", "confirms", "underestimates", "explains", "reflects", "differs from"),
        *("converges to", "was compared with", "improves on", "is sufficient for", "bounds"),
        *("was derived from", "is consistent with", "amplifies", "offsets"),
    ),
    (
        *("the seasonal drift", "the reference measurement", "the variance of the residuals"),
        *("the earlier survey of the region", "the concentration of nitrate in the upper layer"),
        *("the difference between both instruments", "the effect of the filter on small flows"),
        *("the confidence interval of the coefficient", "the official classification of soils"),
        *("the long-term average", "the efficiency of the first configuration"),
        *("the transmission through the sediment", "the fluctuation of the surface"),
    ),
    (
        *("in most of the plots", "over the whole range of temperatures", "at every station"),
        *("although the difference is small", "when the sample is large enough"),
        *("within the limits of the instrument", "even after the adjustment for age"),
        *("as other authors have reported", "before the onset of winter", "under field conditions"),
        *("without further smoothing", "for the two northern districts", "on the same day"),
    ),
)
_GERMAN: Parts = (
    (
        *("Die geprüfte Messreihe", "Der zweite Versuch", "Jede Probefläche", "Das größere Becken"),
        *("Die vereinfachte Rechnung", "Das übliche Verfahren", "Die ältere Erhebung"),
    ),
    ("bestätigt", "erklärt", "unterschätzt", "übertrifft", "begrenzt", "beschreibt", "ergänzt"),
    (
        *("den jährlichen Verlauf", "die Streuung der Messwerte", "den Einfluss der Düngung"),
        *("die Güte der Vorhersage", "den Zufluss aus dem Oberlauf", "die mittlere Höhe"),
    ),
    (
        *("in fast allen Gebieten", "auch nach der Bereinigung", "unter gleichen Bedingungen"),
        *("über den gesamten Zeitraum", "bei geringem Abfluss", "für beide Landkreise"),
    ),
)
_SPANISH: Parts = (
    (
        *("La serie corregida", "El segundo ensayo", "Cada parcela", "La cuenca más extensa"),
        *("El modelo simplificado", "La encuesta anterior", "El método habitual"),
    ),
    ("confirma", "explica", "subestima", "describe", "supera", "limita", "refleja"),
    (
        *("la variación estacional", "la dispersión de los datos", "el efecto del riego"),
        *("la calidad de la predicción", "el caudal del río", "la duración de la sequía"),
    ),
    (
        *("en casi todas las zonas", "después de la corrección", "en las mismas condiciones"),
        *("durante todo el período", "con pocas excepciones", "según los registros"),
    ),
)
_RUSSIAN: Parts = (
    (
        *("Исправленный ряд", "Второй опыт", "Каждый участок", "Более крупный бассейн"),
        *("Упрощённый расчёт", "Обычный метод", "Прежний обзор"),
    ),
    ("подтверждает", "объясняет", "занижает", "описывает", "превышает", "отражает"),
    (
        *("сезонные колебания", "разброс измерений", "влияние удобрений", "качество прогноза"),
        *("сток из верховьев", "среднюю высоту", "продолжительность засухи"),
    ),
    (
        *("почти во всех районах", "даже после поправки", "в одинаковых условиях"),
        *("за весь период", "при малом расходе воды", "по данным наблюдений"),
    ),
)
_LANGUAGES: Mapping[str, Parts] = {
    "en": _ENGLISH,
    "de": _GERMAN,
    "es": _SPANISH,
    "ru": _RUSSIAN,
}
PEOPLE: tuple[Name, ...] = (
    *(("Amina", "Okafor"), ("Lars", "Eriksen"), ("Mei", "Zhang"), ("Tomás", "Herrera")),
    *(("Ingrid", "Sørensen"), ("Rahul", "Banerjee"), ("Chloé", "Lefèvre"), ("Jan", "de Vries")),
    *(("Keiko", "Yamada"), ("Paweł", "Wiśniewski"), ("Sarah", "Whitfield"), ("Omar", "Haddad")),
    *(("Lucía", "Fernández"), ("Dmitri", "Volkov"), ("Anna", "Müller-Schmidt"), ("Finn", "Byrne")),
    *(("Grace", "Mwangi"), ("Hugo", "Lindqvist"), ("Nadia", "Rossi"), ("Peter", "Novák")),
)
_TITLE_STARTS = ("Seasonal", "Robust", "Spatial", "Long-term", "Efficient", "Comparative", "Sparse")
_TITLE_NOUNS = (
    *("estimation of nitrate", "retrieval of records", "monitoring of lakes", "models of runoff"),
    *("sampling of sediments", "analysis of soils", "prediction of drought"),
)
_TITLE_ENDS = (
    *("in northern catchments", "under limited supervision", "with low-cost sensors"),
    *("across two decades", "from satellite images", "at the scale of a region"),
)
_VENUES = ("Journal of Applied Hydrology", "Annals of Field Methods", "Environmental Letters")


class Prose:
    """Paragraphs, people and bibliographies drawn from one seed."""

    def __init__(self, seed: str, language: str = "en") -> None:
        self.chance = random.Random(seed)
        self.parts = _LANGUAGES[language]

    def sentence(self) -> str:
        return " ".join(self.chance.choice(part) for part in self.parts) + "."

    def paragraph(self, sentences: int = 5) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def people(self, number: int) -> list[Name]:
        return self.chance.sample(PEOPLE, number)

    def entries(self, number: int) -> list[Entry]:
        """Entries with different titles; two of three have a DOI."""
        titles = [
            f"{start} {noun} {end}"
            for start in _TITLE_STARTS
            for noun in _TITLE_NOUNS
            for end in _TITLE_ENDS
        ]
        return [
            self._entry(title, place)
            for place, title in enumerate(self.chance.sample(titles, number), 1)
        ]

    def _entry(self, title: str, place: int) -> Entry:
        volume, first = self.chance.randint(3, 90), self.chance.randint(1, 700)
        return Entry(
            tuple(self.people(self.chance.randint(1, 3))),
            self.chance.randint(1988, 2023),
            title,
            self.chance.choice(_VENUES),
            volume,
            self.chance.randint(1, 12),
            (first, first + self.chance.randint(4, 30)),
            f"10.5555/made.{volume}.{first}{place}" if place % 3 else "",
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A cited work; `pages` are the first and the last, `doi` may be empty."""

    authors: tuple[Name, ...]
    year: int
    title: str
    venue: str
    volume: int
    issue: int
    pages: tuple[int, int]
    doi: str


def initials(given: str, dot: str = ".") -> str:
    return "".join(f"{part[0]}{dot}" for part in given.split())


def listed(names: Sequence[str], last: str = " and ") -> str:
    """ "A", "A and B" or "A, B and C"."""
    return last.join(filter(None, (", ".join(names[:-1]), names[-1])))


def _ieee(e: Entry) -> str:
    names = listed([f"{initials(given)} {family}" for given, family in e.authors])
    doi = f", doi: {e.doi}" if e.doi else ""
    return (
        f"{names}, “{e.title},” {e.venue}, vol. {e.volume}, no. {e.issue}, "
        f"pp. {e.pages[0]}–{e.pages[1]}, {e.year}{doi}."
    )


def _acm(e: Entry) -> str:
    names = listed([f"{given} {family}" for given, family in e.authors])
    doi = f" https://doi.org/{e.doi}" if e.doi else ""
    return (
        f"{names}. {e.year}. {e.title}. {e.venue} {e.volume}, {e.issue} ({e.year}), "
        f"{e.pages[0]}–{e.pages[1]}.{doi}"
    )


def _harvard(e: Entry) -> str:
    names = ", ".join(f"{family}, {initials(given)}" for given, family in e.authors)
    doi = f" https://doi.org/{e.doi}" if e.doi else ""
    return f"{names}, {e.year}. {e.title}. {e.venue} {e.volume}, {e.pages[0]}–{e.pages[1]}.{doi}"


def _vancouver(e: Entry) -> str:
    names = ", ".join(f"{family} {initials(given, '')}" for given, family in e.authors)
    doi = f" doi: {e.doi}" if e.doi else ""
    return (
        f"{names}. {e.title}. {e.venue}. {e.year};{e.volume}({e.issue}):"
        f"{e.pages[0]}-{e.pages[1]}.{doi}"
    )


def _lncs(e: Entry) -> str:
    names = ", ".join(f"{family}, {initials(given)}" for given, family in e.authors)
    doi = f" https://doi.org/{e.doi}" if e.doi else ""
    return (
        f"{names}: {e.title}. {e.venue} {e.volume}({e.issue}), {e.pages[0]}–{e.pages[1]} "
        f"({e.year}).{doi}"
    )


def _apa(e: Entry) -> str:
    names = listed([f"{family}, {initials(given)}" for given, family in e.authors], ", & ")
    doi = f" https://doi.org/{e.doi}" if e.doi else ""
    return (
        f"{names} ({e.year}). {e.title}. {e.venue}, {e.volume}({e.issue}), "
        f"{e.pages[0]}–{e.pages[1]}.{doi}"
    )


def _aps(e: Entry) -> str:
    names = listed([f"{initials(given)} {family}" for given, family in e.authors])
    return f"{names}, {e.title}, {e.venue} {e.volume}, {e.pages[0]} ({e.year})."


def _nature(e: Entry) -> str:
    names = listed([f"{family}, {initials(given)}" for given, family in e.authors], " & ")
    return f"{names} {e.title}. {e.venue} {e.volume}, {e.pages[0]}–{e.pages[1]} ({e.year})."


def _chicago(e: Entry) -> str:
    (given, family), *others = e.authors
    names = [f"{family}, {given}", *(f"{given} {family}" for given, family in others)]
    return (
        f"{listed(names, ', and ')}. “{e.title}.” {e.venue} {e.volume}, no. {e.issue} "
        f"({e.year}): {e.pages[0]}–{e.pages[1]}."
    )


def _plain(e: Entry) -> str:
    names = listed([f"{initials(given)} {family}" for given, family in e.authors])
    return f"{names}. {e.title}. {e.venue}, {e.volume}:{e.pages[0]}–{e.pages[1]}, {e.year}."


def _german(e: Entry) -> str:
    names = "; ".join(f"{family}, {initials(given)}" for given, family in e.authors)
    return f"{names}: {e.title}. In: {e.venue} {e.volume} ({e.year}), S. {e.pages[0]}–{e.pages[1]}."


def _gost(e: Entry) -> str:
    names = ", ".join(f"{family} {initials(given)}" for given, family in e.authors)
    return (
        f"{names} {e.title} // {e.venue}. {e.year}. Vol. {e.volume}, No. {e.issue}. "
        f"P. {e.pages[0]}–{e.pages[1]}."
    )


CITATION_STYLES: Mapping[str, Callable[[Entry], str]] = {
    "ieee": _ieee,
    "acm": _acm,
    "harvard": _harvard,
    "vancouver": _vancouver,
    "lncs": _lncs,
    "apa": _apa,
    "aps": _aps,
    "nature": _nature,
    "chicago": _chicago,
    "plain": _plain,
    "german": _german,
    "gost": _gost,
}


def alpha_labels(entries: Sequence[Entry]) -> Iterator[str]:
    """Labels such as [OEZ19], made different by a counter where two would be equal."""
    numbers = count()
    used = set[str]()
    for entry in entries:
        family = entry.authors[0][1]
        letters = "".join(name[0] for _, name in entry.authors) if entry.authors[1:] else family[:3]
        label = f"[{letters}{entry.year % 100:02}]"
        while label in used:
            label = f"[{letters}{entry.year % 100:02}{'abcdefghij'[next(numbers) % 10]}]"
        used.add(label)
        yield label
