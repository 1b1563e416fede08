"""Repairs a picture through a model server's gRPC interface; needs grpcio, TensorFlow, and tensorflow-serving-api or tf_inpaint.

python client_grpc.py photo.jpg mask.png repaired.png [--address localhost:8500] [--model inpaint]
"""

import argparse
import sys

import grpc
import tensorflow as tf

try:
    from tensorflow_serving.apis import predict_pb2 as messages
except ImportError:  # the same messages, without that package
    from tf_inpaint.serving import predict_messages as messages

# Clients refuse answers above 4 MB unless told otherwise; the PNG of a photograph is often larger.
MAX_MESSAGE_BYTES = 256 * 2**20


def repair(photo: bytes, mask: bytes, *, address: str, model: str, timeout: float = 60.0) -> bytes:
    """Returns the repaired picture's PNG file; raises `grpc.RpcError` with the server's own words."""
    request = messages.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "serving_default"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([photo]))
    request.inputs["mask_bytes"].CopyFrom(tf.make_tensor_proto([mask]))
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", MAX_MESSAGE_BYTES)]
    with grpc.insecure_channel(address, options=options) as channel:
        predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=messages.PredictResponse.FromString,
        )
        response = predict(request, timeout=timeout)
    return tf.make_ndarray(response.outputs["inpainted_bytes"])[0]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("mask")
    parser.add_argument("output")
    parser.add_argument("--address", default="localhost:8500")
    parser.add_argument("--model", default="inpaint")
    args = parser.parse_args(argv)
    with open(args.photo, "rb") as photo, open(args.mask, "rb") as mask:
        files = photo.read(), mask.read()
    try:
        result = repair(*files, address=args.address, model=args.model)
    except grpc.RpcError as error:
        print(f"failed: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    with open(args.output, "wb") as output:
        output.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
