# shellcheck shell=bash
# The preloaded object as other compilers and flags make it, under the shim's tests that the first build has made: what
# a newer clang optimises across files, and what the hardened flags of distributions put in. (The first build is one
# without frame pointers and, where the compiler does not think otherwise, without CET.)

# tests_of_objects FOLDER NAME: the tests that start programs under the preloaded object, with that folder's.
tests_of_objects() {
    local folder=$1 names
    mapfile -t names < <(meson introspect --tests build | python3 -c '
import json, sys
for test in json.load(sys.stdin):
    if test["protocol"] == "gtest" and "SCRATCH_TEST_PRELOAD" in test["env"]:
        print(test["name"])')
    meson test -C build --no-rebuild --print-errorlogs --timeout-multiplier 3 --logbase "testlog-$folder" \
        --wrapper "$PWD/tests/platforms/with_objects_of $PWD/build/$folder" "${names[@]}" </dev/null |
        grep -vE '^ *[0-9]+/[0-9]+ .* OK +[0-9.]+s$'
    logs+=("build/meson-logs/testlog-$folder-with_objects_of.json")
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

compilers() {
    local hardened
    first_build_is_there compilers || return
    # Archives of one clang's LTO are not read by another's tools.
    if have clang-19 'clang 19, -O3, LTO: builds' && have ld.lld-19 'clang 19, -O3, LTO: builds' &&
        have llvm-ar-19 'clang 19, -O3, LTO: builds'; then
        AR=llvm-ar-19 CC=clang-19 CXX=clang++-19 objects clang-19-lto 'clang 19, -O3, LTO' -Doptimization=3 -Db_lto=true \
            -Dc_link_args=-fuse-ld=lld-19 -Dcpp_link_args=-fuse-ld=lld-19
    fi
    hardened='-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero'
    hardened+=' -D_GLIBCXX_ASSERTIONS -fno-omit-frame-pointer'
    [ "$(uname -m)" != x86_64 ] || hardened+=' -fcf-protection=full'
    objects hardened 'hardened flags' -Doptimization=2 "-Dc_args=$hardened" "-Dcpp_args=$hardened"
}

compilers
