"""The allow-list: what a pickle may import and call. A name that is not here is unknown, whatever it does.

A name is here when calling it with any arguments, and setting any state on what it returns, runs no code that the
pickle chose. That is why some everyday names are not: `numpy._core._ufunc_reconstruct` imports any module,
scipy's distributions execute text of their own state, and joblib's old `NDArrayWrapper` opens other files.
"""

from __future__ import annotations

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING  # what `pickle` itself does to names of Python 2

_BUILTINS = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple"
_EXACT = frozenset(
    [f"builtins.{name}" for name in _BUILTINS.split()]
    + [
        "pandas.DataFrame",
        "pandas.Series",
        "pandas.Categorical",
        "pandas.NA",
        "pandas._libs.tslibs.offsets.Day",
        "pyarrow.lib._restore_array",
        "pyarrow.lib.type_for_alias",
        "pyarrow.lib.py_buffer",
        "numpy.ma.MaskedArray",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "_codecs.encode",
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "copyreg.__newobj__",
        "copyreg._reconstructor",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "pathlib.PosixPath",
        "pathlib.PurePosixPath",
        "uuid.UUID",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.matrix",
        "numpy.ma.core.MaskedArray",
        "numpy.ma.core._mareconstruct",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.core.numeric._frombuffer",
        "numpy._core.numeric._frombuffer",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random._mt19937.MT19937",
        "numpy.random._pcg64.PCG64",
        "numpy.random._philox.Philox",
        "numpy.random._sfc64.SFC64",
        "numpy.random.mtrand.RandomState",
        "numpy.random._generator.Generator",
        "numpy.random.bit_generator.SeedSequence",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "scipy.spatial._ckdtree.cKDTree",
        "scipy.spatial._kdtree.KDTree",
        "scipy.interpolate._interpolate.interp1d",
        "scipy.interpolate.interpolate.interp1d",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.special._ufuncs.expit",
        "sklearn.neighbors._kd_tree.newObj",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.Bunch",
        "sklearn.utils._tags.Tags",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "pandas._libs.internals._unpickle_block",
        "pandas._libs.tslibs.timestamps._unpickle_timestamp",
        "pandas._libs.tslibs.timedeltas._timedelta_unpickle",
        "pandas.core.indexes.base._new_Index",
        "pandas.core.internals.blocks.new_block",
        "pandas.core.internals.managers.BlockManager",
        "pandas.core.internals.managers.SingleBlockManager",
        "pandas.core.frame.DataFrame",
        "pandas.core.series.Series",
        "pandas.core.arrays.categorical.Categorical",
        "pandas.core.dtypes.dtypes.CategoricalDtype",
        "pandas.core.arrays.string_.StringDtype",
        "pandas.core.arrays.string_.StringArray",
        "pandas.core.arrays.datetimes.DatetimeArray",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMModel",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "lightgbm.sklearn._LGBMLabelEncoder",
        "lightgbm.compat._LGBMLabelEncoder",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBModel",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "catboost.core.CatBoost",
        "catboost.core.CatBoostClassifier",
        "catboost.core.CatBoostRegressor",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch.nn.parameter.Parameter",
        "torch.Size",
        "torch.device",
        "torch.dtype",
        "torch.Tensor",
    ]
    # Ufuncs, as FunctionTransformer keeps them, by name: numpy's own way of rebuilding them takes any.
    + [
        f"{module}.{name}"
        for module in ("numpy", "numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
        for name in [
            "abs",
            "absolute",
            "cos",
            "exp",
            "exp2",
            "expm1",
            "log",
            "log10",
            "log1p",
            "log2",
            "sign",
            "sin",
            "sqrt",
            "square",
            "tanh",
        ]
    ]
)
# Classes alone, by the way their names are written, and only in modules that hold nothing but estimators and their
# parts: a module's attributes also are whatever it imports.
_ESTIMATOR = re.compile(
    r"sklearn\.(_loss|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis"
    r"|dummy|ensemble|feature_extraction|feature_selection|gaussian_process|impute|isotonic|kernel_approximation"
    r"|kernel_ridge|linear_model|manifold|mixture|multiclass|multioutput|naive_bayes|neighbors|neural_network"
    r"|pipeline|preprocessing|random_projection|semi_supervised|svm|tree|metrics\._dist_metrics)(\.\w+)*"
    r"\._?[A-Z]\w*"
)
_FAMILIES = (
    _ESTIMATOR,
    re.compile(r"numpy\.(float|int|uint|complex)\d+|numpy\.(bool_?|str_|bytes_|datetime64|timedelta64)"),
    re.compile(r"numpy\.dtypes\.\w+DType"),
    re.compile(r"scipy\.sparse\.(_?\w+\.)?_?(csr|csc|coo|bsr|dia|dok|lil)_(matrix|array)"),
    re.compile(r"pandas\.(\w*Index|\w*Dtype|arrays\.\w+Array)"),
    re.compile(r"pandas\.core\.indexes\.\w+\.(\w*Index)"),
    re.compile(r"torch\.(\w+)?(Storage|Tensor)|torch\.storage\.\w*Storage|torch\.(float|int|uint|bfloat)\d+"),
    re.compile(r"torch\.nn\.modules\.\w+\.[A-Z]\w*"),
)
# What matches a family and is none of it: names that these modules import from elsewhere.
_STRANGERS = frozenset({"Parallel", "Memory", "Path", "Popen", "StringIO", "BytesIO", "Module"})


def current_name(name: str) -> str:
    """Return what `MODULE.NAME` is called today: `pickle` translates names of Python 2."""
    module, _, attribute = name.rpartition(".")
    module, attribute = NAME_MAPPING.get((module, attribute), (module, attribute))
    return f"{IMPORT_MAPPING.get(module, module)}.{attribute}"


def is_known(name: str) -> bool:
    """Return whether a pickle may import `MODULE.NAME`."""
    name = current_name(name)
    if name in _EXACT:
        return True
    is_stranger = name.rpartition(".")[2] in _STRANGERS
    return not is_stranger and any(family.fullmatch(name) for family in _FAMILIES)
