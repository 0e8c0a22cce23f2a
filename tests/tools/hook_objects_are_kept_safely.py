"""Hook objects lie in the user's cache, one file per content; whatever is wrong with the cache, another private folder
serves, or one sentence says why none does. Nothing of others is trusted or changed."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from unittest import mock

from fixture import SCRIPT, main, modules
from hooks_fixture import CALLER_SAYS, HookTest

modules()
from scratch_tool import hook_store  # noqa: E402
from scratch_tool.failure import Failure  # noqa: E402

FALLBACK = Path(f"/tmp/scratch-{os.geteuid()}")


class HookObjectsAreKept(HookTest):
    def setUp(self) -> None:
        self.here = Path(tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)

    def kept(self, **environment: str) -> Path:
        """Where the object of a run lies that must go well."""
        # What a launch that was killed left in the folder in /tmp is none of ours.
        before = set(FALLBACK.glob(".*"))
        done = self.scratch("run", "--region", "twice", "--", self.caller, environment=self.environment(**environment))
        self.assertEqual((0, CALLER_SAYS, ""), (done.returncode, done.stdout, done.stderr))
        done = self.scratch("env", "--region", f"{self.provider}!twice", environment=self.environment(**environment))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        path = Path(done.stdout.split("LD_PRELOAD=")[1].split(":")[0].strip("'"))
        self.assertEqual(0o700, path.parent.stat().st_mode & 0o777)
        self.assertEqual(0, path.stat().st_mode & 0o077)
        self.assertFalse([one for one in path.parent.iterdir()
                          if not one.name.startswith("hooks-") and one not in before])
        return path

    def in_place_of(self, cache: Path) -> None:
        """With `cache` as it is, the folder of the login serves, and without one, that in /tmp."""
        runtime = self.here / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.assertEqual(runtime / "scratch", self.kept(XDG_CACHE_HOME=str(cache), XDG_RUNTIME_DIR=str(runtime)).parent)
        existed = FALLBACK.exists()
        self.assertEqual(FALLBACK, self.kept(XDG_CACHE_HOME=str(cache)).parent)
        if not existed:
            shutil.rmtree(FALLBACK)

    def test_the_cache_and_what_stands_for_it(self) -> None:
        cache, home = self.here / "cache", self.here / "home"
        self.assertEqual(cache / "scratch", self.kept(XDG_CACHE_HOME=str(cache), HOME=str(home)).parent)
        self.assertEqual(home / ".cache" / "scratch", self.kept(HOME=str(home)).parent)
        # Only absolute paths count.
        self.assertEqual(home / ".cache" / "scratch", self.kept(XDG_CACHE_HOME="cache", HOME=str(home)).parent)
        self.in_place_of(Path(""))

    def test_the_same_wishes_are_one_file_which_is_not_written_again(self) -> None:
        cache = str(self.here / "cache")
        path = self.kept(XDG_CACHE_HOME=cache)
        before = path.stat()
        self.assertEqual(path, self.kept(XDG_CACHE_HOME=cache))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (path.stat().st_ino, path.stat().st_mtime_ns))
        self.assertRegex(path.name, r"^hooks-[0-9a-f]{64}\.so$")
        done = self.scratch("env", "--frame", f"{self.provider}!twice",
                            environment=self.environment(XDG_CACHE_HOME=cache))
        self.assertNotIn(path.name, done.stdout)

    def test_a_file_that_was_damaged_is_replaced(self) -> None:
        cache = str(self.here / "cache")
        path = self.kept(XDG_CACHE_HOME=cache)
        whole = path.read_bytes()
        for damaged in (b"", whole[:-1], whole[:-1] + b"x"):
            path.write_bytes(damaged)
            self.assertEqual(whole, self.kept(XDG_CACHE_HOME=cache).read_bytes())
        # What a link points to stays as it is, and a file that others may write is not taken.
        target = self.here / "target"
        target.write_bytes(whole)
        path.unlink()
        path.symlink_to(target)
        self.kept(XDG_CACHE_HOME=cache)
        self.assertFalse(path.is_symlink())
        self.assertEqual(whole, target.read_bytes())
        path.chmod(0o666)
        self.kept(XDG_CACHE_HOME=cache)
        # A pipe is not waited for.
        path.unlink()
        os.mkfifo(path)
        self.kept(XDG_CACHE_HOME=cache)

    def test_a_cache_that_is_no_folder(self) -> None:
        file = self.here / "file"
        file.touch()
        self.in_place_of(file)
        linked = self.here / "linked"
        linked.mkdir()
        (linked / "scratch").symlink_to(self.here)
        self.in_place_of(linked)
        self.assertFalse(list(self.here.glob("hooks-*")))
        dangling = self.here / "dangling"
        dangling.mkdir()
        (dangling / "scratch").symlink_to(self.here / "nowhere")
        self.in_place_of(dangling)

    def test_a_path_that_ld_preload_cannot_hold(self) -> None:
        for sign in (" ", ":", "$LIB", "\n"):
            self.in_place_of(self.here / f"with{sign}sign")

    def test_a_folder_open_to_others_is_closed(self) -> None:
        folder = self.here / "cache" / "scratch"
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        self.assertEqual(folder, self.kept(XDG_CACHE_HOME=str(folder.parent)).parent)

    def test_a_folder_that_cannot_be_written(self) -> None:
        # /proc and /sys are so for root too.
        self.in_place_of(Path("/proc/self"))
        if os.geteuid() != 0:
            folder = self.here / "closed"
            folder.mkdir(mode=0o500)
            self.in_place_of(folder)

    def test_a_folder_of_somebody_else(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can make one")
        folder = self.here / "cache" / "scratch"
        folder.mkdir(parents=True)
        os.chown(folder, 12345, 12345)
        self.in_place_of(folder.parent)
        self.assertEqual((12345, []), (folder.stat().st_uid, list(folder.iterdir())))

    def store(self, *folders: Path) -> str:
        """In this process: the names of variables that stand for the folders."""
        names = (b"XDG_CACHE_HOME", b"XDG_RUNTIME_DIR")
        return hook_store.keep(b"content", {name: bytes(folder) for name, folder in zip(names, folders)})

    def test_a_full_disk(self) -> None:
        first, second = self.here / "first", self.here / "second"
        write = os.write

        def full(file: int, content: memoryview) -> int:
            if str(first) in os.readlink(f"/proc/self/fd/{file}"):
                if len(content) < 5:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return write(file, content[:3])
            return write(file, content)

        with mock.patch.object(os, "write", full):
            path = Path(self.store(first, second))
        self.assertEqual((second / "scratch", b"content"), (path.parent, path.read_bytes()))
        self.assertEqual([], list((first / "scratch").iterdir()))

    def test_a_file_system_without_execution(self) -> None:
        first, second = self.here / "first", self.here / "second"
        asked = os.fstatvfs

        def noexec(file: int):
            if str(first) in os.readlink(f"/proc/self/fd/{file}"):
                return mock.Mock(f_flag=os.ST_NOEXEC)
            return asked(file)

        with mock.patch.object(os, "fstatvfs", noexec):
            self.assertEqual(second / "scratch", Path(self.store(first, second)).parent)

    def test_no_place_at_all(self) -> None:
        def full(file: int, content: memoryview) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with mock.patch.object(os, "write", full), self.assertRaises(Failure) as caught:
            self.store(self.here / "first", self.here / "second")
        self.assertEqual(125, caught.exception.status)
        for words in (f"{self.here}/first/scratch (No space left on device)", str(FALLBACK), "XDG_CACHE_HOME"):
            self.assertIn(words, caught.exception.sentence)

    def test_launches_at_once(self) -> None:
        """Many that write the same object: each runs with a whole one, and one is left."""
        environment = self.environment(XDG_CACHE_HOME=str(self.here / "cache"))
        outputs: list[tuple[int, str]] = []

        def launch() -> None:
            done = subprocess.run([SCRIPT, "run", "--region", "twice", str(self.caller)], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
            outputs.append((done.returncode, done.stdout))

        threads = [threading.Thread(target=launch) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([(0, CALLER_SAYS)] * 12, outputs)
        self.assertEqual(1, len(list((self.here / "cache" / "scratch").iterdir())))

    def test_what_killed_launches_left_is_swept(self) -> None:
        folder = self.here / "cache" / "scratch"
        folder.mkdir(parents=True)
        old, new = folder / ".hooks-1-a", folder / ".hooks-2-b"
        old.touch()
        new.touch()
        os.utime(old, (0, 0))
        self.store(folder.parent)
        self.assertEqual((False, True), (old.exists(), new.exists()))

    def test_what_nobody_used_for_half_a_year_is_swept(self) -> None:
        folder = self.here / "cache" / "scratch"
        folder.mkdir(parents=True)
        ages = {"read": (1, 365), "written": (365, 1), "both": (365, 365), "loaded": (365, 365), "named": (365, 365)}
        paths = {what: folder / f"hooks-{number:064x}.so" for number, what in enumerate(ages)}
        now = time.time()
        for what, path in paths.items():
            path.write_bytes(bytes(4096))
        others = [folder / "notes", folder / "hooks-1.so"]
        for other in others:
            other.touch()
        (folder / f"hooks-{99:064x}.so").symlink_to(others[0])
        with open(paths["loaded"], "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
            named = subprocess.Popen(["sleep", "60"], env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(paths["named"])},
                                     stderr=subprocess.DEVNULL)
            try:
                self.await_environment(named.pid, paths["named"].name)
                for what, path in paths.items():
                    os.utime(path, tuple(now - days * 86400 for days in ages[what]))
                for other in others:
                    os.utime(other, (0, 0))
                kept = Path(self.store(folder.parent))
            finally:
                named.kill()
                named.wait()
        self.assertEqual({"read", "written", "loaded", "named"},
                         {what for what, path in paths.items() if path.exists()})
        self.assertTrue(kept.exists() and all(other.exists() for other in others))
        self.assertEqual(8, len(list(folder.iterdir())))

    def test_without_a_list_of_processes_nothing_is_swept(self) -> None:
        folder = self.here / "cache" / "scratch"
        folder.mkdir(parents=True)
        path = folder / f"hooks-{1:064x}.so"
        path.touch()
        os.utime(path, (0, 0))
        listdir = os.listdir

        def list_without_processes(name):
            if name == "/proc":
                raise FileNotFoundError(errno.ENOENT, "not mounted")
            return listdir(name)

        with mock.patch.object(hook_store.os, "listdir", list_without_processes):
            kept = Path(self.store(folder.parent))
        self.assertEqual((folder, True, True), (kept.parent, kept.exists(), path.exists()))

    def await_environment(self, process: int, text: str) -> None:
        for _ in range(1000):
            if text in Path(f"/proc/{process}/environ").read_text(encoding="utf-8", errors="replace"):
                return
            time.sleep(0.01)
        self.fail("the process does not start")

    def test_what_a_launch_has_just_found_is_not_swept(self) -> None:
        folder = self.here / "cache" / "scratch"
        path = Path(self.store(folder.parent))
        os.utime(path, (0, 0))
        # Found again, it is new again; and while somebody may be finding it, nothing is swept.
        self.assertEqual(str(path), self.store(folder.parent))
        self.assertGreater(path.stat().st_mtime, time.time() - 60)
        os.utime(path, (0, 0))
        other = {b"XDG_CACHE_HOME": bytes(folder.parent)}
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_SH)
        hook_store.keep(b"another", other)
        self.assertTrue(path.exists())
        os.close(held)
        hook_store.keep(b"a third", other)
        self.assertFalse(path.exists())

    def test_without_times_of_reading_nothing_is_swept(self) -> None:
        folder = self.here / "cache" / "scratch"
        path = Path(self.store(folder.parent))
        os.utime(path, (0, 0))
        with mock.patch.object(os, "fstatvfs", lambda _: mock.Mock(f_flag=os.ST_NOATIME)):
            hook_store.keep(b"another", {b"XDG_CACHE_HOME": bytes(folder.parent)})
        self.assertTrue(path.exists())

    def test_an_object_whose_shim_is_gone_is_not_used_again(self) -> None:
        environment = self.fresh()
        self.scratch("run", "--region", "twice", self.caller, environment=environment)
        stale = self.object_of(environment)
        elsewhere = self.here / "libscratch-preload.so"
        shutil.copy(self.stub, elsewhere)
        done = self.scratch("run", "/usr/bin/printenv", "LD_PRELOAD",
                            environment=self.fresh(LD_PRELOAD=f"{stale}:{self.stub}", SCRATCH_LIBRARY=str(elsewhere)))
        self.assertEqual(f"{elsewhere}:{self.stub}\n", done.stdout)


main()
