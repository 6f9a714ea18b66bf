#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/import_postfix.h"

static struct arena arena;
static struct import im;

static int begin(void **state)
{
    (void)state;
    import_init(&im, &arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct import_path key_of(const char *connector, const char *key)
{
    return import_path("receive-connectors", span_of(connector), key);
}

static void names_are_made_fit(void **state)
{
    (void)state;
    assert_true(span_eq(import_name(&im, "receive-connectors", SPAN(" a/b ")), SPAN("a-b")));
    import_set(&im, key_of("A-B", "fqdn"), SPAN("x"));
    assert_true(span_eq(import_name(&im, "receive-connectors", SPAN("a/b")), SPAN("a-b 2")));
    assert_true(span_eq(import_name(&im, "send-connectors", SPAN("a/b")), SPAN("a-b")));
    assert_true(span_eq(import_name(&im, "send-connectors", SPAN("  ")), SPAN("unnamed")));
    char accents[200];
    for (size_t i = 0; i < sizeof(accents); i += 2)
        memcpy(accents + i, "\xc3\xa9", 2);
    assert_int_equal(import_name(&im, "send-connectors", span_make(accents, sizeof(accents))).n,
                     128);
}

static void numbers_are_brought_into_limits(void **state)
{
    (void)state;
    const struct schema_key *key = schema_find(&schema_receive_connector, SPAN("max-hops"));
    bool clamped;
    assert_true(span_eq(import_number(&arena, key, 60, &clamped), SPAN("60")) && !clamped);
    assert_true(span_eq(import_number(&arena, key, 0, &clamped), SPAN("1")) && clamped);
    assert_true(span_eq(import_number(&arena, key, UNLIMITED, &clamped), SPAN("500")) && clamped);
    key = schema_find(&schema_receive_connector, SPAN("max-connections"));
    assert_true(span_eq(import_number(&arena, key, UNLIMITED, &clamped), SPAN("unlimited")));
    assert_false(clamped);
}

static void refused_keys_go_alone_or_with_their_connector(void **state)
{
    (void)state;
    struct span ranges[] = {SPAN("x")};
    import_set(&im, key_of("a.b", "banner"), SPAN("?"));
    import_set(&im, key_of("a.b", "tls"), SPAN("offered"));
    import_set_list(&im, key_of("a.b", "from"), ranges, 1);
    import_set(&im, key_of("other", "tls"), SPAN("off"));
    import_note(&im, (struct import_note){.fate = IMPORT_TRANSLATED,
                                          .what = SPAN("Banner ?"),
                                          .became = SPAN("receive-connectors.\"a.b\".banner")});
    assert_true(import_drop(&im, SPAN("receive-connectors.\"a.b\".banner"), SPAN("no")));
    assert_null(import_get(&im, key_of("a.b", "banner")));
    assert_non_null(import_get(&im, key_of("a.b", "tls")));
    assert_int_equal(im.notes[0].fate, IMPORT_LEFT_OUT);
    assert_int_equal(im.notes[0].became.n, 0);
    assert_true(import_drop(&im, SPAN("receive-connectors.\"a.b\".from[0]"), SPAN("no")));
    assert_null(import_get(&im, key_of("a.b", "tls")));
    assert_non_null(import_get(&im, key_of("other", "tls")));
    assert_false(import_drop(&im, SPAN("receive-connectors.\"a.b\".from[0]"), SPAN("no")));
    assert_false(import_drop(&im, SPAN_NONE, SPAN("no")));
}

static void refused_domains_go_alone(void **state)
{
    (void)state;
    assert_true(import_accept(&im, SPAN("a.example"), true));
    assert_true(import_accept(&im, SPAN("b..example"), false));
    assert_false(import_accept(&im, SPAN("A.example"), false));
    assert_true(import_drop(&im, SPAN("accepted-domains[1]"), SPAN("no")));
    assert_false(im.domains[0].dropped);
    assert_true(im.domains[1].dropped);
    assert_false(import_drop(&im, SPAN("accepted-domains[1]"), SPAN("no")));
}

/* ---- Postfix ---- */

static bool give(void *context, struct span path, struct arena *a, struct span *content,
                 struct buf *why)
{
    (void)a;
    if (span_iends(path, SPAN("/main.cf"))) {
        *content = span_of(context);
        return true;
    }
    buf_add_text(why, "not there");
    return false;
}

static void import_main(const char *main_cf)
{
    struct import_postfix_wishes wishes = {.folder = SPAN("/x"),
                                           .host = SPAN("mx.example.test"),
                                           .read = give,
                                           .context = (void *)(uintptr_t)main_cf};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span remedy;
    import_init(&im, &arena);
    assert_int_equal(import_postfix(&im, &wishes, &why, &remedy), OK);
    buf_done(&why);
}

static bool has(const char *connector, const char *key)
{
    return import_get(&im, key_of(connector, key)) != NULL;
}

static void restrictions_say_who_is_served(void **state)
{
    (void)state;
    import_main("smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n");
    assert_true(has("smtp", "bind") && !has("smtp", "relay"));
    assert_true(has("smtp-mynetworks", "relay") && has("smtp-mynetworks", "from"));
    import_main("smtpd_client_restrictions = permit_mynetworks, reject\n");
    assert_true(!has("smtp", "bind") && has("smtp-mynetworks", "relay"));
    import_main("smtpd_relay_restrictions = reject_unauth_destination\n");
    assert_true(has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
    import_main("smtpd_relay_restrictions = check_client_access hash:/y, permit\n");
    assert_true(!has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
    import_main("smtpd_relay_restrictions = permit_sasl_authenticated, reject\n");
    assert_true(!has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
}

static void nobody_relays_by_mistake(void **state)
{
    (void)state;
    import_main("mynetworks = !10.0.0.5, 10.0.0.0/8\n");
    assert_true(has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
    import_main("mynetworks = hash:/unreadable\n");
    assert_true(has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
    import_main("mynetworks =\n");
    assert_true(has("smtp", "bind") && !has("smtp-mynetworks", "bind"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_made_fit, begin, end),
        cmocka_unit_test_setup_teardown(numbers_are_brought_into_limits, begin, end),
        cmocka_unit_test_setup_teardown(refused_keys_go_alone_or_with_their_connector, begin, end),
        cmocka_unit_test_setup_teardown(refused_domains_go_alone, begin, end),
        cmocka_unit_test_setup_teardown(restrictions_say_who_is_served, begin, end),
        cmocka_unit_test_setup_teardown(nobody_relays_by_mistake, begin, end),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
