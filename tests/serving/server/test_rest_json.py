"""The JSON of predictions: rows and columns, base64, types and shapes; what does not fit is told in a sentence."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tf_inpaint.serving.server import rest_json
from tf_inpaint.serving.server.request_error import RequestError

SPECS = {
    "serving_default": {"image_bytes": tf.TensorSpec([None], tf.string), "mask_bytes": tf.TensorSpec([None], tf.string)},
    "pixels": {"image": tf.TensorSpec([None, None, None, 3], tf.uint8)},
    "numbers": {"x": tf.TensorSpec([None], tf.float32)},
    "switches": {"x": tf.TensorSpec([None], tf.bool)},
}


def parse(request):
    return rest_json.parse(request if isinstance(request, bytes) else json.dumps(request).encode(), SPECS.__getitem__)


def test_rows_become_one_array_for_each_input():
    row = {"image_bytes": {"b64": "AAEC"}, "mask_bytes": {"b64": "/w=="}}
    signature, inputs, as_rows = parse({"instances": [row, row | {"mask_bytes": "text"}]})
    assert signature == "serving_default" and as_rows
    assert inputs["image_bytes"].tolist() == [b"\0\1\2", b"\0\1\2"] and inputs["mask_bytes"].tolist() == [b"\xff", b"text"]


def test_columns_are_taken_as_they_are():
    inputs = {"image_bytes": [{"b64": "AA=="}, {"b64": ""}], "mask_bytes": [{"b64": "AQ=="}, {"b64": ""}]}
    signature, arrays, as_rows = parse({"inputs": inputs, "signature_name": ""})
    assert signature == "serving_default" and not as_rows
    assert arrays["image_bytes"].tolist() == [b"\0", b""] and arrays["mask_bytes"].tolist() == [b"\1", b""]


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("is_named", [False, True])
def test_a_single_input_needs_no_name(form, is_named):
    image = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    if not is_named:
        value = image.tolist()
    else:
        value = [{"image": each.tolist()} for each in image] if form == "instances" else {"image": image.tolist()}
    _, inputs, as_rows = parse({"signature_name": "pixels", form: value})
    assert inputs["image"].dtype == np.uint8 and as_rows == (form == "instances")
    np.testing.assert_array_equal(inputs["image"], image)


def test_whole_numbers_and_nan_are_floats_where_floats_are_asked_for():
    _, inputs, _ = parse(b'{"signature_name": "numbers", "inputs": [1, 2.5, NaN]}')
    np.testing.assert_array_equal(inputs["x"], np.array([1, 2.5, math.nan], np.float32))


ROW = {"image_bytes": {"b64": ""}, "mask_bytes": {"b64": ""}}
BAD_BODIES = {
    "nothing": (b"", "JSON Parse error"),
    "half": (b'{"instances": [', "JSON Parse error"),
    "no UTF-8": (b'{"a": "\xff"}', "JSON Parse error"),
    "deep": (b"[" * 200_000, "JSON Parse error"),
    "a number of many digits": (b"1" * 10_000, "JSON Parse error|not a JSON object"),
    "a list": ([], "not a JSON object"),
    "no inputs": ({}, "Expecting one of the keys"),
    "both forms": ({"inputs": {}, "instances": [ROW]}, "and not both"),
    "a signature that is no name": ({"signature_name": 3, "instances": [ROW]}, "must be a string"),
    "no row": ({"instances": []}, "at least one"),
    "rows that are no list": ({"instances": ROW}, "at least one"),
    "a row that is no object": ({"instances": [ROW, 1]}, "element: 1 .* keys must be equal to: image_bytes,mask_bytes"),
    "a key too few": ({"instances": [{"image_bytes": "a"}]}, "element: 0 .* keys must be equal"),
    "a key too many": ({"instances": [ROW | {"edge": 1}]}, "element: 0 .* keys must be equal"),
    "columns that are no object": ({"inputs": [1]}, "must be an object with the keys"),
    "no base64": ({"instances": [ROW | {"mask_bytes": {"b64": "?"}}]}, "mask_bytes: unable to base64 decode"),
    "another object": ({"instances": [ROW | {"mask_bytes": {"b65": ""}}]}, "mask_bytes: expecting a string"),
    "numbers for bytes": ({"instances": [ROW | {"mask_bytes": 7}]}, "mask_bytes: expecting a string"),
    "strings of two lengths": ({"inputs": {"image_bytes": [["a"], ["a", "b"]], "mask_bytes": ["a"]}}, "differ in length"),
    "too many dimensions": ({"inputs": {"image_bytes": [["a"]], "mask_bytes": ["a"]}}, "image_bytes: expecting shape"),
    "too few dimensions": ({"inputs": {"image_bytes": "a", "mask_bytes": ["a"]}}, "image_bytes: expecting shape"),
    "text for numbers": ({"signature_name": "pixels", "inputs": [[[["a", "b", "c"]]]]}, "no uint8"),
    "fractions for levels": ({"signature_name": "pixels", "inputs": [[[[1, 2, 3.5]]]]}, "no uint8"),
    "levels above 255": ({"signature_name": "pixels", "inputs": [[[[1, 2, 256]]]]}, "no uint8"),
    "levels below 0": ({"signature_name": "pixels", "inputs": [[[[1, 2, -1]]]]}, "no uint8"),
    "numbers without end": ({"signature_name": "pixels", "inputs": [[[[1, 2, 10**30]]]]}, "no uint8"),
    "null": ({"signature_name": "pixels", "inputs": None}, "no uint8"),
    "ragged pixels": ({"signature_name": "pixels", "inputs": [[[[1, 2, 3]], []]]}, "differ in length|no uint8"),
    "two channels": ({"signature_name": "pixels", "inputs": [[[[1, 2]]]]}, "expecting shape"),
    "numbers for switches": ({"signature_name": "switches", "inputs": [1]}, "no bool"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_does_not_fit_is_an_invalid_argument(name):
    body, message = BAD_BODIES[name]
    with pytest.raises(RequestError, match=message) as caught:
        parse(body)
    assert caught.value.code == "INVALID_ARGUMENT" and caught.value.http_status == 400 and len(str(caught.value)) < 300


def test_one_output_is_written_without_its_name():
    outputs = {"inpainted_bytes": np.array([b"\0\1", b""], dtype=object)}
    assert json.loads(rest_json.write(outputs, as_rows=True)) == {"predictions": [{"b64": "AAE="}, {"b64": ""}]}
    assert json.loads(rest_json.write(outputs, as_rows=False)) == {"outputs": [{"b64": "AAE="}, {"b64": ""}]}


def test_several_outputs_are_written_with_their_names():
    outputs = {"a": np.array([1, 2], np.uint8), "b": np.array([b"x", b"y"], dtype=object)}
    assert json.loads(rest_json.write(outputs, as_rows=True)) == {"predictions": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}
    assert json.loads(rest_json.write(outputs, as_rows=False)) == {"outputs": {"a": [1, 2], "b": ["x", "y"]}}
