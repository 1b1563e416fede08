"""`python train.py ...` is `tf-inpaint train ...`."""

import sys

from tf_inpaint.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
