"""What a search of loss weights may try, and what KerasTuner proposes."""

import dataclasses
import math

import pytest

from tests.training.weighted_system import WeightedConfig
from tf_inpaint.errors import ConfigError
from tf_inpaint.systems import SYSTEMS
from tf_inpaint.training import TuneConfig, oracles
from tf_inpaint.training.search_space import WeightRange, weight_ranges

RANGES = [WeightRange("a_weight", 0.1, 10.0, 1.0), WeightRange("b_weight", 5.0, 50.0, 50.0)]


def test_all_weights_above_0_are_searched_a_factor_of_ten_around_the_present_ones():
    ranges = weight_ranges(WeightedConfig(adversarial_weight=0.5))
    assert [(each.name, each.low, each.high, each.start) for each in ranges] == [
        ("reconstruction_weight", 0.1, 10.0, 1.0),
        ("adversarial_weight", 0.05, 5.0, 0.5),
    ]


def test_named_weights_alone_are_searched_between_their_bounds_and_from_the_nearest_one():
    texts = ("unused_weight=0.5:2", "adversarial_weight", "reconstruction_weight=1.5:20")
    assert [dataclasses.astuple(each) for each in weight_ranges(WeightedConfig(), texts)] == [
        ("unused_weight", 0.5, 2.0, 0.5),
        ("adversarial_weight", 0.001, 0.1, 0.01),
        ("reconstruction_weight", 1.5, 20.0, 1.5),
    ]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_weights_to_search(system):
    ranges = weight_ranges(SYSTEMS[system].Config())
    assert len(ranges) >= 2 and all(each.low < each.start < each.high for each in ranges)


def test_a_stage_is_searched_for_the_weights_of_its_own_losses():
    names = ("adversarial_weight", "unused_weight")
    assert [each.name for each in weight_ranges(WeightedConfig(adversarial_weight=0.5), names=names)] == ["adversarial_weight"]
    with pytest.raises(ConfigError, match="reconstruction_weight changes nothing in this stage. Known: adversarial_weight, unused_weight"):
        weight_ranges(WeightedConfig(), ("reconstruction_weight",), names=names)


@pytest.mark.parametrize("system", SYSTEMS)
def test_stages_name_settings_and_together_all_weights(system):
    stages, config = SYSTEMS[system].STAGE_WEIGHTS, SYSTEMS[system].Config()
    assert set(stages) <= set(SYSTEMS[system].STAGES)
    for names in stages.values():
        assert {each.name for each in weight_ranges(config, names=names)} == {name for name in names if getattr(config, name) > 0}
    weights = {field.name for field in dataclasses.fields(config) if field.name.endswith("_weight")}
    assert not stages or weights == {name for names in stages.values() for name in names}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["reconstruction_wieght=1:2"], "There is no loss weight 'reconstruction_wieght'. Did you mean 'reconstruction_weight'?"),
        (["learning_rate=1:2"], "There is no loss weight 'learning_rate'. Known: reconstruction_weight, adversarial_weight, unused_weight"),
        (["unused_weight"], "unused_weight is 0, so its range must be given as unused_weight=LOW:HIGH"),
        (["adversarial_weight"] * 2, "Each loss weight has one range. Received two of: adversarial_weight"),
        *[
            ([f"adversarial_weight={bounds}"], f"0 < LOW < HIGH. Received: 'adversarial_weight={bounds}'")
            for bounds in ("2", "1:2:3", "a:b", "0:1", "2:1", "1:1", "1:inf", "nan:1", "-1:1", "")
        ],
    ],
)
def test_a_wrong_range_is_one_sentence(texts, message):
    with pytest.raises(ConfigError) as caught:
        weight_ranges(WeightedConfig(), tuple(texts))
    assert message in str(caught.value)


def test_a_bound_that_the_system_refuses_is_found_before_anything_is_trained():
    @dataclasses.dataclass(frozen=True)
    class Capped(WeightedConfig):
        def __post_init__(self):
            if self.reconstruction_weight > 5:
                raise ConfigError("`reconstruction_weight` must be at most 5.")

    with pytest.raises(ConfigError, match="must be at most 5"):
        weight_ranges(Capped(), ("reconstruction_weight=1:6",))


def test_a_system_without_weights_says_so():
    with pytest.raises(ConfigError, match="WeightedConfig has no loss weight above 0 to search"):
        weight_ranges(WeightedConfig(reconstruction_weight=0.0, adversarial_weight=0.0))


def test_weights_are_rounded_inside_their_bounds():
    each = WeightRange("a_weight", 0.123456, 9.87654, 1.0)
    assert [each.rounded(value) for value in (1.234567, 0.1234561, 9.876539, 123456.0)] == [1.235, 0.1235, 9.87654, 9.87654]
    assert each.rounded(0.12345601) >= each.low


@pytest.mark.parametrize("setting", [{"trials": 0}, {"validation_pictures": 0}, {"tuner": "grid"}])
def test_a_setting_of_the_search_out_of_range_is_named(setting):
    with pytest.raises(ConfigError, match=f"`{next(iter(setting))}` must be"):
        TuneConfig(**setting)


def propose(tuner, notes, *, trials=12, seed=0, objective="psnr", score=lambda values: -(math.log10(values["a_weight"] / 5) ** 2)):
    """The weights that an oracle proposes where `score` says what comes of them."""
    oracle = oracles.make_oracle(TuneConfig(trials=trials, tuner=tuner, objective=objective), RANGES, seed=seed, notes=str(notes))
    found = []
    while (proposal := oracle.create_trial("tuner")).status == "RUNNING":
        values = {each.name: proposal.hyperparameters.values[each.name] for each in RANGES}
        found.append(values)
        oracle.update_trial(proposal.trial_id, {objective: score(values)})
        proposal.status = "COMPLETED"
        oracle.end_trial(proposal)
    return found


@pytest.mark.filterwarnings("ignore")  # of the Gaussian process; a search ignores them too
@pytest.mark.parametrize(("tuner", "trials"), [("random", 12), ("hyperband", 12), ("bayesian", 3)])
def test_proposals_begin_with_the_present_weights_and_keep_their_bounds(tmp_path, tuner, trials):
    found = propose(tuner, tmp_path, trials=trials)
    assert len(found) == trials
    assert found[0] == {"a_weight": 1.0, "b_weight": 50.0}
    for values in found[1:]:
        for each in RANGES:
            assert each.low <= values[each.name] <= each.high
            assert values[each.name] == each.rounded(values[each.name])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tuner", ["random", "hyperband", pytest.param("bayesian", marks=pytest.mark.slow)])
def test_proposals_are_a_function_of_the_seed_and_the_results(tmp_path, tuner):
    first = propose(tuner, tmp_path / "a", seed=3, trials=4)
    assert propose(tuner, tmp_path / "b", seed=3, trials=4) == first
    assert propose(tuner, tmp_path / "c", seed=4, trials=4)[1:] != first[1:]


def test_random_proposals_fill_the_decades_evenly(tmp_path):
    values = [found["a_weight"] for found in propose("random", tmp_path, trials=80)]
    assert 0.35 < sum(value < 1 for value in values) / len(values) < 0.65


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("objective", "sign"), [("psnr", 1), ("l1", -1)])
def test_a_bayesian_search_turns_to_where_the_objective_is_better(tmp_path, objective, sign):
    found = propose("bayesian", tmp_path, trials=8, objective=objective, score=lambda values: math.log10(values["a_weight"]))
    late = [sign * math.log10(values["a_weight"]) for values in found[3:]]
    assert sum(late) / len(late) > 0.3


def test_a_hyperband_search_goes_on_with_the_better_ones(tmp_path):
    found = propose("hyperband", tmp_path, trials=13)
    best_first = sorted(found[:9], key=lambda values: abs(math.log10(values["a_weight"] / 5)))
    assert found[9:12] == best_first[:3]
    assert found[12] == best_first[0]
