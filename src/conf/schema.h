/* schema: the one table of the document's keys. Reading, checking, defaults, the canonical export,
 * JSON, the difference and the reference page all walk it; a new key is one line in schema.c. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stdint.h>

#include "conf/document.h"

enum value_type {
    VALUE_TEXT,    /* one line */
    VALUE_DOMAIN,  /* stored as its key form (A-labels, lower case) */
    VALUE_PATTERN, /* "example.com" or "*.example.com": a span, and a bool at count_offset */
    VALUE_PATH,    /* absolute */
    VALUE_PIN,     /* a span that cert/pin.h reads */
    VALUE_WORD,    /* one of the choices, as a span */
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_PERCENT,
    VALUE_SIZE,
    VALUE_DURATION,
    VALUE_CHOICE,
    VALUE_IP, /* struct ip, and a bool at count_offset: given */
    VALUE_ENDPOINT,
    VALUE_ENDPOINTS,
    VALUE_RANGES,
    VALUE_NAMES, /* spans: "example.com" or "*.example.com" */
    VALUE_PATHS, /* spans */
    VALUE_ACCEPTED_DOMAINS,
    VALUE_ADDRESS_SPACES,
    VALUE_SMART_HOSTS,
    VALUE_MAP,   /* a struct within the struct */
    VALUE_NAMED, /* name -> map: an array of structs that begin with their name */
};

/* What a choice may be; the first name of a value is the one that is written. */
struct choice {
    const char *name;
    unsigned value;
};

struct schema_key {
    const char *name;
    enum value_type type;
    bool required;
    bool unlimited; /* "unlimited" may stand for the number */
    size_t offset, width, count_offset;
    uint64_t min, max;          /* numbers, sizes, durations (ms) */
    uint16_t port;              /* endpoints: where none is written; 0: it has to be */
    const char *fallback;       /* the default as it would be written; NULL: nothing, or derived */
    const char *fallback_words; /* what happens without a value where that is no fixed default */
    const struct choice *choices; /* ends with a NULL name */
    const struct schema_map *map;
    const char *explanation;        /* one sentence */
    const char *exchange, *postfix; /* what others call it; NULL: nothing alike */
};

struct schema_map {
    const char *title; /* "a receive connector" */
    size_t size;
    const struct schema_key *keys; /* end with a NULL name */
};

extern const struct schema_map schema_document;
extern const struct schema_map schema_receive_connector, schema_send_connector;
extern const struct schema_map
    schema_accepted_domain; /* of one item of the list, where it is a map */

/* NULL where the map has no such key. */
const struct schema_key *schema_find(const struct schema_map *map, struct span name);
/* The key that was most probably meant: another product's name for it, or one a few letters away;
 * else NULL. */
const struct schema_key *schema_nearest(const struct schema_map *map, struct span name,
                                        const char **product);
/* Letters to change, add or drop to come from a to b, case folded; stops counting at `limit`. */
size_t schema_distance(struct span a, struct span b, size_t limit);

#endif
