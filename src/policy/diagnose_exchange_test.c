/* Each fault of doc/exchange-faults.md from the least that proves it; and what must not be told. */
#include "policy/diagnose_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* 2027-03-02T06:30:00Z */
static const int64_t now_ms = 1803969000000;

#define PUBLIC_G2 "CN=Fir TLS CA G2, O=Fir Trust, C=NO"
#define SUBJECT "CN=mail.oak.example, O=Oak, C=NO"
#define DIGITS "00000000000000000000000000000000"

#define CERTIFICATE(digits, names, self, issuer, subject, services, key, before, after, more)      \
    "\nThumbprint : " DIGITS digits "\nCertificateDomains : {" names "}\nIsSelfSigned : " self     \
    "\nIssuer : " issuer "\nSubject : " subject "\nServices : " services "\nHasPrivateKey : " key  \
    "\nStatus : Valid\nNotBefore : " before "\nNotAfter : " after "\n" more "\n"

#define BEFORE "2026-10-01T00:00:00Z"
#define AFTER "2027-10-01T00:00:00Z"
#define PUBLIC(services)                                                                           \
    CERTIFICATE("AAAAAAAA", "mail.oak.example, oak.example", "False", PUBLIC_G2, SUBJECT,          \
                services, "True", BEFORE, AFTER, "RootCAType : ThirdParty")
#define OWN(services)                                                                              \
    CERTIFICATE("BBBBBBBB", "EX1, EX1.corp.example", "True", "CN=EX1", "CN=EX1", services, "True", \
                "2025-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "RootCAType : Registry")
#define AUTH(services)                                                                             \
    CERTIFICATE("CCCCCCCC", "", "True", "CN=Microsoft Exchange Server Auth Certificate",           \
                "CN=Microsoft Exchange Server Auth Certificate", services, "True",                 \
                "2025-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "RootCAType : None")
#define STORE "[PS] C:\\>Get-ExchangeCertificate | FL *\n"

#define RECEIVE "[PS] C:\\>Get-ReceiveConnector | FL *\n"
#define CONNECTOR(name, fqdn, pair, more)                                                          \
    "\nName : " name "\nServer : EX1\nIdentity : EX1\\" name "\nFqdn : " fqdn                      \
    "\nTlsCertificateName : " pair                                                                 \
    "\nObjectClass : {top, msExchSmtpReceiveConnector}\nEnabled : True\n" more "\n"
#define TLS "AuthMechanism : Tls\n"
#define FRONT(fqdn, pair)                                                                          \
    CONNECTOR("Default Frontend EX1", fqdn, pair,                                                  \
              "AuthMechanism : Tls, ExchangeServer\nTransportRole : FrontendTransport\n"           \
              "Bindings : {0.0.0.0:25}\nRemoteIPRanges : {0.0.0.0-255.255.255.255}\n")
#define SEND "[PS] C:\\>Get-SendConnector | FL *\n"
#define OUTBOUND(pair, more)                                                                       \
    "\nName : Outbound to Office 365\nTlsCertificateName : " pair                                  \
    "\nObjectClass : {top, msExchConnector, mailGateway, msExchRoutingSMTPConnector}\n" more "\n"
#define PAIR "<I>" PUBLIC_G2 "<S>" SUBJECT
#define OLD_PAIR "<I>CN=Fir TLS CA G1, O=Fir Trust, C=NO<S>" SUBJECT

#define EVENT_HEAD(id)                                                                             \
    "\nLog Name: Application\nSource: MSExchangeTransport\nDate: 3/2/2027 6:00:00 AM\nEvent "      \
    "ID: " id "\nLevel: Error\nComputer: EX1.corp.example\nDescription:\n"
#define EVENT_12014(domain, connector)                                                             \
    EVENT_HEAD("12014")                                                                            \
    "Microsoft Exchange could not find a certificate that contains the domain name " domain        \
    " in the personal store on the local computer. Therefore, it is unable to support the "        \
    "STARTTLS SMTP verb for the connector " connector " with a FQDN parameter of " domain          \
    ". If the connector's FQDN is not specified, the computer's FQDN is used.\n\n"
#define HEALTHY_STORE STORE PUBLIC("IIS, SMTP") OWN("IMAP, POP, IIS, SMTP") AUTH("SMTP")
#define HEALTHY_FRONT RECEIVE FRONT("EX1.corp.example", PAIR)
#define INTERNAL(digits)                                                                           \
    "[PS] C:\\>Get-TransportService | FL *\n\nName : EX1\n"                                        \
    "InternalTransportCertificateThumbprint : " DIGITS digits "\n\n"
#define BOUNCE(word)                                                                               \
    "Remote server returned '450 4.4.317 Cannot connect to remote server "                         \
    "[Message=" word "] [LastAttemptedServerName=mail.oak.example]'\n"

static const struct {
    const char *name, *expected, *text;
} cases[] = {
    {"healthy", "", HEALTHY_STORE HEALTHY_FRONT},
    {"a weak one that nothing presents", "",
     HEALTHY_STORE CERTIFICATE("DDDDDDDD", "old.oak.example", "False", PUBLIC_G2,
                               "CN=old.oak.example", "SMTP", "True", BEFORE, AFTER,
                               "SignatureAlgorithm : md5RSA") HEALTHY_FRONT},
    {"F01", "F01", HEALTHY_STORE RECEIVE CONNECTOR("Web", "www.oak.example", "", TLS)},
    {"F01 for a name that the connector's own happens to end with", "F01",
     HEALTHY_STORE RECEIVE CONNECTOR("App Relay", "relay.devices.example", "", TLS)},
    {"F01 by the event alone", "F01", EVENT_12014("www.oak.example", "Web")},
    {"F02", "F02",
     STORE PUBLIC("IIS") OWN("SMTP") RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F03", "F03", HEALTHY_STORE RECEIVE FRONT("EX1.corp.example", OLD_PAIR)},
    {"F03 by the event alone", "F03", EVENT_12014(OLD_PAIR, "Default Frontend EX1")},
    {"F03 where a page ate the names", "F03", EVENT_12014("", "")},
    {"F04", "F04", STORE PUBLIC("SMTP") RECEIVE FRONT("EX1.corp.example", "")},
    {"F04 by 12013", "F04",
     EVENT_HEAD(
         "12013") "Microsoft Exchange couldn't load the certificate with thumbprint of " DIGITS
                  "DDDDDDDD from the personal store on the local computer.\n"},
    {"F04 by a thumbprint that is nowhere", "F04", HEALTHY_STORE INTERNAL("DDDDDDDD")},
    {"F05", "F05",
     EVENT_HEAD("12015") "An internal transport certificate expired. Thumbprint:" DIGITS
                         "BBBBBBBB\n"},
    {"F05 by its date", "F05",
     STORE CERTIFICATE("BBBBBBBB", "EX1, EX1.corp.example", "True", "CN=EX1", "CN=EX1", "SMTP",
                       "True", "2022-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "")
         INTERNAL("BBBBBBBB")},
    {"F05 where connectors present it too", "F05",
     STORE CERTIFICATE("BBBBBBBB", "EX1, EX1.corp.example", "True", "CN=EX1", "CN=EX1", "SMTP",
                       "True", "2022-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "")
         INTERNAL("BBBBBBBB") RECEIVE FRONT("EX1.corp.example", "")},
    {"F06", "F06",
     STORE CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "SMTP", "True",
                       BEFORE, "2027-03-01T00:00:00Z", "RootCAType : ThirdParty")
         RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F06 soon", "F06",
     STORE CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "SMTP", "True",
                       BEFORE, "2027-03-20T00:00:00Z", "RootCAType : ThirdParty")
         RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F08", "F08",
     "A special Rpc error occurs on server EX1: These certificates are tagged with following Send "
     "Connectors : Outbound to Office 365. Removing and replacing certificates from Send Connector "
     "would break the mail flow. If you still want to proceed then replace or remove these "
     "certificates from Send Connector and then try this command.\n"},
    {"F09", "F09",
     "A special Rpc error occurs on server EX1: The internal transport certificate cannot be "
     "removed "
     "because that would cause the Microsoft Exchange Transport service to stop.\n"},
    {"F10", "F10", HEALTHY_STORE INTERNAL("AAAAAAAA")},
    {"F11", "F11",
     STORE PUBLIC("SMTP")
         CERTIFICATE("DDDDDDDD", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "None", "True",
                     "2027-03-01T00:00:00Z", AFTER, "RootCAType : ThirdParty")
             RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F12", "F12",
     STORE CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "SMTP", "False",
                       BEFORE, AFTER, "RootCAType : ThirdParty")
         RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F13", "F13",
     EVENT_HEAD(
         "2004") "Send connector Outbound to Office 365: Message delivery was not successful. "
                 "The message with message ID <1@oak.example> was acknowledged with SMTP "
                 "response 454 4.7.0 Failed to establish appropriate TLS channel: "
                 "UntrustedRoot: Access Denied.\n"},
    {"F14", "F14",
     STORE CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "SMTP", "True",
                       BEFORE, AFTER, "RootCAType : Registry")},
    {"F15", "F15", HEALTHY_STORE SEND OUTBOUND(OLD_PAIR, "RequireTLS : True\n")},
    {"F15 by the queue", "F15",
     "LastError : 454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector "
     "could not be found\n"},
    {"F16", "F16", BOUNCE("SubjectMismatch Expected Subject: mail.oak.example Presented: EX1")},
    {"F17", "F17", BOUNCE("UntrustedRoot")},
    {"F18", "F18", HEALTHY_STORE HEALTHY_FRONT BOUNCE("CertificateExpired")},
    {"F20", "F20", HEALTHY_STORE RECEIVE FRONT("EX1.corp.example", SUBJECT)},
    {"F21", "F21",
     HEALTHY_STORE RECEIVE CONNECTOR("Cloud", "mail.oak.example", "",
                                     TLS "TlsDomainCapabilities : {<I>CN=MSIT Machine Auth CA 2, "
                                         "DC=redmond<S>CN=mail.protection.outlook.com:"
                                         "AcceptCloudServicesMail}\n")},
    {"F22", "F22", HEALTHY_STORE SEND OUTBOUND(PAIR, "RequireTLS : False\n")},
    {"F28", "F28",
     "220 ****************\nEHLO a.example\n250-mail.oak.example\n250-SIZE\n250 XXXXXXXA\n"},
    {"F29", "F29",
     EVENT_12014("printer.oak.example", "Printers") EVENT_12014("printer.oak.example", "Printers")
         EVENT_12014("printer.oak.example", "Printers") EVENT_12014(
             "printer.oak.example", "Printers") EVENT_12014("printer.oak.example", "Printers")},
    {"F36", "F36",
     STORE PUBLIC("IIS") OWN("IIS") AUTH("SMTP")
         RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"F37", "F37", HEALTHY_STORE RECEIVE FRONT("EX1.corp.example", "")},
    {"F38", "F38",
     "$ openssl s_client -connect mail.oak.example:25\nCONNECTED(00000003)\n"
     "140:error:0A00010B:SSL routines:ssl3_get_record:wrong version number\n"},
    {"a typing error on a connector is told before what follows from it", "F01",
     HEALTHY_STORE RECEIVE CONNECTOR("Web", "mail.oak.exmaple", "", TLS)
         EVENT_12014("mail.oak.exmaple", "Web")},
    {"names that are cut are not missing", "",
     STORE CERTIFICATE("AAAAAAAA", "a.oak.example, b.oak.example...", "False", PUBLIC_G2, SUBJECT,
                       "SMTP", "True", BEFORE, AFTER, "RootCAType : ThirdParty")
         RECEIVE CONNECTOR("Web", "www.oak.example", "", TLS)},
    {"services that were not printed are not missing", "",
     STORE CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "", "", BEFORE,
                       AFTER, "RootCAType : ThirdParty")
         RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS)},
    {"a connector without Tls wants no certificate", "",
     HEALTHY_STORE RECEIVE CONNECTOR("Web", "www.oak.example", "", "AuthMechanism : None\n")},
};

struct fixture {
    struct arena arena;
    struct exchange_case *c;
    struct exchange_diagnosis d;
};

static void read_case(struct fixture *f, const char *text)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    f->arena = ARENA_INIT;
    f->c = exchange_case_new();
    assert_int_equal(exchange_case_read(f->c, SPAN("case.txt"), span_of(text), &why), OK);
    exchange_case_finish(f->c);
    f->d = diagnose_exchange(&f->arena, f->c, now_ms);
    buf_done(&why);
}

static void done(struct fixture *f)
{
    exchange_case_free(f->c);
    arena_done(&f->arena);
}

static void test_first_finding(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        read_case(&f, cases[i].text);
        struct span first = f.d.count ? f.d.findings[0].finding.fault : SPAN_NONE;
        if (!span_eq(first, span_of(cases[i].expected)) || (f.d.count && !*cases[i].expected)) {
            printf("%s: expected \"%s\", told \"" SPAN_FMT "\" of %zu\n", cases[i].name,
                   cases[i].expected, SPAN_ARG(first), f.d.count);
            wrong++;
        }
        done(&f);
    }
    assert_int_equal(wrong, 0);
}

/* Whatever is told can be acted upon. */
static void test_findings_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        read_case(&f, cases[i].text);
        for (size_t n = 0; n < f.d.count; n++) {
            const struct exchange_finding *finding = &f.d.findings[n];
            assert_true(finding->finding.cause.n > 0);
            assert_true(finding->finding.consequence.n > 0);
            assert_true(finding->finding.subject.n > 0);
            assert_true(finding->evidence_count > 0);
            assert_true(finding->step_count > 0);
            for (size_t v = 0; v < finding->evidence_count; v++)
                assert_true(finding->evidence[v].place.line > 0);
        }
        done(&f);
    }
}

/* Enabled before it is named, restarted last, never forced, and No where No is right. */
static void test_order_of_steps(void **state)
{
    (void)state;
    struct fixture f;
    read_case(&f, STORE PUBLIC("IIS") OWN("SMTP") RECEIVE FRONT("EX1.corp.example", OLD_PAIR));
    const struct exchange_finding *finding = &f.d.findings[0];
    assert_true(span_eq(finding->finding.fault, SPAN("F03")));
    assert_true(span_istarts(finding->steps[0].command, SPAN("Enable-ExchangeCertificate")));
    assert_true(span_istarts(finding->steps[0].answer, SPAN("N")));
    assert_true(span_search(finding->steps[1].command, SPAN("-TlsCertificateName $tls")) <
                finding->steps[1].command.n);
    assert_true(span_istarts(finding->steps[2].command, SPAN("Restart-Service")));
    assert_true(span_search(finding->finding.remedy, SPAN("-Force")) == finding->finding.remedy.n);
    done(&f);
}

static void test_both_names_of_an_event(void **state)
{
    (void)state;
    struct fixture f;
    read_case(&f, EVENT_HEAD("12014") "Microsoft Exchange could not find a certificate that "
                                      "contains the domain name "
                                      "mail1.oak.example in the personal store on the local "
                                      "computer. Therefore, it is unable "
                                      "to support the STARTTLS SMTP verb for the connector Web "
                                      "with a FQDN parameter of "
                                      "mail.oak.example. If the connector's FQDN is not specified, "
                                      "the computer's FQDN is "
                                      "used.\n");
    struct span evidence = f.d.findings[0].evidence[0].says;
    assert_true(span_search(evidence, SPAN("mail1.oak.example")) < evidence.n);
    assert_true(span_search(evidence, SPAN("as mail.oak.example")) < evidence.n);
    done(&f);
}

static void test_questions(void **state)
{
    (void)state;
    struct fixture f;
    bool asked = false;
    read_case(&f, EVENT_12014("www.oak.example", "Web"));
    assert_int_equal(f.d.findings[0].certainty, EXCHANGE_PROBABLE);
    for (size_t i = 0; i < f.d.question_count; i++)
        asked |= span_eq(f.d.questions[i].command, SPAN("Get-ExchangeCertificate | FL *"));
    assert_true(asked);
    done(&f);
}

/* What partners say is about the connectors that they meet. */
static void test_bounce_beside_another_fault(void **state)
{
    (void)state;
    struct fixture f;
    read_case(&f, HEALTHY_STORE HEALTHY_FRONT CONNECTOR("Web", "www.oak.example", "", TLS)
                      BOUNCE("SubjectMismatch"));
    assert_int_equal(f.d.count, 2);
    assert_true(span_eq(f.d.findings[0].finding.fault, SPAN("F01")));
    assert_true(span_eq(f.d.findings[1].finding.fault, SPAN("F16")));
    done(&f);
}

/* Where the input ends with a certificate, the rest of the listing may not have been copied. */
static void test_listing_that_may_be_cut(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "\n\n", "[PS] C:\\>\n"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct fixture f;
        char text[8000];
        snprintf(text, sizeof(text), "%s%s",
                 RECEIVE CONNECTOR("Web", "www.oak.example", "", TLS) "\n" STORE OWN("SMTP"),
                 ends[i]);
        read_case(&f, text);
        assert_true(span_eq(f.d.findings[0].finding.fault, SPAN("F01")));
        assert_int_equal(f.d.findings[0].certainty, i ? EXCHANGE_CERTAIN : EXCHANGE_PROBABLE);
        done(&f);
    }
}

/* Two servers, a connector of one name on each, and an event that does not say its server. */
static void test_event_between_two_servers(void **state)
{
    (void)state;
    struct fixture f;
#define SECOND "\nName : Web\nServer : EX0\nFqdn : mail.oak.example\nTlsCertificateName :\n" TLS
    read_case(&f, HEALTHY_STORE RECEIVE SECOND CONNECTOR("Web", "www.oak.example", "", TLS)
                      EVENT_12014("www.oak.example", "Web"));
    assert_int_equal(f.d.count, 1);
    assert_true(span_eq(f.d.findings[0].finding.fault, SPAN("F01")));
    assert_true(span_eq(f.d.findings[0].finding.subject, SPAN("Receive connector EX1\\Web")));
    done(&f);
}

/* Whether it is enabled was not printed: then nobody knows whether it harms anybody. */
static void test_connector_that_may_be_disabled(void **state)
{
    (void)state;
    static const char *const prints[] = {"", "Enabled : True\n", "Enabled : False\n"};
    for (size_t i = 0; i < COUNT_OF(prints); i++) {
        struct fixture f;
        char text[8000];
        snprintf(text, sizeof(text), "%s%s%s",
                 HEALTHY_STORE RECEIVE
                 "\nName : Web\nServer : EX1\nFqdn : www.oak.example\nTlsCertificateName :\n" TLS,
                 prints[i], "\n");
        read_case(&f, text);
        assert_int_equal(f.d.count, i < 2);
        if (i < 2)
            assert_int_equal(f.d.findings[0].certainty, i ? EXCHANGE_CERTAIN : EXCHANGE_PROBABLE);
        done(&f);
    }
}

#define WITHOUT_KEY(key)                                                                           \
    CERTIFICATE("DDDDDDDD", "mail.oak.example", "False", PUBLIC_G2, "CN=mail.oak.example", "None", \
                key, "2027-02-01T00:00:00Z", AFTER, "RootCAType : Enterprise")

/* A newer one for the name that has no key is passed over; whether it has one must be known. */
static void test_key_that_was_not_printed(void **state)
{
    (void)state;
    static const char *const stores[] = {STORE PUBLIC("SMTP") WITHOUT_KEY("False"),
                                         STORE PUBLIC("SMTP") WITHOUT_KEY(""),
                                         STORE PUBLIC("SMTP") WITHOUT_KEY("True")};
    for (size_t i = 0; i < COUNT_OF(stores); i++) {
        struct fixture f;
        char text[8000];
        snprintf(text, sizeof(text), "%s%s", stores[i],
                 RECEIVE CONNECTOR("Web", "mail.oak.example", "", TLS));
        read_case(&f, text);
        assert_int_equal(f.d.count, i > 0);
        if (i > 0)
            assert_int_equal(f.d.findings[0].certainty,
                             i > 1 ? EXCHANGE_CERTAIN : EXCHANGE_PROBABLE);
        done(&f);
    }
}

/* A certificate of somebody else without a Subject is none that the pair could mean. */
static void test_pair_beside_a_nameless_certificate(void **state)
{
    (void)state;
    struct fixture f;
    read_case(&f, STORE PUBLIC("SMTP") OWN("SMTP")
                      CERTIFICATE("DDDDDDDD", "", "False", "CN=Cloud Host Root", "", "None", "True",
                                  BEFORE, AFTER, "") RECEIVE FRONT("EX1.corp.example", OLD_PAIR));
    assert_true(f.d.count > 0 && span_eq(f.d.findings[0].finding.fault, SPAN("F03")));
    done(&f);
}

static bool has_step(const struct exchange_finding *finding, const char *text)
{
    for (size_t i = 0; i < finding->step_count; i++)
        if (span_search(finding->steps[i].command, span_of(text)) < finding->steps[i].command.n)
            return true;
    return false;
}

/* A command to paste names what was printed; placeholders are for what was not. */
static void test_f34_names_the_bound_connector(void **state)
{
    (void)state;
    struct fixture f;
    read_case(&f, RECEIVE CONNECTOR("Web", "", "", TLS "Bindings : {10.1.2.3:25}\n") EVENT_HEAD(
                      "1019") "Failed to start listening (Error: 10049). Binding: 10.1.2.3:25.\n");
    assert_true(span_eq(f.d.findings[0].finding.fault, SPAN("F34")));
    assert_true(has_step(&f.d.findings[0], "-Identity 'EX1\\Web' -Bindings '0.0.0.0:25'"));
    done(&f);
}

/* One certificate on two servers: its successor comes to both before any pair is changed. */
static void test_f06_renews_on_each_server(void **state)
{
    (void)state;
    struct fixture f;
#define OVER                                                                                       \
    CERTIFICATE("AAAAAAAA", "mail.oak.example", "False", PUBLIC_G2, SUBJECT, "SMTP", "True",       \
                BEFORE, "2027-03-01T00:00:00Z", "RootCAType : ThirdParty")
    read_case(&f, "[PS] C:\\>Get-ExchangeCertificate -Server EX1 | FL *\n" OVER
                  "[PS] C:\\>Get-ExchangeCertificate -Server EX2 | FL *\n" OVER RECEIVE FRONT(
                      "EX1.corp.example", PAIR));
    assert_true(span_eq(f.d.findings[0].finding.fault, SPAN("F06")));
    assert_true(has_step(&f.d.findings[0], "Import-ExchangeCertificate -Server 'EX2' -FileData"));
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_finding),
        cmocka_unit_test(test_findings_are_whole),
        cmocka_unit_test(test_order_of_steps),
        cmocka_unit_test(test_both_names_of_an_event),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_bounce_beside_another_fault),
        cmocka_unit_test(test_listing_that_may_be_cut),
        cmocka_unit_test(test_event_between_two_servers),
        cmocka_unit_test(test_connector_that_may_be_disabled),
        cmocka_unit_test(test_key_that_was_not_printed),
        cmocka_unit_test(test_pair_beside_a_nameless_certificate),
        cmocka_unit_test(test_f34_names_the_bound_connector),
        cmocka_unit_test(test_f06_renews_on_each_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
