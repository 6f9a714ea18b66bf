#include "policy/tls_policy.h"

#include "conf/parse_script.h"

enum { OFFERED = 1, ACTIVE = 2, FAILED = 4 };

/* Every combination of policy and facts. */
static void test_all(void **state)
{
    (void)state;
    static const struct {
        enum send_tls tls;
        unsigned facts;
        enum tls_action action;
        const char *enhanced;
    } cases[] = {
        {SEND_TLS_OFF, 0, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_OFF, OFFERED, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_OFF, OFFERED | FAILED, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_OPPORTUNISTIC, 0, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_OPPORTUNISTIC, OFFERED, TLS_START, ""},
        {SEND_TLS_OPPORTUNISTIC, OFFERED | FAILED, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_OPPORTUNISTIC, FAILED, TLS_SEND_IN_CLEAR, ""},
        {SEND_TLS_REQUIRED, 0, TLS_GIVE_UP, "4.7.4"},
        {SEND_TLS_REQUIRED, OFFERED, TLS_START, ""},
        {SEND_TLS_REQUIRED, OFFERED | FAILED, TLS_GIVE_UP, "4.7.5"},
        {SEND_TLS_REQUIRED, FAILED, TLS_GIVE_UP, "4.7.5"},
        {SEND_TLS_IMPLICIT, 0, TLS_GIVE_UP, "4.7.5"},
        {SEND_TLS_IMPLICIT, OFFERED, TLS_GIVE_UP, "4.7.5"},
        {SEND_TLS_IMPLICIT, FAILED, TLS_GIVE_UP, "4.7.5"},
    };
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct send_connector connector = {.tls = cases[i].tls};
        struct tls_facts facts = {.offered = cases[i].facts & OFFERED,
                                  .failed_before = cases[i].facts & FAILED};
        struct tls_verdict v = tls_policy(&arena, &connector, &facts);
        if (v.action != cases[i].action)
            fail_msg("case %zu", i);
        assert_string_equal(v.failure.reply.enhanced, cases[i].enhanced);
        assert_int_equal(v.reason.n > 0, v.action == TLS_SEND_IN_CLEAR || v.action == TLS_GIVE_UP);
        if (v.action == TLS_GIVE_UP) {
            assert_int_equal(v.failure.fate, FATE_LATER);
            assert_int_equal(v.failure.concern, CONCERN_NEXT_HOP);
        }
        facts.active = true;
        assert_int_equal(tls_policy(&arena, &connector, &facts).action, TLS_SEND_NOW);
    }
    arena_done(&arena);
}

static void test_reasons(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct send_connector connector = {.tls = SEND_TLS_OPPORTUNISTIC};
    struct tls_facts facts = {.failed_before = true, .failure = SPAN("certificate expired")};
    assert_span(tls_policy(&arena, &connector, &facts).reason,
                "STARTTLS failed: certificate expired");
    connector.tls = SEND_TLS_REQUIRED;
    assert_span(tls_policy(&arena, &connector, &facts).failure.reply.text,
                "TLS is required for this route: STARTTLS failed: certificate expired");
    facts = (struct tls_facts){0};
    assert_span(tls_policy(&arena, &connector, &facts).reason, "the peer does not offer STARTTLS");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
