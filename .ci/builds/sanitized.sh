# shellcheck shell=bash
# What links the stack allocator, under the sanitizers.
other_build sanitized 'address and undefined sanitizers' -Db_sanitize=address,undefined -Ddebug_checks=true
