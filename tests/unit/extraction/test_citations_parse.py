"""Parsing of entries in the usual styles into authors, year, title, venue and identifiers."""

from __future__ import annotations

import time

import pytest

from extraction.citations.cited_identifiers import find_arxiv_id, find_doi, repaired, without_links
from extraction.citations.cited_names import parse_authors
from extraction.citations.parse import parse_reference

TITLE = "Green synthesis of silver nanoparticles: a review of methods"
STYLES = {
    "vancouver": f"1. Smith JA, de Souza P. {TITLE}. J Plant Sci. 2015;12(3):45–67.",
    "ama": f"1. Smith JA, de Souza P. {TITLE}. J Plant Sci. 2015;12(3):45-67. doi:10.1000/x.1",
    "apa": f"Smith, J. A., & de Souza, P. (2015). {TITLE}. J Plant Sci, 12(3), 45–67.",
    "harvard": f"Smith, J.A., de Souza, P., 2015. {TITLE}. J Plant Sci 12, 45–67.",
    "frontiers": f"Smith, J. A., and de Souza, P. (2015). {TITLE}. J Plant Sci 12, 45–67.",
    "ieee": f"[1] J. A. Smith and P. de Souza, “{TITLE},” J Plant Sci, vol. 12, no. 3, pp. 45–67, "
    "2015.",
    "elsevier": f"[1] J.A. Smith, P. de Souza, {TITLE}, J Plant Sci 12 (2015) 45–67.",
    "ams": f"[1] J. A. Smith and P. de Souza, {TITLE}, J Plant Sci 12 (2015), no. 3, 45–67.",
    "science": f"1. J. A. Smith, P. de Souza, {TITLE}. J Plant Sci 12, 45–67 (2015).",
    "acm": f"[1] John A. Smith and Paula de Souza. 2015. {TITLE}. J Plant Sci 12, 3, 45–67.",
    "acl": f"John A. Smith and Paula de Souza. 2015. {TITLE}. J Plant Sci, 12(3):45–67.",
    "plain": f"[1] John A. Smith and Paula de Souza. {TITLE}. J Plant Sci, 12(3):45–67, 2015.",
    "alpha": f"[SdS15] John A. Smith and Paula de Souza. {TITLE}. J Plant Sci, 12:45–67, 2015.",
    "springer": f"1. Smith, J.A., de Souza, P.: {TITLE}. J Plant Sci 12(3), 45–67 (2015)",
    "springer basic": f"Smith JA, de Souza P (2015) {TITLE}. J Plant Sci 12:45–67",
    "nature": f"1. Smith, J. A. & de Souza, P. {TITLE}. J Plant Sci 12, 45–67 (2015).",
    "mdpi": f"1. Smith, J.A.; de Souza, P. {TITLE}. J Plant Sci 2015, 12, 45–67. [CrossRef]",
    "chicago": f"Smith, John A., and Paula de Souza. 2015. “{TITLE}.” J Plant Sci 12 (3): 45–67.",
    "mla": f"Smith, John A., and Paula de Souza. “{TITLE}.” J Plant Sci, vol. 12, no. 3, 2015, "
    "pp. 45–67.",
    "copernicus": f"Smith, J. A. and de Souza, P.: {TITLE}, J Plant Sci, 12, 45–67, 2015.",
}


@pytest.mark.parametrize("style", STYLES)
def test_citation_parser_splits_all_styles(style: str) -> None:
    found = parse_reference(3, STYLES[style], 7)
    assert (found.ordinal, found.raw, found.page) == (3, STYLES[style], 7)
    assert found.title == TITLE
    assert found.year == 2015
    assert [one.family for one in found.authors] == ["Smith", "de Souza"]
    assert [(one.given or "")[0] for one in found.authors] == ["J", "P"]
    assert found.venue == "J Plant Sci"


@pytest.mark.parametrize(
    ("raw", "title", "venue", "year"),
    [
        ("A. Becke, J. Chem. Phys. 98, 5648 (1993).", None, "J. Chem. Phys", 1993),
        (
            "Becke, A. D.; Gill, P. J. Am. Chem. Soc. 2010, 132, 1–9.",
            None,
            "J. Am. Chem. Soc",
            2010,
        ),
        (
            "Paul AE. Is it a pandemic? Can J Dis. 2008;20:e35.",
            "Is it a pandemic?",
            "Can J Dis",
            2008,
        ),
        (
            "Becke, A. D. (1993). Density-functional thermochemistry. III. The role of exact "
            "exchange. The Journal of Chemical Physics, 98(7), 5648.",
            "Density-functional thermochemistry. III. The role of exact exchange",
            "The Journal of Chemical Physics",
            1993,
        ),
        (
            "Labra, M. et al. Oil of Ocimum basilicum L. cultivars in E. coli. Plant Sci. 167, 725 "
            "(2004).",
            "Oil of Ocimum basilicum L. cultivars in E. coli",
            "Plant Sci",
            2004,
        ),
        (
            "Makarov, V. V. et al. “Green” nanotechnologies of plants. Acta Naturae 6, 35 (2014).",
            "“Green” nanotechnologies of plants",
            "Acta Naturae",
            2014,
        ),
        (
            "A. Vaswani, N. Shazeer, Attention is all you need, in: Advances in Neural Information "
            "Processing Systems, 2017, pp. 5998–6008.",
            "Attention is all you need",
            "Advances in Neural Information Processing Systems",
            2017,
        ),
        (
            "Robert CP, Casella G. The algorithm of old. In: Brown A, Green M, editors. "
            "Monte Carlo methods. New York: Springer; 2004. p. 267–320.",
            "The algorithm of old",
            "Monte Carlo methods",
            2004,
        ),
        (
            "Chacon, S., & Straub, B. (2014). Pro Git for everybody (2nd ed.). Apress.",
            "Pro Git for everybody",
            None,
            2014,
        ),
        (
            "P. Tan, M. Steinbach, Introduction to data mining, Pearson, Boston, 2017.",
            "Introduction to data mining",
            None,
            2017,
        ),
        (
            "Filot, I. A. W. (2025b). PyQInt documentation. https://ifilot.github.io/pyqint",
            "PyQInt documentation",
            None,
            2025,
        ),
        (
            "Соколова А. Сток малых рек // Вестник гидрологии. 2007. Т. 9, № 3. С. 44–58.",
            "Сток малых рек",
            "Вестник гидрологии",
            2007,
        ),
    ],
)
def test_citation_parser_finds_title_venue_and_year(
    raw: str, title: str | None, venue: str | None, year: int | None
) -> None:
    found = parse_reference(0, raw, 1)
    assert (found.title, found.venue, found.year) == (title, venue, year)


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("Lee DH, Song CS. Avian influenza", ["Lee", "Song"]),
        ("Shen, Y. et al. Nanophotonics", ["Shen"]),
        ("Smith, J., K. Jones, and L. Brown. 2010. T", ["Smith", "Jones", "Brown"]),
        ("Vaswani, Ashish, Noam Shazeer, Niki Parmar, et al. 2017. “A", ["Vaswani", "Shazeer"]),
        ("Gowers, Richard J., Linke, Max, & Beckstein, Oliver. (2016). M", ["Gowers", "Linke"]),
        ("de Souza Barbosa T, Gavião MBD. Gingivitis", ["de Souza Barbosa", "Gavião"]),
        ("Perez, E. C. de, Furlow, J., & Mason, S. J. (2019). O", ["Perez", "Furlow", "Mason"]),
        ("Bates, R., Adams, P., … Yutani, H. (2019). W", ["Bates", "Adams", "Yutani"]),
        ("Rubin, V. C., Ford, Jr., W. K., & Thonnard, N. (1978). E", ["Rubin", "Ford", "Thonnard"]),
        ("Horn T, Has̈er A, Jur̈ges G. Bamboo tea", ["Horn", "Has̈er", "Jur̈ges"]),
        ("Hu YC, Zhang Q, Sodmergen. Occurrence", ["Hu", "Zhang", None]),
        ("G. Aad et al. (ATLAS Collaboration), Phys. Rev. 1", ["Aad", None]),
        ("Smith, J. C. elegans in its soil. Nature 1, 2", ["Smith"]),
        ("J.-P. O’Brien, L. D’Souza, Title", ["O’Brien", "D’Souza"]),
        ("Brito, L. e Costa, M. (2007). C", ["Brito", "Costa"]),
        ("Rossi, L., Bianchi, M., e Verdi, P. (2007). C", ["Rossi", "Bianchi", "Verdi"]),
        ("García López, A. e Ibáñez, B. (2007). S", ["García López", "Ibáñez"]),
        ("Larsen, K. og Nielsen, P. (2007). J", ["Larsen", "Nielsen"]),
        ("Larsson, K. och Nilsson, P. (2007). J", ["Larsson", "Nilsson"]),
        ("de Vries, K. en Jansen, P. (2007). B", ["de Vries", "Jansen"]),
        ("Nowak J. i Kowalski P. Gleby w sadach. C", ["Nowak", "Kowalski"]),
        ("Novák, J. a Dvořák, P. (2007). G", ["Novák", "Dvořák"]),
        ("Yılmaz, A. ve Demir, B. (2007). M", ["Yılmaz", "Demir"]),
        ("Соколова А. и Лебедев И. Сток рек // В", ["Соколова", "Лебедев"]),
        ("Maria Rossi e Luca Bianchi. 2007. I", ["Rossi", "Bianchi"]),
        ("Eva Holm, Ian Alder, Paul B Moss, and Will Kerr. D", ["Holm", "Alder", "Moss", "Kerr"]),
        ("J. Mareš, R. Alt, and J. Y. Yu. Signs and sounds in", ["Mareš", "Alt", "Yu"]),
        ("Nowak J, Kowalski P. Gleby Polski i Czech. C", ["Nowak", "Kowalski"]),
        ("A. Berg, Ann. Phys. (Leipzig) 17, 891 (1905).", ["Berg"]),
        ("Berg A. US Patent No. 4,567. Washington", ["Berg"]),
    ],
)
def test_citation_parser_reads_author_lists(text: str, families: list[str | None]) -> None:
    taken = parse_authors(text)
    assert taken is not None
    found = [one.family for one in taken.authors]
    assert found[: len(families)] == families
    assert all(one.name for one in taken.authors)


@pytest.mark.parametrize(
    "text", ["World Health Organization. Report", "A study of plants in spring. Nature 1", "", "12"]
)
def test_citation_parser_rejects_text_that_is_no_author_list(text: str) -> None:
    assert parse_authors(text) is None


@pytest.mark.parametrize(
    ("raw", "author", "title"),
    [
        ("R Core Team. (2020). R: A language for statistics. R Foundation.", "R Core Team", "R: A"),
        ("[8] EFSA, “Scientific opinion on manganese,” EFSA Journal, vol. 11, 2013.", "EFSA", "Sc"),
        ("3. European Commission. Regulation of novel foods. 1997.", "European Commission", "Reg"),
    ],
)
def test_citation_parser_accepts_organisation_as_author(raw: str, author: str, title: str) -> None:
    found = parse_reference(0, raw, 1)
    assert [(one.name, one.family) for one in found.authors] == [(author, None)]
    assert (found.title or "").startswith(title)


@pytest.mark.parametrize(
    "raw",
    [
        "J. Smith, private communication.",
        "Smith J, Jones K. Personal communication. 2004.",
        "Smith A. U.S. Patent No. 4,567,890. Washington, DC: U.S. Patent Office, 1999.",
        "A. Smith, Phys. Rev. B 12, 345 (1999)",
        "A. Smith, Ann. Phys. (Leipzig) 17, 891 (1905).",
        "P. Higgs, Phys. Lett. 12, 132 (1964); Phys. Rev. Lett. 13, 508 (1964).",
        "J. Smith, PhD thesis, Leiden University, 2013.",
        "https://example.org/a/page",
        "[10–12]",
        "",
        "12",
        "Glick, B. R., R., et al. (2012). Two entries, mixed, A. (2007). in one.",
    ],
)
def test_citation_parser_does_not_guess_title(raw: str) -> None:
    assert parse_reference(0, raw, 1).title is None


def test_citation_parser_year_is_not_page_volume_or_access_date() -> None:
    raw = "[1] A. Smith, “On plants and their roots,” Nature, pp. 1995–2010. Accessed 4 June 2018."
    assert parse_reference(0, raw, 1).year is None
    raw = "1. Genco RJ. Risk factors for the disease. Periodontol 2000 2013; 62: 59-94."
    assert parse_reference(0, raw, 1).year == 2013


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("doi: 10.1000/XYZ.1.", "10.1000/xyz.1"),
        ("https://doi.org/10.1016/0167-2789(83)90112-4.", "10.1016/0167-2789(83)90112-4"),
        ("(doi:10.1000/abc)", "10.1000/abc"),
        ("10.1000/1[CrossRef]", "10.1000/1"),
        ("https: //doi.org/10. 3847/1538-4357/ac8e04", "10.3847/1538-4357/ac8e04"),
        ("doi: 10.1016/j.envexpbot.2005. 06.006", "10.1016/j.envexpbot.2005.06.006"),
        ("https://doi.org/10.1007/s0025 3-012-4641-8.", "10.1007/s00253-012-4641-8"),
        ("doi:10.1000/abc 2010.", "10.1000/abc"),
        ("10.5 of them", None),
        ("10.1000/", None),
    ],
)
def test_find_doi_repairs_broken_doi(text: str, doi: str | None) -> None:
    assert find_doi(repaired(text)) == doi


@pytest.mark.parametrize(
    ("text", "arxiv_id"),
    [
        ("arXiv preprint arXiv:1706.03762v5 (2017)", "1706.03762"),
        ("CoRR, abs/1810.04805, 2018", "1810.04805"),
        ("https://arxiv.org/abs/hep-th/9901001", "hep-th/9901001"),
        ("doi:10.48550/arXiv.2101.00001", "2101.00001"),
        ("Phys. Rev. 1706.03762", None),
    ],
)
def test_find_arxiv_id_drops_version(text: str, arxiv_id: str | None) -> None:
    assert find_arxiv_id(text) == arxiv_id


def test_without_links_removes_links_and_notes() -> None:
    text = "A title. J. 2010. Available online: http://a.b/c (accessed on 4 June 2018). [PubMed]"
    assert without_links(text).rstrip(" .") == "A title. J. 2010"


@pytest.mark.parametrize(
    "raw",
    [
        "A, " * 5000,
        "(" * 4000,
        "Smith J, " * 3000,
        "“" * 4000,
        "a. A. " * 3000,
        "1 " * 4000,
        "Aa-" * 3000,
        "10.1000/" + "(" * 3000,
        "X. " * 3000,
        "Aa Bb " * 2000 + ".",
    ],
)
def test_citation_parser_hostile_entry_takes_bounded_time(raw: str) -> None:
    began = time.process_time()
    parse_reference(0, raw, 1)
    assert time.process_time() - began < 2
