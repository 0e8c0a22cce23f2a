# shellcheck shell=bash
# macOS: the libraries for x86_64 and arm64 are built here, and those for x86_64 run in a Linux process (tests/darwin).

# run_on_darwin NAME PROGRAM: a test program of that build.
run_on_darwin() {
    check "darwin: $1" timeout 300 build/tests/darwin/dyld_on_linux \
        --system build/darwin/libunwind.dylib "$2"
}

darwin() {
    local test
    check 'darwin: builds' tools/build-darwin build/darwin || return
    if [ "$(uname -m)" != x86_64 ]; then
        skip 'darwin: tests' 'its programs run on x86-64 only'
        return
    fi
    check 'darwin: libunwind builds' tests/darwin/make_libunwind build/darwin/libunwind.dylib || return
    for test in build/darwin/x86_64/tests/core/core_*; do
        # Folders of objects lie beside.
        if [ -d "$test" ] || [ ! -x "$test" ]; then continue; fi
        run_on_darwin "core/${test##*/core_}" "$test"
    done
}

if have npm 'darwin: builds' && have clang 'darwin: builds'; then
    darwin
fi
