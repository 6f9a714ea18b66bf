/* apply: a change of the document or of the certificates, whole or not at all. */
#ifndef SERVICE_APPLY_H
#define SERVICE_APPLY_H

#include "policy/plan.h"
#include "service/world.h"

struct apply_result {
    enum err err;
    const struct problems *problems; /* of a failure, or warnings */
    const struct plan *plan;         /* of a change of the document; NULL: it was not judged */
    uint64_t revision;               /* in force; the old one where nothing changed; 0: failed */
    struct span diff;                /* empty: nothing changed */
};

/* What is refused, and what is done all the same, is also an event.
 * On failure problems has at least one item that says why, unless the plan is refused
 * (ERR_REFUSED) or another revision is in force (ERR_EXISTS). All lives until the function
 * returns. */
typedef void apply_fn(void *context, const struct apply_result *result);

struct apply_change {
    struct span yaml, author, comment; /* copied */
    struct span file;                  /* where it was read; empty: unknown */
    uint64_t if_revision;              /* only while this one is in force; 0: any */
    bool dry_run;                      /* everything but storing and swapping */
    bool force;                        /* also where the plan is refused */
};

/* Checks the text, builds its snapshot, opens the listeners it needs, plans what the change does to
 * each connector, stores it as a new revision, and swaps it in; a running session keeps what it
 * began with. On the main loop; fn comes later, on the main loop. Changes are judged and applied
 * one after another, those of certificates among them. */
void apply_document(struct world *world, const struct apply_change *change, apply_fn *fn,
                    void *context);
/* Reads the certificate files again and swaps in a snapshot of the same revision. */
void apply_certificates(struct world *world, apply_fn *fn, void *context);
/* The same, but changes the files first, when its turn has come: nothing else is judged or applied
 * meanwhile. Where `step` returns false nothing is read again, and fn gets OK. */
typedef bool apply_step_fn(void *context);
void apply_certificates_after(struct world *world, apply_step_fn *step, apply_fn *fn,
                              void *context);

/* For the start, before the loops run: the same checks; on success the document is in force and
 * stored as a revision if it differs from the newest one. problems is the caller's to free. */
enum err apply_first(struct world *world, struct span yaml, struct span author,
                     struct problems *problems, struct buf *why) MUST_USE;

#endif
