// A small JSON reader that allocates as usual ones do: every value, name and text by itself, arrays
// growing by realloc.
#pragma once

#include <stddef.h>

struct json;

// The value that the text holds, to be freed by json_free; null where the text is none.
struct json *json_parse(const char *text);

// Its text in one form, names of objects sorted; to be freed by free.
char *json_print(const struct json *value);

void json_free(struct json *value);

// A sum over the text in that form, or 0: nothing that it allocates is left.
unsigned long long json_sum(const char *text);
