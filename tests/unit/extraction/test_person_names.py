"""The table of name particles, and the names of groups."""

from __future__ import annotations

import re

import pytest

from extraction.person_names import (
    CAPITALIZED_PARTICLES,
    CITED_PARTICLE,
    PARTICLES,
    PARTICLES_IN_NAMES,
    RECASED_PARTICLES,
    is_generation,
    is_group,
)


def test_name_particles_are_lower_case_and_recased_ones_are_a_subset() -> None:
    assert all(particle == particle.lower() for particle in PARTICLES)
    assert RECASED_PARTICLES < PARTICLES_IN_NAMES < PARTICLES


def test_conjunctions_between_names_are_no_particles_inside_a_name() -> None:
    assert {"und", "of"} == PARTICLES - PARTICLES_IN_NAMES


@pytest.mark.parametrize(
    ("particle", "is_cited"),
    [("van", True), ("Van", True), ("’t", True), ("'t", True), ("El", False), ("dalla", False)],
)
def test_cited_particle_pattern_matches_listed_particles(particle: str, is_cited: bool) -> None:
    assert bool(re.fullmatch(CITED_PARTICLE, particle)) is is_cited


def test_capitalized_particles_include_scottish_and_irish_prefixes() -> None:
    assert {"Van", "De", "Mac", "Mc", "St."} <= CAPITALIZED_PARTICLES
    assert "Des" not in CAPITALIZED_PARTICLES


def test_generation_suffix_is_recognized_in_any_case() -> None:
    assert all(map(is_generation, ("Jr.", "jr", "III", "Senior")))
    assert not is_generation("Junker")


def test_group_name_has_two_words_at_least() -> None:
    assert is_group("ATLAS Collaboration")
    assert is_group("The RECOVERY trial group")
    assert not is_group("Collaboration")
    assert not is_group("Jane Doe")
