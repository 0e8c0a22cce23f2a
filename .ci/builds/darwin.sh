# shellcheck shell=bash
# macOS: all is built here for x86_64 and arm64, what the objects hold is read, and what is for x86_64 runs in a Linux
# process (tests/darwin).

# run_on_darwin NAME PROGRAM...: a test program of that build, options of dyld_on_linux before it.
run_on_darwin() {
    local name=$1
    shift
    check "darwin: $name" timeout 300 build/tests/darwin/dyld_on_linux \
        --system build/darwin/libunwind.dylib "$@"
}

# tests_on_darwin SUITE: what that build made of tests/SUITE.
tests_on_darwin() {
    local test
    for test in "build/darwin/x86_64/tests/$1/$1_"*; do
        # Folders of objects lie beside.
        if [ -d "$test" ] || [ ! -x "$test" ]; then continue; fi
        run_on_darwin "$1/${test##*/"$1"_}" "$test"
    done
}

# The shim, inserted into a program that allocates in every way, and by its own tests into themselves.
shim_on_darwin() {
    local mode shim=build/darwin/libscratch-preload-x86_64.dylib
    for mode in off scoped adaptive; do
        SCRATCH_MODE=$mode run_on_darwin "shim, mode $mode" --insert "$shim" build/tests/darwin/programs/allocates
    done
    # Without the functions that came since.
    SCRATCH_MODE=scoped run_on_darwin 'shim, macOS 11' --release 11 --insert "$shim" build/tests/darwin/programs/allocates
    SCRATCH_TEST_PRELOAD=$PWD/$shim tests_on_darwin shim
}

# The small programs that try dyld_on_linux itself, in the form that newer linkers write.
chained_fixups() {
    local promise
    have mmdebstrap 'darwin: chained fixups' || return 0
    check 'darwin: links with chained fixups' tests/darwin/link_with_chains build/darwin/chained || return 0
    for promise in damaged_files_are_refused programs_run_as_on_macos the_system_answers_as_macos_does; do
        DARWIN_PROGRAMS=build/darwin/chained check "darwin: chained fixups, $promise" "build/tests/darwin/darwin_$promise"
    done
}

darwin() {
    check 'darwin: builds' tools/build-darwin build/darwin || return
    check 'darwin: the interpose section is exact' python3 -B tests/darwin/interpose_section_is_exact.py build/darwin
    if [ "$(uname -m)" != x86_64 ]; then
        skip 'darwin: tests' 'its programs run on x86-64 only'
        return
    fi
    # The loader is a program of this system.
    first_build_is_there darwin || return
    check 'darwin: libunwind builds' tests/darwin/make_libunwind build/darwin/libunwind.dylib || return
    tests_on_darwin core
    chained_fixups
    shim_on_darwin
}

if have npm 'darwin: builds' && have clang 'darwin: builds' &&
    have "$(clang -print-prog-name=ld64.lld)" 'darwin: builds'; then
    if [ -e /usr/src/googletest/googletest ]; then
        darwin
    else
        skip 'darwin: builds' 'the sources of GoogleTest are not installed'
    fi
fi
