/* What the tests of plans and diagnosis share: a document, a store, and what is expected of them.
 * Included by tests only. */
#ifndef POLICY_DIAGNOSE_SCRIPT_H
#define POLICY_DIAGNOSE_SCRIPT_H

#include "cert/test_store.h"
#include "conf/parse_script.h"

#include <stdio.h>

#include "base/clock.h"
#include "policy/diagnose.h"

#define HEAD "hostname: mail.example.com\n"
/* One connector, "in", for mail.example.com. */
#define IN(keys) HEAD "receive-connectors: {in: {bind: '0.0.0.0:25', " keys "}}\n"
#define PLAIN IN("tls: offered")

static inline void reset_store(void)
{
    empty_store(NULL);
}

static inline int leave_store(void **state)
{
    (void)state;
    reset_store();
    forget_key();
    return 0;
}

/* A certificate for the name, from an authority that everyone trusts, unless told otherwise. */
static inline struct certificate *add_issued(const char *names, int64_t from_days, int64_t to_days)
{
    static struct made authority;
    if (!authority.x)
        authority = make_certificate(&(struct recipe){.subject = "CN=R11/O=CA", .authority = true});
    return add((struct recipe){.subject = "CN=mail.example.com",
                               .names = names,
                               .issuer = &authority,
                               .not_before_ms = TEST_NOW_MS + from_days * DAY_MS,
                               .not_after_ms = TEST_NOW_MS + to_days * DAY_MS},
               CHAIN_TRUSTED);
}

static inline void remove_key(struct certificate *c)
{
    EVP_PKEY_free(c->key);
    c->key = NULL;
    c->key_matches = false;
}

static inline struct plan_state state_of(const struct document *d)
{
    return (struct plan_state){d, store.candidates, store.count};
}

/* Text with %s for the thumbprint; valid until the next call. */
static inline const char *with(const char *format, const struct certificate *c)
{
    static char text[2000];
    snprintf(text, sizeof(text), format, c ? c->thumbprint : "");
    return text;
}

#endif
