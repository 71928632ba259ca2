"""The language of a paper: from all of its text, and only if that is sure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.papers import Paper
from extraction.metadata.language import find_language
from tests.pdf_builder.canvas import BOLD
from tests.pdf_builder.front_pages import FrontPage

TEXTS = {
    "en": (
        "The results show that the treatment was effective in all of the cases which "
        "were studied here. We therefore conclude that further work on the method is "
        "needed before it can be used in practice."
    ),
    "de": (
        "Die Ergebnisse zeigen, dass die Behandlung wirksam war und nicht schadete. Wir"
        " schließen daraus, dass weitere Arbeiten an dem Verfahren nötig sind, bevor es"
        " in der Praxis angewendet werden kann."
    ),
    "fr": (
        "Les résultats montrent que le traitement était efficace dans tous les cas "
        "étudiés ici. Nous concluons que d'autres travaux sur la méthode sont "
        "nécessaires avant son utilisation en pratique."
    ),
    "es": (
        "Los resultados muestran que el tratamiento fue eficaz en todos los casos. "
        "Concluimos que se necesitan más trabajos sobre el método antes de que pueda "
        "utilizarse en la práctica."
    ),
    "pt": (
        "Os resultados mostram que o tratamento foi eficaz em todos os casos. "
        "Concluímos que são necessários mais trabalhos sobre o método antes que ele "
        "possa ser utilizado na prática."
    ),
    "it": (
        "I risultati mostrano che il trattamento è stato efficace in tutti i casi. "
        "Concludiamo che sono necessari ulteriori lavori sul metodo prima che possa "
        "essere utilizzato nella pratica."
    ),
    "nl": (
        "De resultaten tonen aan dat de behandeling in alle gevallen effectief was. Wij"
        " concluderen dat verder werk aan de methode nodig is voordat deze in de "
        "praktijk kan worden gebruikt."
    ),
    "sv": (
        "Resultaten visar att behandlingen var effektiv i alla fall. Vi drar slutsatsen"
        " att ytterligare arbete med metoden behövs innan den kan användas i praktiken."
    ),
    "da": (
        "I denne artikel præsenterer vi resultaterne af en undersøgelse af "
        "vandkvaliteten i små åer i nord. Prøverne blev indsamlet gennem to år ved ti "
        "målestationer, og de blev analyseret i laboratoriet efter gældende standarder."
    ),
    "no": (
        "I denne artikkelen presenterer vi resultatene av en undersøkelse av "
        "vannkvaliteten i små elver i nord. Prøvene ble samlet inn gjennom to år ved ti"
        " målestasjoner, og de ble analysert i laboratoriet etter gjeldende standarder."
    ),
    "fi": (
        "Tulokset osoittavat, että hoito oli tehokas kaikissa tapauksissa. Päättelemme,"
        " että menetelmää on kehitettävä edelleen, ennen kuin sitä voidaan käyttää "
        "käytännössä."
    ),
    "pl": (
        "Wyniki pokazują, że leczenie było skuteczne we wszystkich przypadkach. "
        "Wnioskujemy, że potrzebne są dalsze prace nad metodą, zanim będzie można ją "
        "stosować w praktyce."
    ),
    "cs": (
        "Výsledky ukazují, že léčba byla účinná ve všech případech. Docházíme k závěru,"
        " že je zapotřebí další práce na metodě, než bude možné ji používat v praxi."
    ),
    "hu": (
        "Az eredmények azt mutatják, hogy a kezelés minden esetben hatékony volt. "
        "Megállapítjuk, hogy a módszer további fejlesztésére van szükség, mielőtt a "
        "gyakorlatban alkalmazható lenne."
    ),
    "ro": (
        "Rezultatele arată că tratamentul a fost eficient în toate cazurile. "
        "Concluzionăm că sunt necesare lucrări suplimentare asupra metodei înainte de a"
        " putea fi utilizată în practică."
    ),
    "tr": (
        "Sonuçlar, tedavinin tüm vakalarda etkili olduğunu göstermektedir. Yöntemin "
        "uygulamada kullanılabilmesi için daha fazla çalışmaya ihtiyaç olduğu sonucuna "
        "varıyoruz."
    ),
    "hr": (
        "Uzorci su prikupljeni tijekom dvije godine na deset mjernih postaja. Rezultati"
        " pokazuju da se koncentracija nitrata povećava nizvodno od poljoprivrednih "
        "površina, dok je u šumovitim područjima ostala niska."
    ),
    "sk": (
        "Výsledky ukazujú, že liečba bola účinná vo všetkých prípadoch. Dospeli sme k "
        "záveru, že je potrebná ďalšia práca na metóde, kým ju bude možné používať v "
        "praxi."
    ),
    "id": (
        "Hasil penelitian menunjukkan bahwa pengobatan tersebut efektif dalam semua "
        "kasus. Kami menyimpulkan bahwa diperlukan penelitian lebih lanjut tentang "
        "metode ini sebelum dapat digunakan dalam praktik."
    ),
    "ru": (
        "Результаты показывают, что лечение было эффективным во всех случаях. Мы "
        "приходим к выводу, что необходима дальнейшая работа над методом, прежде чем "
        "его можно будет использовать на практике."
    ),
    "uk": (
        "Результати показують, що лікування було ефективним у всіх випадках. Ми дійшли "
        "висновку, що потрібна подальша робота над методом, перш ніж його можна буде "
        "використовувати на практиці."
    ),
    "el": (
        "Τα αποτελέσματα δείχνουν ότι η θεραπεία ήταν αποτελεσματική σε όλες τις "
        "περιπτώσεις. Συμπεραίνουμε ότι απαιτείται περαιτέρω εργασία για τη μέθοδο."
    ),
    "zh": (
        "本文研究了罗勒叶提取物对大鼠血脂的影响，结果表明提取物能显著降低血脂水平"
        "。我们认为在实际应用之前还需要进一步的研究工作。"
    ),
    "ja": (
        "本研究では、すべての症例において治療が有効であることが示された。実際に使"
        "用する前に、方法についてさらに研究が必要であると結論した。"
    ),
    "ko": (
        "연구 결과 모든 사례에서 치료가 효과적인 것으로 나타났다. 실제로"
        " 사용하기 전에 방법에 대한 추가 연구가 필요하다고 결론지었다."
    ),
    "ar": (
        "تظهر النتائج أن العلاج كان فعالا في جميع الحالات. ونستنتج أن هناك حاجة إلى "
        "مزيد من العمل على الطريقة قبل أن يمكن استخدامها في الممارسة العملية."
    ),
}
NAMES = (
    "Ernst Anders, Carla Mott, Verena Ochsner, Hans Meier, João Simões, Inês Magalhães, Ada Frei"
)


@pytest.mark.parametrize("code, text", TEXTS.items())
def test_language_of_text_is_found_with_evidence(code: str, text: str) -> None:
    found = find_language([text])
    assert found is not None
    assert found[0] == code
    assert 0.8 <= found[1].confidence < 1


@pytest.mark.parametrize("code, text", TEXTS.items())
def test_language_ignores_a_beginning_in_another_language(code: str, text: str) -> None:
    other = TEXTS["it" if code == "en" else "en"]
    found = find_language([other[:90], *[text] * 4])
    assert found is not None
    assert found[0] == code


@pytest.mark.parametrize(
    "pieces",
    [
        ["Fig. 1"],
        ["1 2 3 4 5 6 7 8 9 " * 40],
        [NAMES],
        [NAMES.upper(), "H2O CO2 NaCl K2Cr2O7 MnO2 " * 9],
        [TEXTS["pt"], TEXTS["en"]],
        [TEXTS["de"], TEXTS["fr"], TEXTS["de"], TEXTS["fr"]],
        [],
    ],
)
def test_language_needs_enough_text_in_one_language(pieces: list[str]) -> None:
    assert find_language(pieces) is None


def _paper(body: str, title: str, columns: int) -> bytes:
    """A paper whose title and abstract are in English."""
    page = FrontPage()
    page.gap(30)
    page.line(title, 18, BOLD)
    page.line("Jane Doe and John Roe", 11)
    page.gap(16)
    page.line("Abstract", 11, BOLD)
    page.paragraph(TEXTS["en"], 9)
    page.gap()
    top = page.y
    for column in range(columns):
        page.y = top
        while page.y < 640:
            width = 235.0 if columns == 2 else 490.0
            page.paragraph(f"{body} {body}", 10, x=60 + 255 * column, width=width)
            page.gap(8)
    return page.to_pdf()


@pytest.mark.parametrize("code", ["de", "es", "fr", "nl", "pl", "pt", "ru"])
@pytest.mark.parametrize("columns", [1, 2])
def test_paper_with_english_abstract_has_language_of_its_body(
    read: Callable[..., Paper], code: str, columns: int
) -> None:
    metadata = read(_paper(TEXTS[code], "Salt and Snow in the Mountains", columns)).metadata
    assert metadata.language == code
    assert metadata.evidence["language"].confidence > 0.9
