"""What several layouts share: rows of tables, and bibliographies."""

from __future__ import annotations

from tests.quality.prose import CITATION_STYLES, Prose, alpha_labels
from tests.quality.style import Style
from tests.quality.truth import TrueReference
from tests.quality.typeset import Typesetter

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
