/* The corners of X.509, as one table: what is read, which name it covers, and what the selection
 * says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "cert/chain.h"
#include "cert/test_store.h"

enum { ISSUED_BY_ROOT = 1 };

struct corner {
    const char *what;
    struct recipe recipe;
    const char *name; /* that a client asks for */
    enum name_match match;
    enum verdict_reason verdict;
    int issued; /* ISSUED_BY_ROOT: by an authority, else self-signed */
};

static struct made root;

/* In a constant. */
#define RAW(literal)                                                                               \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define MAIL "mail.example.com"
#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define OK_EXACT NAME_EXACT, VERDICT_CHOSEN
#define OK_WILD NAME_WILDCARD, VERDICT_CHOSEN
/* Not covered, and the only one: it stands in. */
#define STANDS_IN NAME_NO_MATCH, VERDICT_CHOSEN

static const struct corner wildcards[] = {
    {"whole left-most label", {.names = "*.example.com"}, MAIL, OK_WILD},
    {"one label only", {.names = "*.example.com"}, "a.b.example.com", STANDS_IN},
    {"not the parent", {.names = "*.example.com"}, "example.com", STANDS_IN},
    {"part of a label", {.names = "mail*.example.com"}, "mail1.example.com", STANDS_IN},
    {"head of a label", {.names = "*l.example.com"}, MAIL, STANDS_IN},
    {"within an A-label", {.names = "xn--*.example.com"}, "xn--a.example.com", STANDS_IN},
    {"second label", {.names = "mail.*.com"}, MAIL, STANDS_IN},
    {"two wildcards", {.names = "*.*.com"}, MAIL, STANDS_IN},
    {"a top-level domain", {.names = "*.com"}, "example.com", STANDS_IN},
    {"everything", {.names = "*"}, "localhost", STANDS_IN},
    {"everything with a dot", {.names = "*."}, "localhost.", STANDS_IN},
    {"doubled", {.names = "**.example.com"}, MAIL, STANDS_IN},
    {"asked for as such", {.names = "*.example.com"}, "*.example.com", STANDS_IN},
    {"for an A-label",
     {.names = "*.example.com"},
     "b\xc3\xbc"
     "cher.example.com",
     OK_WILD},
    {"as the CN", {.subject = "CN=*.example.com"}, MAIL, OK_WILD},
};

static const struct corner names[] = {
    {"letter case", {.names = "MAIL.Example.COM"}, "mail.EXAMPLE.com", OK_EXACT},
    {"trailing dot in it", {.names = "mail.example.com."}, MAIL, OK_EXACT},
    {"trailing dot asked", {.names = MAIL}, "mail.example.com.", OK_EXACT},
    {"two trailing dots", {.names = MAIL}, "mail.example.com..", STANDS_IN},
    {"one label", {.names = "mail"}, "mail", OK_EXACT},
    {"underscore", {.names = "_smtp.example.com"}, "_smtp.example.com", OK_EXACT},
    {"label of 63", {.names = L63 ".example"}, L63 ".example", OK_EXACT},
    {"label of 64", {.names = L63 "4.example"}, L63 "4.example", STANDS_IN},
    {"name of 255", {.names = L63 "." L63 "." L63 "." L63}, L63 "." L63 "." L63 "." L63, STANDS_IN},
    {"empty name", {.raw_name = {"", 0}}, MAIL, STANDS_IN},
    {"a blank", {.raw_name = RAW(" mail.example.com")}, MAIL, STANDS_IN},
    {"an address as a name", {.names = "192.0.2.1"}, "192.0.2.1", OK_EXACT},
    {"a URL", {.names = "https://mail.example.com/"}, MAIL, STANDS_IN},
    {"a port", {.names = "mail.example.com:25"}, MAIL, STANDS_IN},
    {"two names in one", {.raw_name = RAW("mail.example.com,a.example.com")}, MAIL, STANDS_IN},
    {"a mail address only", {.email = "a@mail.example.com"}, MAIL, STANDS_IN},
};

static const struct corner embedded_nuls[] = {
    {"NUL after the name", {.raw_name = RAW("mail.example.com\0")}, MAIL, STANDS_IN},
    {"NUL and another domain",
     {.raw_name = RAW("mail.example.com\0.evil.example")},
     MAIL,
     STANDS_IN},
    {"NUL in front", {.raw_name = RAW("\0mail.example.com")}, MAIL, STANDS_IN},
    {"a good name beside", {.raw_name = RAW("a\0b"), .names = MAIL}, MAIL, OK_EXACT},
    {"newline", {.raw_name = RAW("mail.example.com\n")}, MAIL, STANDS_IN},
};

static const struct corner idn[] = {
    {"A-label, U-label asked",
     {.names = "xn--mnchen-3ya.example"},
     "m\xc3\xbcnchen.example",
     OK_EXACT},
    {"A-label, A-label asked",
     {.names = "xn--mnchen-3ya.example"},
     "XN--MNCHEN-3YA.example",
     OK_EXACT},
    {"decomposed", {.names = "xn--mnchen-3ya.example"}, "mu\xcc\x88nchen.example", OK_EXACT},
    {"upper case", {.names = "xn--mnchen-3ya.example"}, "M\xc3\x9cNCHEN.example", OK_EXACT},
    {"sharp s stays",
     {.names = "xn--strae-oqa.example"},
     "stra\xc3\x9f"
     "e.example",
     OK_EXACT},
    {"sharp s is not ss",
     {.names = "strasse.example"},
     "stra\xc3\x9f"
     "e.example",
     STANDS_IN},
    {"U-label in the certificate",
     {.raw_name = RAW("m\xc3\xbcnchen.example")},
     "m\xc3\xbcnchen.example",
     STANDS_IN},
    {"Latin-1 in the certificate",
     {.raw_name = RAW("m\xfcnchen.example")},
     "m\xc3\xbcnchen.example",
     STANDS_IN},
    {"a Cyrillic twin", {.names = MAIL}, "m\xd0\xb0il.example.com", STANDS_IN},
    {"broken UTF-8 asked", {.names = MAIL}, "\xff.example.com", STANDS_IN},
};

static const struct corner common_names[] = {
    {"CN alone", {.subject = "CN=Mail.example.com"}, MAIL, OK_EXACT},
    {"CN beside a SAN", {.subject = "CN=" MAIL, .names = "a.example.com"}, MAIL, STANDS_IN},
    {"CN beside a mail address", {.subject = "CN=" MAIL, .email = "a@example.com"}, MAIL, OK_EXACT},
    {"two CNs: the last", {.subject = "CN=a.example.com/CN=" MAIL}, MAIL, OK_EXACT},
    {"two CNs: not the first", {.subject = "CN=" MAIL "/CN=a.example.com"}, MAIL, STANDS_IN},
    {"CN is no host", {.subject = "CN=Mail Server"}, MAIL, STANDS_IN},
    {"no subject, no names", {.subject = NULL}, MAIL, STANDS_IN},
};

static const struct corner usages[] = {
    {"no EKU", {.names = MAIL}, MAIL, OK_EXACT},
    {"serverAuth", {.names = MAIL, .usage = "serverAuth"}, MAIL, OK_EXACT},
    {"any", {.names = MAIL, .usage = "anyExtendedKeyUsage"}, MAIL, OK_EXACT},
    {"clientAuth alone",
     {.names = MAIL, .usage = "clientAuth"},
     MAIL,
     NAME_EXACT,
     VERDICT_WRONG_EKU},
    {"emailProtection",
     {.names = MAIL, .usage = "emailProtection"},
     MAIL,
     NAME_EXACT,
     VERDICT_WRONG_EKU},
    {"critical",
     {.names = MAIL, .usage = "critical,clientAuth"},
     MAIL,
     NAME_EXACT,
     VERDICT_WRONG_EKU},
};

static const struct corner strengths[] = {
    {"version 1", {.subject = "CN=" MAIL, .version1 = true}, MAIL, NAME_EXACT, VERDICT_NOT_V3},
    {"version 1, issued",
     {.subject = "CN=" MAIL, .version1 = true},
     MAIL,
     NAME_EXACT,
     VERDICT_NOT_V3,
     ISSUED_BY_ROOT},
    {"RSA 1024", {.names = MAIL, .key_type = "RSA 1024"}, MAIL, NAME_EXACT, VERDICT_WEAK_KEY},
    {"RSA 2048", {.names = MAIL, .key_type = "RSA 2048"}, MAIL, OK_EXACT},
    {"P-192", {.names = MAIL, .key_type = "P-192"}, MAIL, NAME_EXACT, VERDICT_WEAK_KEY},
    {"P-521", {.names = MAIL, .key_type = "P-521"}, MAIL, OK_EXACT},
    {"Ed25519", {.names = MAIL, .key_type = "Ed25519"}, MAIL, OK_EXACT},
};

static struct certificate *read_corner(const struct corner *corner)
{
    struct recipe recipe = corner->recipe;
    if (corner->issued)
        recipe.issuer = &root;
    return add(recipe, corner->issued ? CHAIN_PRIVATE : CHAIN_SELF_SIGNED);
}

static void check(const struct corner *corner)
{
    struct certificate *c = read_corner(corner);
    if (certificate_covers(c, span_of(corner->name)) != corner->match)
        fail_msg("%s: covers as %d", corner->what, certificate_covers(c, span_of(corner->name)));
    struct selection_request request = ask(corner->name);
    struct selection s = certificate_select(&store.arena, &request);
    if (s.verdicts[0].reason != corner->verdict)
        fail_msg("%s: %s (" SPAN_FMT ")", corner->what, verdict_text(s.verdicts[0].reason),
                 SPAN_ARG(s.verdicts[0].detail));
    if (s.verdicts[0].fallback != (corner->match == NAME_NO_MATCH))
        fail_msg("%s: stands in where it need not, or the other way round", corner->what);
    if (ERR_peek_error() != 0)
        fail_msg("%s: leaves an error behind", corner->what);
    empty_store(NULL);
}

#define TABLE_TEST(table)                                                                          \
    static void test_##table(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        for (size_t i = 0; i < COUNT_OF(table); i++)                                               \
            check(&table[i]);                                                                      \
    }
TABLE_TEST(wildcards)
TABLE_TEST(names)
TABLE_TEST(embedded_nuls)
TABLE_TEST(idn)
TABLE_TEST(common_names)
TABLE_TEST(usages)
TABLE_TEST(strengths)

/* SHA-1 and MD5 count on what an authority signed; nobody verifies
 * the signature of a self-signed one. */
static void test_digests(void **state)
{
    (void)state;
    const EVP_MD *const weak[] = {EVP_sha1(), EVP_md5()};
    for (size_t i = 0; i < COUNT_OF(weak); i++) {
        for (int issued = 0; issued < 2; issued++) {
            const struct corner corner = {EVP_MD_get0_name(weak[i]),
                                          {.names = MAIL, .digest = weak[i], .key = root.key},
                                          MAIL,
                                          NAME_EXACT,
                                          issued ? VERDICT_WEAK_KEY : VERDICT_CHOSEN,
                                          issued};
            check(&corner);
        }
    }
    const EVP_MD *const strong[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    for (size_t i = 0; i < COUNT_OF(strong); i++)
        check(&(struct corner){
            "strong", {.names = MAIL, .digest = strong[i]}, MAIL, OK_EXACT, ISSUED_BY_ROOT});
}

/* A thousand names are read and each is found; the last as fast as the first. */
static void test_many_names(void **state)
{
    (void)state;
    struct buf list = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < CERT_NAMES_MAX; i++)
        buf_addf(&list, "%sn%d.example.com", i ? "," : "", i);
    struct certificate *c = add((struct recipe){.names = buf_text(&list)}, CHAIN_TRUSTED);
    assert_int_equal(c->name_count, CERT_NAMES_MAX);
    assert_int_equal(certificate_covers(c, SPAN("n0.example.com")), NAME_EXACT);
    assert_int_equal(certificate_covers(c, SPAN("n1023.example.com")), NAME_EXACT);
    assert_int_equal(certificate_covers(c, SPAN("n1024.example.com")), NAME_NO_MATCH);
    struct selection_request request = ask("other.example.com");
    struct selection s = certificate_select(&store.arena, &request);
    assert_true(s.verdicts[0].detail.n < 300); /* and the verdict stays readable */
    assert_true(says(s.verdicts[0].detail, "and 1019 more"));
    buf_done(&list);
}

/* A chain of more than 16 KiB, more than one TLS record holds: read, ordered and written whole. */
static void test_large_chain(void **state)
{
    (void)state;
    enum { DEPTH = 15 };
    struct made authorities[DEPTH];
    struct buf pem = BUF_INIT(BUF_UNLIMITED), padding = BUF_INIT(BUF_UNLIMITED);
    for (int i = 0; i < 60; i++)
        buf_addf(&padding, "%spadding%d.example.com", i ? "," : "", i);
    for (int i = 0; i < DEPTH; i++) {
        struct span subject = arena_printf(&store.arena, "CN=Authority %d", i);
        authorities[i] =
            make_certificate(&(struct recipe){.subject = subject.p,
                                              .names = buf_text(&padding),
                                              .authority = true,
                                              .issuer = i ? &authorities[i - 1] : NULL});
        add_certificate_pem(&pem, authorities[i].x);
    }
    struct made leaf =
        make_certificate(&(struct recipe){.names = MAIL, .issuer = &authorities[DEPTH - 1]});
    add_certificate_pem(&pem, leaf.x);
    add_key_pem(&pem, leaf.key, NULL);
    struct certificate *c = NULL;
    struct buf why = BUF_INIT(1000), again = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why), OK);
    assert_int_equal(sk_X509_num(c->chain), DEPTH);
    assert_int_equal(X509_cmp(sk_X509_value(c->chain, 0), authorities[DEPTH - 1].x), 0);
    assert_int_equal(X509_cmp(sk_X509_value(c->chain, DEPTH - 1), authorities[0].x), 0);
    assert_int_equal(certificate_write_pem(c, true, &again), OK);
    assert_true(again.n > 16 * 1024 && again.n == pem.n);
    assert_int_equal(certificate_chain_state(c, NULL), CHAIN_PRIVATE);
    certificate_free(c);
    made_done(&leaf);
    for (int i = 0; i < DEPTH; i++)
        made_done(&authorities[i]);
    buf_done(&pem);
    buf_done(&padding);
    buf_done(&why);
    buf_done(&again);
}

static int make_root(void **state)
{
    (void)state;
    root = make_certificate(
        &(struct recipe){.subject = "CN=Root", .authority = true, .key_type = "RSA 2048"});
    return 0;
}

static int free_root(void **state)
{
    (void)state;
    made_done(&root);
    forget_key();
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wildcards),   TEST(test_names),        TEST(test_embedded_nuls),
        TEST(test_idn),         TEST(test_common_names), TEST(test_usages),
        TEST(test_strengths),   TEST(test_digests),      TEST(test_many_names),
        TEST(test_large_chain),
    };
    return cmocka_run_group_tests(tests, make_root, free_root);
}
