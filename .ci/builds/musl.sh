# shellcheck shell=bash
# musl: all is built for it, with the warnings of a plain build, and the tests of core, shim and check run there, but for
# those that tests/platforms/not_musl.txt gives a reason for; so do programs in C under `scratch`.

# musl_names: the tests that run, one a line.
musl_names() {
    meson test -C build/musl --list --no-suite programs --no-suite tools 2>/dev/null | sed -n 's|.* / ||p' |
        grep -vxF -f <(sed -n 's/^\([a-z][a-z0-9_]*\) .*/\1/p' tests/platforms/not_musl.txt)
}

musl() {
    local root=build/musl-root what why pattern=''
    local names=()
    check 'musl: the C++ library builds' tests/platforms/musl_root $root || return
    [ -e build/musl/build.ninja ] || check 'musl: configures' meson setup build/musl --cross-file $root/root.ini \
        --cross-file tools/cross/linux-musl.ini -Dgoogletest_source=/usr/src/googletest/googletest || return
    check 'musl: builds' ninja -C build/musl || return
    while read -r what why; do
        what=${what#part:}
        skip "musl: ${what#gtest:}" "$why"
        [[ $what == gtest:* ]] && pattern+=:${what#gtest:}
    done < <(grep -v '^#' tests/platforms/not_musl.txt)
    mapfile -t names < <(musl_names)
    rm -f build/musl/meson-logs/testlog.json
    GTEST_FILTER="-${pattern#:}" meson test -C build/musl --no-rebuild --print-errorlogs --timeout-multiplier 3 "${names[@]}" \
        </dev/null | grep -vE '^ *[0-9]+/[0-9]+ .* OK +[0-9.]+s$'
    logs+=(build/musl/meson-logs/testlog.json)
    have apt-get 'musl: Lua from its source answers the same' || return
    check "musl: Lua's source unpacks" tests/platforms/debian_source lua5.4 build/lua-source &&
        check 'musl: Lua from its source answers the same' \
            python3 tests/platforms/musl/lua_from_its_source_answers_the_same.py build/musl $root build/lua-source
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
