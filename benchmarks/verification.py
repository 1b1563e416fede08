"""Whether the scores of a system's verification tell its good results from bad ones.

    python benchmarks/verification.py --weights RUN --data folder:PATH --masks "irregular:PATH?files=odd" [--limit 100] [--retries 3]

Each bin of hole shares gets `--limit` pictures. Spearman's rank correlation between the scores and the PSNR in the hole (1: the scores
sort the results as their error does, 0: they do not) stands over all bins and for each: larger holes are both harder to fill and easier
to see, so that a correlation over all bins alone would say little; that of the hole share itself stands beside it. So do those of the
scores of the true pictures: simple pictures are easy to fill and may please a critic that sees no fault in the filling, even one without
training. A score that tells good results from bad ones does better than both.

With thresholds (`tf-inpaint calibrate`) it tells how many results are rejected and how much worse these are, how many true pictures
would have been, and with `--retries` what other candidates make of the rejected ones.
"""

import argparse
import json
import pathlib

import numpy as np
import tensorflow as tf
from scipy import stats

from tf_inpaint import compat, evaluation, metrics, ops
from tf_inpaint.serving import Inpainter


def measure(inpainter: Inpainter, protocol: evaluation.Protocol, *, retries: int) -> list[dict]:
    """Repairs and scores each item; tries the rejected ones again."""
    verification = inpainter.system.verification
    score_truth = tf.function(verification.score_truth, [tf.TensorSpec([1, None, None, channels]) for channels in (3, 1)])
    measured = []
    for index in compat.progress(range(len(protocol.items)), description="verifying", unit="picture"):
        image, mask = protocol.load(index)

        def psnr(result, image=image, mask=mask):
            return float(metrics.psnr(image[np.newaxis], result.image[np.newaxis], mask=mask[np.newaxis, ..., np.newaxis])[0])

        plain = inpainter.inpaint_verified(image, mask)
        truth = score_truth(ops.image.from_uint8(image[np.newaxis]), ops.image.binary_mask(mask[np.newaxis, ..., np.newaxis]))
        values = {
            "hole_share": protocol.items[index].hole_share,
            "psnr": psnr(plain),
            "verdict": plain.verdict,
            "scores": dict(plain.scores),
            "scores_of_truth": {name: float(score[0]) for name, score in truth.items()},
        }
        if retries and plain.verdict == "rejected":
            best = inpainter.inpaint_verified(image, mask, retries=retries)
            values["retried"] = {"psnr": psnr(best), "verdict": best.verdict, "candidate": best.candidate}
        measured.append(values)
    return measured


def print_correlations(measured: list[dict], protocol: evaluation.Protocol, thresholds) -> None:
    """Spearman's correlation with the PSNR, over all bins and in each: of the scores, and of what knows nothing of the results."""
    columns = {name: [each["scores"][name] for each in measured] for name in measured[0]["scores"]}
    if thresholds is not None:
        columns["combined"] = [thresholds.margin(each["scores"]) for each in measured]
    columns |= {f"{name} of truth": [each["scores_of_truth"][name] for each in measured] for name in measured[0]["scores"]}
    columns["hole share"] = [each["hole_share"] for each in measured]
    columns = {name: np.array(values) for name, values in columns.items()}
    psnr = np.array([each["psnr"] for each in measured])
    print("rank correlation with the PSNR in the hole (p-value)")
    print(f"{'hole share':>12}{'pictures':>10}{'PSNR, dB':>10}" + "".join(f"{name:>18}" for name in columns))
    for limits in (None, *protocol.bins):
        indices = protocol.indices_in(limits)
        if len(indices) < 3:
            continue
        cells = [stats.spearmanr(values[indices], psnr[indices]) for values in columns.values()]
        name = "all" if limits is None else f"{limits[0]:g}-{limits[1]:g}"
        shown = "".join(f"{f'{cell.statistic:+.3f} ({cell.pvalue:.0e})':>18}" for cell in cells)
        print(f"{name:>12}{len(indices):>10}{np.mean(psnr[indices]):>10.2f}{shown}")


def print_verdicts(measured: list[dict], protocol: evaluation.Protocol, thresholds) -> None:
    """Shares rejected, and how the PSNR of rejected and accepted results differs."""
    print(f"\n{thresholds.describe()}")
    print(f"{'hole share':>12}{'rejected':>10}{'of truth':>10}{'PSNR accepted':>16}{'PSNR rejected':>16}")
    for limits in (None, *protocol.bins):
        indices = protocol.indices_in(limits)
        if not indices:
            continue
        chosen = [measured[index] for index in indices]
        psnr = {verdict: [each["psnr"] for each in chosen if each["verdict"] == verdict] for verdict in ("accepted", "rejected")}
        of_truth = np.mean([thresholds.margin(each["scores_of_truth"]) < 1.0 for each in chosen])
        means = "".join(f"{np.mean(values):>16.2f}" if values else f"{'-':>16}" for values in psnr.values())
        name = "all" if limits is None else f"{limits[0]:g}-{limits[1]:g}"
        print(f"{name:>12}{len(psnr['rejected']) / len(chosen):>10.1%}{of_truth:>10.1%}{means}")


def print_retries(measured: list[dict], retries: int) -> None:
    """What other candidates make of the rejected results."""
    retried = [each for each in measured if "retried" in each]
    if not retried:
        print("\nno result was rejected, so none was tried again")
        return
    changes = np.array([each["retried"]["psnr"] - each["psnr"] for each in retried])
    accepted = sum(each["retried"]["verdict"] == "accepted" for each in retried)
    rises, falls = np.mean(changes > 0), np.mean(changes < 0)
    print(f"\n{len(retried)} rejected results tried again with {retries} retries: {accepted} accepted then")
    print(f"PSNR in the hole changes by {changes.mean():+.3f} dB on average, rises for {rises:.0%}, falls for {falls:.0%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--masks", required=True)
    parser.add_argument("--limit", type=int, default=50, help="pictures in each bin")
    parser.add_argument("--image-size", type=int, help="default: each picture at its own size")
    parser.add_argument("--retries", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, help="JSON file for the numbers of each picture")
    arguments = parser.parse_args()
    inpainter = Inpainter(arguments.weights)
    inpainter.check_retries(arguments.retries)
    protocol = evaluation.make_protocol(
        arguments.data, arguments.masks, limit=arguments.limit, image_size=arguments.image_size, seed=arguments.seed
    )
    measured = measure(inpainter, protocol, retries=arguments.retries)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    thresholds = inpainter.system.verification.thresholds
    print_correlations(measured, protocol, thresholds)
    if thresholds is None:
        print("\nthe weights have no thresholds; `tf-inpaint calibrate` measures them")
        return
    print_verdicts(measured, protocol, thresholds)
    if arguments.retries:
        print_retries(measured, arguments.retries)


if __name__ == "__main__":
    main()
