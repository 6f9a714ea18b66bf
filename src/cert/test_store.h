/* test_store: one store of certificates for a test: they are added in order, and selected from. */
#ifndef CERT_TEST_STORE_H
#define CERT_TEST_STORE_H

#include "cert/select.h"
#include "cert/test_maker.h"

enum { TEST_STORE_MAX = 16 };

struct test_store {
    struct candidate candidates[TEST_STORE_MAX];
    struct certificate *certificates[TEST_STORE_MAX];
    size_t count;
    struct arena arena;
    EVP_PKEY *shared_key; /* making keys is what takes time */
};

extern struct test_store store;
/* When all of it happens. */
#define TEST_NOW_MS 1800000000000

/* Empties the store; as a teardown of cmocka as well. */
int empty_store(void **state);
void forget_key(void);

struct certificate *parse_made(const struct made *made, EVP_PKEY *key);
/* Valid from ten days ago for ten days more where the recipe does not say else; enabled for SMTP.
 */
struct certificate *add_with_key(struct recipe recipe, enum chain_state chain, EVP_PKEY *key);
struct certificate *add(struct recipe recipe, enum chain_state chain);
struct certificate *add_name(const char *names); /* with a trusted chain */

/* For SMTP, of all that is in the store. */
struct selection_request ask(const char *name);
bool says(struct span detail, const char *part);

#endif
