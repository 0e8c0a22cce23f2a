"""Where hook objects are kept: one file per content, in the user's cache, or where that cannot be in a private folder.

They stay, since children of programs inherit them by path, and are the same for the same wishes. One that nothing
used for half a year goes when a new one is written.
"""

from __future__ import annotations

import os
import stat
import time

from .failure import OWN_ERROR, Failure

FOLDER = "scratch"
SIGNS_REFUSED = frozenset(" :\t\n$")
# A name that was not finished within this time belongs to a launch that was killed.
ABANDONED_SECONDS = 3600
UNFINISHED = ".hooks-"
DAY = 86400
# A path may stand in a service's file, or in the shell of a machine that nobody restarts.
UNUSED_SECONDS = 180 * DAY


def keep(content: bytes, environment: dict[bytes, bytes]) -> str:
    """The path of a file that holds `content`; raises Failure where there is no place for it."""
    name = f"hooks-{_digest(content)}.so"
    refused = []
    for folder in _folders(environment):
        try:
            _keep_in(folder, name, content)
            return os.path.join(folder, name)
        except OSError as error:
            refused.append(f"{folder} ({error.strerror})")
    raise Failure(OWN_ERROR, f"the object with the hooks can be written nowhere: {', '.join(refused)}; name a folder "
                             "of your own in XDG_CACHE_HOME")


def is_hook_object(entry: bytes) -> bool:
    """Whether an entry of LD_PRELOAD is one that `keep` returned."""
    name = entry.rsplit(b"/", 1)[-1]
    return (len(name) == 73 and name.startswith(b"hooks-") and name.endswith(b".so")
            and not name[6:70].strip(b"0123456789abcdef"))


def _folders(environment: dict[bytes, bytes]) -> list[str]:
    """The cache, then what belongs to this login only, then a folder named by the user."""
    named = [os.fsdecode(environment.get(name, b"")) for name in (b"XDG_CACHE_HOME", b"HOME", b"XDG_RUNTIME_DIR")]
    if os.path.isabs(named[0]):
        places = [named[0]]
    else:
        # What is not absolute is to be ignored.
        places = [os.path.join(named[1], ".cache")] if os.path.isabs(named[1]) else []
    if os.path.isabs(named[2]):
        places.append(named[2])
    return [os.path.join(place, FOLDER) for place in places] + [f"/tmp/{FOLDER}-{os.geteuid()}"]


def _keep_in(path: str, name: str, content: bytes) -> None:
    if not SIGNS_REFUSED.isdisjoint(path):
        raise OSError(0, "LD_PRELOAD cannot hold such a path")
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _check_folder(folder)
        _lock(folder)
        if not _holds(folder, name, content):
            _write(folder, name, content)
            _sweep_unused(folder, name)
    finally:
        os.close(folder)


def _check_folder(folder: int) -> None:
    status = os.fstat(folder)
    if status.st_uid != os.geteuid():
        raise OSError(0, "it belongs to somebody else")
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.fchmod(folder, 0o700)
    if os.fstatvfs(folder).f_flag & os.ST_NOEXEC:
        raise OSError(0, "its file system is mounted noexec")


def _holds(folder: int, name: str, content: bytes) -> bool:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        status = os.fstat(file)
        if not (stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_size == len(content)
                and not status.st_mode & 0o022 and os.pread(file, len(content), 0) == content):
            return False
        if status.st_mtime < time.time() - DAY:
            os.utime(file)
        return True
    finally:
        os.close(file)


def _write(folder: int, name: str, content: bytes) -> None:
    """By another name first: who reads the right one finds it whole, whoever writes it at the same time."""
    _sweep(folder)
    unfinished = f"{UNFINISHED}{os.getpid()}-{os.urandom(8).hex()}"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest):]
        finally:
            os.close(file)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(unfinished, dir_fd=folder)
        raise


def _sweep(folder: int) -> None:
    for name in os.listdir(folder):
        if name.startswith(UNFINISHED):
            try:
                if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < time.time() - ABANDONED_SECONDS:
                    os.unlink(name, dir_fd=folder)
            except OSError:
                continue


def _lock(folder: int, exclusive: bool = False) -> bool:
    """Holds the folder until it is closed. Launches share it, so that what one of them has just found is not swept
    before its program has loaded it; on file systems without locks nothing is swept."""
    import fcntl
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except OSError:
        return False
    return True


def _sweep_unused(folder: int, but: str) -> None:
    """Removes objects that no launch and no loader touched for long, and that no process has in its memory or its
    environment. Where the time of reading is not kept (noatime), loaders leave no trace, and nothing is removed."""
    if os.fstatvfs(folder).f_flag & getattr(os, "ST_NOATIME", 0):
        return
    old = [name for name in os.listdir(folder) if name != but and is_hook_object(os.fsencode(name))
           and _is_unused(folder, name)]
    # Only where nobody else is here: launches that come now wait.
    if not old or not _lock(folder, exclusive=True):
        return
    for name in _without_those_in_use(old):
        # Again: until the lock was ours, somebody may have found it.
        if _is_unused(folder, name):
            try:
                os.unlink(name, dir_fd=folder)
            except OSError:
                continue


def _is_unused(folder: int, name: str) -> bool:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return (stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
            and max(status.st_mtime, status.st_atime) < time.time() - UNUSED_SECONDS)


def _without_those_in_use(names: list[str]) -> list[str]:
    """Those that no process has that we may look into; none where that cannot be told."""
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        processes = []
    if not processes:
        return []
    for process in processes:
        for kind in ("maps", "environ"):
            try:
                with open(f"/proc/{process}/{kind}", "rb") as file:
                    content = file.read()
            except OSError:
                continue
            names = [name for name in names if os.fsencode(name) not in content]
    return names


def _digest(content: bytes) -> str:
    # hashlib loads a library of ciphers first, which takes longer than all that is done here.
    try:
        from _sha256 import sha256
    except ImportError:
        try:
            from _sha2 import sha256
        except ImportError:
            from hashlib import sha256
    return sha256(content).hexdigest()
