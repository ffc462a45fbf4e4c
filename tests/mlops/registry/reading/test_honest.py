"""Honest models: what scikit-learn, numpy, scipy, pandas and LightGBM write is read to the end and known."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ropewalk.mlops.registry import FilesReport
from ropewalk.mlops.registry.reading.contents import Contents

Read = Callable[..., FilesReport]
_RANDOM = np.random.default_rng(7)
X = _RANDOM.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
NAMED = pd.DataFrame({"a": X[:, 0], "b": np.where(Y, "x", "y")})


def _pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [
            ("n", Pipeline([("i", SimpleImputer()), ("s", StandardScaler())]), ["a"]),
            ("c", OneHotEncoder(), ["b"]),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression())]).fit(NAMED, Y)


MODELS: dict[str, Callable[[], object]] = {
    "logistic": lambda: LogisticRegression().fit(X, Y),
    "pipeline": _pipeline,
    "tree": lambda: DecisionTreeClassifier().fit(X, Y),
    "forest": lambda: RandomForestClassifier(4, random_state=np.random.RandomState(1)).fit(X, Y),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=3).fit(X, Y),
    "histograms": lambda: HistGradientBoostingClassifier(max_iter=3).fit(X, Y),
    "isolation": lambda: IsolationForest(n_estimators=3).fit(X),
    "stacking": lambda: StackingClassifier([("nb", GaussianNB()), ("t", DecisionTreeClassifier())], cv=2).fit(
        X, Y
    ),
    "calibrated": lambda: CalibratedClassifierCV(GaussianNB(), cv=2, method="isotonic").fit(X, Y),
    "svm": lambda: SVC().fit(X, Y),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "balls": lambda: KNeighborsClassifier(algorithm="ball_tree").fit(X, Y),
    "network": lambda: MLPClassifier((3,), max_iter=2, solver="lbfgs").fit(X, Y),
    "gradient": lambda: SGDClassifier().fit(X, Y),
    "gaussian": lambda: GaussianProcessClassifier().fit(X[:9], Y[:9]),
    "means": lambda: KMeans(2, n_init=1).fit(X),
    "components": lambda: PCA(2).fit(X),
    "isotonic": lambda: IsotonicRegression().fit(X[:, 0], Y),
    "words": lambda: TfidfVectorizer().fit(["late flight", "flight on time"]),
    "function": lambda: FunctionTransformer(np.log1p),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=2, verbosity=-1).fit(X, Y),
    "booster": lambda: lightgbm.LGBMClassifier(n_estimators=2, verbosity=-1).fit(X, Y).booster_,
    "frame": lambda: NAMED.assign(c=pd.Categorical(NAMED["b"]), d=pd.Timestamp("2026-01-01")),
    "index": lambda: pd.MultiIndex.from_product([["a"], [1, 2]]),
    "sparse": lambda: sparse.csr_matrix(X),
    "sparse array": lambda: sparse.csc_array(X),
    "generator": lambda: np.random.default_rng(1),
    "masked": lambda: np.ma.masked_array([1, 2], [True, False]),
    "objects": lambda: {"a": np.array(["x", None, 3], dtype=object), "b": np.float64(2), "c": {1, 2}},
    "structured": lambda: np.zeros(3, dtype=[("a", "f8"), ("b", "i4"), ("c", "U5")]),
    "times": lambda: np.array(["2026-01-01"], dtype="datetime64[ns]"),
}


def _joblib(model: object, **options: object) -> bytes:
    target = io.BytesIO()
    joblib.dump(model, target, **options)
    return target.getvalue()


WRITERS: dict[str, Callable[[object], bytes]] = {
    "protocol 2": lambda model: pickle.dumps(model, 2),
    "protocol 5": lambda model: pickle.dumps(model, 5),
    "joblib": _joblib,
    "joblib, packed": lambda model: _joblib(model, compress=("gzip", 3)),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_honest_model(name: str, read: Read) -> None:
    """No model of these libraries is refused, however it was written."""
    model = MODELS[name]()

    found = {writer: read({"model.pkl": write(model)}) for writer, write in WRITERS.items()}

    assert {writer: report.findings for writer, report in found.items()} == dict.fromkeys(WRITERS, ())
    assert all(report.pickles == 1 for report in found.values())


def test_arrays(read: Read) -> None:
    """Arrays of numbers have no pickle; one of objects has."""
    target = io.BytesIO()
    np.savez(target, numbers=X, texts=np.array(["a"], dtype=object))

    report = read({"arrays.npz": target.getvalue()})

    assert (report.pickles, report.is_known) == (1, True)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("conda.yaml", b"channels:\n- conda-forge\ndependencies:\n- python=3.11\n"),
        ("requirements.txt", b"scikit-learn==1.9\n"),
        ("README.md", b"(see `c`)\n"),
        ("model.txt", b"tree\nversion=v4\n"),
        ("weights.safetensors", b"\x80\x02\x00\x00\x00\x00\x00\x00{}"),
        ("raw.bin", b"\x80\x04\x95\x01\x02"),
        ("x.txt", b"x\x9cbut no zlib"),
        ("empty", b""),
        ("saved_model.pb", b"\x08\x01\x12\x05serve"),
    ],
)
def test_no_pickle(path: str, content: bytes, read: Read) -> None:
    """What is no pickle is left alone, also when it begins like one."""
    assert read({path: content}) == FilesReport()


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    """Whatever the bytes are, they are read to an answer."""
    for path in ("model.pkl", "anything"):
        contents = Contents()
        contents.read(path, io.BytesIO(content))
        assert all(isinstance(problem, str) for _, problem in contents.problems)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    ),
    st.integers(0, 5),
)
def test_plain_values(value: object, protocol: int) -> None:
    """Plain values are known in every protocol."""
    contents = Contents()

    contents.read("model.pkl", io.BytesIO(pickle.dumps(value, protocol)))

    assert (contents.unknown, contents.problems) == ([], [])
