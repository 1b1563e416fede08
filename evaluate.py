"""`python evaluate.py ...` is `tf-inpaint evaluate ...`."""

import sys

from tf_inpaint.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
