// Promise: the report at exit tells routes, peaks, sites and reasons, as text for people and as
// JSON for programs, and goes to standard error only while that is what it was.
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/report.hpp"
#include "tests/shim/observe/child.hpp"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>
#include <sys/time.h>

using namespace scratch::shim;

namespace {

struct report_case {
    configuration options;
    process_counters totals{};
    std::vector<site_line> sites;
    sampling rate;

    report_case(statistics_format format) {
        options.statistics = format;
        std::strcpy(totals.program, "tester");
        totals.pid = 4321;
        totals.mode = static_cast<std::uint32_t>(run_mode::adaptive);
    }
    std::string written() const {
        return in_child([&] { return write_report(options, totals, sites, rate), 0; })
            .standard_error;
    }
};

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

// The report through python3's parser: what `expression` says of it, `r` being the object.
std::string python(const std::string &json, const std::string &expression) {
    scratch_folder folder;
    std::ofstream(folder.path + "/json", std::ios::binary) << json;
    std::ofstream(folder.path + "/ask.py")
        << "import json, sys\n"
           "text = open(sys.argv[1], 'rb').read().decode('utf-8')\n"
           "assert text.count('\\n') == 1 and text.endswith('\\n')\n"
           "r = json.loads(text)\n"
           "print("
        << expression << ", end='')\n";
    FILE *pipe =
        popen(("python3 " + folder.path + "/ask.py " + folder.path + "/json").c_str(), "r");
    std::string answer = read_all(fileno(pipe));
    pclose(pipe);
    return answer;
}

// The line that starts with `name`, its columns joined by one space.
std::string row(const std::string &text, const std::string &name) {
    const std::size_t start = text.find("\n  " + name + " ");
    if (start == std::string::npos) return "none";
    std::string line = text.substr(start + 3, text.find('\n', start + 1) - start - 3);
    for (std::size_t at; (at = line.find("  ")) != std::string::npos;)
        line.erase(at, 1);
    return line;
}

} // namespace

TEST(report_text, has_the_table_of_routes_and_what_was_held) {
    report_case one(statistics_format::text);
    one.totals.scratch_calls = 123;
    one.totals.scratch_bytes = 4567;
    one.totals.next_calls = 18446744073709551615u;
    one.totals.next_bytes = 9;
    one.totals.chunk_bytes = 10;
    one.totals.chunk_bytes_peak = 11;
    one.totals.trusted_bytes = 12;
    one.totals.trusted_bytes_peak = 13;
    one.totals.large_bytes = 14;
    one.totals.large_bytes_peak = 15;
    one.totals.pinned_bytes = 16;
    one.totals.pinned_bytes_peak = 17;
    one.totals.regions_entered = 18;
    one.totals.regions_rested = 28;
    one.totals.escapes = 19;
    one.totals.escaped_bytes = 20;
    one.totals.remote_frees = 21;
    one.totals.budget_refusals = 22;
    one.totals.sites_seen = 23;
    one.totals.sites_routed = 24;
    one.totals.sites_demoted = 25;
    one.totals.threads = 26;
    const std::string text = one.written();
    EXPECT_EQ(text.substr(0, text.find('\n')),
              "scratch: tester (process 4321), mode adaptive, budget 8388608 bytes");
    EXPECT_EQ(row(text, "route"), "route calls bytes");
    EXPECT_EQ(row(text, "scratch"), "scratch 123 4567");
    EXPECT_EQ(row(text, "next"), "next 18446744073709551615 9");
    EXPECT_EQ(row(text, "chunks"), "chunks 10 11");
    EXPECT_EQ(row(text, "trusted"), "trusted regions 12 13");
    EXPECT_EQ(row(text, "large"), "large blocks 14 15");
    EXPECT_EQ(row(text, "pinned"), "pinned 16 17");
    EXPECT_TRUE(contains(text, "  regions entered 18, escapes 19 (20 bytes)\n"));
    EXPECT_TRUE(contains(text,
                         "  regions not opened 28: what outlived the last ones held too much of "
                         "the budget\n"));
    EXPECT_TRUE(contains(text, "  sites seen 23, routed 24, demoted 25\n"));
    EXPECT_TRUE(contains(
        text, "  threads 26, frees by other threads 21, calls refused by the budget 22\n"));
    EXPECT_FALSE(contains(text, "nothing gained"));
    EXPECT_FALSE(contains(text, "stood aside"));
    EXPECT_FALSE(contains(text, "\n\n"));
    EXPECT_EQ(text.back(), '\n');
}

TEST(report_text, does_not_show_zeros_for_what_was_not_counted) {
    for (const bool off : {true, false}) {
        report_case one(statistics_format::text);
        if (off)
            one.totals.mode = static_cast<std::uint32_t>(run_mode::off);
        else
            one.totals.stood_aside = static_cast<std::uint32_t>(stand_aside_reason::own_malloc);
        const std::string text = one.written();
        EXPECT_TRUE(contains(text, "\n  not counted: all calls go to the next allocator\n"))
            << text;
        EXPECT_FALSE(contains(text, " 0")) << text;
        EXPECT_TRUE(contains(text, "\n  nothing gained here\n")) << text;
        one.options.statistics = statistics_format::json;
        EXPECT_EQ(python(one.written(), "r['counted']"), "False");
    }
    report_case other(statistics_format::text);
    other.totals.stood_aside = static_cast<std::uint32_t>(stand_aside_reason::deepbind);
    EXPECT_FALSE(contains(other.written(), "not counted"));
    other.options.statistics = statistics_format::json;
    EXPECT_EQ(python(other.written(), "r['counted']"), "True");
}

TEST(report_text, says_that_sites_were_sampled) {
    report_case one(statistics_format::text);
    one.sites.push_back({0x10, 3, 99, 0, true, false, 12});
    one.rate = {.first = 32, .longest = 512};
    EXPECT_EQ(row(one.written(), "site"), "site (one call in 32 to 512) samples bytes");
    EXPECT_EQ(row(one.written(), "0x10"), "0x10 in no loaded object 3 99 routed depths 12");
    one.options.statistics = statistics_format::json;
    EXPECT_EQ(python(one.written(), "r['sampled_one_in'], r['sites'][0]['depths']"),
              "[32, 512] 12");
    one.rate = {};
    EXPECT_EQ(python(one.written(), "r['sampled_one_in']"), "[1, 1]");
    one.options.statistics = statistics_format::text;
    EXPECT_EQ(row(one.written(), "site"), "site calls bytes");
}

TEST(report_text, says_that_nothing_was_gained) {
    report_case nothing(statistics_format::text);
    EXPECT_TRUE(contains(nothing.written(), "\n  nothing gained here\n"));
    nothing.totals.scratch_calls = 1;
    EXPECT_FALSE(contains(nothing.written(), "nothing gained here"));
    nothing.totals.gave_up = 1;
    EXPECT_TRUE(contains(nothing.written(), "\n  nothing gained here\n"));
}

TEST(report_text, says_why_it_stood_aside) {
    report_case one(statistics_format::text);
    const struct {
        stand_aside_reason reason;
        const char *said;
    } table[] = {
        {stand_aside_reason::own_malloc, "  stood aside: the program has a malloc of its own\n"},
        {stand_aside_reason::own_operators,
         "  stood aside: the program has an operator new of its own\n"},
        {stand_aside_reason::deepbind,
         "  stood aside: a library of the program is bound to libc's free"},
        {stand_aside_reason::no_memory, "  stood aside: no addresses could be reserved"},
    };
    for (const auto &[reason, said] : table) {
        one.totals.stood_aside = static_cast<std::uint32_t>(reason);
        EXPECT_TRUE(contains(one.written(), said)) << one.written();
    }
}

TEST(report, names_the_ten_heaviest_sites_heaviest_first) {
    report_case one(statistics_format::json);
    // 25 sites in a mixed order, their weight in their bytes; one of them was never called.
    for (std::uint64_t i = 0; i < 25; ++i)
        one.sites.push_back({0, 1, i * 7 % 25 * 100, 0, true, false});
    one.sites.push_back({0, 0, 1'000'000, 0, true, false});
    EXPECT_EQ(python(one.written(), "[s['bytes'] for s in r['sites']]"),
              "[2400, 2300, 2200, 2100, 2000, 1900, 1800, 1700, 1600, 1500]");
    one.sites.resize(3);
    EXPECT_EQ(python(one.written(), "[s['bytes'] for s in r['sites']]"), "[1400, 700, 0]");
    one.sites = {{0, 1, 5, 0, true, false}, {0, 3, 5, 0, true, false}, {0, 2, 5, 0, true, false}};
    EXPECT_EQ(python(one.written(), "[s['calls'] for s in r['sites']]"), "[3, 2, 1]");
}

TEST(report, finds_module_and_function_of_a_site) {
    report_case one(statistics_format::json);
    void *const function = dlsym(RTLD_DEFAULT, "qsort");
    ASSERT_NE(function, nullptr);
    one.sites.push_back({reinterpret_cast<std::uintptr_t>(function) + 5, 3, 99, 2, true, true});
    EXPECT_EQ(python(one.written(),
                     "[(s['symbol'], s['symbol_offset'], 'libc' in s['module'] or 'musl' in "
                     "s['module'], s['calls'], "
                     "s['bytes'], s['escapes'], s['routed'], s['demoted']) for s in r['sites']]"),
              "[('qsort', 5, True, 3, 99, 2, True, True)]");
    EXPECT_EQ(python(one.written(),
                     "int(r['sites'][0]['offset'], 16) < int(r['sites'][0]['address'], 16)"),
              "True");
    one.options.statistics = statistics_format::text;
    EXPECT_TRUE(contains(one.written(), "!qsort+0x5 ")) << one.written();
    EXPECT_TRUE(contains(one.written(), "  escapes 2  routed  demoted\n")) << one.written();

    // A call that does not return may be the last of its function: the next one is not meant.
    one.sites[0].caller = reinterpret_cast<std::uintptr_t>(function);
    EXPECT_FALSE(contains(one.written(), "qsort")) << one.written();

    one.sites[0].caller = 0x10;
    EXPECT_TRUE(contains(one.written(), "\n  0x10 in no loaded object ")) << one.written();
    one.options.statistics = statistics_format::json;
    EXPECT_EQ(python(one.written(),
                     "[r['sites'][0][k] for k in ('address', 'module', 'offset', 'symbol')]"),
              "['0x10', None, '0x0', None]");
}

TEST(report_json, has_every_counter_under_its_own_name) {
    report_case one(statistics_format::json);
    std::uint64_t value = 18446744073709551615u;
    std::string names = "[";
    std::string values = "[";
    for (const named_counter &counter : named_counters) {
        (one.totals.*counter.word) = value;
        names += std::string("'") + counter.name + "', ";
        values += std::to_string(value--) + ", ";
    }
    const std::string json = one.written();
    EXPECT_EQ(python(json, "[r[n] for n in " + names + "]]"),
              values.substr(0, values.size() - 2) + "]");
    EXPECT_EQ(
        python(json,
               "r['scratch'], r['program'], r['pid'], r['mode'], r['stood_aside'], r['gave_up'], "
               "r['nothing_gained'], r['budget_bytes'], r['sites']"),
        "1 tester 4321 adaptive None False False 8388608 []");
}

TEST(report_json, has_the_keys_that_were_promised) {
    report_case one(statistics_format::json);
    one.totals.stood_aside = static_cast<std::uint32_t>(stand_aside_reason::own_malloc);
    one.totals.gave_up = 1;
    one.totals.mode = static_cast<std::uint32_t>(run_mode::off);
    EXPECT_EQ(
        python(one.written(), "r['stood_aside'], r['gave_up'], r['nothing_gained'], r['mode']"),
        "own_malloc True True off");
    EXPECT_EQ(
        python(one.written(), "' '.join(r)"),
        "scratch program pid mode stood_aside gave_up nothing_gained budget_bytes scratch_calls "
        "scratch_bytes next_calls next_bytes chunk_bytes chunk_bytes_peak trusted_bytes "
        "trusted_bytes_peak large_bytes large_bytes_peak pinned_bytes pinned_bytes_peak "
        "regions_entered regions_rested escapes escaped_bytes remote_frees budget_refusals "
        "sites_seen "
        "sites_routed "
        "sites_demoted threads over_budget_peak sites sampled_one_in counted");
    one.totals.mode = 77;
    one.totals.stood_aside = 77;
    EXPECT_EQ(python(one.written(), "r['stood_aside'], r['mode']"), "unknown unknown");
}

TEST(report_json, is_valid_whatever_the_program_is_called) {
    const struct {
        const char *name;
        const char *read; // as Python writes it
    } table[] = {
        {"a\"b\\c/d", R"('a"b\\c/d')"},
        {"\n\t\x01\x1f\x7f", R"('\n\t\x01\x1f\x7f')"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", R"('\xe4\u20ac\U0001f600')"},
        {"\xff\xc3(\x80", R"('\ufffd\ufffd(\ufffd')"},
        {"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80",
         R"('\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd')"},
        {"\xe0\x80\x80\xf0\x80\x80\x80", R"('\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd')"},
        {"end\xe2\x82", R"('end\ufffd\ufffd')"},
        {"", "''"},
    };
    report_case one(statistics_format::json);
    for (const auto &[name, read] : table) {
        std::strcpy(one.totals.program, name);
        EXPECT_EQ(python(one.written(), "ascii(r['program'])"), read) << name;
    }
    // Not terminated, and cut within a character.
    std::memset(one.totals.program, '\xc3', sizeof one.totals.program);
    EXPECT_EQ(python(one.written(), "len(r['program'])"),
              std::to_string(sizeof one.totals.program));
}

TEST(report, is_not_written_where_it_was_not_asked_for) {
    EXPECT_EQ(report_case(statistics_format::none).written(), "");
}

TEST(report, is_one_write_and_keeps_errno) {
    const child_outcome outcome = in_child([] {
        // One write to a pipe of packets arrives as one packet.
        int ends[2];
        if (pipe2(ends, O_DIRECT) != 0) return 2;
        dup2(ends[1], STDERR_FILENO);
        report_case one(statistics_format::text);
        errno = 4711;
        write_report(one.options, one.totals, one.sites);
        if (errno != 4711) return 3;
        char text[4096];
        const ssize_t size = read(ends[0], text, sizeof text);
        return std::string(text, static_cast<std::size_t>(size)).ends_with("nothing gained here\n")
                   ? 0
                   : 4;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(report, is_not_written_into_what_replaced_standard_error) {
    scratch_folder folder;
    const std::string file = folder.path + "/data";
    const auto replaced = [&](bool put_back) {
        return in_child([&] {
            remember_standard_error();
            const int saved = dup(STDERR_FILENO);
            dup2(open(file.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
            if (put_back) dup2(saved, STDERR_FILENO);
            const report_case one(statistics_format::text);
            write_report(one.options, one.totals, one.sites);
            return 0;
        });
    };
    EXPECT_EQ(replaced(false).standard_error, "");
    std::ifstream data(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(data), {}), "");
    EXPECT_TRUE(contains(replaced(true).standard_error, "nothing gained here"));

    const child_outcome closed = in_child([&] {
        const int saved = dup(STDERR_FILENO);
        close(STDERR_FILENO);
        remember_standard_error(); // there was none
        dup2(saved, STDERR_FILENO);
        const report_case one(statistics_format::text);
        write_report(one.options, one.totals, one.sites);
        return 0;
    });
    EXPECT_EQ(closed.standard_error, "");
}

TEST(report, goes_to_the_file_that_was_asked_for) {
    scratch_folder folder;
    const std::string file = folder.path + "/out";
    const auto run = [&](statistics_format format) {
        return in_child([&] {
            report_case one(format);
            one.options.output = file.c_str();
            open_counters(one.options, nullptr, false);
            process_counters &mapped = counters();
            write_report(one.options, one.totals, one.sites);
            mapped.scratch_calls +=
                1; // a thread that runs on, into a file that has no name any more
            close_counters();
            return 0;
        });
    };
    const auto content = [&] {
        std::ifstream data(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(data), {});
    };
    EXPECT_EQ(run(statistics_format::json).standard_error, "");
    EXPECT_EQ(python(content(), "r['program']"), "tester");
    EXPECT_EQ(run(statistics_format::text).standard_error, "");
    EXPECT_TRUE(content().starts_with("scratch: tester")) << content();
    EXPECT_EQ(run(statistics_format::none).standard_error, "");
    EXPECT_EQ(content().size(), 4096u);
    EXPECT_NE(access((file + ".new").c_str(), F_OK), 0);
    // Where the report cannot be put beside the counters, these stay and standard error gets it.
    std::ofstream(file + ".new") << "mine";
    EXPECT_TRUE(contains(run(statistics_format::text).standard_error, "nothing gained here"));
    EXPECT_EQ(content().size(), 4096u);
}

TEST(report, leaves_no_half_file_beside_the_one_that_was_asked_for) {
    scratch_folder folder;
    const std::string file = folder.path + "/out";
    const child_outcome outcome = in_child([&] {
        report_case one(statistics_format::text);
        one.options.output = file.c_str();
        open_counters(one.options, nullptr, false);
        const rlimit small{100, 100};
        setrlimit(RLIMIT_FSIZE, &small);
        write_report(one.options, one.totals, one.sites);
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0));
    EXPECT_TRUE(contains(outcome.standard_error, "nothing gained here"));
    EXPECT_EQ(access(file.c_str(), F_OK), 0);
    EXPECT_NE(access((file + ".new").c_str(), F_OK), 0);
}

TEST(report, goes_on_after_an_interruption) {
    const child_outcome outcome = in_child([] {
        // The pipe is full until its reader starts; a signal comes before that.
        int ends[2];
        if (pipe(ends) != 0) return 2;
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        const std::string part(4096, 'x');
        while (write(ends[1], part.data(), part.size()) > 0) {
        }
        fcntl(ends[1], F_SETFL, 0);
        const pid_t reader = fork();
        if (reader == 0) {
            close(ends[1]);
            usleep(300'000);
            const std::string text = read_all(ends[0]);
            _exit(text.ends_with("nothing gained here\n") ? 0 : 1);
        }
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        struct sigaction interrupt {};
        interrupt.sa_handler = [](int) {};
        sigaction(SIGALRM, &interrupt, nullptr);
        const itimerval soon{{0, 50'000}, {0, 50'000}};
        setitimer(ITIMER_REAL, &soon, nullptr);
        report_case one(statistics_format::text);
        write_report(one.options, one.totals, one.sites);
        const itimerval never{};
        setitimer(ITIMER_REAL, &never, nullptr);
        close(STDERR_FILENO);
        int status = 0;
        waitpid(reader, &status, 0);
        return WEXITSTATUS(status);
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(report, costs_no_signal_where_nobody_reads) {
    const child_outcome outcome = in_child([] {
        int ends[2];
        if (pipe(ends) != 0) return 2;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        report_case one(statistics_format::text);
        write_report(one.options, one.totals, one.sites);
        sigset_t state;
        sigpending(&state);
        if (sigismember(&state, SIGPIPE) != 0) return 3;
        sigprocmask(SIG_BLOCK, nullptr, &state);
        return sigismember(&state, SIGPIPE) != 0 ? 4 : 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(report, costs_no_signal_at_the_limit_of_file_sizes) {
    scratch_folder folder;
    const std::string file = folder.path + "/errors";
    const child_outcome outcome = in_child([&] {
        dup2(open(file.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
        const rlimit small{100, 100};
        setrlimit(RLIMIT_FSIZE, &small);
        report_case one(statistics_format::text);
        write_report(one.options, one.totals, one.sites);
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(report, does_not_wait_long_for_a_full_descriptor_that_does_not_block) {
    const child_outcome outcome = in_child([] {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0) return 2;
        const std::string part(4096, 'x');
        while (write(ends[1], part.data(), part.size()) > 0) {
        }
        dup2(ends[1], STDERR_FILENO);
        alarm(20);
        report_case one(statistics_format::text);
        write_report(one.options, one.totals, one.sites);
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}
