"""Downloads are held against their digests while they go out."""

from __future__ import annotations

import httpx
import pytest

from ropewalk.pipeline import Workspace

AT = "/api/2.0/mlflow-artifacts/artifacts/0/checked"
# Starlette sends pieces of 64 KiB: less than one, exactly one and two, and a little more.
SIZES = [0, 1, 65_535, 65_536, 131_072, 200_000]


@pytest.mark.parametrize("size", SIZES)
def test_whole_files_arrive(http: httpx.Client, size: int) -> None:
    """Files of every size come back as they are, with their digest."""
    content = bytes(number % 251 for number in range(size))
    http.put(f"{AT}/{size}", content=content)

    found = http.get(f"{AT}/{size}")

    assert found.content == content
    assert len(found.headers["etag"].strip('"')) == 64


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", SIZES[1:])
def test_damage_breaks_the_download(http: httpx.Client, workspace: Workspace, size: int) -> None:
    """Whoever downloads a damaged file notices: its end never comes."""
    content = bytes((number * 7 + size) % 251 for number in range(size))
    http.put(f"{AT}/damaged", content=content)
    place = workspace.objects.path(workspace.objects.put_bytes(content).digest)
    place.chmod(0o600)
    place.write_bytes(b"\xff" + content[1:])

    with pytest.raises(httpx.RemoteProtocolError):
        http.get(f"{AT}/damaged")


def test_parts_are_sent_as_they_are(http: httpx.Client) -> None:
    """A range is a range of the file, also of one whose end nobody read."""
    http.put(f"{AT}/ranged", content=b"0123456789")

    assert http.get(f"{AT}/ranged", headers={"Range": "bytes=2-4"}).content == b"234"
    assert "content-length" in http.get(f"{AT}/ranged").headers
