/* apply: a change of the document or of the certificates, whole or not at all. */
#ifndef SERVICE_APPLY_H
#define SERVICE_APPLY_H

#include "service/world.h"

/* On failure problems has at least one item that says why; on success it may hold warnings. diff is
 * empty and the revision the old one where nothing changed. All arguments live until the function
 * returns. */
typedef void apply_fn(void *context, enum err err, const struct problems *problems,
                      uint64_t revision, struct span diff);

/* Checks the text, builds its snapshot, opens the listeners it needs, stores it as a new revision,
 * and swaps it in; a running session keeps what it began with. dry_run: everything but storing and
 * swapping. On the main loop; fn comes later, on the main loop. Changes are applied one after
 * another. */
void apply_document(struct world *world, struct span yaml, struct span author, struct span comment,
                    bool dry_run, apply_fn *fn, void *context);
/* Reads the certificate files again and swaps in a snapshot of the same revision. */
void apply_certificates(struct world *world, apply_fn *fn, void *context);

/* For the start, before the loops run: the same checks; on success the document is in force and
 * stored as a revision if it differs from the newest one. problems is the caller's to free. */
enum err apply_first(struct world *world, struct span yaml, struct span author,
                     struct problems *problems, struct buf *why) MUST_USE;

#endif
