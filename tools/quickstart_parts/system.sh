# The system that we are on, and its package manager: what is missing, and how it is installed. Sourced by
# tools/quickstart; plain sh, since a fresh system may have nothing else.
# shellcheck shell=sh

PARTS=$ROOT/tools/quickstart_parts

# Prints debian, fedora, arch, alpine, macos or unknown.
family_of_system() {
    if [ "$(uname -s)" = Darwin ]; then
        echo macos
        return
    fi
    release=${QUICKSTART_OS_RELEASE:-/etc/os-release}
    names=
    if [ -r "$release" ]; then
        # ID=ubuntu and ID_LIKE="debian": the first that we know decides.
        names=$(sed -n 's/^ID=//p; s/^ID_LIKE=//p' "$release" | tr -d "\"'")
    fi
    for name in $names; do
        case $name in
        debian | ubuntu) echo debian && return ;;
        fedora | rhel | centos) echo fedora && return ;;
        arch | archlinux) echo arch && return ;;
        alpine) echo alpine && return ;;
        esac
    done
    echo unknown
}

# packages_for FAMILY KIND...: the packages of those kinds, one a line.
packages_for() {
    wanted=$1
    shift
    while read -r thing kind debian fedora arch alpine macos; do
        case $thing in '#'* | '') continue ;; esac
        case " $* " in *" $kind "*) ;; *) continue ;; esac
        cell_of "$wanted" "$debian" "$fedora" "$arch" "$alpine" "${macos:--}"
    done <"$PARTS/packages.txt"
}

# packages_of_programs FAMILY: those of the programs that tests/programs runs.
packages_of_programs() {
    wanted=$1
    table=$ROOT/tests/programs/packages.txt
    [ -r "$table" ] || return 0
    while read -r thing debian fedora arch alpine macos; do
        case $thing in '#'* | '' | program) continue ;; esac
        cell_of "$wanted" "$debian" "$fedora" "$arch" "${alpine:--}" "${macos:--}"
    done <"$table"
}

cell_of() {
    case $1 in
    debian) cell=$2 ;;
    fedora) cell=$3 ;;
    arch) cell=$4 ;;
    alpine) cell=$5 ;;
    macos) cell=$6 ;;
    *) cell=- ;;
    esac
    [ "$cell" = - ] || echo "$cell" | tr ',' '\n'
}

# missing_packages FAMILY: of the packages on standard input, those that are not installed.
missing_packages() {
    while read -r package; do
        for one in $(alternatives "$package"); do
            is_installed "$1" "$one" && continue 2
        done
        echo "$package"
    done
}

is_installed() {
    case $1 in
    debian) is_installed_debian "$2" ;;
    fedora) rpm -q --quiet --whatprovides "$2" ;;
    arch) [ -z "$(pacman -T "$2" 2>/dev/null)" ] ;;
    alpine) apk info -e "$2" >/dev/null 2>&1 ;;
    macos) brew list --versions "$2" >/dev/null 2>&1 ;;
    *) false ;;
    esac
}

# By its name, or as what another package says that it has in it (nodejs of others than Debian brings npm along).
is_installed_debian() {
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed ||
        dpkg-query -W -f '${db:Status-Status}, ${Provides},\n' 2>/dev/null | sed 's/ *([^)]*)//g' |
        grep '^installed,' | grep -qF " $1,"
}

alternatives() { echo "$1" | tr '|' ' '; }

# as_root COMMAND...: by sudo where we are not root; it must not ask for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    # Homebrew installs as the user whose it is, and refuses root.
    [ "$FAMILY" != macos ] || return 0
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

# Debian starts the servers that it installs, unless this file says no.
forbid_services() {
    POLICY=${QUICKSTART_POLICY:-/usr/sbin/policy-rc.d}
    [ -e "$POLICY" ] && POLICY= && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}

allow_services() {
    [ -z "${POLICY:-}" ] || as_root rm -f "$POLICY"
    POLICY=
}

refresh_lists() {
    case $1 in
    debian) as_root apt-get -q update ;;
    arch) as_root pacman -Sy --noconfirm ;;
    alpine) as_root apk update ;;
    macos) brew update --quiet ;;
    esac
}

# word_size: the bits of an address in programs of this system. A 64-bit kernel may have a 32-bit system on it, so the
# C library is asked, and the kernel only where that does not answer (macOS has no such systems left).
word_size() { getconf LONG_BIT 2>/dev/null || case $(uname -m) in *64* | s390x) echo 64 ;; *) echo 32 ;; esac; }

# use_homebrew: what Homebrew keeps apart from what the system has too (keg-only) is found first.
use_homebrew() {
    kegs=$(brew --prefix)
    PATH=$kegs/opt/libxslt/bin:$kegs/opt/libxml2/bin:$kegs/bin:$PATH
    PKG_CONFIG_PATH=$kegs/opt/libxml2/lib/pkgconfig:$kegs/opt/libxslt/lib/pkgconfig:$kegs/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export PATH PKG_CONFIG_PATH
}

targets_of_shim() {
    case $FAMILY in
    macos) echo shim/libscratch-preload.dylib ;;
    *) echo shim/libscratch-preload.so shim/libscratch-check.so ;;
    esac
}

# offered_packages FAMILY PACKAGE...: those that the system offers, one a line.
offered_packages() {
    from=$1
    shift
    case $from in
    debian)
        # A block for each: "name:", and below it the version that would be installed.
        apt-cache policy "$@" | sed -n '/^[^ ].*:$/{s/:$//;h;}; /Candidate: (none)/d; /Candidate: /{g;p;}'
        ;;
    fedora) dnf -q repoquery --qf '%{name}\n' "$@" 2>/dev/null ;;
    arch) pacman -Si "$@" 2>/dev/null | sed -n 's/^Name *: *//p' ;;
    alpine)
        for one; do
            [ -z "$(apk search -e "$one" 2>/dev/null)" ] || echo "$one"
        done
        ;;
    macos)
        for one; do
            brew info --formula "$one" >/dev/null 2>&1 && echo "$one"
        done
        true
        ;;
    esac
}

# choose_offered FAMILY PACKAGE...: "PACKAGE CHOSEN" for each, CHOSEN the first of its alternatives that the system
# offers, or a dash.
choose_offered() {
    # shellcheck disable=SC2046 # one word for each
    all=$(offered_packages "$1" $(shift && alternatives "$*"))
    shift
    for package; do
        chosen=-
        for one in $(alternatives "$package"); do
            printf '%s\n' "$all" | grep -Fqx "$one" && chosen=$one && break
        done
        echo "$package $chosen"
    done
}

# run_installer FAMILY PACKAGE...: asks nothing, keeps configuration files, starts no service.
run_installer() {
    manager=$1
    shift
    case $manager in
    debian)
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
            -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
            install "$@"
        ;;
    fedora) as_root dnf -q -y --setopt=install_weak_deps=False install "$@" ;;
    arch) as_root pacman -S --needed --noconfirm "$@" ;;
    alpine) as_root apk add -q "$@" ;;
    macos) env NONINTERACTIVE=1 HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ENV_HINTS=1 brew install --quiet "$@" ;;
    esac
}
