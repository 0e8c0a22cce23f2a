# shellcheck shell=bash
# Linux on riscv64: built by the cross compiler and run in an emulator, some of it with addresses of 39 bits, and under
# programs of Debian 13, the first release that has them. Hooks and mode check are not built there.

riscv64_root=build/roots/riscv64
riscv64_emulated=(tests/platforms/emulated riscv64 "$riscv64_root")

# riscv64_tests LOG NAMES...: builds what they need and runs them, but for what no emulator shows.
riscv64_tests() {
    local log=$1 pattern
    shift
    pattern=$(sed -n 's/^gtest:\([^ ]*\) .*/\1/p' tests/platforms/not_emulated.txt | paste -sd:)
    rm -f build/riscv64/meson-logs/testlog.json
    GTEST_FILTER="-$pattern" "${riscv64_emulated[@]}" meson test -C build/riscv64 --print-errorlogs \
        --timeout-multiplier 4 "$@" </dev/null | grep -E '(FAIL|TIMEOUT|ERROR|SKIP) |^FAILED|error:|not so|Failure|^ *Actual'
    if cp build/riscv64/meson-logs/testlog.json "$log"; then logs+=("$log"); else record "riscv64: $log" FAIL; fi
}

# The release's libc (2.41) stands before the cross compiler's then.
riscv64_programs() {
    local said root=build/roots/riscv64-programs
    if ! said=$(tests/platforms/debian_root trixie riscv64 "$root" libc6 perl-base xsltproc libxml2-utils sqlite3 \
        lua5.4 gawk jq 2>&1); then
        skip 'riscv64: programs answer the same' "packages of Debian 13 for riscv64 cannot be had: ${said##*$'\n'}"
        return
    fi
    check 'riscv64: what programs need is built' "${riscv64_emulated[@]}" ninja -C build/riscv64 \
        shim/libscratch-preload.so &&
        check 'riscv64: programs answer the same' tests/platforms/emulated riscv64 "$root" \
            python3 tests/platforms/emulated_programs_answer_the_same.py build/riscv64/tools/scratch "$root" --only-run
}

riscv64() {
    local said
    check 'riscv64: files' tests/platforms/riscv64_root "$riscv64_root" &&
        check 'riscv64: emulator' tests/platforms/debian_root trixie "$(dpkg --print-architecture)" build/roots/qemu \
            qemu-user || return
    export EMULATORS=build/roots/qemu/usr/bin
    if ! said=$("${riscv64_emulated[@]}" true); then
        skip riscv64 "${said#SKIPPED: }"
        return
    fi
    [ -e build/riscv64/build.ninja ] || check 'riscv64: configures' "${riscv64_emulated[@]}" \
        meson setup build/riscv64 --cross-file tools/cross/linux-riscv64.ini -Dwerror=true \
        -Dgoogletest_source=/usr/src/googletest/googletest || return
    riscv64_tests build/riscv64/tests.json push_hands_out_what_it_has fork_keeps_the_own_stack \
        signal_handlers_may_allocate libc_hands_over_blocks_of_the_region sites_are_told_by_caller \
        malloc_family_keeps_its_semantics large_blocks_freed_by_others_give_their_pages_back
    # As many addresses as a program has under Sv39, the least that riscv64 gives it.
    QEMU_RESERVED_VA=0x4000000000 riscv64_tests build/riscv64/tests-39.json memory_is_kept_and_given_back \
        system_refusals_are_survived threads_leave_nothing_behind regions_end_rightly \
        threads_may_end_with_live_blocks
    riscv64_programs
}
if have riscv64-linux-gnu-g++ riscv64 && have mmdebstrap riscv64; then
    if [ -e /usr/src/googletest/googletest ]; then
        riscv64
    else
        skip riscv64 'the sources of GoogleTest are not installed'
    fi
fi
unset EMULATORS
