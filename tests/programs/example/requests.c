// An annotated program: a loop that answers requests by parsing XML and JSON with libraries that
// know nothing of scratch memory. Everything they allocate for a request dies with it, so a request
// is a region.
//
//     requests [none|counted|trusted] [xml|json|both] [REQUESTS] [RECORDS]
//
// Prints a checksum of all that was parsed: the same for every kind of region, with the shim and
// without.
#include <scratch/annotate.h>

#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
    char *text;
    size_t size;
};

static uint64_t sum_text(uint64_t sum, const char *text) {
    for (; text != NULL && *text != '\0'; text++)
        sum = ((sum << 5) | (sum >> 59)) ^ (unsigned char)*text;
    return sum;
}

// ---- the documents: customers with their orders, the same on every machine
// ------------------------

static struct document written(void (*write)(FILE *, unsigned), unsigned records) {
    struct document document = {NULL, 0};
    FILE *const out = open_memstream(&document.text, &document.size);
    if (out == NULL) abort();
    write(out, records);
    if (fclose(out) != 0) abort();
    return document;
}

static void write_xml(FILE *out, unsigned records) {
    fputs("<?xml version=\"1.0\"?>\n<customers>\n", out);
    for (unsigned i = 0; i < records; i++) {
        fprintf(out, "  <customer id=\"c%u\" city=\"City %u\">\n", i, i * 7 % 50);
        fprintf(out, "    <name>Customer &amp; Son %u</name><mail>c%u@example.org</mail>\n", i, i);
        for (unsigned order = 0; order < i % 4; order++)
            fprintf(out,
                    "    <order day=\"%u\"><item>article %u</item><price>%u.%02u</price></order>\n",
                    i % 31 + 1, i * 13 % 997, i * 3 % 500, i % 100);
        fputs("  </customer>\n", out);
    }
    fputs("</customers>\n", out);
}

static void write_json(FILE *out, unsigned records) {
    fputs("{\"customers\": [\n", out);
    for (unsigned i = 0; i < records; i++) {
        fprintf(out,
                "%s  {\"id\": %u, \"city\": \"City %u\", \"name\": \"Customer \\u0026 Son %u\",\n",
                i == 0 ? "" : ",\n", i, i * 7 % 50, i);
        fprintf(out, "   \"mail\": \"c%u@example.org\", \"active\": %s, \"orders\": [", i,
                i % 3 == 0 ? "true" : "false");
        for (unsigned order = 0; order < i % 4; order++)
            fprintf(out, "%s{\"day\": %u, \"item\": \"article %u\", \"price\": %u.%02u}",
                    order == 0 ? "" : ", ", i % 31 + 1, i * 13 % 997, i * 3 % 500, i % 100);
        fputs("]}", out);
    }
    fputs("\n]}\n", out);
}

// ---- the work of one request
// ---------------------------------------------------------------------

static uint64_t sum_node(uint64_t sum, xmlNodePtr node) {
    for (; node != NULL; node = node->next) {
        sum = sum_text(sum, (const char *)node->name);
        if (node->type == XML_TEXT_NODE) sum = sum_text(sum, (const char *)node->content);
        if (node->type != XML_ELEMENT_NODE) continue;
        for (xmlAttrPtr attribute = node->properties; attribute != NULL;
             attribute = attribute->next) {
            xmlChar *const value = xmlGetProp(node, attribute->name);
            sum = sum_text(sum_text(sum, (const char *)attribute->name), (const char *)value);
            xmlFree(value);
        }
        sum = sum_node(sum, node->children);
    }
    return sum;
}

static uint64_t parse_xml(const struct document *document, uint64_t sum) {
    xmlDocPtr parsed = xmlReadMemory(document->text, (int)document->size, "request.xml", NULL, 0);
    if (parsed == NULL) abort();
    sum = sum_node(sum, xmlDocGetRootElement(parsed));
    xmlFreeDoc(parsed);
    // libxml2 keeps the last error of each thread: it must not outlive a trusted region.
    xmlResetLastError();
    return sum;
}

static uint64_t parse_json(const struct document *document, uint64_t sum) {
    json_error_t error;
    json_t *const parsed = json_loadb(document->text, document->size, 0, &error);
    if (parsed == NULL) abort();
    size_t index;
    json_t *customer;
    json_array_foreach(json_object_get(parsed, "customers"), index, customer) {
        const char *key;
        json_t *value;
        json_object_foreach(customer, key, value) {
            sum = sum_text(sum_text(sum, key), json_string_value(value));
            sum += (uint64_t)json_integer_value(value) + json_array_size(value);
        }
    }
    char *const answer = json_dumps(json_object_get(parsed, "customers"), JSON_COMPACT);
    sum = sum_text(sum, answer);
    free(answer);
    json_decref(parsed);
    return sum;
}

typedef uint64_t parser(const struct document *document, uint64_t sum);

// All that a request needs of scratch: one line. What parse allocates below it is scratch memory.
static uint64_t serve_in_region(parser *parse, const struct document *document, uint64_t sum,
                                unsigned flags) {
    SCRATCH_REGION("request", flags);
    return parse(document, sum);
}

static int usage(const char *program) {
    fprintf(stderr, "usage: %s [none|counted|trusted] [xml|json|both] [REQUESTS] [RECORDS]\n",
            program);
    return 2;
}

int main(int count, char **arguments) {
    const char *const region = count > 1 ? arguments[1] : "trusted";
    const char *const format = count > 2 ? arguments[2] : "both";
    const unsigned long requests = count > 3 ? strtoul(arguments[3], NULL, 10) : 200;
    const unsigned records = count > 4 ? (unsigned)strtoul(arguments[4], NULL, 10) : 400;
    const int none = strcmp(region, "none") == 0;
    const unsigned flags = strcmp(region, "trusted") == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED;
    const int xml = strcmp(format, "json") != 0, json = strcmp(format, "xml") != 0;
    if (!none && flags == SCRATCH_COUNTED && strcmp(region, "counted") != 0)
        return usage(arguments[0]);
    if (xml && json && strcmp(format, "both") != 0) return usage(arguments[0]);

    // What libraries set up on first use and keep must be there before the first region that is
    // trusted: their own initialisation, then a request in no region.
    xmlInitParser();
    json_object_seed(1);
    struct document documents[] = {written(write_xml, records), written(write_json, records)};
    parser *const parsers[] = {parse_xml, parse_json};
    const int wanted[] = {xml, json};
    uint64_t sum = 1;
    for (int i = 0; i < 2; i++)
        sum = parsers[i](&documents[i], sum);

    for (unsigned long request = 0; request < requests; request++)
        for (int i = 0; i < 2; i++)
            if (wanted[i] && none)
                sum = parsers[i](&documents[i], sum);
            else if (wanted[i])
                sum = serve_in_region(parsers[i], &documents[i], sum, flags);

    printf("%lu requests, checksum %016" PRIx64 "\n", requests, sum);
    free(documents[0].text);
    free(documents[1].text);
    xmlCleanupParser();
    return 0;
}
