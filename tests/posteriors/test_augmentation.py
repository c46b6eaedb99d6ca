import torch

from lindley.posteriors.augmentation import shifted


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_image_is_one_of_the_whole_shifts_of_itself():
    images = torch.rand(50, 2, 5, 6, generator=generator())
    padded = torch.nn.functional.pad(images, [1] * 4)
    for moved, source in zip(shifted(images, 1, generator(1)), padded, strict=True):
        places = [source[:, top : top + 5, left : left + 6] for top in range(3) for left in range(3)]
        assert sum(torch.equal(moved, place) for place in places) == 1


def test_all_shifts_come_up_and_none_far_more_often():
    dot = torch.zeros(2000, 1, 7, 7)
    dot[:, :, 3, 3] = 1.0
    landed = shifted(dot, 1, generator()).sum(0)[0]
    assert (landed[2:5, 2:5] > 150).all()
    assert landed[2:5, 2:5].sum() == 2000


def test_the_same_generator_moves_alike_and_inputs_are_left():
    images = torch.rand(8, 1, 4, 4, generator=generator())
    before = images.clone()
    assert torch.equal(shifted(images, 2, generator(3)), shifted(images, 2, generator(3)))
    assert torch.equal(images, before)
