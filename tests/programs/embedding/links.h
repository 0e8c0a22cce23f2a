#pragma once

#include <stddef.h>

// How long the link is once it is resolved against `base`.
size_t length_of_link(const char *link, const char *base);
