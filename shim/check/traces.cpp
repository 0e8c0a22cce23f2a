#include "shim/check/traces.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace scratch::shim::check {

namespace {

constexpr std::size_t depot_bytes = std::size_t{128} << 20;
constexpr std::size_t bucket_count = 1 << 16;

constinit char *depot = nullptr;
constinit std::atomic<trace_id> *buckets = nullptr;
// In units of eight bytes, as names are. 0 names nothing.
constinit std::atomic<trace_id> used{1};

std::uint64_t hash_of(const backtrace &trace, std::uint64_t tag) noexcept {
    std::uint64_t hash = tag ^ 0x9e3779b97f4a7c15;
    for (std::uint32_t i = 0; i < trace.depth; ++i) {
        hash = (hash ^ trace.frames[i]) * 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
    }
    return hash;
}

trace_id find_in(trace_id from, trace_id until, const backtrace &trace,
                 std::uint64_t tag) noexcept {
    for (trace_id id = from; id != until; id = trace_at(id)->next) {
        const kept_trace &kept = *trace_at(id);
        if (kept.tag == tag && kept.depth == trace.depth &&
            std::memcmp(kept.frames, trace.frames, trace.depth * sizeof(std::uintptr_t)) == 0)
            return id;
    }
    return 0;
}

} // namespace

bool open_traces() noexcept {
    void *mapped = mmap(nullptr, depot_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return false;
    buckets = static_cast<std::atomic<trace_id> *>(mapped);
    depot = static_cast<char *>(mapped) + bucket_count * sizeof(*buckets);
    return true;
}

kept_trace *trace_at(trace_id id) noexcept {
    return id == 0 ? nullptr : reinterpret_cast<kept_trace *>(depot + std::size_t{id} * 8);
}

trace_id keep(const backtrace &trace, std::uint64_t tag) noexcept {
    std::atomic<trace_id> &bucket = buckets[hash_of(trace, tag) % bucket_count];
    trace_id head = bucket.load(std::memory_order_acquire);
    if (const trace_id found = find_in(head, 0, trace, tag)) return found;

    const auto units =
        static_cast<trace_id>((sizeof(kept_trace) + trace.depth * sizeof(std::uintptr_t)) / 8);
    const std::size_t most = (depot_bytes - bucket_count * sizeof(*buckets)) / 8;
    if (used.load(std::memory_order_relaxed) + units > most) return 0;
    const trace_id id = used.fetch_add(units, std::memory_order_relaxed);
    if (id + units > most) return 0;
    auto *kept = new (trace_at(id)) kept_trace{head, {0}, tag, trace.depth, 0};
    std::memcpy(kept->frames, trace.frames, trace.depth * sizeof(std::uintptr_t));
    trace_id seen = head;
    while (!bucket.compare_exchange_weak(seen, id, std::memory_order_acq_rel)) {
        // Another thread may have kept the same one meanwhile; what was taken for ours is lost.
        if (const trace_id found = find_in(seen, head, trace, tag)) return found;
        kept->next = head = seen;
    }
    return id;
}

} // namespace scratch::shim::check
