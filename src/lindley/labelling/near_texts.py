"""Texts that are nearly the same, in linear time: normal forms, and sketches of their sequences of words.

A sketch has for each of 128 hash functions the smallest value over all sequences of three words. The share of equal
values estimates the share of sequences in common (Broder 1997). Texts whose sketches agree in one of 16 bands are
compared, each with the first of its band, so that the time does not grow with the square of the number of texts.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from lindley.seeds import numpy_generator

MIN_WORDS = 20
"""Shorter texts are near-duplicates only where they are equal in normal form: one word makes another question."""
THRESHOLD = 0.85
"""The share of sequences in common from which two texts are near-duplicates: one word in 35 is another one."""
_MAX_WORDS = 300
"""Of longer texts, the first words are compared."""
_HASHES, _BANDS, _SHINGLE = 128, 16, 3
_PART = 50_000
_PAIRS = 20_000
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Characters that are written without blanks between words; each counts as one."""
_WORD = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])\w)+")
_ASCII_WORD = re.compile(r"[a-z0-9_]+")


def normal_form(text: str) -> list[str]:
    """Return the words of a text without case, punctuation, white space and differences of Unicode form."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


def text_pairs(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return a key of each text's normal form, [N], and pairs of texts that are near-duplicates, [E, 2]."""
    keys: list[int] = []
    items: dict[int, int] = {}
    sketches: list[np.ndarray] = []
    part: list[np.ndarray] = []
    size = 0
    for item, text in enumerate(texts):
        words = normal_form(text)
        keys.append(_key(" ".join(words) or text))
        if len(words) < MIN_WORDS or keys[-1] in items:
            continue
        items[keys[-1]] = item
        part.append(_shingles(words[:_MAX_WORDS]))
        size += len(part[-1])
        if size > _PART:
            sketches.append(_sketch(part))
            part, size = [], 0
    if part:
        sketches.append(_sketch(part))
    if not sketches:
        return np.array(keys, np.int64), np.empty((0, 2), np.int64)
    order = np.argsort(np.array(list(items), np.int64))  # by content: the first of a band is the same in any order
    pairs = _find_near_pairs(np.concatenate(sketches)[order])
    return np.array(keys, np.int64), np.array(list(items.values()), np.int64)[order][pairs]


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def _shingles(words: list[str]) -> np.ndarray:
    """Return hashes of all sequences of three words, with two marks before the first and after the last word."""
    codes = np.array([1, 1, *(zlib.crc32(word.encode()) for word in words), 2, 2], np.uint64)
    mixed = codes[:-2] * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ codes[1:-1]) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ codes[2:]) * np.uint64(0x94D049BB133111EB)
    hashes: np.ndarray = (mixed >> np.uint64(32)).astype(np.uint32)
    return hashes


def _sketch(parts: list[np.ndarray]) -> np.ndarray:
    """Return the smallest value of each hash function over each text's sequences.  [n, 128]"""
    hashes = np.concatenate(parts)
    starts = np.cumsum([0, *(len(each) for each in parts[:-1])])
    sketch = np.empty((len(parts), _HASHES), np.uint32)
    for place, (factor, offset) in enumerate(_coefficients()):
        sketch[:, place] = np.minimum.reduceat(hashes * factor + offset, starts)
    return sketch


def _coefficients() -> Iterator[tuple[np.uint32, np.uint32]]:
    drawn = numpy_generator(0, "sketches of texts").integers(0, 1 << 32, (_HASHES, 2), dtype=np.uint32)
    for factor, offset in drawn:
        yield factor | np.uint32(1), offset


def _find_near_pairs(sketches: np.ndarray) -> np.ndarray:
    """Return pairs of sketches that agree in a band, and in enough of all values.  [n, 128] -> [E, 2]"""
    found = [np.empty((0, 2), np.int64)]
    for band in np.split(sketches, _BANDS, axis=1):
        rows = np.ascontiguousarray(band)
        _, first, inverse = np.unique(
            rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel(),
            return_index=True,
            return_inverse=True,
        )
        pairs = np.stack([first[inverse], np.arange(len(rows))], 1)
        found.append(pairs[pairs[:, 0] != pairs[:, 1]])
    pairs = np.unique(np.concatenate(found), axis=0)
    near = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), _PAIRS):
        some = pairs[start : start + _PAIRS]
        near.append(some[(sketches[some[:, 0]] == sketches[some[:, 1]]).mean(1) >= THRESHOLD])
    return np.concatenate(near)
