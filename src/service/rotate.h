/* rotate: every change of certificates goes through here: plan, refusal or force, the store, a new
 * snapshot, the sentinel. On the main loop. */
#ifndef SERVICE_ROTATE_H
#define SERVICE_ROTATE_H

#include "policy/plan.h"
#include "service/apply.h"
#include "store/certificates.h"

enum rotate_kind { ROTATE_ADD, ROTATE_REMOVE, ROTATE_SERVICES };

struct rotate_change {
    enum rotate_kind kind;
    struct certificate *certificate; /* ADD: taken over */
    struct certificate_meta meta;    /* ADD: services, friendly name, notes, source; SERVICES: the
                                        first three */
    struct span thumbprint;          /* REMOVE, SERVICES: full thumbprint */
    bool dry_run, force;
    struct span author;
};

/* plan is complete also where the change was refused (ERR_REFUSED). Everything lives until fn
 * returns. */
typedef void rotate_fn(void *context, enum err err, const struct plan *plan, struct span why);
void rotate_change(struct world *world, const struct rotate_change *change, rotate_fn *fn,
                   void *context);

/* Watched folders (document: certificates.watch): inotify and a slow poll; whole pairs are
 * imported, torn ones reported. */
struct watch;
struct watch *watch_new(struct world *world);
void watch_snapshot_changed(struct watch *watch);
void watch_free(struct watch *watch);

#endif
