"""How acquisitions are named and drawn in every table and figure. No matplotlib here, so that words cost nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

NATS_TO_BITS = 1 / math.log(2)


@dataclass(frozen=True)
class Look:
    """How one acquisition is drawn everywhere."""

    title: str
    colour: str
    marker: str
    line: str | tuple[int, tuple[float | int, ...]]


# The colours are those of Okabe and Ito (2008).
LOOKS: dict[str, Look] = {
    "random": Look("random", "#5f6670", "o", (0, (1.2, 1.2))),
    "margin": Look("margin", "#0072B2", "s", "-"),
    "entropy": Look("entropy", "#E69F00", "^", (0, (5, 1.5))),
    "bald": Look("BALD", "#D55E00", "D", "-"),
    "batchbald": Look("BatchBALD", "#009E73", "v", (0, (6, 1.5, 1.2, 1.5))),
    "least-confidence": Look("least confidence", "#56B4E9", "P", (0, (3, 1))),
    "variation-ratios": Look("variation ratios", "#CC79A7", "X", "-"),
    "mean-std": Look("mean STD", "#8C6D1F", "h", (0, (2, 1))),
    "power-bald": Look("power BALD", "#332288", "p", (0, (4, 1, 1, 1))),
}
_OTHERS = ("#332288", "#882255", "#44AA99", "#999933")


def look(acquisition: str) -> Look:
    """The look of an acquisition; a user's own gets one by its name, the same in every figure."""
    if (known := LOOKS.get(acquisition.replace("_", "-"))) is not None:
        return known
    place = sum(acquisition.encode()) % len(_OTHERS)
    return Look(acquisition, _OTHERS[place], "*", (0, (4, 1, 1, 1)))
