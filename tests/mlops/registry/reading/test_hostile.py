"""Hostile pickles: every one is found, wherever it hides, and none is executed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest

from ropewalk.mlops.registry import FilesReport
from ropewalk.mlops.registry.reading.contents import Contents
from ropewalk.mlops.registry.reading.views import Allowance

Read = Callable[..., FilesReport]


class Calls:
    """Pickled, it calls something when it is loaded."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._reduced = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self._reduced


def _text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


SYSTEM = pickle.dumps(Calls(os.system, "touch executed"), 4)
# name -> (the pickle, what is said of it)
HOSTILE = {
    "plain, protocol 0": (pickle.dumps(Calls(os.system, "id"), 0), "posix.system"),
    "plain, protocol 2": (pickle.dumps(Calls(os.system, "id"), 2), "posix.system"),
    "stack global": (SYSTEM, "posix.system"),
    "eval": (pickle.dumps(Calls(eval, "1")), "builtins.eval"),
    "getattr": (pickle.dumps(Calls(getattr, "x", "upper")), "builtins.getattr"),
    "subprocess": (pickle.dumps(Calls(subprocess.call, ["id"])), "subprocess.call"),
    "names of Python 2": (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
    "instance": (b"(S'id'\nios\nsystem\n.", "os.system"),
    "object": (b"(cos\nsystem\nS'id'\no.", "os.system"),
    "new object": (b"\x80\x02cos\nsystem\nS'id'\n\x85\x81.", "os.system"),
    "no end": (b"\x80\x02cos\nsystem\nS'id'\n\x85R", "os.system"),
    "then garbage": (b"\x80\x02cos\nsystem\nS'id'\n\x85R\xff\xff", "os.system"),
    "name from the memo": (
        b"\x80\x04"
        + _text("os")
        + b"\x94"
        + _text("system")
        + b"\x94"
        + b"h\x00h\x01\x93"
        + _text("id")
        + b"\x85R.",
        "os.system",
    ),
    "name put twice": (
        b"\x80\x04" + _text("builtins") + b"q\x07" + _text("list") + b"00" + _text("os") + b"q\x07"
        b"0h\x07" + _text("system") + b"\x93" + _text("id") + b"\x85R.",
        "os.system",
    ),
    "duplicated name": (b"\x80\x04" + _text("os") + b"2\x93.", "os.os"),
    "name that is made": (
        b"\x80\x04cbuiltins\nstr\n" + _text("os") + b"\x85R" + _text("system") + b"\x93.",
        "only its execution would tell",
    ),
    "dotted name": (
        b"\x80\x04" + _text("sklearn.tree._classes") + _text("np.load") + b"\x93.",
        "sklearn.tree._classes:np.load",
    ),
    "dotted class": (
        b"\x80\x04" + _text("sklearn.tree._classes") + _text("os.Popen") + b"\x93.",
        "sklearn.tree._classes:os.Popen",
    ),
    "line with a blank": (b"\x80\x02cbuiltins list\nos\n.", "only its execution would tell"),
    "extension code": (b"\x80\x02\x82\x05)R.", "extension code 5"),
    "long extension code": (b"\x80\x02\x84\x05\x00\x00\x00)R.", "extension code 5"),
    "changes a class": (
        b"\x80\x02cbuiltins\ndict\nN}S'a'\ncbuiltins\nlist\ns\x86b.",
        "changes builtins.dict itself",
    ),
    "calls what it made": (b"\x80\x02cbuiltins\nlist\n)R)R.", "calls an object that it made itself"),
    "ufunc by name": (b"\x80\x02cnumpy._core\n_ufunc_reconstruct\n.", "numpy._core._ufunc_reconstruct"),
    "distribution": (
        b"\x80\x02cscipy.stats._distn_infrastructure\nrv_continuous\n.",
        "scipy.stats._distn_infrastructure.rv_continuous",
    ),
    "old array of joblib": (
        b"\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\n.",
        "joblib.numpy_pickle.NDArrayWrapper",
    ),
    "own class": (b"\x80\x02c__main__\nModel\n)\x81.", "__main__.Model"),
    "second pickle": (pickle.dumps([1]) + SYSTEM, "posix.system"),
    "garbage behind": (pickle.dumps([1]) + b"cos\nsystem\n", "bytes lie behind its pickle"),
    "empties its stack": (b"\x80\x020000.", "takes more from its stack"),
    "recalls nothing": (b"\x80\x02h\x05.", "recalls what it never stored"),
    "names nothing": (b"\x80\x04\x93.", "takes more from its stack"),
    "unknown opcode": (b"\x80\x02\xfe.", "breaks off"),
    "claims a terabyte": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40), "breaks off"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickle(name: str, read: Read) -> None:
    """Every trick is found and said."""
    content, said = HOSTILE[name]

    report = read(content)

    assert not report.is_known
    assert any(said in finding.what for finding in report.findings), report.findings


def _zip(content: bytes, name: str = "archive/data.pkl") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/version", "3\n")
        archive.writestr(name, content)
    return target.getvalue()


def _tar(content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("pickle")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _array(value: object) -> bytes:
    target = io.BytesIO()
    np.save(target, np.array([value, None], dtype=object), allow_pickle=True)
    return target.getvalue()


def _arrays(value: object) -> bytes:
    target = io.BytesIO()
    np.savez(target, plain=np.arange(3), objects=np.array([value], dtype=object))
    return target.getvalue()


def _joblib(value: object, **options: object) -> bytes:
    target = io.BytesIO()
    joblib.dump(value, target, **options)
    return target.getvalue()


BOMB = Calls(os.system, "touch executed")
HIDDEN = {
    "torch's zip": ("model.pth", _zip(SYSTEM)),
    "zip by another name": ("weights", _zip(SYSTEM)),
    "member without an extension": ("model.pt", _zip(SYSTEM, "archive/data/0")),
    "gzip": ("model.pkl.gz", gzip.compress(SYSTEM)),
    "bz2": ("model.pkl.bz2", bz2.compress(SYSTEM)),
    "xz": ("model.pkl.xz", lzma.compress(SYSTEM)),
    "lzma": ("model.pkl.lzma", lzma.compress(SYSTEM, lzma.FORMAT_ALONE)),
    "zlib": ("model.joblib", zlib.compress(SYSTEM)),
    "gzip in zip in gzip": ("model.bin", gzip.compress(_zip(gzip.compress(SYSTEM)))),
    "tar": ("model.tar", _tar(SYSTEM)),
    "packed tar": ("model.tgz", gzip.compress(_tar(SYSTEM))),
    "array of objects": ("model.npy", _array(BOMB)),
    "arrays": ("model.npz", _arrays(BOMB)),
    "joblib": ("model.joblib", _joblib({"model": BOMB})),
    "joblib, behind an array": ("model.joblib", _joblib([np.arange(9.0), BOMB])),
    "joblib, in an array": ("model.joblib", _joblib([np.array([BOMB], dtype=object)])),
    "joblib, packed": ("model.joblib", _joblib([np.arange(9.0), BOMB], compress=3)),
    "text's extension": ("conda.yaml", b"cos\nsystem\n(S'touch executed'\ntR."),
    "no extension": ("model", SYSTEM),
    "image's extension": ("plot.png", SYSTEM),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_pickle(name: str, read: Read) -> None:
    """A pickle is found in archives, arrays and under any name."""
    path, content = HIDDEN[name]

    report = read({path: content})

    assert any("system" in finding.what for finding in report.findings), report.findings


def test_nothing_is_executed(tmp_path: Path) -> None:
    """A process that ends at the first import by name, call of a shell or compilation reads all of them to the end."""
    for number, content in enumerate(
        [*(pair[0] for pair in HOSTILE.values()), *(pair[1] for pair in HIDDEN.values())]
    ):
        (tmp_path / f"{number}.pkl").write_bytes(content)
    program = """
import sys, pathlib, os, tarfile, zipfile, zstandard, yaml, msgspec
from ropewalk.mlops.registry.reading.report import read_files
files = {p.name: p for p in pathlib.Path(sys.argv[1]).glob("*.pkl")}
def watch(event, arguments):
    if event.startswith(("pickle.", "os.system", "subprocess", "os.exec", "os.posix_spawn", "marshal", "exec")):
        os._exit(9)
read_files(files)  # modules that reading itself imports late
sys.addaudithook(watch)
print(len({found.path for found in read_files(files).findings}))
"""

    done = subprocess.run(  # our own program
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > len(HOSTILE) // 2  # a name is told of the first file that has it
    assert not (tmp_path / "executed").exists()


def test_array_within_a_frame(read: Read) -> None:
    """A loader that prefetches a frame would look for an array elsewhere than this reader: refused."""
    honest = _joblib([np.arange(3)])
    frame = honest.index(b"\x95")
    longer = honest[: frame + 1] + struct.pack("<Q", 1 << 12) + honest[frame + 9 :]

    report = read({"model.joblib": longer})

    assert any("within a frame" in finding.what for finding in report.findings)


def test_array_longer_than_its_file(read: Read) -> None:
    """An array that claims more than there is does not hide what follows."""
    report = read({"model.joblib": _joblib([np.arange(3000.0)])[:-2000]})

    assert any("longer than its file" in finding.what for finding in report.findings)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_bomb(pack: Callable[[bytes], bytes]) -> None:
    """What unpacks to more than the allowance is refused before it fills the disk."""
    contents = Contents(allowance=Allowance(1 << 20))

    contents.read("model.pkl", io.BytesIO(pack(bytes(4 << 20))))

    assert contents.problems == [("model.pkl", "it unpacks to too much")]


def test_archives_in_archives(read: Read) -> None:
    """Archives that lie too deep in archives are not followed for ever."""
    content = SYSTEM
    for _ in range(9):
        content = gzip.compress(content)

    assert [finding.what for finding in read(content).findings] == ["archives lie too deep in archives"]


@pytest.mark.parametrize(
    "content",
    [
        _zip(SYSTEM)[:-30],
        _zip(SYSTEM).replace(b"archive/data.pkl", b"archive/version\0", 1),
        gzip.compress(SYSTEM, mtime=0)[:-9],
    ],
)
def test_damaged_archive(content: bytes, read: Read) -> None:
    """What cannot be read is not known to be harmless."""
    assert not read(content).is_known


def test_zip_with_two_members_of_one_name(read: Read) -> None:
    """Readers differ in which of the two they take."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps([]))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("data.pkl", pickle.dumps([1]))

    assert "two of one name" in read(target.getvalue()).findings[0].what


@pytest.mark.parametrize("name", ["lib.so", "hook.pyc", "native.dll"])
def test_machine_code(name: str, read: Read) -> None:
    """Code that a loader would run is told."""
    assert "runs when it is loaded" in read({name: b"\x7fELF"}).findings[0].what


def test_lambda_of_keras(read: Read) -> None:
    """A Lambda layer is code in a configuration."""
    config = {"config": {"layers": [{"class_name": "Dense"}, {"class_name": "Lambda"}]}}

    report = read({"model.keras": _zip(json.dumps(config).encode(), "config.json")})

    assert [finding.what for finding in report.findings] == ["has a Lambda layer, which is code"]


@pytest.mark.parametrize(
    ("node", "names"),
    [
        ({"__module__": "posix", "__class__": "system", "__loader__": "ObjectNode"}, ["posix.system"]),
        ({"__loader__": "FunctionNode", "content": {"module_path": "os", "function": "popen"}}, ["os.popen"]),
        ({"__module__": "sklearn.tree._classes", "__class__": "DecisionTreeClassifier"}, []),
    ],
)
def test_skops(node: dict[str, object], names: list[str], read: Read) -> None:
    """The types that a skops file names are held against the same list."""
    report = read({"model.skops": _zip(json.dumps({"content": node}).encode(), "schema.json")})

    assert [finding.what for finding in report.findings] == [f"imports {name}" for name in names]
