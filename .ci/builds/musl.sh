# shellcheck shell=bash
# musl: the objects are built for it, tests of both run there, and so does a program in C under `scratch run`.

# Those that pass there. Others ask for what only glibc has or answers, or fail, or were not tried yet.
musl_tests=(budget_is_hard contents_stay_whole regions_reclaim_what_they_promise signal_handlers_may_allocate
    statistics_tell_what_happened threads_may_end_with_live_blocks musl_programs_answer_the_same)

musl() {
    local root=build/musl-root
    check 'musl: the C++ library builds' tests/platforms/musl_root $root || return
    [ -e build/musl/build.ninja ] || check 'musl: configures' meson setup build/musl --cross-file $root/root.ini \
        --cross-file tools/cross/linux-musl.ini -Dgoogletest_source=/usr/src/googletest/googletest || return
    # Not the programs that some of them start: not all of those link there.
    local test targets=(shim/libscratch-preload.so shim/libscratch-check.so tests/platforms/musl/reads_json)
    for test in "${musl_tests[@]}"; do
        case $test in musl_*) ;; *) targets+=("tests/shim/shim_$test") ;; esac
    done
    check 'musl: builds' ninja -C build/musl "${targets[@]}" || return
    rm -f build/musl/meson-logs/testlog.json
    meson test -C build/musl --no-rebuild --print-errorlogs --timeout-multiplier 3 "${musl_tests[@]}" </dev/null |
        grep -vE '^ *[0-9]+/[0-9]+ .* OK +[0-9.]+s$'
    logs+=(build/musl/meson-logs/testlog.json)
}

if [ "$(uname -m)" != x86_64 ]; then
    skip musl 'its C++ library is built for x86-64 only'
elif have musl-gcc musl && have npm musl; then
    if [ -e /usr/src/googletest/googletest ]; then
        musl
    else
        skip musl 'the sources of GoogleTest are not installed'
    fi
fi
