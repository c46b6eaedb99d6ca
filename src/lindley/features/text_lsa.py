"""Features of text without a trained network: latent semantic analysis, the principal directions of word counts.

Words and pairs of words are counted, damped (1 + log count), weighted by their rarity (TF-IDF), and projected on the
directions in which the pool varies most. In scripts without spaces each character is a word.
Source: Deerwester, Dumais, Furnas, Landauer and Harshman 1990, "Indexing by Latent Semantic Analysis".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version
from lindley.features.state import state_array
from lindley.seeds import derive_seed
from lindley.value_checks import check_whole_number

_MARKS = "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0df3"
"""Marks that belong to words but are no letters to `re`: accents, and vowels of Hebrew, Arabic and Indian scripts."""
_WITHOUT_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
_WORDS = rf"[{_WITHOUT_SPACES}]|(?:(?![{_WITHOUT_SPACES}])[\w{_MARKS}]){{2,}}"
_FEW_TEXTS = 100
"""Below this number of texts a word counts that occurs in one of them; else it must occur in two."""
_LEAST_SHARE = 1e-5
"""Directions of less than this share of the largest singular value are noise of rounding."""


@dataclass(frozen=True)
class LSA:
    """Learns the principal directions of word counts; features have length 1, or 0 for a text without known words."""

    num_components: int = 200
    """The largest number of directions, D; there are fewer where texts or words are fewer."""
    max_terms: int = 50_000
    """The largest number of words and pairs, the most frequent ones."""
    fit_rows: int = 20_000
    """The largest number of texts from which it learns."""
    seed: int = 0

    kind: ClassVar[Kind] = "text"
    block_rows: ClassVar[int] = 5_000

    def __post_init__(self) -> None:
        for name in ("num_components", "max_terms", "fit_rows"):
            check_whole_number(name, getattr(self, name), least=1)

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version("lsa", asdict(self), revision=1, packages=("numpy", "scikit-learn", "scipy"))

    def fit(self, contents: Contents) -> LearntState:
        """Learn words, their rarity and the directions. Raises InputError where the texts hold no word."""
        texts = check_texts(contents)
        vectorizer = _vectorizer(max_features=self.max_terms, min_df=1 if len(texts) < _FEW_TEXTS else 2)
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:  # no word is left
            vectorizer = _vectorizer(max_features=self.max_terms, min_df=1)
            counts = _fit_all_words(vectorizer, texts)
        terms = vectorizer.get_feature_names_out().tolist()
        return LearntState({"idf": vectorizer.idf_, "directions": self._directions(counts)}, {"terms": terms})

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        terms: Any = state.settings.get("terms")
        if not (isinstance(terms, list) and terms and all(isinstance(each, str) for each in terms)):
            raise InputError(argument="the terms of the state", expected="a list of words", got=type(terms).__name__)
        directions = state_array(state, "directions", (None, len(terms)))  # [D, V]
        vectorizer = _vectorizer(vocabulary={term: place for place, term in enumerate(terms)})
        vectorizer.idf_ = state_array(state, "idf", (len(terms),)).astype(np.float64)

        def transform(contents: Contents) -> np.ndarray:
            return normalise_rows(vectorizer.transform(check_texts(contents)) @ directions.T)

        return transform

    def _directions(self, counts: Any) -> np.ndarray:
        """Return the principal directions of the counts.  [n, V] -> [D, V] float32"""
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits

        num_components, seed = min(self.num_components, *counts.shape), derive_seed(self.seed, "LSA") % 2**32
        with threadpool_limits(1):  # sums in one order, whatever the number of cores
            _, widths, directions = randomized_svd(counts, num_components, n_iter=5, random_state=seed)
        kept: np.ndarray = directions[widths > _LEAST_SHARE * widths.max()]
        return kept.astype(np.float32)


def check_texts(contents: Contents) -> list[str]:
    """Return the texts, in one spelling of each character. Raises InputError for what is no text."""
    wrong = [row for row, each in enumerate(contents) if not isinstance(each, str)]
    if wrong:
        raise InputError(argument="contents", expected="text", got=type(contents[wrong[0]]).__name__, rows=wrong)
    return [unicodedata.normalize("NFKC", each) for each in contents]


def normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1 in float32; a vector of zeros stays.  [n, D] -> [n, D]"""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalised: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return normalised.astype(np.float32)


def _vectorizer(**options: Any) -> Any:
    # scikit-learn takes a second to import, so it is imported when it is needed.
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=_WORDS, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float64, **options)


def _fit_all_words(vectorizer: Any, texts: Sequence[str]) -> Any:
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:
        raise InputError(
            "Choose another column, or other features.",
            argument="contents",
            expected="texts with at least one word of two letters",
            got=f"{len(texts)} texts without any",
        ) from None
