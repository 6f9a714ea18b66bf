/* The API's changes of certificates: plans, refusals, trials, requests, explanations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/encode.h"
#include "cert/bundle.h"
#include "service/admin_script.h"

static const char *text_of(const json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    return text ? text : "";
}

static struct certificate *make(const char *name, int64_t days)
{
    struct span names[] = {span_of(name)};
    struct certificate *c;
    int64_t now = clock_now_ms();
    assert_int_equal(
        certificate_new_self_signed(names, 1, now - MINUTE_MS, now + days * DAY_MS, &c), OK);
    return c;
}

/* As JSON with base64, in the form that needs a passphrase. */
static char *import_body(struct span bytes, const char *passphrase)
{
    struct buf data = BUF_INIT(BUF_UNLIMITED), body = BUF_INIT(BUF_UNLIMITED);
    encode_base64(&data, bytes);
    buf_addf(&body,
             "{\"data\": \"%s\", \"passphrase\": \"%s\", \"friendly-name\": \"front\", "
             "\"services\": [\"smtp\", \"http\"]}",
             buf_text(&data), passphrase);
    buf_done(&data);
    return buf_take(&body);
}

static size_t count(const char *target, const char *member)
{
    json_t *value = script_get(target);
    size_t n = json_array_size(json_object_get(value, member));
    json_decref(value);
    return n;
}

static const char *path(const char *thumbprint, const char *end)
{
    static char text[160];
    snprintf(text, sizeof(text), "/v1/certificates/%s%s", thumbprint, end);
    return text;
}

static void test_import_is_planned(void **state)
{
    (void)state;
    struct certificate *c = make("mail.example.com", 3000);
    struct buf bytes = BUF_INIT(BUNDLE_MAX);
    assert_int_equal(bundle_write_pkcs12(c, SPAN("sesame"), SPAN("x"), &bytes), OK);
    char *wrong = import_body(buf_span(&bytes), "wrong"),
         *right = import_body(buf_span(&bytes), "sesame");
    size_t before = count("/v1/certificates", "certificates");
    json_t *value;
    script_expect("POST", "/v1/certificates", wrong, 422, "passphrase");
    script_expect("POST", "/v1/certificates", "{}", 400, "bad-body");
    script_expect("POST", "/v1/certificates", "{\"data\": \"***\"}", 400, "bad-body");
    script_expect("POST", "/v1/certificates", "{\"pem\": \"x\", \"data\": \"eA==\"}", 400,
                  "bad-body");
    assert_int_equal(script_ask("POST", "/v1/certificates?dry-run=1", right, &value), 200);
    assert_true(json_is_true(json_object_get(value, "dry-run")));
    assert_string_equal(text_of(value, "thumbprint"), c->thumbprint);
    json_decref(value);
    assert_int_equal(count("/v1/certificates", "certificates"), before);
    assert_int_equal(script_ask("POST", "/v1/certificates", right, &value), 201);
    const json_t *certificate = json_object_get(value, "certificate");
    assert_string_equal(text_of(certificate, "friendly-name"), "front");
    assert_int_equal(json_array_size(json_object_get(certificate, "services")), 2);
    json_decref(value);
    script_expect("POST", "/v1/certificates", right, 409, "exists");
    free(wrong);
    free(right);
    buf_done(&bytes);
    certificate_free(c);
}

/* The one that mail.example.com is served with. */
static void presented(char thumbprint[CERT_THUMBPRINT_HEX])
{
    json_t *value = script_get("/v1/explain/internet");
    snprintf(thumbprint, CERT_THUMBPRINT_HEX, "%s",
             text_of(json_object_get(value, "presents"), "thumbprint"));
    json_decref(value);
}

static void test_worse_is_refused(void **state)
{
    (void)state;
    char own[CERT_THUMBPRINT_HEX], target[200];
    json_t *value, *item;
    size_t i;
    presented(own);
    value = script_get("/v1/certificates");
    json_array_foreach(json_object_get(value, "certificates"), i, item)
    {
        if (strcmp(text_of(item, "thumbprint"), own) != 0)
            script_expect("DELETE", path(text_of(item, "thumbprint"), ""), NULL, 200, NULL);
    }
    json_decref(value);
    assert_int_equal(script_ask("DELETE", path(own, ""), NULL, &value), 409);
    assert_string_equal(text_of(json_object_get(value, "error"), "code"), "refused");
    const json_t *plan = json_object_get(value, "plan");
    assert_true(json_is_true(json_object_get(plan, "refused")));
    assert_int_equal(json_array_size(json_object_get(plan, "connectors")), 1);
    json_decref(value);
    script_expect("PATCH", path(own, ""), "{\"disable\": [\"smtp\"]}", 409, "refused");
    script_expect("PATCH", path(own, ""), "{\"disable\": [\"imap\"]}", 400, "bad-body");
    script_expect("PATCH", path(own, ""), "{\"notes\": \"a\\nb\"}", 400, "bad-body");
    script_expect("DELETE", path("abc", ""), NULL, 409, "ambiguous");
    script_expect("DELETE", path("0000000000", ""), NULL, 404, "not-found");
    snprintf(target, sizeof(target), "/v1/explain/internet?if-removed=%s", own);
    value = script_get(target);
    assert_string_equal(text_of(json_object_get(value, "change"), "effect"), "broken");
    json_decref(value);
}

static void test_notes_and_export(void **state)
{
    (void)state;
    char own[CERT_THUMBPRINT_HEX];
    json_t *value;
    presented(own);
    script_expect("PATCH", path(own, ""), "{\"notes\": \"for the front door\"}", 200, NULL);
    value = script_get(path(own, ""));
    assert_string_equal(text_of(value, "notes"), "for the front door");
    assert_int_equal(json_array_size(json_object_get(value, "verdicts")), 1);
    json_decref(value);
    value = script_get(path(own, "/export"));
    assert_null(strstr(text_of(value, "data"), "PRIVATE KEY"));
    json_decref(value);
    script_expect("POST", path(own, "/export"), "{}", 422, "bad-passphrase");
    script_expect("POST", path(own, "/export"), "{\"passphrase\": \"a\"}", 200, NULL);
}

static void test_requests(void **state)
{
    (void)state;
    json_t *value;
    char target[160];
    script_expect("POST", "/v1/certificates/requests", "{\"key\": \"rsa512\"}", 400, "bad-body");
    script_expect("POST", "/v1/certificates/requests", "{\"names\": [\"a b\"]}", 422, "bad-names");
    script_expect("POST", "/v1/certificates/requests", "{\"renew\": \"00000000\"}", 404,
                  "not-found");
    assert_int_equal(
        script_ask("POST", "/v1/certificates/requests", "{\"add\": [\"new.example.com\"]}", &value),
        201);
    assert_int_equal(json_array_size(json_object_get(value, "names")), 2);
    assert_non_null(strstr(text_of(value, "csr"), "CERTIFICATE REQUEST"));
    snprintf(target, sizeof(target), "/v1/certificates/requests/%.16s", text_of(value, "id"));
    json_decref(value);
    assert_int_equal(count("/v1/certificates/requests", "requests"), 1);
    value = script_get(target);
    assert_string_equal(text_of(value, "status"), "pending");
    json_decref(value);
    script_expect("DELETE", target, NULL, 200, NULL);
    script_expect("GET", target, NULL, 404, "not-found");
    assert_int_equal(count("/v1/certificates/requests", "requests"), 0);
}

static void test_self_signed(void **state)
{
    (void)state;
    script_expect("POST", "/v1/certificates/self-signed", "{\"days\": 0}", 400, "bad-body");
    script_expect("POST", "/v1/certificates/self-signed", "{\"names\": [\"a b\"]}", 422,
                  "bad-names");
    script_expect("POST", "/v1/certificates/self-signed", "{\"names\": \"a\"}", 400, "bad-body");
    script_expect("POST", "/v1/certificates/self-signed", "{\"names\": [\"x.example.com\"]}", 201,
                  NULL);
}

static void test_questions(void **state)
{
    (void)state;
    script_expect("GET", "/v1/explain/nobody", NULL, 404, "not-found");
    script_expect("GET", "/v1/explain/internet?at=soon", NULL, 400, "bad-parameter");
    script_expect("POST", "/v1/explain/internet", "nonsense", 422, "bad-certificate");
    script_expect("GET", "/v1/explain/internet?if-removed=00000", NULL, 404, "not-found");
    json_t *value = script_get("/v1/explain/internet?at=2090-01-01&sni=x.example.com");
    assert_true(json_is_true(json_object_get(json_object_get(value, "presents"), "expired")));
    json_decref(value);
    script_expect("GET", "/v1/explain/internet?kind=inward", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/explain/internet?kind=send", NULL, 404, "not-found");
    assert_true(count("/v1/explain?kind=receive", "connectors") > 0);
    value = script_get("/v1/doctor");
    assert_string_equal(text_of(value, "health"), "green");
    json_decref(value);
    script_expect("POST", "/v1/certificates/renew", NULL, 409, "not-configured");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_is_planned), cmocka_unit_test(test_worse_is_refused),
        cmocka_unit_test(test_notes_and_export),  cmocka_unit_test(test_requests),
        cmocka_unit_test(test_self_signed),       cmocka_unit_test(test_questions),
    };
    return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
