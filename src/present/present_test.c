#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "present/certificate_json.h"
#include "present/doctor_json.h"
#include "present/explain_json.h"
#include "present/finding_json.h"
#include "present/json.h"
#include "present/selection_json.h"

static const int64_t NOW = 1795000000000;

struct world {
    struct arena arena;
    struct document *document;
    struct certificate_set set;
    struct candidate candidates[4];
    struct view view;
};

static struct certificate *make(const char *name, int64_t from_ms, int64_t to_ms, unsigned services)
{
    struct span names[] = {span_of(name)};
    struct certificate *c;
    assert_int_equal(certificate_new_self_signed(names, 1, from_ms, to_ms, &c), OK);
    c->services = services;
    return c;
}

static void set_up(struct world *w, struct certificate **certificates, size_t count)
{
    struct span yaml = SPAN("hostname: mx.example.test\naccepted-domains: [example.test]\n"
                            "receive-connectors:\n"
                            "  in: {bind: ['127.0.0.1:2525'], fqdn: mx.example.test}\n"
                            "  plain: {bind: ['127.0.0.1:2526'], fqdn: mx.example.test, tls: off}\n"
                            "send-connectors:\n"
                            "  out: {address-spaces: ['*'], smart-hosts: [relay.example.test]}\n");
    struct problems problems = {0};
    *w = (struct world){0};
    assert_int_equal(document_parse(yaml, &problems, &w->document), OK);
    problems_done(&problems);
    w->set.items = certificates;
    w->set.count = count;
    w->set.meta = ARENA_ARRAY(&w->arena, struct certificate_meta, count);
    w->set.paths = ARENA_ARRAY(&w->arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        w->candidates[i] = (struct candidate){certificates[i], CHAIN_SELF_SIGNED};
    struct plan_state state = {w->document, w->candidates, count};
    w->view = view_make(&w->arena, &state, &w->set, NOW);
}

static void tear_down(struct world *w)
{
    for (size_t i = 0; i < w->set.count; i++)
        certificate_free(w->set.items[i]);
    document_free(w->document);
    arena_done(&w->arena);
}

static void test_texts_of_peers_are_made_utf8(void **state)
{
    (void)state;
    json_t *value = present_text(SPAN("a\xff\x80z"));
    assert_string_equal(json_string_value(value), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
    json_decref(value);
    value = present_text(SPAN_NONE);
    assert_string_equal(json_string_value(value), "");
    json_decref(value);
    value = present_text_or_null(SPAN_NONE);
    assert_true(json_is_null(value));
    value = present_time(0);
    assert_true(json_is_null(value));
}

static void test_services_there_and_back(void **state)
{
    (void)state;
    for (unsigned services = 0; services < 16; services++) {
        unsigned back = 99;
        json_t *value = services_to_json(services);
        assert_int_equal(services_from_json(value, &back), OK);
        assert_int_equal(back, services);
        json_decref(value);
    }
    static const char *const wrong[] = {"\"smtp\"", "[\"imap\"]", "[1]", "{}"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        unsigned services = 7;
        json_t *value = json_loads(wrong[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(services_from_json(value, &services), ERR_RANGE);
        assert_int_equal(services, 7);
        json_decref(value);
    }
}

static void test_statuses(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP),
        make("mx.example.test", NOW - 9 * DAY_MS, NOW - DAY_MS, SERVICE_SMTP),
        make("mx.example.test", NOW + DAY_MS, NOW + 9 * DAY_MS, SERVICE_SMTP),
        make("other.example.test", NOW - DAY_MS, NOW + 9 * DAY_MS, SERVICE_SMTP)};
    struct world w;
    set_up(&w, items, COUNT_OF(items));
    static const char *const expected[] = {"active", "expired", "not-yet-valid", "untrusted"};
    for (size_t i = 0; i < COUNT_OF(items); i++)
        assert_string_equal(certificate_status_name(&w.view, i), expected[i]);
    w.candidates[3].chain = CHAIN_TRUSTED;
    assert_string_equal(certificate_status_name(&w.view, 3), "standby");
    w.candidates[3].chain = CHAIN_INCOMPLETE;
    assert_string_equal(certificate_status_name(&w.view, 3), "chain-incomplete");
    items[3]->weak_signature = true;
    assert_string_equal(certificate_status_name(&w.view, 3), "weak-signature");
    items[3]->key_matches = false;
    assert_string_equal(certificate_status_name(&w.view, 3), "key-mismatch");
    EVP_PKEY_free(items[3]->key);
    items[3]->key = NULL;
    assert_string_equal(certificate_status_name(&w.view, 3), "key-missing");
    tear_down(&w);
}

static void test_names_from_the_common_name(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + DAY_MS, SERVICE_SMTP)};
    struct world w;
    set_up(&w, items, COUNT_OF(items));
    json_t *value = certificate_to_json(&w.view, 0);
    assert_true(json_is_false(json_object_get(value, "names-from-cn")));
    assert_true(json_is_null(json_object_get(value, "advice")));
    json_decref(value);
    items[0]->names_from_cn = true;
    value = certificate_to_json(&w.view, 0);
    assert_true(json_is_true(json_object_get(value, "names-from-cn")));
    assert_non_null(strstr(json_string_value(json_object_get(value, "advice")),
                           "sealpost cert request mx.example.test"));
    json_decref(value);
    tear_down(&w);
}

static void test_thumbprints_by_their_head(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + DAY_MS, SERVICE_SMTP),
        make("mx.example.test", NOW - DAY_MS, NOW + DAY_MS, SERVICE_SMTP)};
    struct world w;
    size_t at = 99;
    set_up(&w, items, COUNT_OF(items));
    memcpy(items[0]->thumbprint, "abcd12", 6);
    memcpy(items[1]->thumbprint, "abcd34", 6);
    assert_int_equal(view_find(&w.set, SPAN("abc"), &at), VIEW_TOO_SHORT);
    assert_int_equal(view_find(&w.set, SPAN(""), &at), VIEW_TOO_SHORT);
    assert_int_equal(view_find(&w.set, SPAN("abcd"), &at), VIEW_AMBIGUOUS);
    assert_int_equal(view_find(&w.set, SPAN("abcd5"), &at), VIEW_UNKNOWN);
    assert_int_equal(view_find(&w.set, SPAN("abcd3 and more"), &at), VIEW_UNKNOWN);
    assert_int_equal(at, 99);
    assert_int_equal(view_find(&w.set, SPAN("AB:CD 3"), &at), VIEW_FOUND);
    assert_int_equal(at, 1);
    assert_int_equal(view_find(&w.set, span_of(items[0]->thumbprint), &at), VIEW_FOUND);
    assert_int_equal(at, 0);
    tear_down(&w);
}

static void test_explanations(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP),
        make("other.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP)};
    struct world w;
    struct buf why = BUF_INIT(1024);
    json_t *value = NULL;
    set_up(&w, items, COUNT_OF(items));
    struct explain explain = {.connector = SPAN("in")};
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    json_t *verdicts = json_object_get(value, "verdicts");
    assert_int_equal(json_array_size(verdicts), 2);
    assert_true(json_is_true(json_object_get(json_array_get(verdicts, 0), "chosen")));
    assert_true(json_is_false(json_object_get(json_array_get(verdicts, 1), "chosen")));
    assert_null(json_object_get(value, "change"));
    json_decref(value);

    explain.if_removed = span_of(items[0]->thumbprint);
    explain.sni = SPAN("other.example.test");
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    assert_int_equal(json_array_size(json_object_get(value, "verdicts")), 1);
    json_t *change = json_object_get(value, "change");
    assert_string_equal(json_string_value(json_object_get(change, "effect")), "worse");
    assert_non_null(json_object_get(value, "for-sni"));
    assert_true(json_array_size(json_object_get(value, "findings")) > 0);
    json_decref(value);

    value = NULL;
    explain.connector = SPAN("nobody");
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), ERR_NOT_FOUND);
    explain = (struct explain){.connector = SPAN("in"), .if_removed = SPAN("0000000")};
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), ERR_NOT_FOUND);
    assert_null(value);
    assert_true(why.n > 0);

    explain = (struct explain){.connector = SPAN("plain")};
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    assert_true(json_is_null(json_object_get(value, "presents")));
    assert_int_equal(json_array_size(json_object_get(value, "verdicts")), 0);
    json_decref(value);
    buf_done(&why);
    tear_down(&w);
}

static void test_explanations_of_send_connectors(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP),
        make("client.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_CLIENT)};
    struct world w;
    struct buf why = BUF_INIT(1024);
    json_t *value = NULL, *verdicts;
    set_up(&w, items, COUNT_OF(items));
    struct explain explain = {.connector = SPAN("out"), .sni = SPAN("never.counts.test")};
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    assert_string_equal(json_string_value(json_object_get(value, "kind")), "send");
    assert_true(json_is_null(json_object_get(value, "presents")));
    assert_int_equal(json_array_size(json_object_get(value, "findings")), 0);
    json_decref(value);

    w.document->send_connectors[0].tls_certificate = span_of(items[1]->thumbprint);
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(value, "presents"), "thumbprint")),
        items[1]->thumbprint);
    assert_string_equal(json_string_value(json_object_get(value, "pin-state")), "held");
    verdicts = json_object_get(value, "verdicts");
    assert_int_equal(json_array_size(verdicts), 2);
    assert_false(json_is_true(json_object_get(json_array_get(verdicts, 0), "chosen")));
    assert_true(json_is_true(json_object_get(json_array_get(verdicts, 1), "chosen")));
    json_decref(value);

    explain.if_removed = span_of(items[1]->thumbprint);
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), OK);
    assert_true(json_is_null(json_object_get(value, "presents")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(value, "change"), "effect")), "broken");
    assert_int_equal(json_array_size(json_object_get(value, "findings")), 1);
    json_decref(value);

    value = NULL;
    explain = (struct explain){.connector = SPAN("out"), .kind = EXPLAIN_RECEIVE};
    assert_int_equal(explain_to_json(&w.view, &explain, &value, &why), ERR_NOT_FOUND);
    assert_null(value);
    buf_done(&why);
    tear_down(&w);
}

static size_t count_explained(const struct world *w, struct explain explain)
{
    struct buf why = BUF_INIT(1024);
    json_t *value = NULL;
    assert_int_equal(explain_to_json(&w->view, &explain, &value, &why), OK);
    size_t n = json_array_size(json_object_get(value, "connectors"));
    json_decref(value);
    buf_done(&why);
    return n;
}

static void test_explanations_of_several(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP)};
    struct world w;
    enum explain_kind kind;
    set_up(&w, items, COUNT_OF(items));
    assert_int_equal(count_explained(&w, (struct explain){.kind = EXPLAIN_ANY}), 3);
    assert_int_equal(count_explained(&w, (struct explain){.kind = EXPLAIN_RECEIVE}), 2);
    assert_int_equal(count_explained(&w, (struct explain){.kind = EXPLAIN_SEND}), 1);
    w.document->send_connectors[0].name = SPAN("in");
    assert_int_equal(count_explained(&w, (struct explain){.connector = SPAN("in")}), 2);
    assert_int_equal(
        count_explained(&w, (struct explain){.connector = SPAN("in"), .kind = EXPLAIN_SEND}), 0);
    assert_int_equal(explain_kind_parse(SPAN("send"), &kind), OK);
    assert_int_equal(kind, EXPLAIN_SEND);
    assert_int_equal(explain_kind_parse(SPAN("sends"), &kind), ERR_RANGE);
    tear_down(&w);
}

static void test_a_view_without_a_document(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - DAY_MS, NOW + 90 * DAY_MS, SERVICE_SMTP)};
    struct world w;
    set_up(&w, items, COUNT_OF(items));
    struct plan_state none = {NULL, w.candidates, w.set.count};
    struct view view = view_make(&w.arena, &none, &w.set, NOW);
    json_t *value = certificates_to_json(&view);
    json_t *first = json_array_get(json_object_get(value, "certificates"), 0);
    assert_int_equal(json_array_size(json_object_get(first, "used-by")), 0);
    json_decref(value);
    tear_down(&w);
}

static void test_doctor(void **state)
{
    (void)state;
    struct certificate *items[] = {
        make("mx.example.test", NOW - 90 * DAY_MS, NOW - DAY_MS, SERVICE_SMTP)};
    struct world w;
    struct wire_fact seen = {
        .connector = SPAN("in"), .connected = true, .offered_starttls = true, .at_ms = NOW};
    set_up(&w, items, COUNT_OF(items));
    json_t *value = doctor_to_json(&w.view, &seen, 1);
    assert_string_equal(json_string_value(json_object_get(value, "health")), "red");
    json_t *finding, *findings = json_object_get(value, "findings");
    size_t i;
    bool expired = false;
    json_array_foreach(findings, i, finding) expired =
        expired || json_integer_value(json_object_get(finding, "id")) == EVENT_STARTTLS_EXPIRED;
    assert_true(expired);
    assert_int_equal(json_array_size(json_object_get(value, "listeners")), 1);
    json_decref(value);
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_peers_are_made_utf8),
        cmocka_unit_test(test_services_there_and_back),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_names_from_the_common_name),
        cmocka_unit_test(test_thumbprints_by_their_head),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_explanations_of_send_connectors),
        cmocka_unit_test(test_explanations_of_several),
        cmocka_unit_test(test_a_view_without_a_document),
        cmocka_unit_test(test_doctor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
