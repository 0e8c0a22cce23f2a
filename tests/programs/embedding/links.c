// A library with a leak: what xmlBuildURI returns is the caller's to free, and nobody does.
#include "links.h"

#include <libxml/uri.h>
#include <string.h>

size_t length_of_link(const char *link, const char *base) {
    const xmlChar *resolved = xmlBuildURI((const xmlChar *)link, (const xmlChar *)base);
    return resolved != NULL ? strlen((const char *)resolved) : 0;
}
