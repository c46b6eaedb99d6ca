"""How acquisitions are named and drawn in every table and figure. No matplotlib here, so that words cost nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lindley.acquisition.specs import ACQUISITIONS, STOCHASTIC
from lindley.measures.catalogue import BITS

NATS_TO_BITS = BITS.scale


@dataclass(frozen=True)
class Look:
    """How one acquisition is drawn everywhere."""

    title: str
    colour: str
    marker: str
    line: str | tuple[int, tuple[float | int, ...]]


def _in_a_sentence(title: str) -> str:
    """Return a title as it stands within a sentence: names keep their capitals."""
    first = title.split()[0]
    return title if first[1:] != first[1:].lower() else title[0].lower() + title[1:]


# The colours are those of Okabe and Ito (2008).
LOOKS: dict[str, Look] = {
    "random": Look("random", "#5f6670", "o", (0, (1.2, 1.2))),
    "margin": Look("margin", "#0072B2", "s", "-"),
    "entropy": Look("entropy", "#E69F00", "^", (0, (5, 1.5))),
    "bald": Look("BALD", "#D55E00", "D", "-"),
    "batchbald": Look("BatchBALD", "#009E73", "v", (0, (6, 1.5, 1.2, 1.5))),
    "batchbald-logdet": Look("BatchBALD-logdet", "#882255", "*", (0, (1, 1, 4, 1))),
    "least-confidence": Look("least confidence", "#56B4E9", "P", (0, (3, 1))),
    "variation-ratios": Look("variation ratios", "#CC79A7", "X", "-"),
    "mean-std": Look("mean STD", "#8C6D1F", "h", (0, (2, 1))),
    "power-bald": Look("power BALD", "#332288", "p", (0, (4, 1, 1, 1))),
}
_TITLES = {
    name: _in_a_sentence(spec.title) for name, spec in ACQUISITIONS.items() if not spec.stochastic and name not in LOOKS
}
"""Of the other methods of the catalogue that are no stochastic batch of a score."""
_KINDS = tuple(STOCHASTIC)
_OTHERS = ("#882255", "#44AA99", "#999933", "#AA4499", "#117733", "#88CCEE", "#661100", "#6699CC", "#DDCC77")
_MARKERS = ("s", "<", ">", "d", "H", "8", "P")
_LINES: tuple[str | tuple[int, tuple[float | int, ...]], ...] = (
    (0, (4, 1, 1, 1)),
    "-",
    (0, (5, 1.5)),
    (0, (2, 1)),
    (0, (6, 1.5, 1.2, 1.5)),
)


def look(acquisition: str) -> Look:
    """The look of an acquisition, the same in every figure.

    Those of the catalogue have each their own; a user's own gets one by its name.
    """
    name = acquisition.replace("_", "-")
    if (known := LOOKS.get(name)) is not None:
        return known
    bases = (*_TITLES, *LOOKS)
    if name in _TITLES:
        return _other(bases.index(name), _TITLES[name])
    kind, _, base = name.partition("-")
    if kind in _KINDS and base in bases:
        title = _TITLES[base] if base in _TITLES else LOOKS[base].title
        place = len(bases) * (1 + _KINDS.index(kind)) + bases.index(base)
        return _other(place, f"{kind} {title}")
    return _other(int.from_bytes(hashlib.blake2b(acquisition.encode(), digest_size=8).digest(), "little"), acquisition)


def _other(place: int, title: str) -> Look:
    """The lengths have no common factor, so that 315 places in a row look each different."""
    return Look(title, _OTHERS[place % len(_OTHERS)], _MARKERS[place % len(_MARKERS)], _LINES[place % len(_LINES)])
