// Runs all registered benchmarks, several times in random order, and prints each one's median as a
// ratio to the one that others are measured by. A benchmark's name is "row/row/.../column".
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Keeps the medians; prints nothing until the end.
class ratio_reporter : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context &) override { return true; }

    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &run : runs) {
            if (run.run_type == Run::RT_Aggregate || run.error_occurred) continue;
            const std::string name = run.run_name.function_name;
            const std::size_t cut = name.rfind('/');
            const std::string column = name.substr(cut + 1);
            if (std::find(columns_.begin(), columns_.end(), column) == columns_.end())
                columns_.push_back(column);
            times_[name.substr(0, cut)][column].push_back(run.GetAdjustedCPUTime());
        }
    }

    void print(const std::string &measure) const {
        std::printf("%-12s", "");
        for (const std::string &column : columns_)
            std::printf(" %16s", column.c_str());
        std::printf("\n");
        for (const auto &[row, cells] : times_) {
            std::printf("%-12s", row.c_str());
            const auto base = cells.find(measure);
            for (const std::string &column : columns_) {
                const auto cell = cells.find(column);
                if (cell == cells.end() || base == cells.end()) {
                    std::printf(" %16s", "-");
                } else if (column == measure) {
                    std::printf(" %13.1f ns", median(cell->second));
                } else {
                    std::printf(" %16.3f", median(cell->second) / median(base->second));
                }
            }
            std::printf("\n");
        }
    }

private:
    static double median(std::vector<double> values) {
        std::sort(values.begin(), values.end());
        return values[values.size() / 2];
    }

    std::vector<std::string> columns_;
    std::map<std::string, std::map<std::string, std::vector<double>>> times_;
};

inline int run_with_ratios(int count, char **arguments, const std::string &measure) {
    // Random order and repetitions, so that a change of the machine's speed meets all alike.
    std::vector<char *> all(arguments, arguments + count);
    std::string repetitions = "--benchmark_repetitions=5";
    std::string interleaving = "--benchmark_enable_random_interleaving=true";
    std::string shortest = "--benchmark_min_time=0.02";
    all.insert(all.begin() + 1, {repetitions.data(), interleaving.data(), shortest.data()});
    int all_count = static_cast<int>(all.size());
    benchmark::Initialize(&all_count, all.data());
    if (benchmark::ReportUnrecognizedArguments(all_count, all.data())) return 1;
    ratio_reporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    std::printf("medians; %s in nanoseconds for a whole loop, the others as ratios to it\n",
                measure.c_str());
    reporter.print(measure);
    return 0;
}
