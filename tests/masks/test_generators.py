"""What every mask generator promises: the same bits everywhere, any size, a mask that depends on its own seed alone."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests import device_kernels
from tf_inpaint import masks

SPECS = (
    "free_form",
    "free_form?ratio=0.2-0.3",
    "irregular:{folder}",
    "irregular:{folder}?ratio=0.1-0.5",
    "center_square",
    "random_square",
    "ten_squares",
    "free_form+irregular:{folder}",
)
SIZES = ((32, 32), (40, 72), (16, 16), (65, 33))

DIGESTS = """
import hashlib, json, sys
from tf_inpaint import masks
print(json.dumps({spec: hashlib.sha256(
    masks.parse(spec)([3, -4], batch_size=6, height=40, width=72).numpy().tobytes()).hexdigest() for spec in sys.argv[1:]}))
"""


@pytest.fixture(params=SPECS)
def spec(request, mask_folder) -> str:
    return request.param.format(folder=mask_folder)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_masks_are_zeros_and_ones_of_the_right_shape(spec, height, width):
    mask = masks.parse(spec)([1, 2], batch_size=5, height=height, width=width)
    assert mask.dtype == tf.float32 and mask.shape == (5, height, width, 1)
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert mask.numpy().any((1, 2, 3)).all()


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec != "center_square"], indirect=True)
def test_other_seeds_give_other_masks(spec):
    generator = masks.parse(spec)
    batches = [generator(seed, batch_size=20, height=32, width=32).numpy() for seed in ([1, 2], [2, 1], [1, 3])]
    assert len({batch.tobytes() for batch in batches}) == 3
    assert len({mask.tobytes() for batch in batches for mask in batch}) >= 10  # the folder has few masks to turn


def test_a_mask_depends_on_its_own_seed_alone(spec):
    generator = masks.parse(spec)
    seeds = tf.constant([[1, 2], [3, 4], [-5, 6], [7, 2**31 - 1]], tf.int32)
    together = generator.per_example(seeds, height=32, width=48)
    for index in range(4):
        alone = generator.per_example(seeds[index : index + 1], height=32, width=48)
        np.testing.assert_array_equal(alone[0], together[index])
    np.testing.assert_array_equal(generator.per_example(tf.cast(seeds, tf.int64), height=32, width=48), together)


def test_a_batch_is_made_from_the_split_seed_and_begins_like_a_smaller_one(spec):
    generator = masks.parse(spec)
    batch = generator([8, 9], batch_size=6, height=32, width=32)
    np.testing.assert_array_equal(generator.per_example(masks.split([8, 9], 6), height=32, width=32), batch)
    np.testing.assert_array_equal(generator([8, 9], batch_size=2, height=32, width=32), batch[:2])


def test_a_graph_and_a_pipeline_give_the_same_bits_as_eager_execution(spec):
    generator = masks.parse(spec)

    def make(seeds):
        return generator.per_example(seeds, height=40, width=72)

    seeds = tf.constant([[1, 2], [3, 4], [5, 6]], tf.int64)
    eager = make(seeds)
    dynamic = tf.function(make, input_signature=[tf.TensorSpec([None, 2], tf.int64)])
    np.testing.assert_array_equal(dynamic(seeds), eager)
    assert dynamic.get_concrete_function().structured_outputs.shape.as_list() == [None, 40, 72, 1]
    pipeline = tf.data.Dataset.from_tensors(seeds).map(make, num_parallel_calls=2)
    np.testing.assert_array_equal(next(iter(pipeline)), eager)


def test_a_fresh_process_gives_the_same_bits(mask_folder):
    specs = [spec.format(folder=mask_folder) for spec in SPECS]
    here = {
        spec: hashlib.sha256(masks.parse(spec)([3, -4], batch_size=6, height=40, width=72).numpy().tobytes()).hexdigest() for spec in specs
    }
    there = subprocess.run([sys.executable, "-c", DIGESTS, *specs], capture_output=True, text=True, check=True).stdout
    assert json.loads(there.splitlines()[-1]) == here


@pytest.mark.parametrize("spec", [spec for spec in SPECS if "irregular" not in spec], indirect=True)
def test_sizes_may_be_tensors_that_only_the_graph_knows(spec):
    generator = masks.parse(spec)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)] * 3)
    def make(batch_size, height, width):
        return generator([1, 2], batch_size=batch_size, height=height, width=width)

    for batch_size, height, width in ((3, 32, 32), (2, 40, 72)):
        expected = generator([1, 2], batch_size=batch_size, height=height, width=width)
        np.testing.assert_array_equal(make(*map(tf.constant, (batch_size, height, width))), expected)


@pytest.mark.skipif(not device_kernels.gpu_kernels_are_registered(), reason="a TensorFlow built without kernels for the GPU")
def test_every_operation_has_a_kernel_for_the_gpu(spec):
    generator = masks.parse(spec)
    make = tf.function(
        lambda seeds: generator.per_example(seeds, height=32, width=32), input_signature=[tf.TensorSpec([None, 2], tf.int32)]
    )
    assert device_kernels.without_gpu_kernel(make.get_concrete_function()) == []


def test_no_python_runs_in_the_graph(spec):
    generator = masks.parse(spec)
    make = tf.function(lambda seeds: generator.per_example(seeds, height=32, width=32))
    names = {node.op for node in device_kernels.operations(make.get_concrete_function(tf.TensorSpec([None, 2], tf.int32)))}
    assert not [name for name in names if "Py" in name or ">" in name]
    assert not [name for name in names if "While" in name or "TensorList" in name]
