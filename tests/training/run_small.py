"""A training run in a process of its own, to be killed: `python -m tests.training.run_small DATA RUN_DIR [STEP]`.

With STEP it kills itself while saving the checkpoint of that step: all files are written, the folder has not its name yet.
"""

import os
import signal
import sys

from tests.training.small_system import SmallSystem, small_config
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
    data, run_dir, *step = sys.argv[1:]
    if step:
        die_while_saving(int(step[0]))
    config = TrainConfig(
        data=f"folder:{data}",
        batch_size=4,
        steps=12,
        checkpoint_steps=3,
        validation_steps=4,
        log_steps=1,
        deterministic=True,
    )
    result = train(SmallSystem, small_config(), config, run_dir)
    sys.exit(0 if result.signal_number is None else 128 + result.signal_number)
