"""TensorFlow Serving's JSON for predictions: a request's body becomes tensors, tensors become the answer.

Rows: `{"instances": [{"image_bytes": {"b64": "..."}, "mask_bytes": {"b64": "..."}}]}` gives `{"predictions": [{"b64": "..."}]}`.
Columns: `{"inputs": {"image_bytes": [{"b64": "..."}], "mask_bytes": [...]}}` gives `{"outputs": [{"b64": "..."}]}`.
Either may name a `signature_name`. With several outputs each has its name in the answer.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_inpaint.serving.server.request_error import RequestError

DEFAULT_SIGNATURE = "serving_default"
Specs = Mapping[str, tf.TensorSpec]


def parse(body: bytes, specs_of: Callable[[str], Specs]) -> tuple[str, dict[str, np.ndarray], bool]:
    """Reads the body of a request.

    Args:
        body: JSON.
        specs_of: gives the inputs of a signature by its name; may raise a `RequestError`.

    Returns:
        The signature's name, its inputs as arrays (of bytes objects for strings), and whether they came as rows.

    Raises:
        RequestError: if the body is no JSON, or does not fit the signature.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"JSON Parse error: {error}") from error
    if not isinstance(request, dict):
        raise _invalid("The body is not a JSON object.")
    name = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise _invalid("'signature_name' key must be a string value.")
    specs = specs_of(name or DEFAULT_SIGNATURE)
    if ("instances" in request) == ("inputs" in request):
        raise _invalid("Expecting one of the keys 'inputs' and 'instances', and not both.")
    is_rows = "instances" in request
    values = _columns_of(request["instances"], specs) if is_rows else _named(request["inputs"], specs)
    return name or DEFAULT_SIGNATURE, {key: _array(values[key], key, spec) for key, spec in specs.items()}, is_rows


def write(outputs: Mapping[str, np.ndarray], *, as_rows: bool) -> bytes:
    """Writes the answer.

    Args:
        outputs: of a signature, by name.
        as_rows: the form of the request.

    Returns:
        JSON. Strings become `{"b64": ...}` where their name ends in `_bytes`, else text.
    """
    values = {key: _plain(array.tolist(), key) if array.dtype == object else array.tolist() for key, array in outputs.items()}
    if not as_rows:
        answer = {"outputs": values if len(values) > 1 else next(iter(values.values()))}
    elif len(values) == 1:
        answer = {"predictions": next(iter(values.values()))}
    else:
        rows = zip(*values.values(), strict=True)
        answer = {"predictions": [dict(zip(values, row, strict=True)) for row in rows]}
    return json.dumps(answer).encode("utf-8")


def _invalid(message: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", message)


def _columns_of(rows: object, specs: Specs) -> dict[str, list]:
    if not isinstance(rows, list) or not rows:
        raise _invalid("'instances' must be a list of at least one value.")
    columns = {key: [] for key in specs}
    for number, row in enumerate(rows):
        if len(specs) == 1 and not (isinstance(row, dict) and set(row) == set(specs)):
            row = {next(iter(specs)): row}
        if not isinstance(row, dict) or set(row) != set(specs):
            raise _invalid(f"Failed to process element: {number} of 'instances' list: keys must be equal to: {','.join(sorted(specs))}")
        for key, column in columns.items():
            column.append(row[key])
    return columns


def _named(inputs: object, specs: Specs) -> dict[str, object]:
    if len(specs) == 1 and not (isinstance(inputs, dict) and set(inputs) == set(specs)):
        inputs = {next(iter(specs)): inputs}
    if not isinstance(inputs, dict) or set(inputs) != set(specs):
        raise _invalid(f"'inputs' must be an object with the keys: {','.join(sorted(specs))}")
    return inputs


def _array(value: object, key: str, spec: tf.TensorSpec) -> np.ndarray:
    try:
        array = np.array(_bytes_of(value, key), dtype=object) if spec.dtype == tf.string else np.array(value)
    except (RecursionError, ValueError) as error:
        if isinstance(error, RequestError):
            raise
        raise _invalid(f"Input {key}: the lists within it differ in length, or are too deep.") from error
    if spec.dtype != tf.string:
        array = _cast(array, key, spec.dtype.as_numpy_dtype)
    elif not all(isinstance(item, bytes) for item in array.flat):
        raise _invalid(f"Input {key}: the lists within it differ in length.")
    if not spec.shape.is_compatible_with(array.shape):
        raise _invalid(f"Input {key}: expecting shape {spec.shape} but got: {array.shape}")
    return array


def _cast(array: np.ndarray, key: str, dtype: type) -> np.ndarray:
    kinds = "iuf" if np.issubdtype(dtype, np.floating) else "b" if dtype is np.bool_ else "iu"
    is_whole = array.dtype.kind in kinds or array.size == 0
    if is_whole and np.issubdtype(dtype, np.integer) and array.size:
        limits = np.iinfo(dtype)
        is_whole = limits.min <= array.min() and array.max() <= limits.max
    if not is_whole:
        raise _invalid(f"Input {key}: has values that are no {np.dtype(dtype).name}.")
    return array.astype(dtype)


def _bytes_of(value: object, key: str) -> object:
    """Lists of encoded strings become lists of bytes."""
    if isinstance(value, list):
        return [_bytes_of(item, key) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogatepass")
    if isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise _invalid(f"Input {key}: unable to base64 decode: {error}") from error
    raise _invalid(f"Input {key}: expecting a string or {{'b64': string}}.")


def _plain(value: object, key: str) -> object:
    if isinstance(value, list):
        return [_plain(item, key) for item in value]
    if not isinstance(value, bytes):
        return value
    return {"b64": base64.b64encode(value).decode("ascii")} if key.endswith("_bytes") else value.decode("utf-8", errors="replace")
