/* test_place: a data folder with certificates, and worlds over it, for the tests of this folder. */
#ifndef SERVICE_TEST_PLACE_H
#define SERVICE_TEST_PLACE_H

#include "cert/test_maker.h"
#include "service/world.h"

struct place {
    char folder[64];
    uint16_t port; /* free a moment ago */
    struct world world;
};

/* A world with a store and, with listening, two receive loops; no snapshot yet. */
void place_open(struct place *place, bool listening);
void place_close(struct place *place);

/* Makes a certificate, puts it into the folder, enabled for `services`, and returns it (with its
 * thumbprint and leaf; certificate_free). extra: one more certificate for its chain, or NULL. */
struct certificate *place_add(struct place *place, const struct recipe *recipe, X509 *extra,
                              unsigned services);
/* A snapshot of the folder and this document, in which '@' stands for "127.0.0.1:PORT". */
struct snapshot *place_snapshot(struct place *place, const char *yaml);
/* The same, put in force (and listened on). */
void place_publish(struct place *place, const char *yaml);

#endif
