"""What an `MLmodel` file says, read strictly: the format is MLflow's "MLflow Model" (YAML, one mapping)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ropewalk.mlops.registry.errors import InvalidMLmodel

MLMODEL = "MLmodel"
MOST_BYTES = 1 << 20
# Loaders of MLflow's own flavours; any other module is code that came with the model, or with nobody.
_OWN_LOADERS = "mlflow."


@dataclass(frozen=True)
class Column:
    """One column of a signature: its name (None for a tensor without one), its type, and whether it must be there."""

    name: str | None
    type: str
    is_required: bool = True


@dataclass(frozen=True)
class MLmodel:
    """What a model says of itself.

    Attributes:
        flavours: what each of its flavours says, by name.
        inputs: what it takes; None when it does not say.
        outputs: what it answers; None when it does not say.
        params: what a caller may set, with the type of each.
        example: the file with the input example, where there is one.
        mlflow_version: which MLflow wrote it.
        code: whatever of it is code that loading would run, as sentences.
    """

    flavours: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    inputs: tuple[Column, ...] | None = None
    outputs: tuple[Column, ...] | None = None
    params: tuple[Column, ...] = ()
    example: str | None = None
    mlflow_version: str | None = None
    code: tuple[str, ...] = ()


def read_mlmodel(content: bytes) -> MLmodel:
    """Return what an `MLmodel` file says.

    Raises:
        InvalidMLmodel: it is no YAML of one mapping, too long, or a part of it is not what it must be.
    """
    document = _document(content)
    flavours = _mapping(document, "flavors")
    if any(not isinstance(name, str) or not isinstance(said, dict) for name, said in flavours.items()):
        raise InvalidMLmodel("MLmodel: each of the flavors must be a mapping")
    signature = _mapping(document, "signature")
    example = _mapping(document, "saved_input_example_info").get("artifact_path")
    version = document.get("mlflow_version")
    return MLmodel(
        flavours=flavours,
        inputs=_columns(signature, "inputs"),
        outputs=_columns(signature, "outputs"),
        params=_columns(signature, "params") or (),
        example=example if isinstance(example, str) else None,
        mlflow_version=version if isinstance(version, str) else None,
        code=tuple(_code(flavours)),
    )


def _document(content: bytes) -> Mapping[str, object]:
    import yaml

    if len(content) > MOST_BYTES:
        raise InvalidMLmodel(f"MLmodel has more than {MOST_BYTES} bytes")
    try:
        # An alias lets a few lines stand for millions; MLflow writes none.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(content, Loader=yaml.SafeLoader)):
            raise InvalidMLmodel("MLmodel: YAML aliases are not read")
        document = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidMLmodel(f"MLmodel is no YAML: {str(error)[:300]}") from None
    if document is not None and not isinstance(document, dict):
        raise InvalidMLmodel("MLmodel must be one mapping")
    return document or {}


def _mapping(document: Mapping[str, object], key: str) -> dict[str, dict[str, object]]:
    found = document.get(key)
    if found is not None and not isinstance(found, dict):
        raise InvalidMLmodel(f"MLmodel: {key} must be a mapping")
    return found or {}


def _columns(signature: Mapping[str, object], key: str) -> tuple[Column, ...] | None:
    text = signature.get(key)
    if text is None:
        return None
    try:
        listed = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        listed = None
    if listed is None and text == "null":
        return None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise InvalidMLmodel(f"MLmodel: the {key} of the signature must be a JSON list of objects")
    return tuple(_column(item) for item in listed)


def _column(item: Mapping[str, object]) -> Column:
    name, kind, spec = item.get("name"), item.get("type"), item.get("tensor-spec")
    if isinstance(spec, dict):
        kind = f"tensor({spec.get('dtype')}, {spec.get('shape')})"
    return Column(str(name) if name is not None else None, str(kind), item.get("required") is not False)


def _code(flavours: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return whatever loading the model would run of its own, or of a module that it names."""
    found = []
    pyfunc = flavours.get("python_function", {})
    loader = pyfunc.get("loader_module")
    if loader is not None and not str(loader).startswith(_OWN_LOADERS):
        found.append(f"is loaded by the module {str(loader)[:100]}")
    for name, said in flavours.items():
        found += [
            f"brings code of its own ({name}: {key})"
            for key in ("code", "model_code_path", "code_paths")
            if said.get(key)
        ]
    return found
