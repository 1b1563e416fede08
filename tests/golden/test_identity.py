"""What the identity loss sees, against the released code of pSp."""

import tensorflow as tf

from tests.golden.layouts import assert_close, nhwc
from tf_inpaint.systems.latent_attention.identity import crop_faces


def test_the_face_is_cropped_and_averaged_as_in_psp(golden):
    arrays = golden("lpips_id_parts")
    expected = nhwc(arrays["id_crop112"])
    assert_close(crop_faces(tf.constant(nhwc(arrays["id_img"])), expected.shape[1]), expected)
