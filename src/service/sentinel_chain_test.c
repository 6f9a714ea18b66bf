/* The sentinel judges the chain that it is sent, not only the one that lies in the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/sentinel.h"
#include "service/test_place.h"

static const char plain[] =
    "hostname: mx.example.com\nreceive-connectors:\n  in: {bind: [@], fqdn: mx.example.com}\n";

struct seen {
    struct place *place;
    enum chain_state chain;
    size_t visits, findings;
    unsigned event; /* of the first finding */
};

static void on_seen(void *context, const struct wire_fact *facts, size_t count,
                    const struct findings *findings)
{
    struct seen *seen = context;
    seen->visits = count;
    seen->chain = count ? facts[0].chain : CHAIN_TRUSTED;
    seen->findings = findings->count;
    seen->event = findings->count ? findings->items[0].event : 0;
    loop_stop(seen->place->world.main_loop);
}

static struct seen look(struct place *place)
{
    struct seen seen = {.place = place};
    sentinel_look(place->world.sentinel, on_seen, &seen);
    loop_run(place->world.main_loop);
    assert_true(seen.visits > 0);
    return seen;
}

/* The same certificate with its key, and without the rest of its chain. */
static void add_bare(struct place *place, const struct certificate *c)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    struct certificate *bare;
    struct certificate_meta meta = {.services = SERVICE_SMTP, .source = SPAN("test")};
    assert_int_equal(certificate_write_pem(c, true, &pem), OK);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &bare, &why), OK);
    while (sk_X509_num(bare->chain) > 0)
        X509_free(sk_X509_pop(bare->chain));
    assert_int_equal(certificates_add(place->folder, bare, &meta), OK);
    certificate_free(bare);
    buf_done(&pem);
    buf_done(&why);
}

static void test_chain_that_was_lost_on_the_way(void **state)
{
    (void)state;
    struct place place, other;
    place_open(&place, true);
    place_open(&other, true);
    other.port = place.port;
    place.world.sentinel = sentinel_new(&place.world);
    struct made authority =
        make_certificate(&(struct recipe){.subject = "CN=R1", .authority = true});
    struct recipe recipe = {.names = "mx.example.com", .issuer = &authority};
    struct certificate *c = place_add(&place, &recipe, authority.x, SERVICE_SMTP);
    /* Another host answers for this one: with its certificate, and less of the chain. */
    add_bare(&other, c);
    place_publish(&other, plain);
    struct listen *own = place.world.listen;
    place.world.listen = NULL;
    place_publish(&place, plain);
    place.world.listen = other.world.listen;
    struct seen seen = look(&place);
    assert_int_equal(seen.chain, CHAIN_INCOMPLETE);
    assert_true(seen.findings > 0);
    assert_int_equal(seen.event, EVENT_OTHER_CHAIN_SEEN);
    place.world.listen = own;
    place_close(&other);
    place_publish(&place, plain);
    seen = look(&place);
    assert_int_equal(seen.chain, CHAIN_PRIVATE);
    assert_int_equal(seen.findings, 0);
    sentinel_free(place.world.sentinel);
    place_close(&place);
    made_done(&authority);
    certificate_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chain_that_was_lost_on_the_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
