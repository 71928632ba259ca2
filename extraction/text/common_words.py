"""The most frequent words of the languages in Latin letters that most papers are written in."""

_COMMON_WORDS = (
    "the of and in to is for that with are was on by as at from this be or an we "
    "der die das und ist nicht von mit den ein eine zu auf für "
    "le la les des et est du une dans que pour par sur qui "
    "el los las del una con por para se y no "
    "il di che per non della è sono i o os da do em uma um ao não "
    "het een van op te voor w na nie jest się że z ve bir bu için ile "
    "och att som det på en av er til og ja on ei az egy hogy și la este dan yang untuk"
)
COMMON_WORDS = frozenset(_COMMON_WORDS.split())
