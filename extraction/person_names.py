"""Words inside the names of people and groups: particles, generational suffixes, group nouns.

The particles that a parser accepts depend on what it reads: the names on a front page, names in
capitals, or the authors of a cited paper. All of them come from the table below.
"""

from __future__ import annotations

import re
from enum import Flag, auto


class Use(Flag):
    """Where a name particle ("van", "de la") is recognized."""

    FRONT = auto()  # in the authors below a title, in lower case
    FRONT_CAPITAL = auto()  # there, capitalized: part of the family name ("Van Dyke")
    RECASED = auto()  # becomes lower case when a name in capitals is rewritten in mixed case
    CITED = auto()  # in the authors of a cited paper, in lower case
    CITED_CAPITAL = auto()  # there, capitalized


_F, _FC, _R, _C, _CC = Use.FRONT, Use.FRONT_CAPITAL, Use.RECASED, Use.CITED, Use.CITED_CAPITAL

_PARTICLES: dict[str, Use] = {
    "van": _F | _FC | _R | _C | _CC,
    "von": _F | _FC | _R | _C | _CC,
    "vom": _C | _CC,
    "de": _F | _FC | _R | _C | _CC,
    "del": _F | _FC | _R | _C | _CC,
    "della": _F | _FC | _C | _CC,
    "dela": _F | _C | _CC,
    "der": _F | _FC | _R | _C | _CC,
    "den": _F | _FC | _R | _C | _CC,
    "di": _F | _FC | _C | _CC,
    "da": _F | _FC | _R | _C | _CC,
    "dos": _F | _FC | _R | _C | _CC,
    "das": _F | _C | _CC,
    "do": _F | _C,
    "du": _F | _FC | _R | _C | _CC,
    "la": _F | _FC | _C | _CC,
    "le": _F | _FC | _C | _CC,
    "los": _F | _C | _CC,
    "el": _F | _FC | _C,
    "al": _F | _FC | _C,
    "ten": _F | _FC | _C | _CC,
    "ter": _F | _FC | _C | _CC,
    "te": _F | _C | _CC,
    "bin": _F | _FC | _C,
    "ibn": _F | _FC | _C,
    "af": _F | _C,
    "zu": _F | _C,
    "zum": _F | _C,
    "zur": _F | _C,
    "y": _F | _C,
    "i": _F | _C,
    "e": _F | _C,
    "'t": _F | _C,
    "d'": _F,
    "des": _F,
    "las": _F,
    "ul": _F,
    "av": _F,
    "of": _F,
    "und": _F,
    "bint": _F,
    "abu": _F,
    "ben": _F,
    "dal": _F,
    "dalla": _F,
    "mac": _FC,
    "mc": _FC,
    "st": _F | _FC,
    "st.": _F | _FC,
    "san": _F | _FC,
    "santa": _F,
}


def _with(use: Use) -> list[str]:
    return [particle for particle, uses in _PARTICLES.items() if use in uses]


# Particles of the authors below a title. The words of the first set also occur between two names.
PARTICLES = frozenset(_with(Use.FRONT))
PARTICLES_IN_NAMES = PARTICLES - {"und", "of"}
# Conjunctions of compound family names ("Ortega y Gasset"): a family name does not begin with one.
CONJUNCTIONS = frozenset({"e", "y", "i"})
CAPITALIZED_PARTICLES = frozenset(particle.capitalize() for particle in _with(Use.FRONT_CAPITAL))
RECASED_PARTICLES = frozenset(_with(Use.RECASED))


def _cited(particle: str) -> str:
    if particle.startswith("'"):
        return "[’']" + particle[1:]
    if Use.CITED_CAPITAL in _PARTICLES[particle]:
        return f"[{particle[0].upper()}{particle[0]}]{particle[1:]}"
    return particle


# A regular expression for one particle in the authors of a cited paper.
CITED_PARTICLE = f"(?:{'|'.join(_cited(particle) for particle in _with(Use.CITED))})"

# "Jr.", "III" behind a name; alternatives of a regular expression.
GENERATIONS = "Jr|Sr|II|III"

# The nouns in the names of groups of authors; alternatives of a regular expression.
COLLABORATION = "Collaborations?|Consortium"
GROUP = (
    f"{COLLABORATION}|Working Group|Study Group|Investigators|Research Group|Group|Team|Network|"
    "Initiative|Task Force|Committee"
)

_GENERATION = re.compile(rf"(?:{GENERATIONS}|IV|junior|senior)\.?", re.IGNORECASE)
_GROUP = re.compile(rf"\b(?:{GROUP}|collaborators)\b", re.IGNORECASE)


def is_generation(word: str) -> bool:
    """True for a generational suffix: "Jr.", "III"."""
    return bool(_GENERATION.fullmatch(word))


def is_group(name: str) -> bool:
    """True for the name of a collaboration or a study group, of two words at least."""
    return bool(_GROUP.search(name)) and len(name.split()) > 1
