"""quickstart asks each system's package manager for what is missing, asks no question, and says what it cannot do.

The package managers here are stand-ins that write down how they were called.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fixture import SOURCE, main

# name, ID lines, the manager that installs, one that tells what is installed, and what it says for "nothing".
SYSTEMS = {
    "debian": ("ID=debian\n", "apt-get", "g++"),
    "ubuntu": ('ID=ubuntu\nID_LIKE=debian\n', "apt-get", "g++"),
    "mint": ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt-get", "g++"),
    "fedora": ("ID=fedora\n", "dnf", "gcc-c++"),
    "rocky": ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf", "gcc-c++"),
    "arch": ("ID=arch\n", "pacman", "gcc"),
    "alpine": ("ID=alpine\n", "apk", "g++"),
    "macos": ("Darwin", "brew", "ninja"),
}

# Nothing is installed but what INSTALLED names; everything is offered, but for what UNOFFERED names, and an installer
# that is asked for one that BROKEN names fails.
STANDIN = r"""#!/bin/sh
name=${0##*/}
printf '%s' "$name" >>"$CALLS"
for word; do printf ' %s' "$word" >>"$CALLS"; done
[ ! -e "$QUICKSTART_POLICY" ] || printf ' (services forbidden)' >>"$CALLS"
[ -z "$DEBIAN_FRONTEND" ] || printf ' (%s)' "$DEBIAN_FRONTEND" >>"$CALLS"
echo >>"$CALLS"
for last; do :; done
is_in() { case " $2 " in *" $1 "*) return 0 ;; esac; return 1; }
[ $name != apt-get ] || for word; do is_in "$word" "$BROKEN" && exit 1; done
# offers WORD...: for each that is no option and offered, a line of the format $form.
offers() {
    for word; do
        case $word in -*) continue ;; esac
        is_in "$word" "$UNOFFERED" && continue
        printf "$form" "$word"
    done
}
case $name:$1 in
dpkg-query:*)
    case $last in *Provides*) echo "installed, $PROVIDED,"; exit 0 ;; esac
    is_in "$last" "$INSTALLED" && echo installed || exit 1 ;;
rpm:*) is_in "$last" "$INSTALLED" || exit 1 ;;
pacman:-T) is_in "$last" "$INSTALLED" || { echo "$2"; exit 127; } ;;
apk:info) is_in "$last" "$INSTALLED" || exit 1 ;;
apt-cache:policy)
    shift
    for word in $UNOFFERED; do printf '%s:\n  Installed: (none)\n  Candidate: (none)\n' "$word"; done
    form='%s:\n  Installed: (none)\n  Candidate: 1.2-3\n  Version table:\n     1.2-3 500\n'
    offers "$@" ;;
dnf:-q) [ "$2" = repoquery ] && shift 4 && form='%s\n' && offers "$@" ;;
pacman:-Si) shift; form='Repository  : core\nName        : %s\nVersion     : 1\n\n'; offers "$@" ;;
apk:search) shift; form='%s-1.2-r0\n'; offers "$@" ;;
brew:list) is_in "$last" "$INSTALLED" || exit 1 ;;
brew:info) is_in "$last" "$UNOFFERED" && exit 1 ;;
brew:--prefix) echo /homebrew ;;
xcode-select:-p) [ -z "$NO_XCODE" ] || exit 2 ;;
getconf:LONG_BIT) echo "${FAKE_BITS:-64}" ;;
uname:-s) echo "${FAKE_KERNEL:-Linux}" ;;
uname:-m) echo "${FAKE_MACHINE:-x86_64}" ;;
id:-u) echo "${FAKE_USER:-0}" ;;
sudo:-n) [ -n "$NO_SUDO" ] && exit 1; shift; exec "$@" ;;
meson:--version) echo "${FAKE_MESON:-1.3.2}" ;;
esac
exit 0
"""
NAMES = ("apt-get", "apt-cache", "dpkg-query", "dnf", "rpm", "pacman", "apk", "id", "sudo", "meson", "ninja", "c++",
         "python3", "brew", "xcode-select", "getconf", "uname")
NEEDED = ("sh", "sed", "tr", "sort", "head", "tail", "grep", "mkdir", "rm", "cat", "tee", "chmod", "env",
          "dirname", "cp", "true")


class QuickstartInstallsWhatIsMissing(unittest.TestCase):
    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory(prefix="scratch-test-")
        self.addCleanup(made.cleanup)
        self.root = Path(made.name)
        shutil.copytree(SOURCE / "tools", self.root / "project" / "tools")
        table = self.root / "project" / "tests" / "programs"
        table.mkdir(parents=True)
        table.joinpath("packages.txt").write_text("program debian fedora arch\n# note\nheavy heavy-d heavy-f -\n")
        self.programs = self.root / "programs"
        self.programs.mkdir()
        for name in NAMES:
            (self.programs / name).write_text(STANDIN)
            (self.programs / name).chmod(0o755)
        for name in NEEDED:
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.policy = self.root / "policy"

    def use_busybox(self) -> None:
        """The shell and the tools of Alpine in the place of this system's."""
        busybox = shutil.which("busybox")
        if busybox is None:
            self.skipTest("busybox is not installed")
        for name in NEEDED:
            (self.programs / name).unlink()
            (self.programs / name).symlink_to(str(busybox))

    def quickstart(self, system: str, *arguments: str, **more: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Runs it; returns how it ended, and the calls of the stand-ins."""
        release, calls = self.root / "release", self.root / "calls"
        release.write_text(SYSTEMS[system][0] if system in SYSTEMS else "ID=other\n")
        calls.write_text("")
        if system == "macos":
            more = {"FAKE_KERNEL": "Darwin", "FAKE_MACHINE": "arm64", **more}
        environment = {"PATH": str(self.programs), "CALLS": str(calls), "QUICKSTART_OS_RELEASE": str(release),
                       "QUICKSTART_POLICY": str(self.policy), **more}
        done = subprocess.run([str(self.programs / "sh"), str(self.root / "project/tools/quickstart"), *arguments], env=environment,
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, timeout=60)
        return done, calls.read_text().splitlines()

    def installed(self, system: str, calls: list[str]) -> list[str]:
        """The words of all calls that install."""
        manager = SYSTEMS[system][1]
        verbs = (" install ", " -S ", " add ")
        lines = [line for line in calls if line.startswith(manager + " ") and any(verb in line for verb in verbs)]
        return [word for line in lines for word in line.split()]

    def test_each_system(self) -> None:
        for system, (_, _, compiler) in SYSTEMS.items():
            done, calls = self.quickstart(system, "setup")
            self.assertEqual(0, done.returncode, done.stdout)
            words = self.installed(system, calls)
            self.assertIn(compiler, words, system)
            self.assertIn("meson", words, system)
            self.assertIn("libxslt" if "debian" not in SYSTEMS[system][0] else "xsltproc", words, system)
            self.assertNotIn("-", words)
            self.assertTrue(any(line.startswith("meson setup") for line in calls), system)

    def test_no_question_and_no_service_on_debian(self) -> None:
        _, calls = self.quickstart("debian", "setup")
        installs = [line for line in calls if line.startswith("apt-get") and " install " in line]
        self.assertTrue(installs)
        for line in installs:
            self.assertIn(" -y ", line)
            self.assertIn("(services forbidden)", line)
            self.assertIn("(noninteractive)", line)
        self.assertFalse(self.policy.exists(), "it is taken away again")

    def test_a_policy_that_was_there_stays(self) -> None:
        self.policy.write_text("mine")
        self.quickstart("debian", "setup")
        self.assertEqual("mine", self.policy.read_text())

    def test_no_question_elsewhere(self) -> None:
        for system, word in (("fedora", "-y"), ("arch", "--noconfirm")):
            self.assertIn(word, self.installed(system, self.quickstart(system, "setup")[1]))

    def test_programs_of_the_tests_come_with_the_tests_only(self) -> None:
        self.assertIn("heavy-f", self.installed("fedora", self.quickstart("fedora", "setup")[1]))
        done, calls = self.quickstart("fedora")
        self.assertNotIn("heavy-f", self.installed("fedora", calls), done.stdout)

    def test_what_the_demonstration_needs_comes_with_it(self) -> None:
        _, calls = self.quickstart("debian")
        words = self.installed("debian", calls)
        for package in ("xsltproc", "libxml2-dev", "libjansson-dev"):
            self.assertIn(package, words)

    def test_what_was_installed_is_looked_for(self) -> None:
        build = self.root / "project" / "build"
        build.mkdir()
        (build / "build.ninja").write_text("")
        _, calls = self.quickstart("debian", "setup")
        self.assertTrue([line for line in calls if line.startswith("meson setup --reconfigure")], calls)
        everything = " ".join(self.installed("debian", calls))
        _, calls = self.quickstart("debian", "setup", INSTALLED=everything)
        self.assertEqual([], [line for line in calls if line.startswith("meson setup")])

    def test_checkers_come_where_asked_for(self) -> None:
        self.assertNotIn("shellcheck", self.installed("debian", self.quickstart("debian", "setup")[1]))
        self.assertIn("shellcheck", self.installed("debian", self.quickstart("debian", "setup", "check")[1]))

    def test_what_is_not_offered(self) -> None:
        for system, name in (("debian", "heavy-d"), ("fedora", "heavy-f"), ("arch", "lld"), ("alpine", "lld"),
                             ("macos", "lld")):
            done, calls = self.quickstart(system, "setup", UNOFFERED=name)
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertIn(f"does not offer {name}", done.stdout)
            self.assertNotIn(name, self.installed(system, calls))
            done, _ = self.quickstart(system, "setup", UNOFFERED="meson")
            self.assertEqual(1, done.returncode, system)
            self.assertIn("meson is needed", done.stdout)

    def test_alternatives(self) -> None:
        words = self.installed("debian", self.quickstart("debian", "setup")[1])
        self.assertIn("libmimalloc2.0", words)
        self.assertNotIn("libmimalloc3", words)
        words = self.installed("debian", self.quickstart("debian", "setup", UNOFFERED="libmimalloc2.0")[1])
        self.assertIn("libmimalloc3", words)
        words = self.installed("debian", self.quickstart("debian", "setup", INSTALLED="libmimalloc3")[1])
        self.assertFalse([word for word in words if "mimalloc" in word])

    def test_what_another_package_has_in_it_is_there(self) -> None:
        calls = self.quickstart("debian", "setup", PROVIDED="other, g++ (= 4:12.2), cmak, icmake")[1]
        words = self.installed("debian", calls)
        self.assertNotIn("g++", words)
        self.assertIn("cmake", words)

    def test_what_is_there_is_not_asked_for(self) -> None:
        for system, (_, _, compiler) in SYSTEMS.items():
            words = self.installed(system, self.quickstart(system, "setup", INSTALLED=f"{compiler} cmake")[1])
            self.assertNotIn(compiler, words, system)
            self.assertNotIn("cmake", words, system)
            self.assertIn("meson", words, system)

    def test_an_optional_package_that_breaks_leaves_the_others(self) -> None:
        done, calls = self.quickstart("debian", "setup", BROKEN="heavy-d")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("installing heavy-d failed", done.stdout)
        self.assertTrue(any(line.endswith(" install lld (services forbidden) (noninteractive)") for line in calls))
        self.assertFalse(self.policy.exists())
        self.assertEqual(1, self.quickstart("debian", "setup", BROKEN="meson")[0].returncode)

    def test_sudo_where_not_root(self) -> None:
        done, calls = self.quickstart("fedora", "setup", FAKE_USER="1000")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertTrue(any(line.startswith("sudo -n dnf") for line in calls))

    def test_neither_root_nor_sudo(self) -> None:
        done, calls = self.quickstart("arch", "setup", FAKE_USER="1000", NO_SUDO="yes")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("installing needs root", done.stdout)
        self.assertEqual([], self.installed("arch", calls))

    def test_tools_that_are_missing_or_old(self) -> None:
        done, _ = self.quickstart("debian", "setup", FAKE_MESON="0.61.2")
        self.assertEqual(1, done.returncode)
        self.assertIn("0.61.2 is here", done.stdout)
        done, _ = self.quickstart("debian", "setup", FAKE_MESON="1.10.0")
        self.assertEqual(0, done.returncode, done.stdout)
        (self.programs / "ninja").unlink()
        done, _ = self.quickstart("debian", "setup")
        self.assertEqual(1, done.returncode)
        self.assertIn("ninja is needed", done.stdout)

    def test_other_systems_go_on_with_what_is_installed(self) -> None:
        done, calls = self.quickstart("other", "setup")
        self.assertIn("none that quickstart knows", done.stdout)
        self.assertTrue(any(line.startswith("meson setup") for line in calls), calls)

    def test_each_system_builds_the_shim_and_the_demonstration(self) -> None:
        # What `scratch check` preloads beside is built too: the first minute ends with a tool that works whole.
        linux = ("libscratch-preload.so", "libscratch-check.so")
        for system, libraries in (("macos", ("libscratch-preload.dylib",)), ("debian", linux), ("alpine", linux)):
            done, calls = self.quickstart(system)
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertFalse(any("-Dshim=false" in line for line in calls))
            builds = [line.split() for line in calls if line.startswith("ninja")]
            for library in libraries:
                self.assertTrue(any(f"shim/{library}" in words for words in builds), calls)
            # And `meson install --no-rebuild` has all it needs.
            self.assertTrue(any("installed" in words for words in builds), calls)
            self.assertTrue(any("demonstration.py" in line for line in calls), calls)

    def test_macos_needs_its_compiler_and_homebrew(self) -> None:
        done, calls = self.quickstart("macos", "setup", NO_XCODE="yes")
        self.assertEqual(1, done.returncode)
        self.assertIn("xcode-select --install", done.stdout)
        (self.programs / "brew").unlink()
        done, calls = self.quickstart("macos", "setup")
        self.assertEqual(1, done.returncode)
        self.assertIn("https://brew.sh", done.stdout)
        self.assertEqual([], self.installed("macos", calls))

    def test_homebrew_is_never_asked_as_root(self) -> None:
        done, calls = self.quickstart("macos", "setup", FAKE_USER="501", NO_SUDO="yes")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("meson", self.installed("macos", calls))
        self.assertFalse([line for line in calls if line.startswith("sudo")])

    def test_32_bit_systems_are_refused(self) -> None:
        for system in ("debian", "alpine"):
            done, calls = self.quickstart(system, "setup", FAKE_BITS="32")
            self.assertEqual(1, done.returncode)
            self.assertIn("32-bit system", done.stdout)
            self.assertEqual([], self.installed(system, calls))
        (self.programs / "getconf").unlink()
        for machine, status in (("i686", 1), ("armv7l", 1), ("x86_64", 0), ("aarch64", 0), ("s390x", 0)):
            self.assertEqual(status, self.quickstart("alpine", "setup", FAKE_MACHINE=machine)[0].returncode, machine)

    def test_with_the_shell_and_tools_of_alpine(self) -> None:
        self.use_busybox()
        for system in ("alpine", "debian"):
            done, calls = self.quickstart(system, "setup")
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertIn("meson", self.installed(system, calls))
        done, calls = self.quickstart("alpine")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertTrue(any("shim/libscratch-preload.so" in line for line in calls), calls)
        self.assertTrue(any("demonstration.py" in line for line in calls), calls)
        done, _ = self.quickstart("alpine", "setup", FAKE_MESON="0.61.2")
        self.assertIn("0.61.2 is here", done.stdout)

    def test_nothing_is_asked_of_the_shell_that_macos_does_not_have(self) -> None:
        """A search for what bash 3.2 and BSD's tools lack; no such shell is packaged, so this is what can be had."""
        for name in ("quickstart", "quickstart_parts/system.sh"):
            text = (SOURCE / "tools" / name).read_text(encoding="utf-8")
            for word in ("mapfile", "readarray", ",,}", "^^}", "declare", "local -", "[[", "<<<", "sort -V", "sed -i",
                         "sed -r", "readlink -f", "stat -c", "grep -P", "xargs -r", "realpath", "|&", "&>"):
                self.assertNotIn(word, text, name)
            for shell in filter(shutil.which, ("dash", "bash", "busybox")):
                command = [shell, *(["sh"] if shell == "busybox" else []), "-n", str(SOURCE / "tools" / name)]
                self.assertEqual(0, subprocess.run(command, check=False).returncode, command)

    def test_unknown_argument(self) -> None:
        done, calls = self.quickstart("debian", "tset")
        self.assertEqual((1, []), (done.returncode, calls))
        self.assertIn("'tset' is not known; accepted are", done.stdout)


main()
