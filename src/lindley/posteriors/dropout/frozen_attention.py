"""Attention with frozen dropout: masks over [heads, query, key] on the attention weights.

torch draws that dropout inside its attention functions, and transformers by torch.nn.functional.dropout, so no layer
can be replaced. nn.MultiheadAttention is computed here step by step. In the attention of transformers the two
functions that drop are intercepted and use frozen masks.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lindley.posteriors.dropout.sites import Site


class FrozenAttention:
    """Replaces the forward of nn.MultiheadAttention; it gives the same values where its mask is all ones."""

    def __init__(self, layer: nn.MultiheadAttention, site: Site) -> None:
        self._layer = layer
        self._site = site

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        layer = self._layer
        if is_causal and attn_mask is None:
            raise RuntimeError("is_causal is a hint about attn_mask, as in torch: give attn_mask too")
        one_sequence = query.dim() == 2
        if one_sequence:
            query, key, value = query[None], key[None], value[None]
            key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
        elif not layer.batch_first:
            query, key, value = (each.transpose(0, 1) for each in (query, key, value))
        q, k, v = _project(layer, query, key, value)  # [n, heads, L, E], [n, heads, S, E] twice
        if is_causal and key_padding_mask is None and not need_weights:
            # Here torch trusts the hint and ignores the mask, which makes a difference for keys that the layer adds.
            attn_mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).triu(1)
        bias = _attention_bias(attn_mask, key_padding_mask, q, k)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # [n, heads, L, S]
        weights = _softmax(scores if bias is None else scores + bias, no_key_is_zero=not need_weights)
        weights = weights * self._site.mask(float(layer.dropout), tuple(weights.shape[1:]), weights)
        output = functional.linear(
            (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2), layer.out_proj.weight, layer.out_proj.bias
        )  # [n, L, D]
        if one_sequence:
            output = output[0]
        elif not layer.batch_first:
            output = output.transpose(0, 1)
        if not need_weights:
            return output, None
        weights = weights.mean(1) if average_attn_weights else weights
        return output, weights[0] if one_sequence else weights


class FrozenTransformersAttention:
    """Replaces the forward of an attention layer of transformers by the same forward with frozen dropout."""

    def __init__(self, layer: nn.Module, site: Site) -> None:
        self._layer = layer
        self._site = site

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        layer, before = self._layer, self._layer.training
        layer.training = True  # otherwise it would pass on a probability of 0; its children stay as they are
        try:
            with _DropoutInterceptor(self._site):
                return type(layer).forward(layer, *args, **kwargs)
        finally:
            layer.training = before


class _DropoutInterceptor(TorchFunctionMode):
    """Computes torch's functions of dropout with a site's masks, and calls all others unchanged."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        if func is functional.dropout:
            return self._dropout(*args, **options)
        if func is functional.scaled_dot_product_attention:
            return self._attention(func, args, options)
        return func(*args, **options)

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0:
            return input
        return input * self._site.mask(float(p), tuple(input.shape[1:]), input)

    def _attention(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Tensor:
        call = _ATTENTION.bind(*args, **kwargs)
        call.apply_defaults()
        query, key, value = (call.arguments[name] for name in ("query", "key", "value"))
        dropout = float(call.arguments["dropout_p"])
        if dropout == 0:
            output: Tensor = func(*args, **kwargs)
            return output
        if call.arguments["enable_gqa"]:
            groups = query.shape[-3] // key.shape[-3]
            key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
        scale = call.arguments["scale"]
        scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
        mask = call.arguments["attn_mask"]
        if call.arguments["is_causal"]:
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        weights = _softmax(scores, no_key_is_zero=True)
        weights = weights * self._site.mask(dropout, tuple(weights.shape[1:]), weights)
        attended: Tensor = weights.to(value.dtype) @ value
        return attended


def _attention_signature(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> None:
    """Has the arguments of torch's scaled_dot_product_attention, a builtin without a signature."""


_ATTENTION = inspect.signature(_attention_signature)


def _project(layer: nn.MultiheadAttention, *inputs: Tensor) -> list[Tensor]:
    """Return queries, keys and values by heads.  [n, ·, D] each -> [n, heads, ·, E] each"""
    weights = (
        layer.in_proj_weight.chunk(3)
        if layer.in_proj_weight is not None
        else (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
    )
    biases = (None, None, None) if layer.in_proj_bias is None else layer.in_proj_bias.chunk(3)
    q, k, v = (functional.linear(*each) for each in zip(inputs, weights, biases, strict=True))
    if layer.bias_k is not None and layer.bias_v is not None:
        k = torch.cat([k, layer.bias_k.to(k.dtype).expand(len(k), -1, -1)], dim=1)
        v = torch.cat([v, layer.bias_v.to(v.dtype).expand(len(v), -1, -1)], dim=1)
    if layer.add_zero_attn:
        k, v = (functional.pad(each, (0, 0, 0, 1)) for each in (k, v))
    return [each.unflatten(-1, (layer.num_heads, -1)).transpose(1, 2) for each in (q, k, v)]


def _attention_bias(attn_mask: Tensor | None, padding: Tensor | None, q: Tensor, k: Tensor) -> Tensor | None:
    """Return both masks as one bias of the scores that broadcasts to [n, heads, L, S]: -inf where not allowed."""
    parts = []
    if attn_mask is not None:
        parts.append(attn_mask[None, None] if attn_mask.dim() == 2 else attn_mask.unflatten(0, (-1, q.shape[1])))
    if padding is not None:
        parts.append(padding[:, None, None, :])
    total = None
    for part in parts:
        if part.dtype == torch.bool:
            part = torch.zeros(part.shape, dtype=q.dtype, device=q.device).masked_fill(part, -math.inf)
        part = functional.pad(part, (0, k.shape[2] - part.shape[-1]))  # the keys that the layer adds are allowed
        total = part if total is None else total + part
    return total


def _softmax(scores: Tensor, *, no_key_is_zero: bool) -> Tensor:
    """Return the softmax over keys. Where no key is allowed: zeros, as torch's fused attention, or NaN, as its plain
    one.
    """
    weights = scores.softmax(-1)
    if no_key_is_zero:
        weights = weights.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0.0)
    return weights
