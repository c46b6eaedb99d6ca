"""Attention with frozen dropout: torch's values where nothing is dropped, and the definition where something is."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from lindley.errors import InputError
from lindley.posteriors.dropout.frozen_attention import FrozenAttention, _DropoutInterceptor
from lindley.posteriors.dropout.masks import positional_mask
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.dropout.sites import CurrentDraw, Site

NOTHING = 1e-12
"""A probability at which no position is dropped."""


def attention(**options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = nn.MultiheadAttention(8, 2, **{"batch_first": True, **options}).eval()
        for bias in (layer.in_proj_bias, layer.out_proj.bias):  # zeros would hide a bias that is forgotten
            if bias is not None:
                nn.init.normal_(bias)
        return layer, torch.randn(3, 5, 8), torch.randn(3, 6, 8)


def frozen(layer, seed=0):
    current = CurrentDraw(seed)
    current.start_pass(1)
    return FrozenAttention(layer, Site("here", current)), current


PADDING = torch.tensor([[False] * 6, [False] * 4 + [True] * 2, [False] * 5 + [True]])
CAUSAL = torch.ones(5, 6, dtype=torch.bool).triu(1)
MASKS = {
    "none": {},
    "padding": {"key_padding_mask": PADDING},
    "causal": {"attn_mask": CAUSAL, "is_causal": True},
    "added": {"attn_mask": torch.linspace(-2, 2, 30).reshape(5, 6)},
    "of each head": {"attn_mask": torch.linspace(-2, 2, 180).reshape(6, 5, 6)},
    "both": {"attn_mask": CAUSAL, "key_padding_mask": PADDING},
}
OPTIONS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"kdim": 8, "vdim": 7},
    {"batch_first": False},
]


@pytest.mark.parametrize(
    ("options", "mask", "weights"),
    [*itertools.product(OPTIONS, MASKS, [False, True])],
    ids=lambda value: str(value),
)
def test_it_is_torchs_attention_where_nothing_is_dropped(options, mask, weights):
    layer, query, key = attention(dropout=NOTHING, **options)
    value = key[..., : options.get("vdim", 8)]
    given = [query, key, value]
    if options.get("batch_first") is False:
        given = [each.transpose(0, 1) for each in given]
    with torch.no_grad():
        expected, expected_weights = layer(*given, need_weights=weights, **MASKS[mask])
        output, output_weights = frozen(layer)[0](*given, need_weights=weights, **MASKS[mask])
    torch.testing.assert_close(output, expected)
    if weights:
        torch.testing.assert_close(output_weights, expected_weights)
    else:
        assert output_weights is expected_weights is None


def test_one_sequence_without_rows_and_weights_of_each_head_are_as_in_torch():
    layer, query, key = attention(dropout=NOTHING)
    given = (query[1], key[1], key[1])
    with torch.no_grad():
        expected = layer(*given, key_padding_mask=PADDING[1], average_attn_weights=False)
        output = frozen(layer)[0](*given, key_padding_mask=PADDING[1], average_attn_weights=False)
    torch.testing.assert_close(output, expected)


def test_the_masks_are_on_the_attention_weights():
    layer, query, _ = attention(dropout=0.5)
    mask = positional_mask(0.5, (2, 5, 5), draw=1, site="here", call=0, seed=3) / 0.5  # [heads, query, key]
    with torch.no_grad():
        output, _ = frozen(layer, seed=3)[0](query, query, query, need_weights=False)
        q, k, v = (
            functional.linear(query, weight, bias)
            for weight, bias in zip(layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3), strict=True)
        )
        expected = []
        for row in range(3):
            heads = []
            for head in range(2):
                part = slice(4 * head, 4 * head + 4)
                weights = (q[row, :, part] @ k[row, :, part].T / 2).softmax(-1) * mask[head]
                heads.append(weights @ v[row, :, part])
            expected.append(layer.out_proj(torch.cat(heads, dim=-1)))
    torch.testing.assert_close(output, torch.stack(expected))


def test_padding_changes_nothing():
    layer, query, _ = attention(dropout=0.5)
    with torch.no_grad():
        module, current = frozen(layer)
        short, _ = module(query, query, query)
        current.start_pass(1)
        longer = functional.pad(query, (0, 0, 0, 4))
        padding = torch.arange(9).expand(3, -1) >= 5
        padded, _ = module(longer, longer, longer, key_padding_mask=padding)
    torch.testing.assert_close(padded[:, :5], short)


@pytest.fixture
def no_fast_path():
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


@pytest.mark.usefixtures("no_fast_path")  # which makes NaN of it in any case
def test_a_query_without_any_key_is_what_torch_makes_of_it():
    layer, query, _ = attention(dropout=NOTHING)
    nowhere = torch.ones(5, 5, dtype=torch.bool)
    for need_weights in (False, True):
        with torch.no_grad():
            expected, _ = layer(query, query, query, attn_mask=nowhere, need_weights=need_weights)
            output, _ = frozen(layer)[0](query, query, query, attn_mask=nowhere, need_weights=need_weights)
        torch.testing.assert_close(output, expected, equal_nan=True)


FUSED = {
    "plain": {},
    "causal": {"is_causal": True},
    "allowed": {"attn_mask": torch.ones(5, 5, dtype=torch.bool).tril(1)},
    "added": {"attn_mask": torch.linspace(-1, 1, 25).reshape(5, 5)},
    "scaled": {"scale": 0.3},
    "grouped": {"enable_gqa": True},
}


@pytest.mark.parametrize("options", FUSED)
def test_fused_attention_is_answered_by_the_same_values(options):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(3, 4, 5, 8, generator=generator) for _ in range(3))
    if options == "grouped":
        key, value = key[:, :2], value[:, :2]
    expected = functional.scaled_dot_product_attention(query, key, value, **FUSED[options])
    with _DropoutInterceptor(frozen(attention()[0])[0]._site):
        output = functional.scaled_dot_product_attention(query, key, value, dropout_p=NOTHING, **FUSED[options])
    torch.testing.assert_close(output, expected)


def test_fused_attention_and_plain_attention_drop_the_same():
    query = torch.randn(3, 2, 5, 8, generator=torch.Generator().manual_seed(0))
    site = frozen(attention()[0])[0]._site
    with _DropoutInterceptor(site):
        fused = functional.scaled_dot_product_attention(query, query, query, dropout_p=0.5)
    site._current.start_pass(1)
    with _DropoutInterceptor(site):
        plain = functional.dropout((query @ query.mT / math.sqrt(8)).softmax(-1), 0.5) @ query
    torch.testing.assert_close(fused, plain)
    assert not torch.allclose(fused, functional.scaled_dot_product_attention(query, query, query))


def test_functions_that_drop_nothing_are_left_alone():
    values = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    with _DropoutInterceptor(frozen(attention()[0])[0]._site):
        assert functional.dropout(values, 0.5, training=False) is values
        assert torch.equal(functional.relu(values), values.clamp(min=0))


def small_bert(**options):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=12,
        num_labels=3,
        initializer_range=0.3,
        **options,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.BertForSequenceClassification(config)


WORDS = torch.randint(1, 40, (5, 7), generator=torch.Generator().manual_seed(0))
SENTENCES = {"input_ids": WORDS, "attention_mask": torch.ones(5, 7, dtype=torch.long)}


def test_both_implementations_of_transformers_have_the_same_draws():
    eager, fused = (
        MCDropoutPosterior(small_bert(attn_implementation=name)).draw(4, seed=0).predict(SENTENCES).log_probs
        for name in ("eager", "sdpa")
    )
    torch.testing.assert_close(eager, fused)


def test_attentions_dropout_alone_makes_draws_that_differ():
    module = small_bert(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.3)
    log_probs = MCDropoutPosterior(module).draw(4, seed=0).predict(SENTENCES).log_probs
    assert all(not torch.allclose(log_probs[:, 0], log_probs[:, draw], atol=1e-3) for draw in range(1, 4))


def test_padding_of_sentences_changes_nothing():
    draws = MCDropoutPosterior(small_bert()).draw(4, seed=0)
    longer = {name: functional.pad(value, (0, 5)) for name, value in SENTENCES.items()}
    torch.testing.assert_close(draws.predict(longer).log_probs, draws.predict(SENTENCES).log_probs)


def test_the_average_draw_is_that_of_dropout_left_on():
    """Many frozen draws of one row against transformers' own dropout, drawn anew in each pass."""
    module, row = small_bert(), {name: value[:1] for name, value in SENTENCES.items()}
    frozen_draws = MCDropoutPosterior(module).draw(150, seed=0).predict(row).log_probs.exp()[0]  # [K, C]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        many = {name: value.expand(1000, -1) for name, value in row.items()}
        own = module.train()(**many).logits.softmax(-1)
    error = (frozen_draws.var(0) / 150 + own.var(0) / 1000).sqrt()
    assert ((frozen_draws.mean(0) - own.mean(0)).abs() < 4 * error).all()
    torch.testing.assert_close(frozen_draws.std(0), own.std(0), rtol=0.25, atol=0)


def test_dropout_by_functions_elsewhere_in_transformers_is_refused():
    transformers = pytest.importorskip("transformers")
    config = transformers.BartConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        vocab_size=40,
        num_labels=3,
        classifier_dropout=0.1,
    )
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(transformers.BartForSequenceClassification(config)).draw(2, seed=0).predict(
            {**SENTENCES, "input_ids": functional.pad(WORDS[:, :-1], (0, 1), value=config.eos_token_id)}
        )
    assert caught.value.got == "draws random numbers in training mode"
