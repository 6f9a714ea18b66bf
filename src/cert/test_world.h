/* test_world: a root, its intermediate, a leaf of that, and a certificate that is alone; and files
 * made of them. */
#ifndef CERT_TEST_WORLD_H
#define CERT_TEST_WORLD_H

#include <openssl/x509.h>

#include "cert/test_maker.h"

struct test_world {
    struct made root, middle, leaf, alone;
};

extern struct test_world world;

/* As setup and teardown of a cmocka group. */
int make_world(void **state);
int end_world(void **state);

/* The stack borrows. */
STACK_OF(X509) * stack_of(X509 *const *list, size_t count);
/* The chain and the key of the leaf in no order, with what tools write between the blocks, the leaf
 * twice. */
void add_world_pem(struct buf *out);

#endif
