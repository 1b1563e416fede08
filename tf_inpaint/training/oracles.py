"""The oracles of KerasTuner: what a search tries next."""

import importlib.util

from tf_inpaint.errors import ConfigError
from tf_inpaint.training.search_space import WeightRange
from tf_inpaint.training.tune_config import TuneConfig

# Hyperband counts epochs: the longest trials have all of these, the shortest one, each round three times as many as the one before.
HYPERBAND_EPOCHS = 9


def check_packages(config: TuneConfig) -> None:
    """Makes sure that a search will find what it needs.

    Args:
        config: of the search.

    Raises:
        ConfigError: if a package is not installed.
    """
    needed = ["keras_tuner", "matplotlib", *(["scipy", "sklearn"] if config.tuner == "bayesian" else [])]
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ConfigError(f"A {config.tuner} search needs {', '.join(missing)}: `pip install 'tf_inpaint[tune]'`.")


def make_oracle(config: TuneConfig, ranges: list[WeightRange], *, seed: int, notes: str):
    """Makes the part of KerasTuner that proposes weights. Its first proposal are the present ones.

    Args:
        config: of the search.
        ranges: of the weights.
        seed: of the proposals, at least 0.
        notes: an empty folder; what the oracle writes there is of no use to anybody else.

    Returns:
        A `keras_tuner.Oracle`. Proposals of a "hyperband" search hold "tuner/epochs" of `HYPERBAND_EPOCHS`.
    """
    import keras_tuner

    kind = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
        "hyperband": keras_tuner.oracles.HyperbandOracle,
    }[config.tuner]

    class Oracle(kind):
        """The oracle, whose first trial has the values that the ranges start with, and whose others have rounded ones."""

        def populate_space(self, trial_id):
            response = super().populate_space(trial_id)
            if response["status"] == "RUNNING":
                for each in ranges:
                    value = each.start if not self.trials else each.rounded(response["values"][each.name])
                    response["values"][each.name] = value
            return response

    space = keras_tuner.HyperParameters()
    for each in ranges:
        space.Float(each.name, each.low, each.high, sampling="log", default=each.start)
    settings = {
        "random": {"max_trials": config.trials},
        # By default three random trials for each weight: most searches would end before they model anything.
        "bayesian": {"max_trials": config.trials, "num_initial_points": max(2, min(3 * len(ranges), config.trials // 3))},
        "hyperband": {"max_epochs": HYPERBAND_EPOCHS, "hyperband_iterations": None},
    }[config.tuner]
    oracle = Oracle(
        objective=keras_tuner.Objective(config.objective, "max" if config.higher_is_better else "min"),
        hyperparameters=space,
        tune_new_entries=False,
        seed=seed + 1,  # 0 would mean any
        max_consecutive_failed_trials=config.trials + 1,
        **settings,
    )
    oracle.max_trials = config.trials  # Hyperband has no such argument, and would never end
    oracle.verbose = 0
    keras_tuner.engine.base_tuner.BaseTuner(oracle, directory=notes)  # gives the oracle its folder
    return oracle
