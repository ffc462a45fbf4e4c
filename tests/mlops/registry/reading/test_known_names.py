"""The allow-list: what it has, and what merely looks like it."""

from __future__ import annotations

import pytest

from ropewalk.mlops.registry.reading.known_names import current_name, is_known


@pytest.mark.parametrize(
    "name",
    [
        "builtins.dict",
        "__builtin__.set",
        "copy_reg._reconstructor",
        "collections.OrderedDict",
        "numpy.float64",
        "numpy.dtypes.Float32DType",
        "numpy.core.multiarray.scalar",
        "scipy.sparse._csr.csr_matrix",
        "scipy.sparse.csr_array",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "pandas.core.indexes.range.RangeIndex",
        "pandas.Int64Dtype",
        "torch.FloatStorage",
        "torch.nn.modules.linear.Linear",
        "torch.bfloat16",
    ],
)
def test_known(name: str) -> None:
    """Data, estimators and their parts, also by the names of Python 2."""
    assert is_known(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "dict",
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.getattr",
        "__builtin__.apply",
        "builtins.dict.x",
        "xbuiltins.dict",
        "numpy.load",
        "numpy.float64.x",
        "numpy.float",
        "numpy._core._ufunc_reconstruct",
        "sklearn.externals.Thing",
        "sklearn.utils.Anything",
        "sklearn.pipeline.make_pipeline",
        "sklearn.pipeline:Pipeline.fit",
        "sklearn.ensemble._forest.Parallel",
        "sklearn.cluster.Memory",
        "notsklearn.tree.Tree",
        "scipy.stats._distn_infrastructure.rv_frozen",
        "torch.load",
        "torch.nn.modules.module.Module",
        "torch.nn.modules.linear.init",
        "torch.nn.modules.a.b.Linear",
        "joblib.numpy_pickle.NDArrayWrapper",
        "pandas.read_pickle",
        "numpy.float64\n",
    ],
)
def test_unknown(name: str) -> None:
    """Functions, neighbours, longer names, and what such modules import from elsewhere."""
    assert not is_known(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("__builtin__.xrange", "builtins.range"),
        ("__builtin__.str", "builtins.str"),
        ("cPickle.loads", "pickle.loads"),
        ("itertools.izip", "builtins.zip"),
        ("a.b", "a.b"),
        ("alone", ".alone"),
    ],
)
def test_names_of_python_2(old: str, new: str) -> None:
    """They are judged as what `pickle` would import by them."""
    assert current_name(old) == new
