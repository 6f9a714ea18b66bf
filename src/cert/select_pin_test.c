#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cert/test_store.h"

static const int64_t now_ms = TEST_NOW_MS;

static struct pin pin_of(const char *text)
{
    struct pin pin = {.kind = PIN_NONE};
    struct buf why = BUF_INIT(1000);
    if (pin_parse(&store.arena, span_of(text), &pin, &why) != OK)
        fail_msg("%s", buf_text(&why));
    buf_done(&why);
    return pin;
}

static struct selection choose_pinned(const char *name, const char *text, bool strict)
{
    struct pin pin = pin_of(text);
    struct selection_request request = ask(name);
    request.pin = &pin;
    request.pin_strict = strict;
    return certificate_select(&store.arena, &request);
}

static void assert_says(struct span detail, const char *part)
{
    if (!says(detail, part))
        fail_msg("\"" SPAN_FMT "\" does not say \"%s\"", SPAN_ARG(detail), part);
}

static void test_no_pin(void **state)
{
    (void)state;
    struct certificate *c = add_name("mail.example.com");
    struct selection s = choose_pinned("mail.example.com", "", true);
    assert_ptr_equal(s.chosen, c);
    assert_int_equal(s.pin, PIN_UNUSED);
}

/* The pin goes before the name and before every rank. */
static void test_held(void **state)
{
    (void)state;
    struct certificate *pinned =
        add((struct recipe){.names = "other.example.com"}, CHAIN_SELF_SIGNED);
    add_name("mail.example.com");
    add_name("x.example.com");
    for (int strict = 0; strict < 2; strict++) {
        struct selection s = choose_pinned("mail.example.com", pinned->thumbprint, strict);
        assert_ptr_equal(s.chosen, pinned);
        assert_int_equal(s.pin, PIN_HELD);
        assert_false(s.name_covered);
        assert_true(s.verdicts[0].fallback);
        for (size_t i = 1; i < 3; i++) {
            assert_int_equal(s.verdicts[i].reason, VERDICT_NOT_PINNED);
            assert_says(s.verdicts[i].detail, pinned->thumbprint);
        }
    }
}

/* A certificate was replaced by one of another issuer while the connector is pinned to the old one.
 */
static void test_renewed_by_another_issuer(void **state)
{
    (void)state;
    struct certificate *c = add_name("mail.example.com");
    const char *stale = "<I>CN=Old CA, C=US<S>CN=mail.example.com";
    struct selection s = choose_pinned("mail.example.com", stale, false);
    assert_ptr_equal(s.chosen, c);
    assert_int_equal(s.pin, PIN_FELL_BACK);
    assert_true(s.name_covered);
    assert_int_equal(s.verdicts[0].reason, VERDICT_CHOSEN);
    s = choose_pinned("mail.example.com", stale, true);
    assert_null(s.chosen);
    assert_int_equal(s.pin, PIN_BROKEN);
    assert_int_equal(s.verdicts[0].reason, VERDICT_NOT_PINNED);
    assert_says(s.verdicts[0].detail, stale);
}

/* A pin does not make a certificate usable that cannot be presented. */
static void test_unusable(void **state)
{
    (void)state;
    struct certificate *pinned = add_name("mail.example.com");
    struct certificate *other = add_name("*.example.com");
    pinned->services = SERVICE_HTTP;
    struct selection s = choose_pinned("mail.example.com", pinned->thumbprint, false);
    assert_ptr_equal(s.chosen, other);
    assert_int_equal(s.pin, PIN_FELL_BACK);
    assert_int_equal(s.verdicts[0].reason, VERDICT_NOT_ENABLED);
    s = choose_pinned("mail.example.com", pinned->thumbprint, true);
    assert_null(s.chosen);
    assert_int_equal(s.verdicts[0].reason, VERDICT_NOT_ENABLED);
}

/* Expired never comes before valid, unless somebody insists. */
static void test_expired(void **state)
{
    (void)state;
    struct certificate *pinned =
        add((struct recipe){.names = "mail.example.com", .not_after_ms = now_ms - DAY_MS},
            CHAIN_TRUSTED);
    struct selection s = choose_pinned("mail.example.com", pinned->thumbprint, false);
    assert_ptr_equal(s.chosen, pinned); /* there is nothing else */
    assert_int_equal(s.pin, PIN_HELD);
    assert_true(s.expired);
    add_name("other.example.com"); /* would be valid, but for another name */
    assert_ptr_equal(choose_pinned("mail.example.com", pinned->thumbprint, false).chosen, pinned);
    struct certificate *valid = add_name("*.example.com");
    s = choose_pinned("mail.example.com", pinned->thumbprint, false);
    assert_ptr_equal(s.chosen, valid);
    assert_int_equal(s.pin, PIN_FELL_BACK);
    assert_int_equal(s.verdicts[0].reason, VERDICT_LESS_PREFERRED);
    s = choose_pinned("mail.example.com", pinned->thumbprint, true);
    assert_ptr_equal(s.chosen, pinned);
    assert_true(s.expired && s.pin == PIN_HELD);
}

/* Several that a pin names are ranked by the usual rules. */
static void test_several(void **state)
{
    (void)state;
    add_name("other.example.com");
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - 20 * DAY_MS},
        CHAIN_TRUSTED);
    struct certificate *newest = add_name("mail.example.com");
    add((struct recipe){.names = "mail.example.com", .key_type = "P-256"}, CHAIN_TRUSTED);
    struct span spki = arena_printf(&store.arena, "spki:%s", newest->spki);
    struct selection s = choose_pinned("mail.example.com", spki.p, true);
    assert_ptr_equal(s.chosen, newest);
    assert_int_equal(s.verdicts[0].reason, VERDICT_NAME_NOT_COVERED);
    assert_int_equal(s.verdicts[1].reason, VERDICT_LESS_PREFERRED);
    assert_says(s.verdicts[1].detail, "issued later");
    assert_int_equal(s.verdicts[3].reason, VERDICT_NOT_PINNED);
}

static struct certificate *add_rsa(const char *names, enum chain_state chain)
{
    return add((struct recipe){.names = names, .key_type = "RSA 2048"}, chain);
}

static void test_other_key_type(void **state)
{
    (void)state;
    struct certificate *ecdsa = add_name("mail.example.com");
    struct certificate *rsa = add_rsa("*.example.com", CHAIN_TRUSTED);
    add((struct recipe){.names = "mail.example.com", .not_before_ms = now_ms - 20 * DAY_MS},
        CHAIN_TRUSTED);
    struct selection_request r = ask("mail.example.com");
    struct selection s = certificate_select(&store.arena, &r);
    assert_ptr_equal(s.chosen, ecdsa);
    assert_ptr_equal(s.other_type, rsa); /* by wildcard, which verifies as well */
    assert_int_equal(s.verdicts[1].reason, VERDICT_OTHER_KEY_TYPE);
    assert_says(s.verdicts[1].detail, "cannot verify ECDSA P-256");
    assert_int_equal(s.verdicts[2].reason, VERDICT_LESS_PREFERRED);
    /* With a pin, only what it names: here one type. */
    s = choose_pinned("mail.example.com", ecdsa->thumbprint, false);
    assert_ptr_equal(s.chosen, ecdsa);
    assert_null(s.other_type);
}

/* A client that knows both types may be given either, so the second must not be worse. */
static void test_other_key_type_must_serve_as_well(void **state)
{
    (void)state;
    add_name("mail.example.com");
    add_rsa("mail.example.com", CHAIN_PRIVATE);
    add_rsa("other.example.com", CHAIN_TRUSTED);
    add((struct recipe){.names = "mail.example.com",
                        .key_type = "RSA 2048",
                        .not_after_ms = now_ms - DAY_MS},
        CHAIN_TRUSTED);
    struct selection_request r = ask("mail.example.com");
    struct selection s = certificate_select(&store.arena, &r);
    assert_non_null(s.chosen);
    assert_null(s.other_type);
    assert_says(s.verdicts[1].detail, "trusted more");
    assert_int_equal(s.verdicts[2].reason, VERDICT_NAME_NOT_COVERED);
    assert_says(s.verdicts[3].detail, "expired");
    /* Where all have expired, expired serves as well. */
    r.now_ms = now_ms + 300 * DAY_MS;
    s = certificate_select(&store.arena, &r);
    assert_ptr_equal(s.other_type, store.certificates[3]);
}

static const struct certificate *refine(const struct selection_request *r, const char *sni)
{
    struct selection own = certificate_select(&store.arena, r);
    return certificate_select_sni(&store.arena, r, &own, span_of(sni));
}

static void test_sni(void **state)
{
    (void)state;
    add_name("mail.example.com");
    struct certificate *web = add_name("www.example.com");
    struct certificate *wild = add_name("*.example.net");
    add((struct recipe){.names = "old.example.com", .not_after_ms = now_ms - DAY_MS},
        CHAIN_TRUSTED);
    add((struct recipe){.names = "self.example.com"}, CHAIN_SELF_SIGNED);
    add_name("web.example.com")->services = SERVICE_HTTP;
    struct selection_request r = ask("mail.example.com");
    assert_ptr_equal(refine(&r, "WWW.example.com."), web);
    assert_ptr_equal(refine(&r, "a.example.net"), wild);
    static const char *const own[] = {
        "mail.example.com", "unknown.example.com", "",  "old.example.com",
        "self.example.com", "web.example.com",     ".", "*.example.net"};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        assert_null(refine(&r, own[i]));
}

/* The connector's own choice stays where it covers the name as well. */
static void test_sni_own_stays(void **state)
{
    (void)state;
    add((struct recipe){.names = "mail.example.com,alias.example.com"}, CHAIN_TRUSTED);
    add((struct recipe){.names = "alias.example.com", .not_before_ms = now_ms - 20 * DAY_MS},
        CHAIN_TRUSTED);
    struct certificate *exact = add_name("deep.example.org");
    add_name("*.example.org");
    struct selection_request r = ask("mail.example.com");
    assert_null(refine(&r, "alias.example.com"));
    r = ask("x.example.org"); /* its own choice is the wildcard; an exact name fits better */
    assert_ptr_equal(refine(&r, "deep.example.org"), exact);
    assert_null(refine(&r, "y.example.org"));
}

static void test_sni_and_pins(void **state)
{
    (void)state;
    struct certificate *pinned = add_name("mail.example.com"), *web = add_name("www.example.com");
    struct pin pin = pin_of(pinned->thumbprint);
    struct selection_request r = ask("mail.example.com");
    r.pin = &pin;
    assert_ptr_equal(refine(&r, "www.example.com"), web);
    r.pin_strict = true;
    assert_null(refine(&r, "www.example.com"));
    pin = pin_of("<I>CN=None<S>CN=None");
    assert_null(refine(&r, "www.example.com")); /* strict and broken: nothing is served */
    r.count = 0;
    assert_null(refine(&r, "www.example.com"));
}

/* A client certificate needs no name. */
static void test_any_name(void **state)
{
    (void)state;
    struct certificate *c = add_name("x.example.com");
    add((struct recipe){.names = "y.example.com"}, CHAIN_PRIVATE);
    struct selection_request r = ask("");
    struct selection s = certificate_select(&store.arena, &r);
    assert_ptr_equal(s.chosen, c);
    assert_true(s.name_covered);
    assert_false(s.verdicts[0].fallback);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_pin),
        TEST(test_held),
        TEST(test_renewed_by_another_issuer),
        TEST(test_unusable),
        TEST(test_expired),
        TEST(test_several),
        TEST(test_other_key_type),
        TEST(test_other_key_type_must_serve_as_well),
        TEST(test_sni),
        TEST(test_sni_own_stays),
        TEST(test_sni_and_pins),
        TEST(test_any_name),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forget_key();
    return failed;
}
