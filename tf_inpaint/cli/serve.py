"""`tf-inpaint serve --model DIR`: TensorFlow Serving's answers for one exported model."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: the model, where to listen, and the limits of requests."""
    parser = subparsers.add_parser(
        "serve",
        help="answer requests with an exported model, as TensorFlow Serving does",
        description="Serves what `tf-inpaint export` wrote, with TensorFlow Serving's REST answers (and gRPC, with --grpc-port).",
        epilog=(
            'POST /v1/models/NAME:predict takes {"instances": [{"image_bytes": {"b64": ...}, "mask_bytes": {"b64": ...}}]}.\n'
            "GET /v1/models/NAME, /v1/models/NAME/metadata, /monitoring/prometheus/metrics and /health tell the rest.\n"
            "There is no password and no encryption: beyond this machine put a proxy with both in front.\n"
            "SIGTERM and Ctrl-C let requests that came be answered. Exit status: 0 if all were, 1 if not, 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", metavar="DIR", required=True, help="an exported model, or the folder around its versions: the largest")
    parser.add_argument("--name", help="what clients call the model; by default the name of the folder around the versions")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="for REST; 0 for a free one (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, metavar="PORT", help="answer gRPC too; needs tf_inpaint[grpc]")
    parser.add_argument("--max-bytes", type=int, metavar="N", help="of a request's body")
    parser.add_argument("--max-pictures", type=int, metavar="N", help="of a request")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="of all pictures of a request together")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="for a request to arrive, and from then on to be answered")
    parser.add_argument("--max-running", type=int, metavar="N", help="requests that run at once (default: one per processor)")
    parser.add_argument("--max-waiting", type=int, metavar="N", help="requests that wait; the next ones are sent away")
    parser.add_argument("--max-connections", type=int, metavar="N", help="open connections")
    parser.add_argument("--grace", type=float, default=30.0, metavar="S", help="for the last requests at the end (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Answers requests until a signal comes; returns 0 if all that had come by then were answered, else 1."""
    import dataclasses
    import functools

    from tf_inpaint.serving.server import Limits, serve

    names = [field.name for field in dataclasses.fields(Limits)]
    limits = Limits(**{name: value for name in names if (value := getattr(args, name)) is not None})
    all_answered = serve(
        args.model,
        name=args.name,
        host=args.host,
        port=args.port,
        grpc_port=args.grpc_port,
        limits=limits,
        grace=args.grace,
        report=functools.partial(print, flush=True),
    )
    return 0 if all_answered else 1
