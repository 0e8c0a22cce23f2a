// Control leaves a hooked function by an exception, a longjmp, the end of its thread or process, or
// a signal: its region ends then, never by a reset, and what was kept stays whole.
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>
#include <locale.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "library.h"
#include "outside.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// --- exceptions
// -----------------------------------------------------------------------------------

SCENARIO(exceptions_out) {
    start_of_scratch_memory();
    for (int i = 0; i < 200; ++i) {
        std::string message;
        try {
            trusted_call(
                [](void *argument) {
                    const int number = *static_cast<int *>(argument);
                    throw std::runtime_error("a message that is longer than short ones, number " +
                                             std::to_string(number));
                },
                &i);
        } catch (const std::runtime_error &caught) {
            overwrite_scratch();
            message = caught.what();
        }
        REQUIRE(message == "a message that is longer than short ones, number " + std::to_string(i));
        expect_to_be_outside();
    }
    return 0;
}
TEST(exception, out_of_a_trusted_function_lives_on_with_its_message) {
    const outcome result = run(exceptions_out);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

struct own_error {
    std::string text;
    std::vector<int> numbers;
};

SCENARIO(own_exceptions_out) {
    for (int i = 0; i < 50; ++i) {
        try {
            trusted_call(
                [](void *) {
                    trusted_call(
                        [](void *) {
                            throw own_error{std::string(100, 'x'), std::vector<int>(100, 7)};
                        },
                        nullptr);
                },
                nullptr);
            REQUIRE(false);
        } catch (const own_error &caught) {
            overwrite_scratch();
            REQUIRE(caught.text == std::string(100, 'x') && caught.numbers.at(99) == 7);
        }
        expect_to_be_outside();
    }
    return 0;
}
TEST(exception, through_two_trusted_functions_keeps_what_it_owns) {
    const outcome result = run(own_exceptions_out);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(outside_at_once) {
    start_of_scratch_memory();
    for (int i = 0; i < 100; ++i) {
        try {
            trusted_call([](void *) { throw 1; }, nullptr);
        } catch (int) {
            expect_to_be_outside();
        }
    }
    return 0;
}
TEST(exception, ends_the_region_before_it_is_caught) {
    for (const bool counted : {false, true}) {
        const outcome result = run(outside_at_once, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(exceptions_inside) {
    start_of_scratch_memory();
    for (int i = 0; i < 100; ++i) {
        trusted_call(
            [](void *) {
                void *block = malloc(100);
                write_pattern(block, 100, 5);
                try {
                    counted_call([](void *) { throw 1; }, nullptr);
                } catch (int) {
                }
                void *after = malloc(100);
                REQUIRE(is_scratch(after) && has_pattern(block, 100, 5));
            },
            nullptr);
        expect_to_be_outside();
    }
    return 0;
}
TEST(exception, caught_inside_leaves_the_region_around_open) {
    const outcome result = run(exceptions_inside);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 201u);
    EXPECT_EQ(result.count("escapes"), 0u);
}

// --- longjmp
// --------------------------------------------------------------------------------------

std::jmp_buf back;

SCENARIO(jumps_out) {
    start_of_scratch_memory();
    for (std::size_t i = 0; i < 200; ++i) {
        static void *kept;
        if (setjmp(back) == 0) {
            trusted_call(
                [](void *) {
                    kept = malloc(100);
                    recurse(5);
                    longjmp(back, 1);
                },
                nullptr);
            REQUIRE(false);
        }
        expect_to_be_outside();
        write_pattern(kept, 100, i);
        overwrite_scratch();
        REQUIRE(has_pattern(kept, 100, i));
        free(kept);
    }
    return 0;
}
TEST(longjmp, out_of_a_trusted_function_ends_it_at_once_as_a_counted_one) {
    const outcome uncounted = run(jumps_out, {.statistics = false});
    EXPECT_TRUE(uncounted.exited_with(0)) << uncounted.describe();
    const outcome result = run(jumps_out);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 200u);
    EXPECT_EQ(result.count("chunk_bytes"), 0u);
}

SCENARIO(jumps_inside) {
    start_of_scratch_memory();
    for (int i = 0; i < 200; ++i) {
        trusted_call(
            [](void *) {
                std::jmp_buf inner;
                void *volatile block = malloc(100);
                if (setjmp(inner) == 0)
                    counted_call([](void *to) { longjmp(*static_cast<std::jmp_buf *>(to), 1); },
                                 &inner);
                void *after = malloc(100);
                REQUIRE(is_scratch(block) && is_scratch(after));
            },
            nullptr);
        expect_to_be_outside();
    }
    return 0;
}
TEST(longjmp, inside_leaves_the_region_around_open) {
    const outcome result = run(jumps_inside);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("escapes"), 0u);
}

sigjmp_buf out_of_handler;

SCENARIO(jumps_out_of_handlers) {
    start_of_scratch_memory();
    struct sigaction action = {};
    action.sa_handler = [](int) { siglongjmp(out_of_handler, 1); };
    sigaction(SIGUSR1, &action, nullptr);
    for (int i = 0; i < 200; ++i) {
        if (sigsetjmp(out_of_handler, 1) == 0)
            trusted_call([](void *) { raise(SIGUSR1); }, nullptr);
        expect_to_be_outside();
    }
    return 0;
}
TEST(longjmp, out_of_a_signal_handler_ends_what_it_jumps_over) {
    const outcome result = run(jumps_out_of_handlers);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- threads
// --------------------------------------------------------------------------------------

SCENARIO(threads_exit) {
    for (std::size_t i = 0; i < 50; ++i) {
        void *kept = nullptr;
        pthread_t thread;
        pthread_create(
            &thread, nullptr,
            [](void *place) -> void * {
                trusted_call(
                    [](void *argument) {
                        *static_cast<void **>(argument) = malloc(100);
                        write_pattern(*static_cast<void **>(argument), 100, 3);
                        pthread_exit(nullptr);
                    },
                    place);
                return nullptr;
            },
            &kept);
        pthread_join(thread, nullptr);
        overwrite_scratch();
        REQUIRE(has_pattern(kept, 100, 3));
        free(kept);
    }
    return 0;
}
TEST(thread, may_exit_in_a_trusted_function) {
    const outcome result = run(threads_exit);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(threads_cancelled) {
    for (int i = 0; i < 50; ++i) {
        void *kept = nullptr;
        std::thread thread([&kept] {
            trusted_call(
                [](void *argument) {
                    __atomic_store_n(static_cast<void **>(argument), malloc(100), __ATOMIC_RELEASE);
                    for (;;)
                        pause();
                },
                &kept);
        });
        while (__atomic_load_n(&kept, __ATOMIC_ACQUIRE) == nullptr)
            sched_yield();
        write_pattern(kept, 100, 4);
        pthread_cancel(thread.native_handle());
        thread.join();
        overwrite_scratch();
        REQUIRE(has_pattern(kept, 100, 4));
        free(kept);
    }
    return 0;
}
TEST(thread, may_be_cancelled_in_a_trusted_function) {
    const outcome result = run(threads_cancelled);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// --- signals and processes
// ------------------------------------------------------------------------

SCENARIO(handlers) {
    struct sigaction action = {};
    action.sa_handler = [](int) {
        trusted_call([](void *) { memset(malloc(300), 0xcc, 300); }, nullptr);
    };
    sigaction(SIGALRM, &action, nullptr);
    const itimerval often = {{0, 100}, {0, 100}};
    setitimer(ITIMER_REAL, &often, nullptr);
    for (std::size_t i = 0; i < 200000; ++i) {
        trusted_call(
            [](void *argument) {
                const std::size_t number = *static_cast<std::size_t *>(argument);
                void *first = malloc(100);
                write_pattern(first, 100, number);
                void *second = malloc(50);
                REQUIRE(has_pattern(first, 100, number));
                free(second);
                free(first);
            },
            &i);
    }
    const itimerval never = {};
    setitimer(ITIMER_REAL, &never, nullptr);
    expect_to_be_outside();
    return 0;
}
TEST(signal_handler, may_call_hooked_functions) {
    for (const bool counted : {false, true}) {
        const outcome result = run(handlers, {.statistics = counted});
        EXPECT_TRUE(result.exited_with(0)) << result.describe();
    }
}

SCENARIO(forks) {
    start_of_scratch_memory();
    for (int i = 0; i < 10; ++i) {
        pid_t child = -1;
        trusted_call(
            [](void *argument) {
                void *block = malloc(100);
                write_pattern(block, 100, 8);
                *static_cast<pid_t *>(argument) = fork();
                REQUIRE(has_pattern(block, 100, 8));
                void *after = malloc(100);
                REQUIRE(is_scratch(after));
            },
            &child);
        if (child == 0) {
            expect_to_be_outside();
            overwrite_scratch();
            _exit(17);
        }
        int status;
        waitpid(child, &status, 0);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 17);
        expect_to_be_outside();
    }
    return 0;
}
TEST(process, may_fork_in_a_trusted_function) {
    const outcome result = run(forks);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(exits_inside) {
    trusted_call(
        [](void *) {
            malloc(100);
            exit(21);
        },
        nullptr);
    return 0;
}
TEST(process, may_exit_in_a_trusted_function) {
    const outcome result = run(exits_inside);
    EXPECT_TRUE(result.exited_with(21)) << result.describe();
}

// --- what libc keeps
// ------------------------------------------------------------------------------

FILE *opened_inside;

SCENARIO(kept_by_libc) {
    for (int i = 0; i < 20; ++i)
        trusted_call(
            [](void *) {
                if (opened_inside != nullptr) return;
                opened_inside = fopen("/dev/null", "w");
                fprintf(opened_inside, "a buffer is made here");
                printf("and one here\n");
                setlocale(LC_ALL, "C.UTF-8");
                setenv("SCRATCH_TEST_WORD", "value", 1);
                tzset();
            },
            nullptr);
    overwrite_scratch();
    REQUIRE(fprintf(opened_inside, "%d", 5) == 1 && fclose(opened_inside) == 0);
    REQUIRE(strcmp(getenv("SCRATCH_TEST_WORD"), "value") == 0);
    // musl names all categories, this one first.
    REQUIRE(strncmp(setlocale(LC_ALL, nullptr), "C.UTF-8", 7) == 0);
    overwrite_scratch();
    setlocale(LC_ALL, "C");
    printf("the end\n");
    return 0;
}
TEST(libc, keeps_its_buffers_and_locales_made_in_a_trusted_function) {
    const outcome result = run(kept_by_libc);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.output, "and one here\nthe end\n");
}

} // namespace
