#include "exchange/case_script.h"

static void test_protocol_log(void **state)
{
    (void)state;
    read_file("send-log");
    assert_int_equal(c->session_count, 2);
    assert_int_equal(c->unread_count, 0);
    const struct exchange_session *send = &c->sessions[0];
    assert_int_equal(send->direction, EXCHANGE_SENDS);
    is_value(&send->connector, "To the cloud");
    is_value(&send->server_name, "cloud.example");
    is_value(&send->certificate_subject, "CN=mail.kestrel.example");
    is_value(&send->certificate_issuer, "CN=Kestrel Issuing CA 3, O=Kestrel, C=XX");
    is_value(&send->certificate_thumbprint, "8C1D5E0F6A7B8C9D0E1F2A3B4C5D6E7F80910A2B");
    is_list(&send->certificate_names, "mail.kestrel.example|autodiscover.kestrel.example");
    is_value(&send->tls_error, "UnknownCredentials");
    assert_int_equal(send->starttls, KNOWN_YES);
    const struct exchange_session *receive = &c->sessions[1];
    assert_int_equal(receive->direction, EXCHANGE_RECEIVES);
    assert_int_equal(receive->starttls, KNOWN_NO);
    assert_int_equal(receive->x_anonymous_tls, KNOWN_YES);
}

static void test_dialogue(void **state)
{
    (void)state;
    read_file("dialogue");
    assert_int_equal(c->session_count, 2);
    assert_int_equal(c->sessions[0].starttls, KNOWN_NO);
    assert_true(c->sessions[0].stripped);
    is_value(&c->sessions[0].server_name, "heron01.kestrel.example");
    assert_int_equal(c->sessions[1].starttls, KNOWN_YES);
    is_value(&c->sessions[1].server_name, "heron02.kestrel.example");
}

/* HELO is answered by one line: it says nothing of STARTTLS. Nor does a reply that broke off. */
static void test_dialogue_that_cannot_tell(void **state)
{
    (void)state;
    read_text("220 heron01.kestrel.example ESMTP\nHELO probe\n250 heron01.kestrel.example Hello\n");
    assert_int_equal(c->session_count, 1);
    assert_int_equal(c->sessions[0].starttls, CANNOT_TELL);
    read_text("220 heron01.kestrel.example ESMTP\nEHLO probe\n250-heron01.kestrel.example Hello\n"
              "250-SIZE\n");
    assert_int_equal(c->sessions[0].starttls, CANNOT_TELL);
}

static void test_s_client(void **state)
{
    (void)state;
    read_file("s-client");
    assert_int_equal(c->session_count, 1);
    assert_int_equal(c->unread_count, 0);
    const struct exchange_session *s = &c->sessions[0];
    assert_non_null(s->presented);
    is_value(&s->remote, "heron01.kestrel.example:25");
    is_value(&s->certificate_subject, "CN=mail.kestrel.example, O=Kestrel Works, C=XX");
    assert_int_equal(s->presented_trusted, KNOWN_NO);
    assert_int_equal(s->starttls, KNOWN_YES);
    assert_false(s->plain_tls_attempt);
    assert_int_equal(c->certificate_count, 1);
    assert_true(c->certificates[0].from_wire);
    assert_false(c->certificates_listed);
}

static void test_s_client_without_starttls(void **state)
{
    (void)state;
    read_file("s-client-plain");
    assert_int_equal(c->session_count, 1);
    assert_true(c->sessions[0].plain_tls_attempt);
    assert_int_equal(c->sessions[0].presented_trusted, CANNOT_TELL);
    is_value(&c->sessions[0].remote, "192.0.2.7:25");
}

static void test_s_client_names_of_both_forms(void **state)
{
    (void)state;
    read_text("CONNECTED(00000003)\nsubject=/C=XX/ST=Far/O=Kestrel/CN=mail.kestrel.example\n"
              "issuer=C = XX, O = Kestrel, CN = Kestrel Issuing CA 3\n"
              "Verify return code: 0 (ok)\n---\n");
    is_value(&c->sessions[0].certificate_subject,
             "CN=mail.kestrel.example, O=Kestrel, S=Far, C=XX");
    is_value(&c->sessions[0].certificate_issuer, "CN=Kestrel Issuing CA 3, O=Kestrel, C=XX");
    assert_int_equal(c->sessions[0].presented_trusted, KNOWN_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_protocol_log, leave),
        cmocka_unit_test_teardown(test_dialogue, leave),
        cmocka_unit_test_teardown(test_dialogue_that_cannot_tell, leave),
        cmocka_unit_test_teardown(test_s_client, leave),
        cmocka_unit_test_teardown(test_s_client_without_starttls, leave),
        cmocka_unit_test_teardown(test_s_client_names_of_both_forms, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
