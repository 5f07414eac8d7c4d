"""Reading what may be no plain file: a pipe that nobody writes to, or a device that never ends."""

import errno
import os
import stat
from typing import Final

_NOT_PLAIN: Final = "it is no plain file"


def read_plain(path: str | os.PathLike[str], most: int = -1) -> bytes:
    """Bytes of a plain file, without waiting for anything else.

    Parameters
    ----------
    path
        The file, or a link to it.
    most
        Bytes to read at most; by default all.

    Raises
    ------
    OSError
        If it cannot be read, or is a pipe, a device, a socket or a folder; nothing of it is read then.

    Examples
    --------
    >>> import os
    >>> read_plain(os.devnull)
    Traceback (most recent call last):
    ...
    OSError: [Errno 22] it is no plain file: '/dev/null'

    """
    # A pipe is opened without waiting for its writer; a plain file takes no notice.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, _NOT_PLAIN, os.fspath(path))
        return file.read(most)
