#define _GNU_SOURCE
#include "json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct member {
    char *name; // null in arrays
    struct json *value;
};

struct json {
    char *text; // of what is no object and no array
    struct member *members;
    size_t count;
    char opened_by; // '{', '[' or 0
};

static void skip_blanks(const char **at) { *at += strspn(*at, " \n\t\r"); }

static struct json *parse_value(const char **at);

static char *parse_text(const char **at) {
    const char *first = ++*at;
    while (**at != '"' && **at != '\0')
        ++*at;
    if (**at == '\0') return NULL;
    return strndup(first, (size_t)((*at)++ - first));
}

static int parse_member(struct json *into, const char **at) {
    struct member *grown = realloc(into->members, (into->count + 1) * sizeof *grown);
    if (grown == NULL) return 0;
    into->members = grown;
    struct member *next = &grown[into->count++];
    *next = (struct member){0};
    skip_blanks(at);
    if (into->opened_by == '{') {
        if (**at != '"' || (next->name = parse_text(at)) == NULL) return 0;
        skip_blanks(at);
        if (*(*at)++ != ':') return 0;
    }
    return (next->value = parse_value(at)) != NULL;
}

static int parse_members(struct json *into, const char **at) {
    const char closing = into->opened_by == '{' ? '}' : ']';
    do {
        ++*at;
        if (!parse_member(into, at)) return 0;
        skip_blanks(at);
    } while (**at == ',');
    return *(*at)++ == closing;
}

static struct json *parse_value(const char **at) {
    struct json *value = calloc(1, sizeof *value);
    if (value == NULL) return NULL;
    skip_blanks(at);
    int whole = 0;
    if (**at == '{' || **at == '[') {
        value->opened_by = **at;
        whole = parse_members(value, at);
    } else if (**at == '"') {
        char *text = parse_text(at);
        whole = text != NULL && asprintf(&value->text, "\"%s\"", text) >= 0;
        free(text);
    } else {
        const size_t length = strspn(*at, "0123456789+-.eEtrufalsn");
        value->text = strndup(*at, length);
        *at += length;
        whole = length != 0 && value->text != NULL;
    }
    if (whole) return value;
    json_free(value);
    return NULL;
}

struct json *json_parse(const char *text) {
    struct json *value = parse_value(&text);
    skip_blanks(&text);
    if (value == NULL || *text == '\0') return value;
    json_free(value);
    return NULL;
}

static int by_name(const void *left, const void *right) {
    return strcmp(((const struct member *)left)->name, ((const struct member *)right)->name);
}

static void print_value(FILE *into, const struct json *value) {
    if (value->opened_by == 0) {
        fputs(value->text, into);
        return;
    }
    struct member *sorted = malloc(value->count * sizeof *sorted);
    if (sorted == NULL) abort();
    memcpy(sorted, value->members, value->count * sizeof *sorted);
    if (value->opened_by == '{') qsort(sorted, value->count, sizeof *sorted, by_name);
    for (size_t i = 0; i < value->count; ++i) {
        fputc(i == 0 ? value->opened_by : ',', into);
        if (sorted[i].name != NULL) fprintf(into, "\"%s\":", sorted[i].name);
        print_value(into, sorted[i].value);
    }
    fputc(value->opened_by == '{' ? '}' : ']', into);
    free(sorted);
}

char *json_print(const struct json *value) {
    char *text = NULL;
    size_t size = 0;
    FILE *into = open_memstream(&text, &size);
    if (into == NULL) return NULL;
    print_value(into, value);
    fclose(into);
    return text;
}

void json_free(struct json *value) {
    if (value == NULL) return;
    for (size_t i = 0; i < value->count; ++i) {
        free(value->members[i].name);
        json_free(value->members[i].value);
    }
    free(value->members);
    free(value->text);
    free(value);
}

unsigned long long json_sum(const char *text) {
    struct json *value = json_parse(text);
    char *printed = value == NULL ? NULL : json_print(value);
    unsigned long long sum = 0;
    for (const char *c = printed; c != NULL && *c != '\0'; ++c)
        sum = sum * 31 + (unsigned char)*c;
    free(printed);
    json_free(value);
    return sum;
}
