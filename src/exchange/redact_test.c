#include "exchange/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char input[] =
    "[PS] C:\\>Get-ExchangeCertificate -Server HARBOUR1 | FL *\n\n"
    "Thumbprint : 0123456789ABCDEF0123456789ABCDEF01234567\n"
    "CertificateDomains : {mail.oak-mill.example, *.oak-mill.example}\n"
    "IsSelfSigned : False\nIssuer : CN=Fir TLS CA G2, O=Fir Trust, C=NO\n"
    "Subject : CN=mail.oak-mill.example, O=Oak Mill Ltd, C=NO\nServices : SMTP\n"
    "HasPrivateKey : True\n\n"
    "[PS] C:\\>Get-ReceiveConnector | FL *\n\nName : Default Frontend HARBOUR1\n"
    "Server : HARBOUR1\nFqdn : HARBOUR1.inside.oak-mill.example\nObjectClass : {top, "
    "msExchSmtpReceiveConnector}\n";

static void check(const char *text, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct exchange_case *c = exchange_case_new();
    assert_int_equal(exchange_case_read(c, SPAN("x"), span_of(input), &why), OK);
    exchange_case_finish(c);
    struct redaction *r = redaction_new(c);
    struct span redacted = redact(r, &arena, span_of(text));
    assert_string_equal(arena_text(&arena, redacted), expected);
    redaction_free(r);
    exchange_case_free(c);
    buf_done(&why);
    arena_done(&arena);
}

static void test_names(void **state)
{
    (void)state;
    check("mail.oak-mill.example and MAIL.OAK-MILL.EXAMPLE.",
          "host1.company1.example and host1.company1.example.");
    check("oak-mill.example", "company1.example");
    check("a.b.oak-mill.example, b.oak-mill.example",
          "host1.host2.company1.example, host2.company1.example");
    check("*.oak-mill.example", "*.company1.example");
    check("HARBOUR1\\Default Frontend HARBOUR1", "SERVER1\\Default Frontend SERVER1");
    check("harbour1.inside.oak-mill.example", "SERVER1.host1.company1.example");
    check("O=Oak Mill Ltd, C=NO", "O=Name1, C=NO");
}

static void test_numbers_and_addresses(void **state)
{
    (void)state;
    check("0123456789ABCDEF0123456789ABCDEF01234567 0123456789abcdef0123456789abcdef01234567",
          "0000000000000000000000000000000000000001 0000000000000000000000000000000000000001");
    check("10.1.2.3:25 and 10.1.2.4 and 10.1.2.3", "192.0.2.1:25 and 192.0.2.2 and 192.0.2.1");
    check("0.0.0.0:25 127.0.0.1", "0.0.0.0:25 127.0.0.1");
    check("<jane.doe@oak-mill.example>", "<user1@company1.example>");
}

static void test_what_stays(void **state)
{
    (void)state;
    check("mail.protection.outlook.com:AcceptCloudServicesMail",
          "mail.protection.outlook.com:AcceptCloudServicesMail");
    check("$cert.Issuer [System.IO.File]::ReadAllBytes('C:\\Temp\\a.pfx')",
          "$cert.Issuer [System.IO.File]::ReadAllBytes('C:\\Temp\\a.pfx')");
    check("event 12014, 2027-03-02T06:30:00Z", "event 12014, 2027-03-02T06:30:00Z");
    check("soak-mill.example", "soak-mill.example");
    check("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers_and_addresses),
        cmocka_unit_test(test_what_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
