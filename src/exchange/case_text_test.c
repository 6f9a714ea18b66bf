#include "exchange/case_script.h"

static const struct exchange_event *only_event(unsigned id)
{
    assert_int_equal(c->event_count, 1);
    assert_int_equal(c->events[0].id, id);
    return &c->events[0];
}

static void test_event_12014(void **state)
{
    (void)state;
    static const char *const files[] = {"event-12014", "event-nbsp", "event-cut-80"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_file(files[i]);
        const struct exchange_event *e = only_event(12014);
        is_value(&e->domain_name, "mail1.kestrel.example");
        is_value(&e->connector, i < 2 ? "Relay - O'Hara's printers" : "Default Frontend HERON01");
        is_value(&e->fqdn, "mail.kestrel.example");
        is_span(e->source, "MSExchangeFrontEndTransport");
        is_span(e->computer, "heron01.kestrel.example");
        assert_false(e->when.ambiguous);
        assert_false(e->inserts_lost);
        assert_int_equal(c->unread_count, 0);
    }
}

static void test_event_without_head(void **state)
{
    (void)state;
    read_text(
        "Somebody writes:\n\nMicrosoft Exchange couldn’t find a certificate that contains the "
        "domain name mail.kestrel.example  in the personal store on the local computer. "
        "Therefore, it is unable to support the STARTTLS SMTP verb for the connector Relay "
        "with a FQDN parameter of mail.kestrel.example. If the connector’s FQDN is not\n");
    const struct exchange_event *e = only_event(12014);
    is_value(&e->domain_name, "mail.kestrel.example");
    is_value(&e->connector, "Relay");
    assert_int_equal(e->place.line, 3);
    assert_int_equal(c->unread_count, 1);
}

static void test_event_of_a_pair(void **state)
{
    (void)state;
    read_file("event-pair");
    const char *pair = "<I>CN=Kestrel Issuing CA 3, O=Kestrel, C=XX<S>CN=mail.kestrel.example";
    is_value(&only_event(12014)->domain_name, pair);
    is_value(&c->events[0].fqdn, pair);
    is_value(&c->events[0].connector, "Inbound from cloud");
}

static void test_event_eaten_by_a_web_page(void **state)
{
    (void)state;
    read_file("event-eaten");
    const struct exchange_event *e = only_event(12014);
    assert_true(e->inserts_lost);
    is_value(&e->domain_name, NULL);
    is_value(&e->connector, NULL);
    is_span(span_head(e->text, 9), "Microsoft");
}

static void test_old_head_with_date_and_time_apart(void **state)
{
    (void)state;
    read_file("event-old-head");
    const struct exchange_event *e = only_event(12018);
    is_value(&e->thumbprint, "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B");
    is_value(&e->subject, "CN=mail.kestrel.example");
    is_span(e->when.text, "28/02/2027 13:00:01");
    assert_false(e->when.ambiguous);
}

static void test_events_in_other_languages(void **state)
{
    (void)state;
    read_file("event-german");
    is_value(&only_event(12014)->domain_name, "smtp.kestrel.example");
    is_value(&c->events[0].fqdn, "heron01.kestrel.example");
    is_value(&c->events[0].connector, "Default Frontend HERON01");
    is_span(c->events[0].level, "Fehler");
    read_file("event-russian");
    is_value(&only_event(12016)->fqdn, "smtp.kestrel.example");
    read_file("event-japanese");
    is_value(&only_event(12014)->domain_name, "smtp.kestrel.example");
    is_value(&c->events[0].fqdn, "heron01.kestrel.example");
}

static void test_exported_events(void **state)
{
    (void)state;
    read_file("eventlog");
    is_value(&only_event(12014)->domain_name, "mail1.kestrel.example");
    is_value(&c->events[0].connector, "Default Frontend HERON01");
    is_span(c->events[0].source, "MSExchangeFrontEndTransport");
}

/* As our own collector writes it: a listing whose names are the labels of the Event Viewer. */
static void test_collected(void **state)
{
    (void)state;
    read_file("collected");
    assert_int_equal(c->event_count, 2);
    is_value(&c->events[0].domain_name, "mail1.kestrel.example");
    is_span(c->events[0].computer, "heron01.kestrel.example");
    assert_int_equal(c->events[0].when.earliest_ms, c->events[0].when.latest_ms);
    is_value(&c->events[1].thumbprint, "1111222233334444555566667777888899990000");
    assert_int_equal(c->reply_count, 1);
    is_value(&c->replies[0].remote, "cloud.example");
    is_value(&c->certificates[0].server, "heron01");
    assert_int_equal(c->unread_count, 0);
}

static void test_other_events(void **state)
{
    (void)state;
    static const struct {
        unsigned id;
        const char *text;
    } events[] = {
        {12015, "An internal transport certificate expired. Thumbprint:"
                "1111222233334444555566667777888899990000"},
        {12017, "An internal transport certificate will expire soon. Thumbprint:"
                "1111222233334444555566667777888899990000, hours remaining: 20"},
        {12013,
         "Microsoft Exchange could not load the certificate with thumbprint of "
         "1111222233334444555566667777888899990000 from the personal store on the computer."},
    };
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        read_text(events[i].text);
        is_value(&only_event(events[i].id)->thumbprint, "1111222233334444555566667777888899990000");
    }
    read_text("Failed to confirm domain capabilities 'mail.example' on connector 'To the cloud' "
              "because validation of the TLS certificate failed with status 'UntrustedRoot'.");
    is_value(&only_event(11022)->status, "UntrustedRoot");
    is_value(&c->events[0].connector, "To the cloud");
    read_text("Event ID: 15006\nSource: MSExchangeTransport\nLevel: Error\n\nNothing else.\n");
    only_event(15006);
    read_text("Event ID: 7036\nSource: Service Control Manager\nLevel: Information\n");
    assert_int_equal(c->event_count, 0);
    assert_int_equal(c->unread_count, 1);
}

static void test_equal_events_are_counted(void **state)
{
    (void)state;
    struct exchange_case *twice = exchange_case_new();
    assert_int_equal(read_exactly(twice, "a", corpus_file("event-12014")), OK);
    assert_int_equal(read_exactly(twice, "b", corpus_file("event-12014")), OK);
    exchange_case_finish(twice);
    assert_int_equal(twice->event_count, 1);
    assert_int_equal(twice->events[0].times, 2);
    exchange_case_free(twice);
}

/* Each event on a line of labels and a line of text, as lists are copied. */
static void test_events_follow_one_another(void **state)
{
    (void)state;
    read_text("Source: MSExchangeTransport Event ID: 12015 Computer: heron01\n"
              "Description: An internal transport certificate expired. Thumbprint:1111\n\n"
              "Source: MSExchangeTransport Event ID: 12015 Computer: heron02\n"
              "Description: An internal transport certificate expired. Thumbprint:2222\n");
    assert_int_equal(c->event_count, 2);
    is_value(&c->events[0].thumbprint, "1111");
    is_value(&c->events[1].thumbprint, "2222");
    is_span(c->events[1].computer, "heron02");
}

static void test_errors_and_prompts(void **state)
{
    (void)state;
    read_file("errors");
    assert_int_equal(c->error_count, 2);
    assert_int_equal(c->errors[0].kind, EXCHANGE_INTERNAL_REMOVAL);
    is_span(c->errors[0].cmdlet, "Remove-ExchangeCertificate");
    is_span(c->errors[0].server, "HERON01");
    assert_int_equal(c->errors[1].kind, EXCHANGE_TAGGED_SEND);
    is_list(&c->errors[1].connectors, "To the cloud|To partners");
    is_value(&c->errors[1].thumbprint, NULL);
    assert_int_equal(c->prompt_count, 1);
    is_span(c->prompts[0].answer, "N");
    is_value(&c->prompts[0].current, "1111222233334444555566667777888899990000");
    is_value(&c->prompts[0].replacement, "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B");
    assert_false(c->prompts[0].replacement_expires.ambiguous);
    assert_int_equal(c->unread_count, 0);
}

static void test_error_kinds(void **state)
{
    (void)state;
    static const struct {
        enum exchange_error_kind kind;
        const char *text;
    } errors[] = {
        {EXCHANGE_KEY_MISSING,
         "A special Rpc error occurs on server A: The certificate with thumbprint     \n"
         "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B was found but is not valid for use with "
         "Exchange Server (reason:   \n PrivateKeyMissing)."},
        {EXCHANGE_IMPORT_FAILED,
         "A special Rpc error occurs on server A: The source data cannot be imported or the wrong "
         "password was specified."},
        {EXCHANGE_ALREADY_EXISTS,
         "A special Rpc error occurs on server A: Cannot import certificate. A certificate with "
         "the thumbprint 8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B already exists."},
        {EXCHANGE_NOT_EXPORTABLE, "A special Rpc error occurs on server A: The private key "
                                  "couldn’t be exported as PKCS-12. It isn’t exportable."},
        {EXCHANGE_REQUIRE_TLS_MISSING,
         "RequiredTls flag should be set to true if TlsCertificateName is specified"},
        {EXCHANGE_VALUE_INVALID, "The value in the request is invalid."},
    };
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        read_text(errors[i].text);
        assert_int_equal(c->error_count, 1);
        assert_int_equal(c->errors[0].kind, errors[i].kind);
        bool has = i == 0 || i == 2;
        is_value(&c->errors[0].thumbprint, has ? "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B" : NULL);
    }
}

static void test_bounces(void **state)
{
    (void)state;
    read_file("bounces");
    assert_int_equal(c->reply_count, 5);
    const struct exchange_reply *first = &c->replies[0];
    assert_int_equal(first->code, 450);
    is_span(first->enhanced, "4.4.317");
    is_span(first->word, "SubjectMismatch");
    is_value(&first->expected, "mail.kestrel.example");
    is_value(&first->presented, "CN=HERON01");
    is_value(&first->presented_thumbprint, "1111222233334444555566667777888899990000");
    is_value(&first->remote, "mail.kestrel.example");
    is_span(c->replies[1].word, "TlsCertificateName");
    is_span(c->replies[2].word, "UntrustedRoot");
    is_span(c->replies[3].word, "TenantAttribution");
    is_span(c->replies[4].enhanced, "5.7.51");
    read_text("The version is 5.1.2 and 250 people came.\n");
    assert_int_equal(c->reply_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_event_12014, leave),
        cmocka_unit_test_teardown(test_event_without_head, leave),
        cmocka_unit_test_teardown(test_event_of_a_pair, leave),
        cmocka_unit_test_teardown(test_event_eaten_by_a_web_page, leave),
        cmocka_unit_test_teardown(test_old_head_with_date_and_time_apart, leave),
        cmocka_unit_test_teardown(test_events_in_other_languages, leave),
        cmocka_unit_test_teardown(test_exported_events, leave),
        cmocka_unit_test_teardown(test_collected, leave),
        cmocka_unit_test_teardown(test_other_events, leave),
        cmocka_unit_test_teardown(test_equal_events_are_counted, leave),
        cmocka_unit_test_teardown(test_events_follow_one_another, leave),
        cmocka_unit_test_teardown(test_errors_and_prompts, leave),
        cmocka_unit_test_teardown(test_error_kinds, leave),
        cmocka_unit_test_teardown(test_bounces, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
