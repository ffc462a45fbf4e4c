"""Claims about engines: they answer exactly what the model answers on its training table."""

from __future__ import annotations

import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.devops.serving.engines import LightGBMEngine, PyfuncEngine, open_engine
from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.devops.serving.example import example_columns
from ropewalk.devops.serving.payload import Frame

from .conftest import SavedModel, flights, save


def answers(folder: Path, table: pd.DataFrame, rows: list[list[object]]) -> list[object]:
    engine = open_engine(folder)
    frame = Frame(list(table.columns), list(zip(*rows, strict=True)), len(rows))
    return engine.predict(engine.signature.select(frame))


def train(table: object, labels: np.ndarray, **parameters: object) -> lightgbm.Booster:
    options = {"objective": "binary", "verbosity": -1, **parameters}
    return lightgbm.train(options, lightgbm.Dataset(table, labels), 10)


def test_the_c_path_equals_booster_predict_on_many_rows(late_model: SavedModel) -> None:
    """Categories of text and numbers, missing values, float32 and flags: every score is bit-equal."""
    found = answers(late_model.folder, late_model.table, late_model.rows(3000))

    assert found == late_model.booster.predict(late_model.table).tolist()


def test_the_single_row_path_equals_booster_predict(late_model: SavedModel) -> None:
    """The prepared single-row call gives what the call for many rows gives."""
    engine = open_engine(late_model.folder)
    names = list(late_model.table.columns)

    found = [
        engine.predict(engine.signature.select(Frame(names, [[value] for value in row], 1)))[0]
        for row in late_model.rows(200)
    ]

    assert found == late_model.booster.predict(late_model.table.head(200)).tolist()


_row = st.tuples(
    st.integers(0, 23),
    st.floats(-1e6, 1e6) | st.none(),
    st.sampled_from(["UA", "AA", "DL", "B6", "ZZ", ""]) | st.none(),
    st.integers(0, 13),
    st.floats(-100, 100, width=32) | st.none(),
    st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(_row, min_size=1, max_size=5))
def test_any_row_is_answered_as_pandas_would(late_model: SavedModel, rows: list[tuple[object, ...]]) -> None:
    """Rows with unknown categories, missing and odd values: the answer is that of the training's dtypes."""
    table = pd.DataFrame(rows, columns=late_model.table.columns)
    known = {name: set(late_model.table[name].cat.categories) for name in ("carrier", "month")}
    for name, values in known.items():
        table[name] = table[name].where(table[name].isin(values), None)
    table = table.astype({**late_model.table.dtypes.to_dict()})

    found = answers(late_model.folder, late_model.table, [list(row) for row in rows])

    assert found == late_model.booster.predict(table).tolist()


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "regression"},
        {"objective": "poisson"},
        {"boosting": "dart"},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"linear_tree": True},
        {"objective": "multiclass", "num_class": 2},
        {"objective": "multiclassova", "num_class": 2},
    ],
)
def test_every_kind_of_booster_is_exact(tmp_path: Path, parameters: dict[str, object]) -> None:
    """Whatever was boosted how, the C path gives what the Python package gives, for one row and for many."""
    table, late = flights(600)
    table = table.drop(columns="wind")
    booster = train(table, late, **parameters)
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)
    expected = booster.predict(table).tolist()

    assert answers(model.folder, table, model.rows(600)) == expected
    assert answers(model.folder, table, model.rows(1)) == expected[:1]


def test_a_booster_stopped_early_predicts_with_its_best_trees(tmp_path: Path) -> None:
    """MLflow saves up to the best iteration, and so much is used."""
    table, late = flights(800)
    valid = lightgbm.Dataset(table[:300], 1 - late[:300])
    options = {"objective": "binary", "verbosity": -1}
    stop = lightgbm.early_stopping(2, verbose=False)
    booster = lightgbm.train(options, lightgbm.Dataset(table, late), 50, valid_sets=[valid], callbacks=[stop])
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)

    assert booster.best_iteration < 50
    assert answers(model.folder, table, model.rows(300)) == booster.predict(table.head(300)).tolist()


def test_ordered_categories_are_mapped_too(tmp_path: Path) -> None:
    """An ordered pandas category is coded like any other, though LightGBM sees numbers in it."""
    table, late = flights(600)
    table["carrier"] = table["carrier"].cat.as_ordered()
    table["month"] = table["month"].astype(int)
    booster = train(table, late)
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)

    assert answers(model.folder, table, model.rows(600)) == booster.predict(table).tolist()


def test_names_that_lightgbm_changes_are_matched_by_order(tmp_path: Path) -> None:
    """LightGBM writes blanks in names as underscores; letters of any language stay."""
    table, late = flights(400)
    table = table[["hour", "distance"]].rename(columns={"hour": "Stunde früh", "distance": "距離"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        booster = train(table, late)
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)

    assert answers(model.folder, table, model.rows(50)) == booster.predict(table.head(50)).tolist()


def test_a_signature_of_other_columns_is_refused(late_model: SavedModel, tmp_path: Path) -> None:
    """A signature that was inferred from more columns than the booster has is not served on a guess."""
    description = (late_model.folder / "MLmodel").read_text()
    (tmp_path / "MLmodel").write_text(
        description.replace('{"type": "long", "name": "hour", "required": true}, ', "")
    )
    (tmp_path / "model.lgb").write_bytes((late_model.folder / "model.lgb").read_bytes())

    with pytest.raises(ModelNotServable, match="5 columns, and the booster 6 features"):
        open_engine(tmp_path)


def test_an_unknown_category_counts_as_missing(late_model: SavedModel) -> None:
    """A carrier that the training did not see is answered as a missing one, as pandas has it."""
    (row,) = late_model.rows(1)
    unknown, missing = [*row], [*row]
    unknown[2], missing[2] = "ZZ", None

    found = answers(late_model.folder, late_model.table, [unknown, missing])

    assert found[0] == found[1]


def test_columns_are_matched_by_name(late_model: SavedModel) -> None:
    """A request may name its columns in any order."""
    engine = open_engine(late_model.folder)
    names = list(late_model.table.columns)
    frame = Frame(names[::-1], list(zip(*late_model.rows(50), strict=True))[::-1], 50)

    found = engine.predict(engine.signature.select(frame))

    assert found == late_model.booster.predict(late_model.table.head(50)).tolist()


def test_several_classes_give_a_list_per_row(tmp_path: Path) -> None:
    """A multi-class booster of a bare array answers one list of scores per row."""
    values = np.random.default_rng(1).normal(size=(300, 3))
    booster = train(values, (np.arange(300) % 3), objective="multiclass", num_class=3)
    save(tmp_path / "model", booster, values)
    engine = open_engine(tmp_path / "model")

    columns = engine.signature.select(Frame(None, list(zip(*values.tolist(), strict=True)), 300))

    assert engine.predict(columns) == booster.predict(values).tolist()
    assert engine.predict([[column[0]] for column in columns]) == booster.predict(values[:1]).tolist()


def test_explicit_categories_beside_pandas_ones_are_told_apart(tmp_path: Path) -> None:
    """Whole numbers declared categorical by hand stay numbers, and only the pandas column is mapped."""
    table, late = flights(1000)
    table["month"] = table["month"].astype(int)
    dataset = lightgbm.Dataset(table, late, categorical_feature=["month", "carrier"])
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, dataset, 10)
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)

    assert answers(model.folder, table, model.rows(1000)) == booster.predict(table).tolist()


def test_a_booster_of_numbers_only_needs_no_categories(tmp_path: Path) -> None:
    """A model without any category is served as it is."""
    table, late = flights(500)
    table = table[["hour", "distance"]]
    booster = train(table, late)
    save(tmp_path / "model", booster, table)
    model = SavedModel(tmp_path / "model", booster, table)

    assert answers(model.folder, table, model.rows(500)) == booster.predict(table).tolist()


@pytest.mark.parametrize(
    ("categories", "reason"),
    [
        ('[["a"], ["b"], ["c"]]', "categories for 3 columns"),
        ("[[1, 2, 3, 4], [5]]", "those of 'carrier'"),
        ('[["a", "b", "c", "d"], [1, 2]]', "those of 'month'"),
    ],
)
def test_categories_that_match_no_columns_are_refused(
    late_model: SavedModel, tmp_path: Path, categories: str, reason: str
) -> None:
    """When the categories cannot be matched with columns, the model is not served on a guess."""
    (tmp_path / "MLmodel").write_text((late_model.folder / "MLmodel").read_text())
    text = (late_model.folder / "model.lgb").read_text().rpartition("pandas_categorical:")[0]
    (tmp_path / "model.lgb").write_text(f"{text}pandas_categorical:{categories}\n")

    with pytest.raises(ModelNotServable, match=reason):
        open_engine(tmp_path)


def test_another_flavour_goes_through_pyfunc(tmp_path: Path) -> None:
    """A scikit-learn wrapper, which is no native booster, is served by MLflow's own loader."""
    table, late = flights(400)
    table = table[["hour", "distance"]]
    model = lightgbm.LGBMClassifier(n_estimators=3, verbosity=-1).fit(table, late)
    save(tmp_path / "model", model, table, serialization_format="cloudpickle")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = open_engine(tmp_path / "model")
        found = engine.predict([table["hour"].tolist(), table["distance"].tolist()])

    assert isinstance(engine, PyfuncEngine)
    assert found == model.predict(table).tolist()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "cannot read"),
        ({"MLmodel": "flavors: [1]"}, "cannot read"),
        ({"MLmodel": "flavors: {}"}, "no engine"),
        ({"MLmodel": "{"}, "cannot read"),
        (
            {
                "MLmodel": "flavors: {lightgbm: {model_class: lightgbm.basic.Booster, data: m.lgb}}",
                "m.lgb": "x",
            },
            "not a LightGBM model",
        ),
        (
            {
                "MLmodel": "flavors: {lightgbm: {model_class: lightgbm.basic.Booster, data: m.lgb}}",
                "m.lgb": "tree\nfeature_names=a\n\nbroken",
            },
            "LightGBM cannot load",
        ),
        (
            {"MLmodel": "flavors: {lightgbm: {model_class: lightgbm.basic.Booster, data: m.lgb}}"},
            "cannot read",
        ),
    ],
)
def test_a_broken_model_folder_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    """Whatever is wrong with the files, the error is one sentence and no traceback."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ModelNotServable, match=message):
        open_engine(tmp_path)


def test_the_example_is_the_logged_one(late_model: SavedModel) -> None:
    """The row to try a model with is the one that was logged with it."""
    engine = open_engine(late_model.folder)

    columns = example_columns(late_model.folder, engine.signature)

    assert isinstance(engine, LightGBMEngine)
    assert engine.predict(columns) == late_model.booster.predict(late_model.table.head(1)).tolist()


def test_without_a_logged_example_one_is_made_up(later_model: SavedModel) -> None:
    """A model without an example still gets a row that fits its signature."""
    engine = open_engine(later_model.folder)

    columns = example_columns(later_model.folder, engine.signature)

    assert [list(values) for values in columns] == [[0], [0.0], [""], [0], [0.0], [False]]
