"""What a file system refuses is said with the place, the cause, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ropewalk.errors import RopewalkError
from ropewalk.pipeline.object_errors import CacheRefused, StoreFull, StoreReadOnly, said_clearly

PLACE = Path("/disk/objects")


def refuse(number):
    with said_clearly(PLACE):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room(number):
    """A full disk and a used quota are one thing: room has to be made."""
    with pytest.raises(StoreFull, match="/disk/objects is full: ") as caught:
        refuse(number)
    assert "`ropewalk gc`" in (caught.value.hint or "")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_not_writable(number):
    """A disk or folder that may not be written is told apart from a full one."""
    with pytest.raises(StoreReadOnly, match="/disk/objects cannot be written: ") as caught:
        refuse(number)
    assert "ROPEWALK_STATE_DIR" in (caught.value.hint or "")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.EISDIR])
def test_other_errors_stay_what_they_are(number):
    """What nobody can advise on is not dressed up as something else."""
    with pytest.raises(OSError, match=r"Errno") as caught:
        refuse(number)
    assert not isinstance(caught.value, RopewalkError)


def test_our_own_errors_pass():
    """An error that is said clearly already is left as it is."""
    with pytest.raises(CacheRefused, match="no"), said_clearly(PLACE):
        raise CacheRefused("no")


def test_refusals_do_not_pass_by_waiting():
    """Wrong credentials are not tried again."""
    assert CacheRefused.may_pass is False
