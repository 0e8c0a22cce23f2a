# shellcheck shell=bash
# Linux on arm64: built by the cross compiler and run in an emulator, with pages of 4 KiB and some of it with 64 KiB.

arm64_root=build/roots/arm64
arm64_emulated=(tests/platforms/emulated aarch64 "$arm64_root")

# Whether all that is needed is here; says what is not.
arm64_can_be_tested() {
    local said
    have aarch64-linux-gnu-g++ arm64 && have mmdebstrap arm64 || return
    # A later qemu: before version 8 it takes memory for each page that is reserved.
    check 'arm64: files' tests/platforms/debian_root bookworm arm64 "$arm64_root" libc6-dev libgtest-dev libfmt-dev \
        libspdlog-dev libunwind-dev libstdc++6 perl-base xsltproc libxml2-utils sqlite3 lua5.4 gawk jq &&
        check 'arm64: emulator' tests/platforms/debian_root trixie "$(dpkg --print-architecture)" build/roots/qemu \
            qemu-user || return
    export EMULATORS=build/roots/qemu/usr/bin
    if ! said=$("${arm64_emulated[@]}" true); then
        skip arm64 "${said#SKIPPED: }"
        return 1
    fi
}

# arm64_tests LOG SUITES AND NAMES...: builds what they need and runs them, but for those in the list.
arm64_tests() {
    local log=$1 name pattern='' what
    local names=()
    shift
    while read -r what _; do
        [[ $what == gtest:* ]] && pattern+=:${what#gtest:}
    done < <(grep -v '^#' tests/platforms/not_emulated.txt)
    for name in "$@"; do
        grep -q "^$name " tests/platforms/not_emulated.txt || names+=("$name")
    done
    rm -f build/arm64/meson-logs/testlog.json
    GTEST_FILTER="-${pattern#:}" "${arm64_emulated[@]}" meson test -C build/arm64 --print-errorlogs --timeout-multiplier 4 \
        "${names[@]}" </dev/null | grep -E '(FAIL|TIMEOUT|ERROR|SKIP) |^FAILED|error:|not so|Failure|^ *Actual'
    # There is none where something was not built.
    if cp build/arm64/meson-logs/testlog.json "$log"; then logs+=("$log"); else record "arm64: $log" FAIL; fi
}

# What the processor and its ABI touch: the stack allocator, blocks and their threads, signals, forks, and hooks.
arm64() {
    local what why names
    arm64_can_be_tested || return
    [ -e build/arm64/build.ninja ] || check 'arm64: configures' "${arm64_emulated[@]}" \
        meson setup build/arm64 --cross-file tools/cross/linux-arm64.ini -Dwerror=true || return
    mapfile -t names < <(
        "${arm64_emulated[@]}" meson test -C build/arm64 --list --suite core 2>/dev/null | sed -n 's|.* / ||p'
    )
    names+=(regions_end_rightly signal_handlers_may_allocate wrong_frees_stop_the_program budget_is_hard
        threads_may_end_with_live_blocks statistics_tell_what_happened
        hooked_calls_keep_arguments_and_results hooked_frames_turn hooked_regions_belong_to_their_stack
        hooked_regions_end_with_their_call hooked_regions_survive_every_way_out hooks_find_the_next_definition
        excepted_functions_keep_what_they_allocate exceptions_of_a_runtime_of_its_own_live_on_at_{0,3}
        instrumented_functions_end_their_regions_at_{0,3} quick_ways_touch_no_vectors)
    while read -r what why; do
        skip "arm64: ${what#gtest:}" "$why"
    done < <(grep -v '^#' tests/platforms/not_emulated.txt)
    arm64_tests build/arm64/tests.json "${names[@]}"
    # The emulator says that pages have 64 KiB, and takes addresses in steps of 4 KiB all the same.
    QEMU_PAGESIZE=65536 arm64_tests build/arm64/tests-64k.json memory_is_kept_and_given_back guards_stand_at_both_ends \
        frames_stay_valid_for_n_rounds push_hands_out_what_it_has zeroed_pushes_are_zero system_refusals_are_survived \
        statistics_tell_the_truth threads_leave_nothing_behind regions_end_rightly budget_is_hard \
        hooked_calls_keep_arguments_and_results hooked_regions_end_with_their_call hooked_regions_survive_every_way_out
    # The tests above ask for no object of mode check.
    check 'arm64: what programs need is built' "${arm64_emulated[@]}" \
        ninja -C build/arm64 shim/libscratch-preload.so shim/libscratch-check.so &&
        check 'arm64: programs answer the same' "${arm64_emulated[@]}" \
            python3 tests/platforms/emulated_programs_answer_the_same.py build/arm64/tools/scratch "$arm64_root"
    check 'arm64: the object with enforced branch targets' "${arm64_emulated[@]}" \
        tests/platforms/object_with_enforced_marks build/arm64 build/arm64-enforced &&
        SCRATCH_LIBRARY=$PWD/build/arm64-enforced/libscratch-preload.so \
            check 'arm64: branch targets are marked' "${arm64_emulated[@]}" \
            python3 tests/platforms/emulated_programs_answer_the_same.py -k libxml2 -k jq -k lua \
            build/arm64/tools/scratch "$arm64_root"
}
arm64
unset EMULATORS
