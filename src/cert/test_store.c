#include "cert/test_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

struct test_store store;

int empty_store(void **state)
{
    (void)state;
    for (size_t i = 0; i < store.count; i++)
        certificate_free(store.certificates[i]);
    store.count = 0;
    arena_done(&store.arena);
    return 0;
}

void forget_key(void)
{
    EVP_PKEY_free(store.shared_key);
    store.shared_key = NULL;
}

struct certificate *parse_made(const struct made *made, EVP_PKEY *key)
{
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    add_certificate_pem(&pem, made->x);
    if (key)
        add_key_pem(&pem, key, NULL);
    struct certificate *c = NULL;
    if (certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why) != OK) {
        fputs(buf_text(&why), stderr);
        abort();
    }
    buf_done(&pem);
    buf_done(&why);
    return c;
}

struct certificate *add_with_key(struct recipe recipe, enum chain_state chain, EVP_PKEY *key)
{
    if (store.count == TEST_STORE_MAX)
        abort();
    if (!recipe.not_before_ms)
        recipe.not_before_ms = TEST_NOW_MS - 10 * DAY_MS;
    if (!recipe.not_after_ms)
        recipe.not_after_ms = TEST_NOW_MS + 10 * DAY_MS;
    struct made made = make_certificate(&recipe);
    struct certificate *c = parse_made(&made, key ? key : made.key);
    made_done(&made);
    c->services = SERVICE_SMTP;
    store.certificates[store.count] = c;
    store.candidates[store.count++] = (struct candidate){c, chain};
    return c;
}

struct certificate *add(struct recipe recipe, enum chain_state chain)
{
    if (!store.shared_key)
        store.shared_key = make_key(NULL);
    if (!recipe.key && !recipe.key_type)
        recipe.key = store.shared_key;
    return add_with_key(recipe, chain, NULL);
}

struct certificate *add_name(const char *names)
{
    return add((struct recipe){.names = names}, CHAIN_TRUSTED);
}

struct selection_request ask(const char *name)
{
    return (struct selection_request){.name = span_of(name),
                                      .service = SERVICE_SMTP,
                                      .now_ms = TEST_NOW_MS,
                                      .candidates = store.candidates,
                                      .count = store.count};
}

bool says(struct span detail, const char *part)
{
    return *part == '\0' || span_search(detail, span_of(part)) < detail.n;
}
