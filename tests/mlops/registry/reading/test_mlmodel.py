"""What an MLmodel says: read strictly, with a sentence for whatever is not what it must be."""

from __future__ import annotations

import pytest

from ropewalk.mlops.registry.errors import InvalidMLmodel
from ropewalk.mlops.registry.reading.mlmodel import MOST_BYTES, Column, MLmodel, read_mlmodel


def _signed(text: str, key: str = "inputs") -> MLmodel:
    return read_mlmodel(f"signature:\n  {key}: '{text}'\n".encode())


def test_an_empty_file_says_nothing() -> None:
    """Nothing is made up."""
    assert read_mlmodel(b"") == MLmodel()


def test_everything_that_is_read() -> None:
    """Flavours, example and version as they stand there."""
    found = read_mlmodel(
        b"flavors:\n  sklearn: {pickled_model: model.pkl}\n"
        b"saved_input_example_info: {artifact_path: input.json}\nmlflow_version: 3.1.0\n"
    )

    assert found.flavours == {"sklearn": {"pickled_model": "model.pkl"}}
    assert (found.example, found.mlflow_version) == ("input.json", "3.1.0")
    assert found.inputs is None


def test_columns() -> None:
    """A name, a type, and whether it must be there; only `false` says that it need not."""
    found = _signed('[{"name": "a", "type": "long"}, {"name": "b", "type": "string", "required": false}]')

    assert found.inputs == (Column("a", "long"), Column("b", "string", is_required=False))


def test_a_tensor_has_no_name() -> None:
    """Its type tells kind and shape."""
    found = _signed('[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}]', "outputs")

    assert found.outputs == (Column(None, "tensor(float64, [-1, 3])"),)


@pytest.mark.parametrize("text", ["null"])
def test_a_signature_that_is_null(text: str) -> None:
    """MLflow writes it for a model that says only the other side."""
    assert _signed(text).inputs is None


@pytest.mark.parametrize("key", ["inputs", "outputs", "params"])
@pytest.mark.parametrize("text", ["{", "5", "{}", '["a"]', "true"])
def test_a_broken_signature(text: str, key: str) -> None:
    """It is told by its own name."""
    with pytest.raises(InvalidMLmodel, match=f"the {key} of the signature must be"):
        _signed(text, key)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"- a\n", "must be one mapping"),
        (b"flavors: [a]\n", "flavors must be a mapping"),
        (b"flavors: {a: b}\n", "each of the flavors"),
        (b"flavors: {1: {}}\n", "each of the flavors"),
        (b"signature: x\n", "signature must be a mapping"),
        (b"a: &x 1\nb: *x\n", "aliases are not read"),
        (b"a: [\n", "is no YAML"),
        (b"\xff\xfe\xff", "is no YAML"),
        (b"when: 2001-99-99\n", "is no YAML"),
        (b"a: !!python/object:os.system {}\n", "is no YAML"),
        (b"#" * (MOST_BYTES + 1), "more than"),
        (b"[" * 5000, "is no YAML"),
    ],
)
def test_what_is_refused(content: bytes, what: str) -> None:
    """With a sentence, and never with another error."""
    with pytest.raises(InvalidMLmodel, match=what):
        read_mlmodel(content)


@pytest.mark.parametrize(
    ("flavour", "told"),
    [
        ("python_function: {loader_module: mlflow.sklearn}", ()),
        ("python_function: {loader_module: mlflowish}", ("is loaded by the module mlflowish",)),
        ("python_function: {loader_module: my.loader}", ("is loaded by the module my.loader",)),
        ("python_function: {code: code}", ("brings code of its own (python_function: code)",)),
        ("langchain: {model_code_path: a.py}", ("brings code of its own (langchain: model_code_path)",)),
        ("sklearn: {code: null}", ()),
        ("sklearn: {code_paths: []}", ()),
    ],
)
def test_code_of_its_own(flavour: str, told: tuple[str, ...]) -> None:
    """What loading the model would run is told, and an empty mention of it is none."""
    assert read_mlmodel(f"flavors: {{{flavour}}}".encode()).code == told


def test_a_long_name_is_cut() -> None:
    """An error's text stays short, whatever the file names."""
    (told,) = read_mlmodel(f"flavors: {{python_function: {{loader_module: {'x' * 500}}}}}".encode()).code

    assert len(told) < 150
