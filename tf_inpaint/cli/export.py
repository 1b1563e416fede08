"""`tf-inpaint export --weights NAME --output DIR`: writes a SavedModel for model servers."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: the weights, the folder or file to write, and its format."""
    parser = subparsers.add_parser(
        "export",
        help="write a SavedModel for model servers, or ONNX, or OpenVINO",
        description="Writes a SavedModel that repairs pictures of any size and needs TensorFlow only.",
        epilog=(
            "For TensorFlow Serving the last part of DIR is the version, an integer, as in models/inpaint/1.\n"
            "Signatures: serving_default takes PNG or JPEG files (image_bytes, mask_bytes) and returns PNG files (inpainted_bytes);\n"
            "inpaint takes and returns uint8 tensors (image, mask -> inpainted)."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", metavar="NAME|PATH", required=True, help="name of shipped weights, or a run folder")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder to write; must not exist yet")
    formats = ("saved_model", "onnx", "openvino")
    parser.add_argument("--format", choices=formats, default=formats[0], help="onnx: OUTPUT is a file, NAME.onnx (default: %(default)s)")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="the SavedModel refuses requests with more pixels")


def run(args: argparse.Namespace) -> int:
    """Writes the model in the chosen format, prints what it takes and gives, and returns 0."""
    from tf_inpaint import pictures
    from tf_inpaint.serving.export import DEFAULT_MAX_PIXELS, export
    from tf_inpaint.systems.loading import load

    if args.format != "saved_model":
        from tf_inpaint.serving import convert

        write = convert.export_onnx if args.format == "onnx" else convert.export_openvino
        path = write(load(args.weights), args.output)
        print(f"Wrote {pictures.printable(path)}: image [N, H, W, 3], mask [N, H, W, 1] -> inpainted [N, H, W, 3] (uint8)")
        return 0
    max_pixels = DEFAULT_MAX_PIXELS if args.max_pixels is None else args.max_pixels
    folder = export(load(args.weights), args.output, max_pixels=max_pixels)
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    print(f"Wrote {pictures.printable(folder)}: {megabytes:.1f} MB, pictures of up to {max_pixels:,} pixels.")
    print("serving_default: image_bytes, mask_bytes (PNG or JPEG files) -> inpainted_bytes (PNG files)")
    print("inpaint: image [N, H, W, 3], mask [N, H, W, 1] -> inpainted [N, H, W, 3] (uint8)")
    return 0
