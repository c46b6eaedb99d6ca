"""Noise that is keyed by rows."""

import torch

from lindley.noise import row_uniforms


def test_noise_of_a_row_does_not_depend_on_its_neighbours():
    rows = torch.tensor([9, 2, 5])
    assert torch.equal(row_uniforms(rows, 1, "x"), row_uniforms(torch.arange(10), 1, "x")[rows])
