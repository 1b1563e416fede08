"""Repairs very many pictures by an Apache Beam pipeline over an exported model, on this machine or on a cluster.

The same pipeline runs by any runner: DirectRunner on this machine, FlinkRunner, SparkRunner, DataflowRunner. Workers need this
package with the extra `beam`, and must reach the model, the pictures and the output.
"""

import dataclasses
import importlib.util
import json
from collections.abc import Sequence

from tf_inpaint import pictures
from tf_inpaint.errors import ConfigError
from tf_inpaint.serving import beam_plan, beam_worker
from tf_inpaint.serving.export import DEFAULT_MAX_PIXELS

FAILURES = "failures.jsonl"
"""The file in the output folder that names each picture that failed, one line of JSON each, in the order of names."""

# Beam's own DirectRunner first fetches a program from the network to run the pipeline by. This is what it uses without.
_LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


@dataclasses.dataclass(frozen=True)
class BatchOutcome:
    """How a batch ended.

    Attributes:
        num_repaired: number of pictures whose results were written.
        failures: what the file `FAILURES` holds: `{"name", "image", "mask", "reason"}` of each picture that failed.
    """

    num_repaired: int
    failures: list[dict]


def repair(
    images: str,
    masks: str,
    output: str,
    *,
    model: str,
    runner: str = "DirectRunner",
    runner_options: Sequence[str] = (),
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> BatchOutcome:
    """Repairs pictures by an exported model and waits for the end. A bad picture stops no other one.

    The results, their names and the list of failures depend on the inputs alone, not on the runner or on the number of workers.

    Args:
        images: a folder, a pattern or a picture, see `beam_plan.plan`.
        masks: the same; one file is the mask of all pictures.
        output: folder of the results, PNG files, and of `FAILURES`.
        model: folder written by `tf-inpaint export`.
        runner: name of a Beam runner, or the full name of its class.
        runner_options: for the runner, as on a command line: `["--region", "europe-west1"]`.
        max_pixels: pictures with more pixels fail. The model has a limit of its own, too.

    Returns:
        How it ended.

    Raises:
        ConfigError: if Beam is not installed, the runner is unknown, refuses its options, or there is nothing to do.
        WeightsError: if `model` is not an exported model.
    """
    if importlib.util.find_spec("apache_beam") is None:
        raise ConfigError(
            "A batch needs Apache Beam: `pip install 'tf_inpaint[beam]'`. Without it, `tf-inpaint inpaint` takes folders, too."
        )
    if max_pixels < 1:
        raise ConfigError(f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}.")
    options = _options(runner, runner_options)
    jobs = beam_plan.plan(images, masks, output)
    beam_worker.check_model(model)
    report = beam_plan.join(output, FAILURES)
    _run(jobs, beam_worker.PictureRepairer(model, max_pixels=max_pixels), report, options)
    failures = [json.loads(line) for line in beam_worker.read_file(report).decode("utf-8").splitlines()]
    return BatchOutcome(len(jobs) - len(failures), failures)


def _options(runner: str, runner_options: Sequence[str]):
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners import create_runner

    name = _LOCAL_RUNNER if runner == "DirectRunner" else runner
    try:
        create_runner(name)
    except (ValueError, AttributeError, ImportError) as error:
        raise ConfigError(f"There is no runner {runner!r} here: {pictures.printable(str(error))}") from error
    return PipelineOptions([f"--runner={name}", *runner_options], save_main_session=False)


def _run(jobs, repairer, report, options) -> None:
    import apache_beam as beam

    with beam.Pipeline(options=options) as pipeline:
        (
            pipeline
            | "Jobs" >> beam.Create(jobs)
            | "Spread" >> beam.Reshuffle()  # otherwise one worker would get them all
            | "Repair" >> beam.FlatMap(repairer.repair)
            | "Failures" >> beam.combiners.ToList()
            | "Report" >> beam.Map(_write_report, path=report)
        )


def _write_report(lines: list[str], path: str) -> None:
    beam_worker.write_file(path, "".join(f"{line}\n" for line in sorted(lines)).encode("utf-8"))
