# shellcheck shell=bash
# The preloaded object as other compilers and flags make it, under the shim's tests that the first build has made: what
# a newer clang optimises across files, what the hardened flags of distributions put in, and no optimisation at all.

# tests_of_objects FOLDER NAME: the tests that start programs under the preloaded object, with that folder's.
tests_of_objects() {
    local folder=$1 names
    mapfile -t names < <(meson introspect --tests build | python3 -c '
import json, sys
for test in json.load(sys.stdin):
    if test["protocol"] == "gtest" and "SCRATCH_TEST_PRELOAD" in test["env"]:
        print(test["name"])')
    meson test -C build --no-rebuild --print-errorlogs --timeout-multiplier 3 --logbase "testlog-$folder" \
        --wrapper "env SCRATCH_TEST_PRELOAD=$PWD/build/$folder/shim/libscratch-preload.so" "${names[@]}" </dev/null |
        grep -vE '^ *[0-9]+/[0-9]+ .* OK +[0-9.]+s$'
    logs+=("build/meson-logs/testlog-$folder-env.json")
}

# objects FOLDER NAME OPTIONS...: builds what goes into other programs, and runs those tests with it.
objects() {
    local folder=$1 name=$2
    shift 2
    [ -e "build/$folder/build.ninja" ] ||
        check "$name: configures" meson setup "build/$folder" -Dwerror=true -Dtests=false "$@" || return
    check "$name: builds" ninja -C "build/$folder" || return
    tests_of_objects "$folder"
}

if have clang-19 'clang 19, -O3, LTO: builds' && have ld.lld-19 'clang 19, -O3, LTO: builds'; then
    CC=clang-19 CXX=clang++-19 objects clang-19-lto 'clang 19, -O3, LTO' -Doptimization=3 -Db_lto=true \
        -Dc_link_args=-fuse-ld=lld-19 -Dcpp_link_args=-fuse-ld=lld-19
fi

hardened='-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero'
hardened+=' -D_GLIBCXX_ASSERTIONS'
[ "$(uname -m)" != x86_64 ] || hardened+=' -fcf-protection=full'
objects hardened 'hardened flags' -Doptimization=2 "-Dc_args=$hardened" "-Dcpp_args=$hardened"
