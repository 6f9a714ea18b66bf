/* documents: the revisions of the configuration document; the newest is the one in force. */
#ifndef STORE_DOCUMENTS_H
#define STORE_DOCUMENTS_H

#include "store/store.h"

struct revision {
    uint64_t number; /* 1, 2, ... */
    int64_t time_ms;
    struct span author;
    struct span comment; /* "apply sealpost.yaml", "restore 4" */
    struct span diff;    /* against the one before */
    struct span text;    /* the document's YAML */
};

typedef void documents_found_fn(void *context, enum err err, const struct revision *revisions,
                                size_t count);

/* Appends and makes it the newest; fn gets it with its number once it is durable. */
void documents_append(struct store *store, const struct revision *revision, struct loop *loop,
                      documents_found_fn *fn, void *context);
/* The newest `limit`, newest first, without text; or one by number (0: the newest) with its text.
 */
void documents_list(struct store *store, size_t limit, struct loop *loop, documents_found_fn *fn,
                    void *context);
void documents_get(struct store *store, uint64_t number, struct loop *loop, documents_found_fn *fn,
                   void *context);
/* The newest, before store_start: ERR_NOT_FOUND where there is none. Caller frees *text (malloc).
 */
enum err documents_newest(struct store *store, uint64_t *number, char **text) MUST_USE;

#endif
