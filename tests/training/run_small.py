"""A training run in a process of its own, to be killed: `python -m tests.training.run_small DATA RUN_DIR`.

With `--die-at STEP` it kills itself while saving the checkpoint of that step: all files are written, the folder has not its name yet.
With `--stage NAME` it trains that stage of the staged system.
"""

import argparse
import os
import signal
import sys

from tests.training.small_system import SmallSystem, small_config
from tests.training.staged_system import StagedSystem
from tf_inpaint import files
from tf_inpaint.training import TrainConfig, train


def die_while_saving(step):
    replace = os.replace

    def replace_or_die(source, target):
        if os.path.basename(target) == f"ckpt-{step}":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    files.os.replace = replace_or_die


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("run_dir")
    parser.add_argument("--die-at", type=int)
    parser.add_argument("--stage")
    args = parser.parse_args()
    if args.die_at is not None:
        die_while_saving(args.die_at)
    config = TrainConfig(
        data=f"folder:{args.data}",
        stage=args.stage,
        batch_size=4,
        steps=12,
        checkpoint_steps=3,
        validation_steps=4,
        log_steps=1,
        deterministic=True,
    )
    result = train(SmallSystem if args.stage is None else StagedSystem, small_config(), config, args.run_dir)
    sys.exit(0 if result.signal_number is None else 128 + result.signal_number)
