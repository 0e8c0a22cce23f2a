// errno. The host's functions write Linux's numbers into the host's variable; what the program
// reads is another one, into which the host's is translated whenever the program asks where it is.
#include "errors.hpp"

#include "names.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace darwin::errors {
namespace {

struct pair {
    int host;
    int darwin;
};

constexpr pair different[] = {
    {EDEADLK, 11},         {EAGAIN, 35},          {EINPROGRESS, 36},
    {EALREADY, 37},        {ENOTSOCK, 38},        {EDESTADDRREQ, 39},
    {EMSGSIZE, 40},        {EPROTOTYPE, 41},      {ENOPROTOOPT, 42},
    {EPROTONOSUPPORT, 43}, {ESOCKTNOSUPPORT, 44}, {EOPNOTSUPP, 102},
    {ENOTSUP, 45},         {EPFNOSUPPORT, 46},    {EAFNOSUPPORT, 47},
    {EADDRINUSE, 48},      {EADDRNOTAVAIL, 49},   {ENETDOWN, 50},
    {ENETUNREACH, 51},     {ENETRESET, 52},       {ECONNABORTED, 53},
    {ECONNRESET, 54},      {ENOBUFS, 55},         {EISCONN, 56},
    {ENOTCONN, 57},        {ESHUTDOWN, 58},       {ETOOMANYREFS, 59},
    {ETIMEDOUT, 60},       {ECONNREFUSED, 61},    {ELOOP, 62},
    {ENAMETOOLONG, 63},    {EHOSTDOWN, 64},       {EHOSTUNREACH, 65},
    {ENOTEMPTY, 66},       {EUSERS, 68},          {EDQUOT, 69},
    {ESTALE, 70},          {EREMOTE, 71},         {ENOLCK, 77},
    {ENOSYS, 78},          {EOVERFLOW, 84},       {ECANCELED, 89},
    {EIDRM, 90},           {ENOMSG, 91},          {EILSEQ, 92},
    {EBADMSG, 94},         {EMULTIHOP, 95},       {ENODATA, 96},
    {ENOLINK, 97},         {ENOSR, 98},           {ENOSTR, 99},
    {EPROTO, 100},         {ETIME, 101},          {ENOTRECOVERABLE, 104},
    {EOWNERDEAD, 105},
};

thread_local int of_program = 0;

int *where() {
    const int of_host = errno;
    if (of_host != 0) {
        of_program = from_host(of_host);
        errno = 0;
    }
    return &of_program;
}

int strerror_into(int number, char *buffer, std::size_t size) {
    const std::string text = strerror(to_host(number));
    if (size == 0) return ERANGE;
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = 0;
    return length < text.size() ? ERANGE : 0;
}

char *strerror_of(int number) {
    static thread_local char text[128];
    strerror_into(number, text, sizeof text);
    return text;
}

void print_error(const char *prefix) {
    if (prefix != nullptr && *prefix != 0) fprintf(stderr, "%s: ", prefix);
    fprintf(stderr, "%s\n", strerror_of(*where()));
}

} // namespace

int from_host(int number) {
    for (const pair &at : different)
        if (at.host == number) return at.host == EOPNOTSUPP ? 45 : at.darwin;
    return number;
}

int to_host(int number) {
    for (const pair &at : different)
        if (at.darwin == number) return at.host;
    return number;
}

} // namespace darwin::errors

namespace darwin::system {

std::span<const entry> error_names() {
    static const entry names[] = {
        function("__error", errors::where),
        function("strerror", errors::strerror_of),
        function("strerror_r", errors::strerror_into),
        function("perror", errors::print_error),
    };
    return names;
}

} // namespace darwin::system
