"""`tf-inpaint prepare SOURCE --output DIR`: the pictures of a source as TFRecords with a manifest."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: the source, the folder of the records, and the size of pictures and files."""
    parser = subparsers.add_parser(
        "prepare",
        help="write a data source into TFRecords",
        description="Writes the pictures of a data source into TFRecord files with a manifest of numbers, sizes and SHA-256; "
        "tfrecord:DIR names them afterwards.",
        epilog=(
            "SOURCE is folder:PATH, tfds:NAME@SPLIT, tfrecord:PATH, photos, or a recipe for a public data set as it was unpacked:\n"
            "  celeba_hq:PATH[@SPLIT]  CelebA-HQ       dtd:PATH[@SPLIT]      Describable Textures\n"
            "  places2:PATH[@SPLIT]    Places2         facades:PATH[@SPLIT]  CMP Facades\n"
            "with SPLIT train (by default) or test. Nothing is downloaded: where pictures are missing, the error says how to get them.\n"
            "Interrupted, the same command goes on where it stopped.\n"
            "Exit status: 0 all pictures are written; 1 some are broken, each named here and in the manifest, or it failed; 2 wrong usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="where the pictures come from, see below")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the TFRecords and their manifest")
    parser.add_argument(
        "--image-size",
        type=int,
        metavar="PIXELS",
        help="resize the shorter side, as training does, and store PNG; by default the files' own bytes are stored",
    )
    parser.add_argument("--shard-size", type=int, metavar="N", help="pictures in a file (default 1000)")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="pictures with more pixels count as broken")


def run(args: argparse.Namespace) -> int:
    """Writes the records that are not there yet; returns 0, or 1 if pictures of the source are broken."""
    from tf_inpaint.data import open_source, write_records

    source = open_source(args.source)
    if source.note:
        print(f"note: {source.note}", flush=True)
    options = {name: getattr(args, name) for name in ("shard_size", "max_pixels") if getattr(args, name) is not None}
    written = write_records(source, args.output, image_size=args.image_size, **options)
    print(written.source.summary(max_names=len(written.source.broken)))
    if written.num_shards_before:
        print(f"went on where it stopped: {written.num_shards_before} of {written.num_shards} files were there already")
    megabytes = written.num_bytes / 1e6
    print(f"{written.source.num_readable} pictures in {written.num_shards} files, {megabytes:.1f} MB: --data tfrecord:{args.output}")
    return 1 if written.source.broken else 0
