"""How good the model is on the month after those it has learnt from."""

from __future__ import annotations

from typing import cast

import lightgbm
import numpy as np
from features import examples
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ropewalk import Metrics, Model, Table, step

STANDBY_SHARE = 0.1
"""Standby crews can be placed for one flight in ten."""


@step
def evaluate(train: Model, labelled_flights: Table) -> Metrics:
    """Judge the model on July."""
    known, late = examples(labelled_flights, "2013-07-01", "2013-07-31")
    scores = np.asarray(cast("lightgbm.Booster", train.load()).predict(known))
    riskiest = late.to_numpy()[np.argsort(-scores, kind="stable")[: int(len(scores) * STANDBY_SHARE)]]
    return Metrics(
        auc=roc_auc_score(late, scores),
        log_loss=log_loss(late, scores),
        brier=brier_score_loss(late, scores),
        late_rate=late.mean(),
        mean_prediction=scores.mean(),
        standby_precision=riskiest.mean(),
        standby_recall=riskiest.sum() / late.sum(),
        rows=len(late),
    )
