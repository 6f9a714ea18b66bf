/* import: another product's configuration on its way to become a document: what to write at which
 * path, and for each line of the source what became of it. Pure: who reads the source fills it,
 * present/import_json makes the document. All of it lives in one arena. */
#ifndef POLICY_IMPORT_H
#define POLICY_IMPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/schema.h"

/* APPROXIMATED: something was written that does not mean quite the same; the note says in what. */
enum import_fate { IMPORT_TRANSLATED, IMPORT_APPROXIMATED, IMPORT_LEFT_OUT };

struct import_place {
    struct span file; /* as the caller named it */
    unsigned line;    /* from 1; 0: the file as a whole */
};

struct import_note {
    enum import_fate fate;
    struct import_place place;
    struct span what;   /* "RemoteIPRanges {10.0.0.0/8}" */
    struct span became; /* "receive-connectors.relay.from"; empty: nothing */
    struct span why;    /* why not, or not quite; empty for what was translated */
};

enum {
    IMPORT_DEPTH_MAX = 4,
    IMPORT_CONNECTORS_MAX = 1000, /* of each kind; more would be no document for people */
    IMPORT_DOMAINS_MAX = 20000,   /* what a document of 4 MB holds with the rest */
};

/* Where a value goes: {"receive-connectors", "relay", "from"}. */
struct import_path {
    struct span part[IMPORT_DEPTH_MAX];
    size_t depth;
};

struct import_setting {
    struct import_path path;
    struct span shown; /* the path as problems name it */
    const struct span *texts;
    size_t count;
    bool list; /* else there is one text */
    bool dropped;
};

struct import_domain {
    struct span pattern; /* "example.com", "*.example.com" */
    bool relay;          /* else authoritative */
    bool dropped;
};

struct import {
    struct arena *arena;
    struct import_setting *settings; /* in the order in which they are written */
    size_t setting_count, setting_room;
    struct import_domain *domains;
    size_t domain_count, domain_room;
    struct import_note *notes;
    size_t note_count, note_room;
};

void import_init(struct import *im, struct arena *arena);

/* Texts are borrowed and must live as long as the arena; what stood at the path is replaced. */
void import_set(struct import *im, struct import_path path, struct span text);
void import_set_list(struct import *im, struct import_path path, const struct span *texts,
                     size_t count);
/* NULL: nothing is set there. */
const struct import_setting *import_get(const struct import *im, struct import_path path);
/* False where it is there already (as whichever type), or IMPORT_DOMAINS_MAX are. */
bool import_accept(struct import *im, struct span pattern, bool relay);
void import_note(struct import *im, struct import_note note);

/* Parts that are NULL or empty end the path. */
struct import_path import_path(const char *section, struct span name, const char *key);
struct import_path import_path_below(struct import_path path, const char *key);
struct span import_path_text(struct arena *arena, struct import_path path);

/* A name that the document allows and that no connector of the section has yet. */
struct span import_name(struct import *im, const char *section, struct span wanted);

/* A number, size or duration as the key writes it, brought into the key's limits; *clamped says
 * whether it had to be. UNLIMITED becomes "unlimited" where the key knows it, else its maximum. */
struct span import_number(struct arena *arena, const struct schema_key *key, uint64_t value,
                          bool *clamped);
/* Whether that text is what the key means without being written. */
bool import_is_default(const struct schema_key *key, struct span text);

/* Takes back what the document's check refused at this path, and says so in the notes. A key that
 * narrows who may do what takes its whole connector with it: without the key the connector would do
 * more than the source did. False: nothing there could be taken back. */
bool import_drop(struct import *im, struct span path, struct span why);

#endif
