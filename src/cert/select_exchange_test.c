#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cert/test_store.h"

static const int64_t now_ms = TEST_NOW_MS;

static struct selection choose(const char *name)
{
    struct selection_request request = ask(name);
    return certificate_select_exchange(&store.arena, &request);
}

static struct selection choose_pair(const char *name, const char *pair)
{
    struct pin pin = {.kind = PIN_NONE};
    struct buf why = BUF_INIT(1000);
    struct selection_request request = ask(name);
    if (pin_parse(&store.arena, span_of(pair), &pin, &why) != OK)
        fail_msg("%s", buf_text(&why));
    buf_done(&why);
    request.pin = &pin;
    return certificate_select_exchange(&store.arena, &request);
}

static void assert_verdict(const struct selection *s, size_t i, enum verdict_reason reason,
                           const char *part)
{
    if (s->verdicts[i].reason != reason || !says(s->verdicts[i].detail, part))
        fail_msg("%s: \"" SPAN_FMT "\" does not say \"%s\"", verdict_text(s->verdicts[i].reason),
                 SPAN_ARG(s->verdicts[i].detail), part);
}

/* Steps 4 and 6: nothing is offered, event 12014. No stand-in. */
static void test_no_match(void **state)
{
    (void)state;
    struct selection s = choose("mail.example.com");
    assert_null(s.chosen);
    add_name("other.example.com");
    s = choose("mail.example.com");
    assert_null(s.chosen);
    assert_false(s.name_covered);
    assert_verdict(&s, 0, VERDICT_NAME_NOT_COVERED,
                   "other.example.com does not cover mail.example.com");
    assert_int_equal(s.pin, PIN_UNUSED);
}

/* Step 5, each condition. */
static void test_eligibility(void **state)
{
    (void)state;
    add((struct recipe){.subject = "CN=mail.example.com", .version1 = true}, CHAIN_TRUSTED);
    struct certificate *c = add_name("mail.example.com");
    EVP_PKEY_free(c->key);
    c->key = NULL;
    c->key_matches = false;
    struct selection s = choose("mail.example.com");
    assert_null(s.chosen);
    assert_verdict(&s, 0, VERDICT_NOT_V3, "older than X.509 version 3");
    assert_verdict(&s, 1, VERDICT_KEY_MISSING, "no private key");
    c->key_matches = true; /* a print says HasPrivateKey, and has no key */
    assert_ptr_equal(choose("mail.example.com").chosen, c);
}

/* "The name in Subject or SAN": a CN counts beside a SAN, which no TLS client would accept. */
static void test_subject(void **state)
{
    (void)state;
    struct certificate *c = add(
        (struct recipe){.subject = "O=x/CN=mail.example.com/OU=y", .names = "other.example.com"},
        CHAIN_SELF_SIGNED);
    assert_ptr_equal(choose("MAIL.example.com").chosen, c);
    assert_null(choose("x.example.com").chosen);
    empty_store(NULL);
    add((struct recipe){.subject = "O=a\\, CN=mail.example.com/CN=none"}, CHAIN_SELF_SIGNED);
    assert_null(choose("mail.example.com").chosen); /* quoted, it is no CN */
    empty_store(NULL);
    c = add((struct recipe){.subject = "CN=*.example.com", .names = "x.example.org"},
            CHAIN_SELF_SIGNED);
    assert_ptr_equal(choose("mail.example.com").chosen, c);
    assert_null(choose("a.b.example.com").chosen);
    assert_null(choose("example.com").chosen);
}

/* The trap of the page's note: without SMTP it is chosen all the same, and TLS fails in the
 * handshake. It even displaces one that works: mail stops at the import of a renewal, before
 * anything was assigned. */
static void test_without_smtp(void **state)
{
    (void)state;
    struct certificate *works =
        add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - 20 * DAY_MS},
            CHAIN_TRUSTED);
    assert_ptr_equal(choose("mail.example.com").chosen, works);
    struct certificate *imported = add_name("mail.example.com");
    imported->services = 0;
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, imported);
    assert_verdict(&s, 1, VERDICT_CHOSEN, "not enabled for SMTP");
    assert_verdict(&s, 1, VERDICT_CHOSEN, "TLS fails later, in the handshake");
    assert_verdict(&s, 0, VERDICT_LESS_PREFERRED, "valid from a later time");
}

/* How the store lists its certificates decides nothing. */
static void turn_store(void)
{
    for (size_t i = 0; i < store.count / 2; i++) {
        struct candidate swap = store.candidates[i];
        store.candidates[i] = store.candidates[store.count - 1 - i];
        store.candidates[store.count - 1 - i] = swap;
    }
}

/* Step 7: the newest; neither validity in length nor an exact name counts. */
static void test_newest(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    add((struct recipe){.names = "mail.example.com",
                        .issuer = &root,
                        .not_before_ms = now_ms - 20 * DAY_MS,
                        .not_after_ms = now_ms + 900 * DAY_MS},
        CHAIN_TRUSTED);
    struct certificate *newest =
        add((struct recipe){.names = "*.example.com", .issuer = &root}, CHAIN_TRUSTED);
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, newest);
    assert_int_equal(s.verdicts[1].detail.n, 0); /* nothing about it is a surprise */
    assert_int_equal(s.verdicts[1].match, NAME_WILDCARD);
    turn_store();
    assert_ptr_equal(choose("mail.example.com").chosen, newest);
    made_done(&root);
}

/* An old one of a PKI comes before a new self-signed one; without a valid chain it is passed over.
 */
static void test_pki_before_self_signed(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    const struct recipe issued = {
        .names = "mail.example.com", .issuer = &root, .not_before_ms = now_ms - 50 * DAY_MS};
    struct certificate *own = add((struct recipe){.names = "mail.example.com"}, CHAIN_SELF_SIGNED);
    struct certificate *pki = add(issued, CHAIN_TRUSTED);
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, pki);
    assert_verdict(&s, 0, VERDICT_LESS_PREFERRED, "self-signed");
    turn_store();
    assert_ptr_equal(choose("mail.example.com").chosen, pki);
    turn_store();
    static const enum chain_state invalid[] = {CHAIN_PRIVATE, CHAIN_INCOMPLETE};
    for (size_t i = 0; i < COUNT_OF(invalid); i++) {
        store.candidates[1].chain = invalid[i];
        s = choose("mail.example.com");
        assert_ptr_equal(s.chosen, own);
        assert_verdict(&s, 0, VERDICT_CHOSEN, "no eligible certificate of a PKI has a valid chain");
        assert_verdict(&s, 1, VERDICT_CHAIN_NOT_VALID, "its chain is not valid on this server");
    }
    store.candidates[0] = store.candidates[1];
    struct selection_request r = ask("mail.example.com");
    r.count = 1;
    assert_null(certificate_select_exchange(&store.arena, &r).chosen);
    made_done(&root);
}

/* Step 8: expired is chosen, advertised and logged; it even comes before an older one that is
 * valid. */
static void test_expired(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - 400 * DAY_MS},
        CHAIN_TRUSTED);
    struct certificate *expired =
        add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - DAY_MS},
            CHAIN_TRUSTED);
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, expired);
    assert_true(s.expired);
    assert_verdict(&s, 1, VERDICT_CHOSEN, "event 12016");
}

/* What the page does not ask for does not count. */
static void test_silence(void **state)
{
    (void)state;
    struct certificate *future = add((struct recipe){.names = "mail.example.com",
                                                     .usage = "clientAuth",
                                                     .key_type = "RSA 1024",
                                                     .not_before_ms = now_ms + DAY_MS},
                                     CHAIN_SELF_SIGNED);
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, future);
    assert_verdict(&s, 0, VERDICT_CHOSEN, "not valid yet");
    assert_verdict(&s, 0, VERDICT_CHOSEN, "serverAuth");
}

/* TlsCertificateName: issuer and subject, both; no name beside it, no way back to the Fqdn. */
static void test_pair(void **state)
{
    (void)state;
    struct certificate *pinned =
        add((struct recipe){.subject = "CN=A", .names = "a.example.org"}, CHAIN_SELF_SIGNED);
    add_name("mail.example.com");
    struct selection s = choose_pair("mail.example.com", "<I>CN=A<S>CN=A");
    assert_ptr_equal(s.chosen, pinned);
    assert_int_equal(s.pin, PIN_HELD);
    assert_true(s.name_covered);
    assert_verdict(&s, 1, VERDICT_NOT_PINNED, "it is <I><S>");
    s = choose_pair("mail.example.com", "<I>CN=Old CA<S>CN=A");
    assert_null(s.chosen);
    assert_int_equal(s.pin, PIN_BROKEN);
    assert_verdict(&s, 0, VERDICT_NOT_PINNED, "it is <I>CN=A<S>CN=A");
    assert_verdict(&s, 1, VERDICT_NOT_PINNED, "the Fqdn does not stand in");
}

/* A renewal with issuer and subject unchanged: the pair cannot tell them apart, and the newer one
 * without SMTP is taken at once. */
static void test_pair_without_smtp(void **state)
{
    (void)state;
    add((struct recipe){.subject = "CN=A", .not_before_ms = now_ms - 20 * DAY_MS},
        CHAIN_SELF_SIGNED);
    struct certificate *renewed = add((struct recipe){.subject = "CN=A"}, CHAIN_SELF_SIGNED);
    renewed->services = SERVICE_HTTP;
    struct selection s = choose_pair("mail.example.com", "<I>CN=A<S>CN=A");
    assert_ptr_equal(s.chosen, renewed);
    assert_verdict(&s, 1, VERDICT_CHOSEN, "not enabled for SMTP");
}

/* Certificates out of a print: no leaf, no key, no chain object. */
static void test_printed(void **state)
{
    (void)state;
    struct span names[] = {SPAN("mail.example.com")};
    const struct certificate printed = {.names = names,
                                        .name_count = 1,
                                        .subject = SPAN("CN=mail.example.com"),
                                        .issuer = SPAN("CN=R11"),
                                        .version = 3,
                                        .key_matches = true,
                                        .services = SERVICE_SMTP,
                                        .server_auth = true,
                                        .not_after_ms = now_ms + DAY_MS};
    struct candidate candidate = {&printed, CHAIN_TRUSTED};
    struct selection_request r = ask("mail.example.com");
    r.candidates = &candidate;
    r.count = 1;
    struct selection s = certificate_select_exchange(&store.arena, &r);
    assert_ptr_equal(s.chosen, &printed);
    assert_int_equal(s.verdicts[0].detail.n, 0);
    assert_null(s.other_type);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_match),          TEST(test_eligibility), TEST(test_subject),
        TEST(test_without_smtp),      TEST(test_newest),      TEST(test_pki_before_self_signed),
        TEST(test_expired),           TEST(test_silence),     TEST(test_pair),
        TEST(test_pair_without_smtp), TEST(test_printed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forget_key();
    return failed;
}
