# shellcheck shell=bash
# What is built on this release, on an older and a newer one: their loaders, their libc, their programs.
if [ "$(uname -m)" != x86_64 ]; then
    skip 'programs of other releases run' 'their roots are made for x86-64'
elif have mmdebstrap 'programs of other releases run' && first_build_is_there releases; then
    check 'programs of other releases run' \
        python3 tests/platforms/programs_of_other_releases_run.py build build/other-systems
fi
