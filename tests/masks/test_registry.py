"""Mask generators by name, and the texts that choose one."""

import numpy as np
import pytest

from tf_inpaint import masks
from tf_inpaint.errors import ConfigError


@pytest.mark.parametrize(("text", "name", "attributes"), [
    ("free_form", "FreeForm", {"ratio": None}),
    ("free_form?ratio=0.1-0.25", "FreeForm", {"ratio": (0.1, 0.25)}),
    ("irregular:some/folder", "IrregularFiles", {"path": "some/folder", "files": "all", "ratio": None, "augment": True}),
    ("irregular:a+b:c?files=even&augment=false", "IrregularFiles", {"path": "a+b:c", "files": "even", "augment": False}),
    ("irregular:what?/x?ratio=0-0.5", "IrregularFiles", {"path": "what?/x", "ratio": (0.0, 0.5)}),
    ("center_square?side=0.25", "CenterSquare", {"side": 0.25}),
    ("random_square?number=3", "RandomSquare", {"side": 0.5, "number": 3}),
    ("fixed_squares", "FixedSquares", {"index": None}),
    ("fixed_squares?index=3", "FixedSquares", {"index": 3}),
    ("ten_squares", "TenSquares", {"side": 0.125, "number": 10}),
])  # fmt: skip
def test_a_text_gives_its_generator(text, name, attributes):
    generator = masks.parse(text)
    assert type(generator).__name__ == name
    assert {key: getattr(generator, key) for key in attributes} == attributes


def test_texts_joined_by_plus_are_mixed():
    mixture = masks.parse("free_form?ratio=0.1-0.2+irregular:a+b?files=odd+center_square")
    assert [type(each).__name__ for each in mixture.generators] == ["FreeForm", "IrregularFiles", "CenterSquare"]
    assert mixture.generators[0].ratio == (0.1, 0.2)
    assert (mixture.generators[1].path, mixture.generators[1].files) == ("a+b", "odd")


def test_a_mixture_draws_each_kind_equally_often_and_independently_of_the_masks():
    mask = masks.parse("center_square+random_square?side=0.5")([1, 2], batch_size=1000, height=16, width=16).numpy()
    centred = (mask == mask[0] * 0 + masks.center_square([0, 0], batch_size=1, height=16, width=16).numpy()).all((1, 2, 3))
    assert abs(centred.mean() - (0.5 + 0.5 / 81)) < 5 * 0.5 / np.sqrt(1000)
    first_row = mask.any(2)[~centred, :, 0].argmax(1)
    assert abs(first_row.mean() - 4) < 5 * 2.6 / np.sqrt(len(first_row))


def test_options_beside_the_text_win():
    assert masks.parse("free_form?ratio=0.1-0.2", ratio=(0.3, 0.4)).ratio == (0.3, 0.4)


def test_a_generator_is_returned_as_it_is():
    generator = masks.FreeForm()
    assert masks.parse(generator) is generator
    with pytest.raises(ConfigError, match="finished generator"):
        masks.parse(generator, ratio=(0.1, 0.2))


@pytest.mark.parametrize(("text", "message"), [
    ("freeform", "Did you mean 'free_form'"),
    ("", "must begin with one of"),
    ("irregular", "needs a folder"),
    ("irregular:", "needs a folder"),
    ("free_form:folder", "takes no folder"),
    ("free_form?side=0.5", "must be NAME=VALUE"),
    ("free_form?ratio", "must be NAME=VALUE"),
    ("free_form?ratio=0.1", "ratio=0.1-0.2"),
    ("free_form?ratio=0.2-0.1", "0 <= low < high"),
    ("irregular:x?augment=perhaps", "augment=false"),
    ("irregular:x?files=some", "must be one of"),
    ("irregular:x?path=y", "must be NAME=VALUE"),
    ("center_square?side=big", "side=0.5"),
    ("free_form+freeform", "must be"),
])  # fmt: skip
def test_a_wrong_text_says_what_is_wrong(text, message):
    with pytest.raises(ConfigError, match=message):
        masks.parse(text)


def test_a_wrong_option_beside_the_text_is_refused():
    with pytest.raises(ConfigError, match="side"):
        masks.parse("free_form", side=0.5)


def test_a_mixture_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least one"):
        masks.Mixture([])
