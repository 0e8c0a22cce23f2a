# shellcheck shell=bash
# clang's warnings and code.
if have clang 'clang: builds'; then
    # Valgrind 3.19 does not get through the DWARF 5 of clang 14, and the tests run it on the library.
    CC=clang CXX=clang++ other_build clang clang -Dc_args=-gdwarf-4 -Dcpp_args=-gdwarf-4
fi
