// reads_json ROUNDS: each of four threads makes that many documents, has them read and printed, and
// keeps some; what they printed is told as sums, and a document of each thread as it is.
#define _GNU_SOURCE
#include "json.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { thread_count = 4, kept_count = 16 };

struct worker {
    pthread_t thread;
    unsigned number;
    unsigned rounds;
    uint64_t sum;
    char *last;
};

static char *make_document(unsigned number) {
    char *text = NULL;
    size_t size = 0;
    FILE *into = open_memstream(&text, &size);
    if (into == NULL) abort();
    fprintf(into, "{\"number\": %u, \"rows\": [", number);
    for (unsigned i = 0; i < 5 + number % 11; ++i)
        fprintf(into, "%s{\"z\": \"row %u\", \"a\": [%u, true, null], \"m\": {\"n\": %u.5}}",
                i == 0 ? "" : ", ", i, number * i, i % 7);
    fputs("]}", into);
    fclose(into);
    return text;
}

// What one document becomes.
static char *handle(unsigned number, uint64_t *sum) {
    char *text = make_document(number);
    *sum = *sum * 31 + json_sum(text);
    struct json *value = json_parse(text);
    char *printed = value == NULL ? NULL : json_print(value);
    json_free(value);
    free(text);
    return printed;
}

static void *work(void *own) {
    struct worker *worker = own;
    char *kept[kept_count] = {NULL};
    for (unsigned i = 0; i < worker->rounds; ++i) {
        char *printed = handle(worker->number * 1000 + i, &worker->sum);
        if (printed == NULL) abort();
        free(kept[i % kept_count]);
        kept[i % kept_count] = printed;
    }
    worker->last = strdup(kept[(worker->rounds - 1) % kept_count]);
    for (unsigned i = 0; i < kept_count; ++i)
        free(kept[i]);
    return NULL;
}

int main(int count, char **arguments) {
    struct worker workers[thread_count] = {0};
    const unsigned rounds = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : 0;
    if (rounds == 0) return 2;
    for (unsigned i = 0; i < thread_count; ++i) {
        workers[i] = (struct worker){.number = i, .rounds = rounds};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) return 2;
    }
    for (unsigned i = 0; i < thread_count; ++i) {
        pthread_join(workers[i].thread, NULL);
        printf("%u %llx %s\n", i, (unsigned long long)workers[i].sum, workers[i].last);
        free(workers[i].last);
    }
    return 3; // a status of its own, to be kept
}
