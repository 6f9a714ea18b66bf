/* The API against a real world (store, delivery, listeners): what each path answers, what is
 * refused and how, and that refused changes change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/admin_script.h"

static json_int_t revision(void)
{
    json_t *value = script_get("/v1/config");
    json_int_t number = json_integer_value(json_object_get(value, "revision"));
    json_decref(value);
    return number;
}

/* A member of the first (or only) receive connector. */
static char *connector_member(const char *key)
{
    json_t *value = script_get("/v1/receive-connectors/internet");
    char *text = json_dumps(json_object_get(value, key), JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}

static void test_paths_and_methods(void **state)
{
    (void)state;
    script_expect("GET", "/v1/version", NULL, 200, NULL);
    script_expect("GET", "/v1/status", NULL, 200, NULL);
    script_expect("GET", "/", NULL, 404, "no-such-path");
    script_expect("GET", "/v1", NULL, 404, "no-such-path");
    script_expect("GET", "/v1/status/", NULL, 404, "no-such-path");
    script_expect("GET", "/v2/status", NULL, 404, "no-such-path");
    script_expect("GET", "/v1/receive-connectors/", NULL, 404, "no-such-path");
    script_expect("GET", "/v1/receive-connectors/a/b", NULL, 404, "no-such-path");
    script_expect("DELETE", "/v1/status", NULL, 405, "method-not-allowed");
    script_expect("OPTIONS", "/v1/status", NULL, 405, "method-not-allowed");
    script_expect("POST", "/v1/config", "x", 405, "method-not-allowed");
}

static void test_bad_parameters_are_named(void **state)
{
    (void)state;
    script_expect("GET", "/v1/queue/messages?limit=1001", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/queue/messages?limit=-1", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/queue/messages?after=x", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/queue/messages?state=open", NULL, 400, "bad-filter");
    script_expect("GET", "/v1/queue/messages?id=1", NULL, 400, "bad-filter");
    script_expect("GET", "/v1/queue/messages?received-before=2h", NULL, 400, "bad-filter");
    script_expect("GET", "/v1/track?since=x", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/track?id=x", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/events?level=loud", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/events?after=x", NULL, 400, "bad-parameter");
    script_expect("GET", "/v1/config/revisions/0", NULL, 404, "not-found");
    script_expect("GET", "/v1/config/revisions/x", NULL, 404, "not-found");
    script_expect("GET", "/v1/config/revisions/4711", NULL, 404, "not-found");
    script_expect("GET", "/v1/queue/messages/x", NULL, 404, "not-found");
    script_expect("GET", "/v1/queue/messages/01a204dd-a44c-77a8-9617-1f21f0987f77", NULL, 404,
                  "not-found");
    script_expect("GET", "/v1/queue/messages/01a204dd-a44c-77a8-9617-1f21f0987f77/content", NULL,
                  404, "not-found");
    script_expect("GET", "/v1/certificates/zz", NULL, 404, "not-found");
}

static void test_a_document_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    json_t *config = script_get("/v1/config"), *value;
    char *text = strdup(json_string_value(json_object_get(config, "text")));
    json_int_t before = revision();
    json_decref(config);
    script_expect("PUT", "/v1/config", NULL, 400, "bad-body");
    script_expect("PUT", "/v1/config", "hostname: x y\n", 422, "invalid-document");
    script_expect("POST", "/v1/config/diff", "{", 422, "invalid-document");
    assert_int_equal(
        script_ask("PUT", "/v1/config", "hostname: a.example\nfoo: 1\nbar: 2\n", &value), 422);
    const json_t *problems = json_object_get(value, "problems");
    assert_true(json_array_size(problems) >= 2);
    unsigned named = 0;
    for (size_t i = 0; i < json_array_size(problems); i++)
        named |= 1u << json_integer_value(json_object_get(json_array_get(problems, i), "line"));
    assert_int_equal(named & 0xE, 0xC); /* the second and the third line, not the first */
    json_decref(value);
    assert_int_equal(revision(), before);
    /* the same again is no new revision */
    assert_int_equal(script_ask("PUT", "/v1/config", text, &value), 200);
    assert_false(json_is_true(json_object_get(value, "changed")));
    assert_int_equal(json_integer_value(json_object_get(value, "revision")), before);
    json_decref(value);
    free(text);
}

static void test_a_connector_is_changed_and_restored(void **state)
{
    (void)state;
    json_int_t before = revision();
    char path[64];
    json_t *value;
    script_expect("PATCH", "/v1/receive-connectors/internet?dry-run=1", "{\"max-recipients\": 150}",
                  200, NULL);
    assert_int_equal(revision(), before);
    assert_int_equal(
        script_ask("PATCH", "/v1/receive-connectors/internet?comment=x",
                   "{\"max-recipients\": 150, \"banner\": \"mail.example.com # \\\"x\\\": y\", "
                   "\"max-hops\": \"9\"}",
                   &value),
        200);
    assert_int_equal(json_integer_value(json_object_get(value, "revision")), before + 1);
    assert_true(json_string_length(json_object_get(value, "diff")) > 0);
    json_decref(value);
    char *banner = connector_member("banner");
    assert_string_equal(banner, "\"mail.example.com # \\\"x\\\": y\"");
    free(banner);
    script_expect("PATCH", "/v1/receive-connectors/internet?if-revision=1", "{\"max-hops\": 8}",
                  before + 1 == 1 ? 200 : 409, "changed-meanwhile");
    script_expect("PATCH", "/v1/receive-connectors/internet",
                  "{\"banner\": null, \"max-hops\": \"\"}", 200, NULL);
    char *hops = connector_member("max-hops");
    assert_string_equal(hops, "100");
    free(hops);
    snprintf(path, sizeof(path), "/v1/config/revisions/%lld/restore", (long long)before);
    script_expect("POST", path, "", 200, NULL);
    assert_int_equal(revision(), before + 3);
    value = script_get("/v1/config/revisions?limit=2");
    assert_int_equal(json_array_size(json_object_get(value, "revisions")), 2);
    json_decref(value);
    snprintf(path, sizeof(path), "/v1/config/revisions/%lld", (long long)before + 3);
    value = script_get(path);
    char restore[32];
    snprintf(restore, sizeof(restore), "restore %lld", (long long)before);
    assert_string_equal(json_string_value(json_object_get(value, "comment")), restore);
    assert_true(json_string_length(json_object_get(value, "text")) > 0);
    json_decref(value);
}

static void test_refused_edits_change_nothing(void **state)
{
    (void)state;
    json_int_t before = revision();
    script_expect("PATCH", "/v1/receive-connectors/nobody", "{}", 404, "not-found");
    script_expect("PATCH", "/v1/receive-connectors/internet", "[]", 400, "bad-body");
    script_expect("PATCH", "/v1/receive-connectors/internet", "{\"a\": 1, \"a\": 2}", 400,
                  "bad-body");
    script_expect("PATCH", "/v1/receive-connectors/internet", "{\"tls\": \"maybe\"}", 422,
                  "invalid-document");
    script_expect("PATCH", "/v1/receive-connectors/internet", "{\"no-such-key\": 1}", 422,
                  "invalid-document");
    /* neither keys nor values may reach beyond their place */
    script_expect("PATCH", "/v1/receive-connectors/internet", "{\"x.y\": 1}", 400, "bad-body");
    script_expect("PATCH", "/v1/receive-connectors/internet",
                  "{\"banner\": \"a\\nhostname: evil.example\"}", 400, "bad-body");
    script_expect("POST", "/v1/receive-connectors", "{\"bind\": \"127.0.0.1:1\"}", 400, "bad-body");
    script_expect("POST", "/v1/receive-connectors", "{\"name\": \"internet\"}", 409, "exists");
    script_expect("POST", "/v1/send-connectors", "{\"name\": \"inside\"}", 409, "exists");
    script_expect("DELETE", "/v1/send-connectors/nobody", NULL, 404, "not-found");
    assert_int_equal(revision(), before);
}

static void test_a_connector_comes_and_goes(void **state)
{
    (void)state;
    json_t *value;
    script_expect(
        "POST", "/v1/send-connectors",
        "{\"name\": \"dead.end\", \"address-spaces\": [\"*\"], \"smart-hosts\": \"[127.0.0.1]:1\"}",
        200, NULL);
    value = script_get("/v1/send-connectors/dead.end");
    assert_string_equal(json_string_value(json_object_get(value, "deliver-by")), "smart-host");
    json_decref(value);
    script_expect("PATCH", "/v1/send-connectors/dead.end", "{\"max-connections\": 3}", 200, NULL);
    value = script_get("/v1/send-connectors");
    assert_int_equal(json_array_size(json_object_get(value, "send-connectors")), 2);
    json_decref(value);
    script_expect("DELETE", "/v1/send-connectors/dead.end", NULL, 200, NULL);
    script_expect("GET", "/v1/send-connectors/dead.end", NULL, 404, "not-found");
}

static void test_certificates(void **state)
{
    (void)state;
    const struct span names[] = {SPAN("mail.example.com"), SPAN("host.example.com")};
    struct certificate *c;
    struct buf pem = BUF_INIT(BUF_UNLIMITED);
    json_t *value;
    int64_t now = clock_now_ms();
    assert_int_equal(certificate_new_self_signed(names, 2, now - MINUTE_MS, now + 90 * DAY_MS, &c),
                     OK);
    script_expect("POST", "/v1/certificates", "nonsense", 422, "bad-certificate");
    assert_int_equal(certificate_write_pem(c, false, &pem), OK);
    script_expect("POST", "/v1/certificates", buf_text(&pem), 422, "bad-certificate");
    buf_reset(&pem);
    assert_int_equal(certificate_write_pem(c, true, &pem), OK);
    assert_int_equal(script_ask("POST", "/v1/certificates", buf_text(&pem), &value), 201);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(value, "certificate"), "status")),
        "active");
    json_decref(value);
    char path[128];
    snprintf(path, sizeof(path), "/v1/certificates/%.2s%%3A%.4s%%20%.4s", c->thumbprint,
             c->thumbprint + 2, c->thumbprint + 6);
    value = script_get(path);
    assert_string_equal(json_string_value(json_object_get(value, "thumbprint")), c->thumbprint);
    assert_int_equal(json_array_size(json_object_get(value, "verdicts")), 1);
    json_decref(value);
    value = script_get("/v1/certificates");
    const json_t *list = json_object_get(value, "certificates"), *item;
    size_t i;
    assert_int_equal(json_array_size(list), 2);
    json_array_foreach(list, i, item)
    {
        bool imported =
            strcmp(json_string_value(json_object_get(item, "thumbprint")), c->thumbprint) == 0;
        assert_string_equal(json_string_value(json_object_get(item, "status")),
                            imported ? "active" : "superseded");
    }
    json_decref(value);
    certificate_free(c);
    buf_done(&pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_and_methods),
        cmocka_unit_test(test_bad_parameters_are_named),
        cmocka_unit_test(test_a_document_is_taken_whole_or_not_at_all),
        cmocka_unit_test(test_a_connector_is_changed_and_restored),
        cmocka_unit_test(test_refused_edits_change_nothing),
        cmocka_unit_test(test_a_connector_comes_and_goes),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
