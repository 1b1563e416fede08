"""`tf-inpaint web`: a page with a brush, for this computer only."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the command and its options: weights, port and limits."""
    parser = subparsers.add_parser(
        "web",
        help="a page with a brush",
        description="Serves a page on which one paints over what shall be repaired. It is reachable from this computer only. Needs "
        "`pip install 'tf_inpaint[web]'`.",
        epilog="A result is the one that `tf-inpaint inpaint` gives for the same photograph, mask, weights, strategy and options of "
        "the hole. Ctrl-C ends it.",
    )
    parser.add_argument("--weights", metavar="NAME|PATH", help="chosen at the start: name of shipped weights, or a run folder")
    parser.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="refuse photographs with more pixels; default 50,000,000")
    parser.add_argument("--max-seconds", type=float, metavar="N", help="give a repair up after so many seconds; default 300")


def run(args: argparse.Namespace) -> int:
    """Serves the page until it is interrupted or terminated, and returns 0."""
    from tf_inpaint.serving.web import page, workbench

    page.check_gradio()
    limits = {
        "max_pixels": workbench.MAX_PIXELS if args.max_pixels is None else args.max_pixels,
        "max_seconds": workbench.MAX_SECONDS if args.max_seconds is None else args.max_seconds,
    }
    with workbench.Workbench(**limits) as bench:
        page.serve(bench, ready=_tell, weights=args.weights, port=args.port)
    return 0


def _tell(url: str) -> None:
    print(f"The page is at {url} and can be opened on this computer only. Ctrl-C ends it.", flush=True)
