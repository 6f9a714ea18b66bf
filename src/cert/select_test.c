#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cert/chain.h"
#include "cert/select.h"
#include "cert/test_store.h"

static const int64_t now_ms = TEST_NOW_MS;

static struct selection choose(const char *name)
{
    struct selection_request request = ask(name);
    return certificate_select(&store.arena, &request);
}

static void assert_detail(struct span detail, const char *part)
{
    if (!says(detail, part))
        fail_msg("\"" SPAN_FMT "\" does not say \"%s\"", SPAN_ARG(detail), part);
}

/* The first is chosen over the second wherever they stand, and the second's verdict says why. */
static void assert_prefers(const char *name, const char *detail)
{
    assert_int_equal(store.count, 2);
    struct certificate *better = store.certificates[0];
    for (int turn = 0; turn < 2; turn++) {
        struct selection s = choose(name);
        assert_ptr_equal(s.chosen, better);
        size_t chosen = store.candidates[0].certificate == better ? 0 : 1;
        assert_int_equal(s.verdicts[chosen].reason, VERDICT_CHOSEN);
        assert_int_equal(s.verdicts[1 - chosen].reason, VERDICT_LESS_PREFERRED);
        assert_detail(s.verdicts[1 - chosen].detail, detail);
        assert_true(s.name_covered);
        struct candidate first = store.candidates[0];
        store.candidates[0] = store.candidates[1];
        store.candidates[1] = first;
    }
}

static void test_nothing(void **state)
{
    (void)state;
    struct selection s = choose("mail.example.com");
    assert_null(s.chosen);
    assert_false(s.name_covered || s.expired);
}

static void test_one(void **state)
{
    (void)state;
    struct certificate *c = add_name("a.example.com,mail.example.com");
    struct selection s = choose("MAIL.example.com.");
    assert_ptr_equal(s.chosen, c);
    assert_true(s.name_covered);
    assert_false(s.expired || s.verdicts[0].fallback || s.verdicts[0].expired);
    assert_int_equal(s.verdicts[0].match, NAME_EXACT);
}

static void test_valid_before_expired(void **state)
{
    (void)state;
    add((struct recipe){.names = "*.example.com"}, CHAIN_SELF_SIGNED);
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - 1000}, CHAIN_TRUSTED);
    assert_prefers("mail.example.com", "expired");
}

static void test_exact_before_wildcard(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com"}, CHAIN_SELF_SIGNED);
    add((struct recipe){.names = "*.example.com", .not_before_ms = now_ms - DAY_MS}, CHAIN_TRUSTED);
    assert_prefers("mail.example.com", "wildcard");
}

static void test_chain_order(void **state)
{
    (void)state;
    static const enum chain_state order[] = {CHAIN_TRUSTED, CHAIN_PRIVATE, CHAIN_INCOMPLETE,
                                             CHAIN_SELF_SIGNED};
    for (size_t i = 0; i + 1 < COUNT_OF(order); i++) {
        add((struct recipe){.names = "mail.example.com"}, order[i]);
        add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - DAY_MS},
            order[i + 1]);
        assert_prefers("mail.example.com", "trusted more");
        empty_store(NULL);
    }
}

static void test_newest(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - DAY_MS},
        CHAIN_TRUSTED);
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms + 900 * DAY_MS},
        CHAIN_TRUSTED);
    assert_prefers("mail.example.com", "issued later");
}

static void test_longest(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms + 11 * DAY_MS},
        CHAIN_TRUSTED);
    add((struct recipe){.names = "mail.example.com"}, CHAIN_TRUSTED);
    assert_prefers("mail.example.com", "valid for longer");
}

static void test_thumbprint(void **state)
{
    (void)state;
    struct certificate *a = add_name("mail.example.com"), *b = add_name("mail.example.com");
    if (strcmp(a->thumbprint, b->thumbprint) > 0) {
        struct candidate first = store.candidates[0];
        store.candidates[0] = store.candidates[1];
        store.candidates[1] = first;
        store.certificates[0] = b;
        store.certificates[1] = a;
    }
    assert_prefers("mail.example.com", "lower thumbprint");
}

/* The same certificate twice in a store must not confuse anybody. */
static void test_twice(void **state)
{
    (void)state;
    add_name("mail.example.com");
    store.candidates[1] = store.candidates[0];
    struct selection s = certificate_select(
        &store.arena, &(struct selection_request){SPAN("mail.example.com"), SERVICE_SMTP, now_ms,
                                                  store.candidates, 2});
    assert_int_equal(s.verdicts[0].reason, VERDICT_CHOSEN);
    assert_int_equal(s.verdicts[1].reason, VERDICT_LESS_PREFERRED);
}

static void assert_rejected(enum verdict_reason reason, const char *detail)
{
    struct selection s = choose("mail.example.com");
    assert_null(s.chosen);
    assert_int_equal(s.verdicts[store.count - 1].reason, reason);
    assert_detail(s.verdicts[store.count - 1].detail, detail);
    empty_store(NULL);
}

static void test_rejections(void **state)
{
    (void)state;
    add_name("mail.example.com")->services = SERVICE_HTTP | SERVICE_CLIENT;
    assert_rejected(VERDICT_NOT_ENABLED, "smtp");
    struct certificate *c = add_name("mail.example.com");
    EVP_PKEY_free(c->key);
    c->key = NULL;
    c->key_matches = false;
    assert_rejected(VERDICT_KEY_MISSING, "");
    EVP_PKEY *other = make_key(NULL);
    add_with_key((struct recipe){.names = "mail.example.com"}, CHAIN_TRUSTED, other);
    EVP_PKEY_free(other);
    assert_rejected(VERDICT_KEY_MISMATCH, "");
    add((struct recipe){.subject = "CN=mail.example.com", .version1 = true}, CHAIN_TRUSTED);
    assert_rejected(VERDICT_NOT_V3, "version 1");
    add((struct recipe){.names = "mail.example.com", .usage = "clientAuth"}, CHAIN_TRUSTED);
    assert_rejected(VERDICT_WRONG_EKU, "serverAuth");
    add((struct recipe){.names = "mail.example.com", .key_type = "RSA 1024"}, CHAIN_TRUSTED);
    assert_rejected(VERDICT_WEAK_KEY, "RSA 1024");
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms + SECOND_MS},
        CHAIN_TRUSTED);
    assert_rejected(VERDICT_NOT_YET_VALID, "valid from 2027-01-15T08:00:01");
    struct made root = make_certificate(&(struct recipe){.subject = "CN=R", .authority = true});
    add((struct recipe){.names = "mail.example.com", .issuer = &root, .digest = EVP_sha1()},
        CHAIN_TRUSTED);
    made_done(&root);
    assert_rejected(VERDICT_WEAK_KEY, "digest");
}

/* What is presented as a client needs clientAuth instead. */
static void test_client_service(void **state)
{
    (void)state;
    struct certificate *c =
        add((struct recipe){.names = "mail.example.com", .usage = "clientAuth"}, CHAIN_TRUSTED);
    c->services = SERVICE_CLIENT;
    struct selection_request r = {SPAN("mail.example.com"), SERVICE_CLIENT, now_ms,
                                  store.candidates, 1};
    assert_ptr_equal(certificate_select(&store.arena, &r).chosen, c);
    add((struct recipe){.names = "mail.example.com", .usage = "serverAuth"}, CHAIN_TRUSTED)
        ->services = SERVICE_CLIENT;
    r.count = 2;
    struct selection s = certificate_select(&store.arena, &r);
    assert_int_equal(s.verdicts[1].reason, VERDICT_WRONG_EKU);
    assert_detail(s.verdicts[1].detail, "clientAuth");
}

/* The instants themselves belong to the validity. */
static void test_edges_of_validity(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms}, CHAIN_TRUSTED);
    assert_false(choose("mail.example.com").expired);
    assert_non_null(choose("mail.example.com").chosen);
    empty_store(NULL);
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms}, CHAIN_TRUSTED);
    assert_false(choose("mail.example.com").expired);
    empty_store(NULL);
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - SECOND_MS},
        CHAIN_TRUSTED);
    struct selection s = choose("mail.example.com");
    assert_non_null(s.chosen); /* an expired certificate still encrypts; mail goes on */
    assert_true(s.expired && s.verdicts[0].expired && s.name_covered);
}

static void test_fallback(void **state)
{
    (void)state;
    add((struct recipe){.names = "other.example.com"}, CHAIN_SELF_SIGNED);
    struct certificate *best = add_name("a.example.com,b.example.com,c.example.com,d.example.com,"
                                        "e.example.com,f.example.com,g.example.com");
    add((struct recipe){.names = "x.example.com", .not_after_ms = now_ms - DAY_MS}, CHAIN_TRUSTED);
    add_name("z.example.com")->services = 0;
    struct selection s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, best);
    assert_false(s.name_covered);
    assert_true(s.verdicts[1].fallback);
    assert_int_equal(s.verdicts[1].reason, VERDICT_CHOSEN);
    assert_int_equal(s.verdicts[0].reason, VERDICT_NAME_NOT_COVERED);
    assert_detail(s.verdicts[0].detail,
                  "its name other.example.com does not cover mail.example.com");
    assert_detail(s.verdicts[1].detail, "e.example.com and 2 more do not cover mail.example.com");
    assert_int_equal(s.verdicts[2].reason, VERDICT_NAME_NOT_COVERED);
    assert_int_equal(s.verdicts[3].reason, VERDICT_NOT_ENABLED);
    /* One that covers the name is better even where it has expired. */
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - DAY_MS},
        CHAIN_SELF_SIGNED);
    s = choose("mail.example.com");
    assert_ptr_equal(s.chosen, store.certificates[4]);
    assert_true(s.name_covered && s.expired);
}

static void test_no_names(void **state)
{
    (void)state;
    add((struct recipe){.subject = "CN=Some Server"}, CHAIN_PRIVATE);
    struct selection s = choose("mail.example.com");
    assert_non_null(s.chosen);
    assert_detail(s.verdicts[0].detail, "it has no host names");
}

/* The order in which a store lists its certificates must not matter. */
static void test_any_order(void **state)
{
    (void)state;
    add_name("a.example.com");
    struct certificate *best = add_name("mail.example.com");
    add_name("*.example.com");
    add((struct recipe){.names = "mail.example.com"}, CHAIN_PRIVATE);
    add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - DAY_MS},
        CHAIN_TRUSTED);
    add((struct recipe){.names = "mail.example.com", .usage = "clientAuth"}, CHAIN_TRUSTED);
    srandom(1);
    for (int round = 0; round < 200; round++) {
        for (size_t i = store.count - 1; i > 0; i--) {
            size_t j = (size_t)random() % (i + 1);
            struct candidate swap = store.candidates[i];
            store.candidates[i] = store.candidates[j];
            store.candidates[j] = swap;
        }
        struct selection s = choose("mail.example.com");
        assert_ptr_equal(s.chosen, best);
        arena_done(&store.arena);
    }
}

static void test_texts(void **state)
{
    (void)state;
    for (int i = VERDICT_CHOSEN; i <= VERDICT_CHAIN_NOT_VALID; i++)
        assert_true(*verdict_text((enum verdict_reason)i));
}

static void test_chain_state(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    struct made middle = make_certificate(
        &(struct recipe){.subject = "CN=Middle", .authority = true, .issuer = &root});
    struct made leaf = make_certificate(&(struct recipe){
        .names = "a.example.com", .issuer = &middle, .not_after_ms = clock_now_ms() - SECOND_MS});
    struct made own = make_certificate(&(struct recipe){.names = "a.example.com"});
    X509_STORE *roots = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(roots, root.x), 1);
    struct certificate *c = parse_made(&own, NULL);
    assert_int_equal(certificate_chain_state(c, roots), CHAIN_SELF_SIGNED);
    certificate_free(c);
    c = parse_made(&leaf, NULL);
    assert_int_equal(certificate_chain_state(c, roots), CHAIN_INCOMPLETE);
    X509_up_ref(middle.x);
    sk_X509_push(c->chain, middle.x);
    assert_int_equal(certificate_chain_state(c, roots), CHAIN_TRUSTED); /* though it has expired */
    assert_int_equal(certificate_chain_state(c, NULL), CHAIN_INCOMPLETE);
    X509_up_ref(root.x);
    sk_X509_push(c->chain, root.x);
    assert_int_equal(certificate_chain_state(c, NULL), CHAIN_PRIVATE);
    assert_string_equal(chain_state_text(CHAIN_PRIVATE), "private");
    certificate_free(c);
    X509_STORE_free(roots);
    made_done(&root);
    made_done(&middle);
    made_done(&leaf);
    made_done(&own);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_one),
        TEST(test_valid_before_expired),
        TEST(test_exact_before_wildcard),
        TEST(test_chain_order),
        TEST(test_newest),
        TEST(test_longest),
        TEST(test_thumbprint),
        TEST(test_twice),
        TEST(test_rejections),
        TEST(test_client_service),
        TEST(test_edges_of_validity),
        TEST(test_fallback),
        TEST(test_no_names),
        TEST(test_any_order),
        TEST(test_texts),
        TEST(test_chain_state),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forget_key();
    return failed;
}
