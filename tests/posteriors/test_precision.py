import pytest
import torch

from lindley.posteriors.precision import PRECISIONS, has_bfloat16, resolved_precision


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_precision_that_is_said_stays(precision):
    assert resolved_precision(precision, "cpu") == precision


@pytest.mark.parametrize(("told", "expected"), [({"avx2": True}, "float32"), ({"avx512_bf16": True}, "bfloat16")])
def test_the_processors_instructions_decide(monkeypatch, told, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "x", **told}, raising=False)
    assert resolved_precision("auto", "cpu") == expected


def test_where_it_cannot_be_told_there_is_none(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bfloat16("cpu")
    assert not has_bfloat16("meta")
