/* import_postfix: main.cf, master.cf and the tables they name as a document of Sealpost. Pure:
 * files are read through a function of the caller. Each parameter that main.cf sets ends in a note.
 */
#ifndef POLICY_IMPORT_POSTFIX_H
#define POLICY_IMPORT_POSTFIX_H

#include "policy/import.h"
#include "postfix/conf.h"

/* The content of a file, in the arena; false, with a sentence, where it cannot be read. */
typedef bool import_read_fn(void *context, struct span path, struct arena *arena,
                            struct span *content, struct buf *why);

struct import_postfix_wishes {
    struct span folder;   /* "/etc/postfix": where relative names of files begin */
    struct span hostname; /* counts instead of myhostname; empty: myhostname */
    struct span host;     /* the machine's own name, where myhostname is not set */
    import_read_fn *read;
    void *context;
};

/* ERR_REFUSED with `why` and `remedy` where main.cf or master.cf cannot be read. */
enum err import_postfix(struct import *im, const struct import_postfix_wishes *wishes,
                        struct buf *why, struct span *remedy) MUST_USE;

#endif
