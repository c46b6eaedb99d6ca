"""Gaussians over all weights of a network, without their mean: independent, or a Kronecker block for each layer.

Weights are one vector [P], in the order of the network's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lindley.posteriors.state_checks import TensorSpec


@runtime_checkable
class NetworkGaussian(Protocol):
    """A Gaussian without its mean."""

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        """Multiply standard normal noise by a square root of the covariance: deviations from the mean.  [P] -> [P]"""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that `gaussian_from_tensors` requires."""
        ...


@dataclass(frozen=True)
class DiagonalGaussian:
    """Independent weights."""

    deviation: Tensor
    """Standard deviation of each weight, [P]."""

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        return noise * self.deviation

    def tensors(self) -> dict[str, Tensor]:
        return {"deviation": self.deviation}


@dataclass(frozen=True)
class BlockwiseGaussian:
    """A block for each parameter, in order, whose precision is the prior's and the Kronecker product of its factors.

    A factor is (eigenvectors as columns, eigenvalues): one for a bias [out], two for a weight, [out] and [everything
    else].
    """

    factors: list[list[tuple[Tensor, Tensor]]]
    prior_precision: float

    def multiply_covariance_root(self, noise: Tensor) -> Tensor:
        sizes = [_block_size(block) for block in self.factors]
        return torch.cat(
            [self._multiply_block_root(*each) for each in zip(self.factors, noise.split(sizes), strict=True)]
        )

    def _multiply_block_root(self, block: list[tuple[Tensor, Tensor]], noise: Tensor) -> Tensor:
        if len(block) == 1:
            ((vectors, values),) = block
            return vectors @ ((vectors.T @ noise) * (values + self.prior_precision).rsqrt())
        (rows, row_values), (columns, column_values) = block
        turned = rows.T @ noise.view(len(row_values), len(column_values)) @ columns
        turned = turned * (torch.outer(row_values, column_values) + self.prior_precision).rsqrt()
        return (rows @ turned @ columns.T).flatten()

    def tensors(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for index, block in enumerate(self.factors):
            for place, (vectors, values) in enumerate(block):
                found |= {f"{index}.{place}.vectors": vectors, f"{index}.{place}.values": values}
        return found


def gaussian_parts(weights: Sequence[Tensor], *, diagonal: bool) -> dict[str, TensorSpec]:
    """Return the tensors of a Gaussian over these weights: one deviation each, or a block for each parameter."""
    dtype = weights[0].dtype
    if diagonal:
        return {"deviation": TensorSpec(str(sum(value.numel() for value in weights)), dtype, least=0.0)}
    parts = {}
    for index, value in enumerate(weights):
        sizes = [len(value), *([value.numel() // len(value)] if value.dim() > 1 else [])]
        for place, size in enumerate(sizes):
            parts[f"{index}.{place}.vectors"] = TensorSpec(f"{size} {size}", dtype)
            parts[f"{index}.{place}.values"] = TensorSpec(str(size), dtype, least=0.0)
    return parts


def gaussian_from_tensors(tensors: Mapping[str, Tensor], prior_precision: float, device: str) -> NetworkGaussian:
    """Return the Gaussian with these tensors.

    Args:
        tensors: What its `tensors` returned.
        prior_precision: That of every weight.
        device: Where it computes.
    """
    # Copies: tensors from a file lie at other addresses in memory, where products may differ in the last bits.
    on_device = {name: value.to(device, copy=True) for name, value in tensors.items()}
    if "deviation" in on_device:
        return DiagonalGaussian(on_device["deviation"])
    factors: list[list[tuple[Tensor, Tensor]]] = []
    while f"{len(factors)}.0.values" in on_device:
        index = len(factors)
        places = [place for place in (0, 1) if f"{index}.{place}.values" in on_device]
        factors.append([(on_device[f"{index}.{at}.vectors"], on_device[f"{index}.{at}.values"]) for at in places])
    return BlockwiseGaussian(factors, prior_precision)


def _block_size(block: list[tuple[Tensor, Tensor]]) -> int:
    size = 1
    for _, values in block:
        size *= len(values)
    return size
