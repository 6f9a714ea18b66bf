#include "exchange/case_script.h"

#define ONE "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B"
#define TWO "1111222233334444555566667777888899990000"

static void is_usual_listing(void)
{
    assert_true(c->certificates_listed);
    assert_int_equal(c->certificate_count, 2);
    const struct exchange_certificate *one = &c->certificates[0];
    is_value(&one->thumbprint, ONE);
    assert_true(one->thumbprint_whole);
    is_list(&one->domains, "mail.kestrel.example|autodiscover.kestrel.example");
    is_value(&one->server, "heron01");
    is_value(&one->root_ca_type, "ThirdParty");
    assert_int_equal(one->has_private_key, KNOWN_YES);
    assert_int_equal(one->self_signed, KNOWN_NO);
    assert_int_equal(one->services_known, KNOWN_YES);
    assert_int_equal(one->services, EXCHANGE_IMAP | EXCHANGE_POP | EXCHANGE_IIS | EXCHANGE_SMTP);
    is_value(&c->certificates[1].subject, "CN=HERON01");
    assert_int_equal(c->certificates[1].services_known, KNOWN_YES);
    assert_int_equal(c->certificates[1].services, 0);
}

static void test_listing_in_every_encoding(void **state)
{
    (void)state;
    static const char *const files[] = {"listing-certificates", "listing-utf16le-bom",
                                        "listing-utf16le",      "listing-utf16be",
                                        "listing-cr",           "listing-spaced"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_file(files[i]);
        is_usual_listing();
    }
    is_value(&c->certificates[0].subject, "CN=mail.kestrel.example");
}

static void test_evidence_keeps_its_line(void **state)
{
    (void)state;
    read_file("listing-certificates");
    assert_int_equal(c->certificates[0].thumbprint.place.line, 18);
    is_span(c->certificates[0].thumbprint.place.file, "listing-certificates");
    read_file("listing-utf16le-bom");
    assert_int_equal(c->certificates[0].thumbprint.place.line, 18);
}

/* 28/01 of one certificate says what 12/02 of the other means. */
static void test_dates_of_a_listing_decide_one_another(void **state)
{
    (void)state;
    read_file("listing-certificates");
    const struct exchange_time *end = &c->certificates[0].not_after;
    assert_false(end->ambiguous);
    assert_int_equal(exchange_time_passed(end, end->earliest_ms), KNOWN_NO);
    assert_int_equal(exchange_time_passed(end, end->latest_ms), CANNOT_TELL);
    assert_int_equal(exchange_time_passed(end, end->latest_ms + 1), KNOWN_YES);
    read_text("Thumbprint : " ONE "\nNotAfter : 12/02/2028 1:53:00 PM\n");
    assert_true(c->certificates[0].not_after.ambiguous);
}

static void test_empty_is_not_false(void **state)
{
    (void)state;
    read_file("listing-empty-fields");
    assert_int_equal(c->certificate_count, 2);
    const struct exchange_certificate *one = &c->certificates[0];
    assert_int_equal(one->services_known, CANNOT_TELL);
    assert_int_equal(one->has_private_key, CANNOT_TELL);
    is_value(&one->status, "");
    is_value(&one->root_ca_type, "");
}

static void test_lists_that_end_in_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *print, *expected;
    } lists[] = {
        {"{a.example, b.example}", "a.example|b.example"},
        {"{}", ""},
        {"{a.example,}", "a.example+"},
        {"{a.example, b.example…}", "a.example|b.example+"},
        {"{a.example, b.example...}", "a.example|b.example+"},
        {"{a.example, b.exa…", "a.example+"},
        {"{a.example, b.exa...", "a.example+"},
        {"{a.example, b.exa", "a.example+"},
        {"a.example", "a.example"},
    };
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        char text[300];
        snprintf(text, sizeof(text), "Thumbprint : " ONE "\nCertificateDomains : %s\n",
                 lists[i].print);
        read_text(text);
        is_list(&c->certificates[0].domains, lists[i].expected);
    }
}

static void test_services_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *print;
        enum known known;
        unsigned services;
    } forms[] = {
        {"IMAP, POP, IIS, SMTP", KNOWN_YES, 27},
        {"None", KNOWN_YES, 0},
        {"", CANNOT_TELL, 0},
        {"IP.WS", KNOWN_YES, 27},
        {".....", KNOWN_YES, 0},
        {"....S..", KNOWN_YES, 16},
        {"16", KNOWN_YES, 16},
        {"smtp", KNOWN_YES, 16},
        {"SMTP, Teleport", CANNOT_TELL, 16},
        {"IMAP, PO...", CANNOT_TELL, 1},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        char text[300];
        snprintf(text, sizeof(text), "Thumbprint : " ONE "\nServices : %s\n", forms[i].print);
        read_text(text);
        assert_int_equal(c->certificates[0].services_known, forms[i].known);
        assert_int_equal(c->certificates[0].services, forms[i].services);
    }
}

static void test_thumbprints_as_people_copy_them(void **state)
{
    (void)state;
    read_text("Thumbprint : \xe2\x80\x8e"
              "8c 1d 5e 0f 6a 7b 8c 9d 0e 1f 2a 3b 4c 5d 6e 7f 80 91 0a 2b\n"
              "Subject : CN=a\n");
    is_value(&c->certificates[0].thumbprint, ONE);
    assert_true(c->certificates[0].thumbprint_whole);
    read_text("Thumbprint : ?" ONE "\nSubject : CN=a\n");
    is_value(&c->certificates[0].thumbprint, ONE);
    read_text("Thumbprint : xxxxxxxx\nSubject : CN=a\n");
    is_value(&c->certificates[0].thumbprint, "xxxxxxxx");
    assert_false(c->certificates[0].thumbprint_whole);
}

/* A letter was lost on the way: an error may mean the certificate that is listed. */
static void test_a_letter_lost(void **state)
{
    (void)state;
    struct exchange_case *both = exchange_case_new();
    assert_int_equal(read_exactly(both, "errors", corpus_file("errors")), OK);
    assert_int_equal(read_exactly(both, "list", corpus_file("listing-certificates")), OK);
    exchange_case_finish(both);
    is_value(&both->errors[0].thumbprint, ONE);
    exchange_case_free(both);
}

static void test_connectors(void **state)
{
    (void)state;
    read_file("listing-connectors");
    assert_true(c->receive_connectors_listed && c->send_connectors_listed);
    assert_false(c->certificates_listed);
    assert_int_equal(c->connector_count, 3);
    is_value(&c->connectors[1].name, "Empfang für Scanner");
    is_value(&c->connectors[1].fqdn, "");
    const struct exchange_connector *send = &c->connectors[2];
    assert_true(send->sends);
    is_value(&send->tls_certificate_name,
             "<I>CN=Kestrel Issuing CA 3, O=Kestrel Certification and Testing, L=Far Harbour, "
             "C=XX<S>CN=mail.kestrel.example");
    assert_int_equal(send->require_tls, KNOWN_YES);
    assert_int_equal(send->cloud_services, CANNOT_TELL);
    is_list(&send->address_spaces, "SMTP:*;1|smtp:partner.example;5");
    assert_int_equal(send->property_count, 5);
}

/* A window of 80 columns cuts wherever it ends. */
static void test_listing_cut_at_80_columns(void **state)
{
    (void)state;
    read_text("[PS] C:\\>Get-ReceiveConnector -Server heron02 | fl\n\n"
              "Name               : Relay for the printers of the second floor and also for eve\n"
              "ry scanner\n"
              "TlsCertificateName : <I>CN=Kestrel Issuing CA 3, O=Kestrel, C=XX<S>CN=mail.kestr\n"
              "el.example, O=Kestrel\n"
              "RemoteIPRanges     : {192.0.2.0/24, 198.51.100.1-198.51.100.9, 203.0.113.77, 203\n"
              ".0.113.78}\n"
              "RequireTLS         : False\n");
    assert_int_equal(c->connector_count, 1);
    const struct exchange_connector *one = &c->connectors[0];
    is_value(&one->name, "Relay for the printers of the second floor and also for every scanner");
    is_value(&one->tls_certificate_name, "<I>CN=Kestrel Issuing CA 3, O=Kestrel, "
                                         "C=XX<S>CN=mail.kestrel.example, O=Kestrel");
    is_list(&one->remote_ip_ranges,
            "192.0.2.0/24|198.51.100.1-198.51.100.9|203.0.113.77|203.0.113.78");
    is_value(&one->server, "heron02");
    assert_int_equal(one->require_tls, KNOWN_NO);
    /* The cut may stand right behind a blank, which then ends the line. */
    read_text("[PS] C:\\>Get-ReceiveConnector | fl\n\n"
              "Name               : Relay for the printers of the second floor and also for all \n"
              "the scanners\n");
    is_value(&c->connectors[0].name,
             "Relay for the printers of the second floor and also for all the scanners");
}

static void test_what_a_command_leaves_out(void **state)
{
    (void)state;
    read_text("[PS] C:\\>Get-ExchangeCertificate -Server heron01 -Thumbprint " ONE " | fl\n\n"
              "Services : SMTP\nNotAfter : 1/2/2028\n\n[PS] C:\\>Get-SendConnector | where "
              "{$_.Enabled} | fl name\n\nname : To the cloud\n");
    assert_false(c->certificates_listed);
    assert_false(c->send_connectors_listed);
    is_value(&c->certificates[0].thumbprint, ONE);
    is_value(&c->certificates[0].server, "heron01");
    assert_int_equal(c->connector_count, 1);
}

static void test_tables(void **state)
{
    (void)state;
    read_file("table");
    assert_true(c->seen_table);
    assert_int_equal(c->certificate_count, 3);
    assert_int_equal(c->certificates[0].services, 27);
    assert_int_equal(c->certificates[1].services_known, KNOWN_YES);
    is_value(&c->certificates[2].subject, NULL);
    read_file("table-auto");
    assert_int_equal(c->certificate_count, 3);
    is_value(&c->certificates[0].subject, "CN=Microsoft Exchange Server Auth Certificate");
    assert_int_equal(c->certificates[1].self_signed, KNOWN_YES);
    assert_int_equal(c->certificates[1].services, 27);
}

static void test_servers_and_domains(void **state)
{
    (void)state;
    read_file("servers");
    assert_int_equal(c->server_count, 2);
    is_value(&c->servers[0].internal_thumbprint, TWO);
    is_value(&c->servers[0].fqdn, "heron01.kestrel.example");
    assert_int_equal(c->servers[0].edge, KNOWN_NO);
    assert_int_equal(c->servers[1].edge, KNOWN_YES);
    assert_true(c->seen_transport_service);
    assert_int_equal(c->domain_count, 1);
    is_value(&c->domains[0].type, "Authoritative");
}

/* One certificate on two servers is two things that can differ. */
static void test_merge(void **state)
{
    (void)state;
    read_text(
        "[PS] C:\\>Get-ExchangeCertificate -Server heron01\n\nThumbprint : " ONE
        "\nServices : SMTP\n\n"
        "[PS] C:\\>Get-ExchangeCertificate -Server heron01.kestrel.example\n\nThumbprint : " ONE
        "\nSubject : CN=a\n\n"
        "[PS] C:\\>Get-ExchangeCertificate -Server heron02\n\nThumbprint : " ONE
        "\nServices : None\n");
    assert_int_equal(c->certificate_count, 2);
    is_value(&c->certificates[0].subject, "CN=a");
    assert_int_equal(c->certificates[0].services, EXCHANGE_SMTP);
    assert_int_equal(c->certificates[1].services, 0);
}

static void test_exports(void **state)
{
    (void)state;
    static const char *const files[] = {"clixml", "clixml-utf16"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_file(files[i]);
        assert_true(c->seen_clixml);
        assert_int_equal(c->certificate_count, 2);
        is_list(&c->certificates[0].domains, "mail.kestrel.example|autodiscover.kestrel.example");
        assert_int_equal(c->certificates[0].services, 17);
        assert_false(c->certificates[0].not_after.ambiguous);
        assert_int_equal(c->certificates[0].not_after.earliest_ms,
                         c->certificates[0].not_after.latest_ms);
        is_value(&c->certificates[0].friendly_name, "");
        assert_non_null(c->certificates[1].parsed);
        is_list(&c->certificates[1].domains, "mail.kestrel.example|autodiscover.kestrel.example");
        assert_int_equal(c->certificates[1].services, 17);
        is_value(&c->certificates[1].server, "heron01.kestrel.example");
        assert_int_equal(c->connector_count, 1);
        is_value(&c->connectors[0].tls_certificate_name,
                 "<I>CN=Kestrel Issuing CA 3<S>CN=mail.kestrel.example");
    }
}

/* The Exchange shell's own exports have the services nowhere else. */
static void test_serialized(void **state)
{
    (void)state;
    read_file("clixml-serialized");
    assert_int_equal(c->certificate_count, 1);
    const struct exchange_certificate *one = &c->certificates[0];
    assert_int_equal(one->services_known, KNOWN_YES);
    assert_int_equal(one->services, 27);
    is_value(&one->root_ca_type, "Registry");
    is_value(&one->status, "Valid");
    is_value(&one->friendly_name, "Microsoft Exchange");
    assert_int_equal(one->has_private_key, KNOWN_YES);
}

static void test_json(void **state)
{
    (void)state;
    static const char *const files[] = {"json", "json-wrapped"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_file(files[i]);
        assert_int_equal(c->certificate_count, 1);
        is_value(&c->certificates[0].root_ca_type, "Registry");
        is_value(&c->certificates[0].status, "Valid");
        assert_int_equal(c->certificates[0].self_signed, CANNOT_TELL);
        assert_int_equal(c->certificates[0].not_after.earliest_ms, 1834062780000);
        is_list(&c->connectors[0].auth_mechanism, "Tls|Integrated|ExchangeServer");
        is_list(&c->connectors[0].bindings, "0.0.0.0:25");
        assert_false(c->connectors[0].remote_ip_ranges.printed);
    }
    read_file("json-cut");
    assert_int_equal(c->certificate_count, 1);
    assert_int_equal(c->connector_count, 0);
    assert_int_equal(c->unread_count, 1);
    read_text("[{\"Name\": \"Web\", \"Bindings\": [\"0.0.0.0:25\"], \"TransportRole\": 32},\n"
              "{\"Name\": \"Front\", \"Bindings\": [\"0.0.0.0:25\"], \"TransportRole\": 16384}]\n"
              "{\"Name\": \"edge01\", \"ServerRole\": 64, \"AdminDisplayVersion\": \"15.2\"}\n");
    is_value(&c->connectors[0].transport_role, "HubTransport");
    is_value(&c->connectors[1].transport_role, "FrontendTransport");
    assert_int_equal(c->servers[0].edge, KNOWN_YES);
}

static void test_certificates_themselves(void **state)
{
    (void)state;
    static const char *const files[] = {"pem", "der"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        read_file(files[i]);
        assert_int_equal(c->certificate_count, 1);
        assert_non_null(c->certificates[0].parsed);
        assert_true(c->certificates[0].thumbprint_whole);
        assert_int_equal(c->certificates[0].services_known, CANNOT_TELL);
        assert_int_equal(c->certificates[0].has_private_key, CANNOT_TELL);
        assert_false(c->certificates[0].not_after.ambiguous);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct buf why = BUF_INIT(1000);
    struct exchange_case *one = exchange_case_new();
    assert_int_equal(exchange_case_read(one, SPAN("big.log"),
                                        span_make("", (size_t)EXCHANGE_INPUT_MAX + 1), &why),
                     ERR_LIMIT);
    assert_true(why.n > 0);
    exchange_case_free(one);
    buf_done(&why);
}

static const char *const all_files[] = {"clixml-serialized",
                                        "collected",
                                        "clixml",
                                        "json",
                                        "event-12014",
                                        "event-german",
                                        "event-old-head",
                                        "errors",
                                        "listing-certificates",
                                        "listing-connectors",
                                        "listing-spaced",
                                        "send-log",
                                        "dialogue",
                                        "s-client",
                                        "table",
                                        "table-auto",
                                        "bounces",
                                        "servers",
                                        "eventlog",
                                        "listing-utf16le"};

/* Every input, broken off at every length: nothing fails, and what was whole stays whole. */
static void test_broken_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all_files); i++) {
        read_file(all_files[i]);
        struct span whole = buf_span(&file_bytes);
        size_t most = c->certificate_count, step = whole.n > 1000 ? 11 : 1;
        for (size_t n = 0; n < whole.n; n += step) {
            struct exchange_case *cut = exchange_case_new();
            assert_int_equal(read_exactly(cut, "cut", span_head(whole, n)), OK);
            exchange_case_finish(cut);
            assert_true(cut->certificate_count <= most);
            if (cut->certificate_count > 1 && most > 1 && c->certificates[0].thumbprint.printed)
                assert_true(span_eq(cut->certificates[0].thumbprint.text,
                                    c->certificates[0].thumbprint.text));
            exchange_case_free(cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_listing_in_every_encoding, leave),
        cmocka_unit_test_teardown(test_evidence_keeps_its_line, leave),
        cmocka_unit_test_teardown(test_dates_of_a_listing_decide_one_another, leave),
        cmocka_unit_test_teardown(test_empty_is_not_false, leave),
        cmocka_unit_test_teardown(test_lists_that_end_in_nothing, leave),
        cmocka_unit_test_teardown(test_services_in_every_form, leave),
        cmocka_unit_test_teardown(test_thumbprints_as_people_copy_them, leave),
        cmocka_unit_test_teardown(test_a_letter_lost, leave),
        cmocka_unit_test_teardown(test_connectors, leave),
        cmocka_unit_test_teardown(test_listing_cut_at_80_columns, leave),
        cmocka_unit_test_teardown(test_what_a_command_leaves_out, leave),
        cmocka_unit_test_teardown(test_tables, leave),
        cmocka_unit_test_teardown(test_servers_and_domains, leave),
        cmocka_unit_test_teardown(test_merge, leave),
        cmocka_unit_test_teardown(test_exports, leave),
        cmocka_unit_test_teardown(test_serialized, leave),
        cmocka_unit_test_teardown(test_json, leave),
        cmocka_unit_test_teardown(test_certificates_themselves, leave),
        cmocka_unit_test_teardown(test_too_large, leave),
        cmocka_unit_test_teardown(test_broken_off_anywhere, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
