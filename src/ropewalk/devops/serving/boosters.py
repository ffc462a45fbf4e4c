"""LightGBM's own library, called without its Python package.

The package would bring pandas, scipy and scikit-learn into every worker (seconds of start, 150 MB); the C library
alone needs none of them, and its single-row call is some hundred times cheaper than `Booster.predict`.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ropewalk.devops.serving.errors import ModelNotServable, PredictionFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Constants of LightGBM's C API: C_API_DTYPE_FLOAT64, is_row_major, C_API_PREDICT_NORMAL, all iterations.
_FLOAT64 = 1
_ROW_MAJOR = 1
_NORMAL = 0
_ALL_TREES = -1
# A worker answers one request at a time; threads of the library would only fight over the cores.
_PARAMETERS = b"num_threads=1"


class Booster:
    """A LightGBM model file, loaded for prediction in one thread.

    Attributes:
        features: names of the inputs, in the order of a row.
        categorical: names of the inputs that the training treated as categories.
        pandas_categories: the category values of each pandas column, in column order.
        largest_codes: the largest category code the training saw for each input; -1 for inputs without codes.
    """

    def __init__(self, path: Path) -> None:
        header, parameters, tail = _read_model_file(path)
        self._library = _load_library()
        self._handle = self._open(path)
        self.features = header["feature_names"].split(" ")
        self.categorical = [self.features[int(i)] for i in parameters.split(",") if i]
        self.pandas_categories: list[list[object]] = tail
        # Files of old releases have no `feature_infos`; their categories are then matched by type alone.
        infos = dict(zip(self.features, header.get("feature_infos", "").split(" "), strict=False))
        self.largest_codes = {name: _largest_code(infos.get(name, "none")) for name in self.features}
        self._outputs = int(header.get("num_tree_per_iteration", "1"))
        self._row = np.empty(len(self.features), np.float64)
        self._scores = np.empty(self._outputs, np.float64)
        self._length = ctypes.c_int64()
        self._single_row = self._prepare_single_row()

    def predict(self, matrix: NDArray[np.float64]) -> list[object]:
        """Return the prediction for each row of a row-major matrix: a number, or a list for several classes.

        Raises:
            PredictionFailed: the library refused.
        """
        if len(matrix) == 1:
            # The row and the score live at addresses the library already knows.
            self._row[:] = matrix[0]
            self._call("LGBM_BoosterPredictForMatSingleRowFast", *self._single_row)
            scores = self._scores
        else:
            scores = self._predict_rows(matrix)
        shaped = scores.reshape(-1, self._outputs) if self._outputs > 1 else scores
        return list(shaped.tolist())

    def _predict_rows(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = np.empty(len(matrix) * self._outputs, np.float64)
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            ctypes.c_void_p(matrix.ctypes.data),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(matrix.shape[0]),
            ctypes.c_int32(matrix.shape[1]),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(_NORMAL),
            ctypes.c_int(0),
            ctypes.c_int(_ALL_TREES),
            ctypes.c_char_p(_PARAMETERS),
            ctypes.byref(self._length),
            ctypes.c_void_p(scores.ctypes.data),
        )
        return scores

    def _open(self, path: Path) -> ctypes.c_void_p:
        handle, iterations = ctypes.c_void_p(), ctypes.c_int()
        try:
            self._call(
                "LGBM_BoosterCreateFromModelfile",
                ctypes.c_char_p(str(path).encode()),
                ctypes.byref(iterations),
                ctypes.byref(handle),
            )
        except PredictionFailed as error:
            raise ModelNotServable(f"LightGBM cannot load {path.name}: {error.detail}") from error
        return handle

    def _prepare_single_row(self) -> tuple[object, ...]:
        """Fix everything of the single-row call once, so that a request only fills in the row."""
        prepared = ctypes.c_void_p()
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle,
            ctypes.c_int(_NORMAL),
            ctypes.c_int(0),
            ctypes.c_int(_ALL_TREES),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(len(self.features)),
            ctypes.c_char_p(_PARAMETERS),
            ctypes.byref(prepared),
        )
        row, scores = ctypes.c_void_p(self._row.ctypes.data), ctypes.c_void_p(self._scores.ctypes.data)
        return prepared, row, ctypes.byref(self._length), scores

    def _call(self, function: str, *arguments: object) -> None:
        if getattr(self._library, function)(*arguments) != 0:
            reason = self._library.LGBM_GetLastError().decode(errors="replace")
            raise PredictionFailed("LightGBM could not predict", detail=reason)


def _load_library() -> ctypes.CDLL:
    # Found without being imported: only the package's folder is of interest.
    spec = importlib.util.find_spec("lightgbm")
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in (Path(folder) / "lib").glob("lib_lightgbm.*")]
    if not found:
        raise ModelNotServable(
            "this is a LightGBM model, and LightGBM is not installed", hint="pip install 'ropewalk[lightgbm]'"
        )
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def _read_model_file(path: Path) -> tuple[Mapping[str, str], str, list[list[object]]]:
    """Return the header's lines by key, the categorical features' indexes, and the pandas categories."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelNotServable(f"cannot read {path}: {error.strerror}") from error
    # The trees in between may be hundreds of megabytes; only the ends are decoded.
    head = content.partition(b"\n\n")[0].decode("utf-8", errors="replace")
    header = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    if "feature_names" not in header:
        raise ModelNotServable(f"{path.name} is not a LightGBM model file")
    categorical = _last_line(content, b"\n[categorical_feature: ").rstrip(b"]").decode(errors="replace")
    pandas_line = _last_line(content, b"\npandas_categorical:")
    try:
        tail = msgspec.json.decode(pandas_line, type=list[list[object]] | None) if pandas_line else None
    except msgspec.DecodeError as error:
        # A copy that broke off ends within this line; served without its categories it would answer wrongly.
        raise ModelNotServable(f"the categories in {path.name} cannot be read: {error}") from error
    return header, categorical, tail or []


def _last_line(content: bytes, start: bytes) -> bytes:
    """Return the rest of the last line that begins with `start`; empty when there is none."""
    found = content.rfind(start)
    return content[found + len(start) :].partition(b"\n")[0] if found >= 0 else b""


def _largest_code(info: str) -> int:
    # A number's range reads `[0:23]`, a category's codes `-1:2:0:1`, an unused input `none`.
    is_categorical = info != "none" and not info.startswith("[")
    return max(map(int, info.split(":"))) if is_categorical else -1
