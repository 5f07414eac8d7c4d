"""Predictors of accuracy at 60 trainings, on networks that they have not seen: digits, small CNNs."""

import numpy as np

from dse.joint import describing, gaussian, predictors, sampling
from dse.joint import quality as qualities
from dse.joint.predictors import Predictor
from dse.joint.quality import kendall, quality
from dse.joint.sampling import Trained, first_sample, iterate, most_informative
from tests.benchmarks.codesign.joint import measured, networks
from tests.benchmarks.codesign.keeping import Numbers

BUDGET = 60
UNSEEN = 80
ROUNDS = 6
PREDICTORS = ("gaussian_process", "boosted_trees", "committee")
SAMPLES = ("iterative", "random")
CODE = (describing, gaussian, predictors, qualities, sampling)


def trained(seed: int, sample: str) -> Trained:
    """Train 60 networks: drawn evenly or, after a third, those that tell a Gaussian process most."""
    found = Trained(networks(seed), measured(seed), "gaussian_process", seed)
    first_sample(found, BUDGET if sample == "random" else BUDGET // 3)
    iterate(found, BUDGET, ROUNDS, most_informative(found), near=False)
    return found


def predicted(seed: int) -> Numbers:
    """Hold predictors against 80 networks drawn evenly, each trained with two seeds: the ceiling."""
    nets, measure = networks(seed), measured(seed)
    runs = {how: trained(seed, how) for how in SAMPLES}
    seen = {one for run in runs.values() for one in run.index}
    drawn = nets.sample(UNSEEN + len(seen), "random", seed + 1000).tolist()
    unseen = np.array([one for one in drawn if one not in seen][:UNSEEN], dtype=np.int64)
    built = [nets[int(one)] for one in unseen]
    first, second = (measure(built, seed=start) for start in (seed, seed + 1000))
    target, again = (np.array([one.target for one in found]) for found in (first, second))
    accuracy = np.mean([[one.accuracy for one in found] for found in (first, second)], axis=0)
    better = np.argsort(target, kind="stable")[: UNSEEN // 2]
    numbers = {
        "ceiling tau": kendall(again, target),
        "ceiling better": kendall(again[better], target[better]),
        "ceiling regret": 100 * float(accuracy.max() - accuracy[int(np.argmin(again))]),
        "macs tau": kendall(-np.log([net.macs for net in built]), target),
    }
    for how, run in runs.items():
        best = max((run.measurements[i] for i in run.good), key=lambda one: -one.log_loss)
        numbers |= {f"{how} loss": best.log_loss, f"{how} test": 100 * best.test_accuracy}
        index = np.array(run.index, dtype=np.int64)[run.good]
        for name in PREDICTORS:
            model = Predictor(name, seed).fit(run.features(index), run.targets())
            found = quality(*model.predict(run.features(unseen)), target, accuracy)
            numbers |= {
                f"{name} {how} tau": found.tau,
                f"{name} {how} better": found.tau_better_half,
                f"{name} {how} regret": 100 * found.regret,
                f"{name} {how} coverage": 100 * found.coverage,
            }
    return numbers
