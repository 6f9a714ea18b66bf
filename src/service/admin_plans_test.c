/* Changes of the document are planned: refused, shown, forced and recorded, and never judged beside
 * another change. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/admin_script.h"
#include "service/apply.h"
#include "service/rotate.h"

#define CONNECTOR "/v1/receive-connectors/internet"

static json_int_t revision(void)
{
    json_t *value = script_get("/v1/config");
    json_int_t number = json_integer_value(json_object_get(value, "revision"));
    json_decref(value);
    return number;
}

static const char *text_of(const json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    return text ? text : "";
}

/* The newest event of that name; NULL: there is none. To be released. */
static json_t *newest_event(const char *name)
{
    json_t *value = script_get("/v1/events"), *item, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(value, "events"), i, item)
    {
        if (strcmp(text_of(item, "name"), name) != 0)
            continue;
        json_decref(found);
        found = json_incref(item);
    }
    json_decref(value);
    return found;
}

static void refused(const char *method, const char *target, const char *body)
{
    json_t *value;
    json_int_t before = revision();
    assert_int_equal(script_ask(method, target, body, &value), 409);
    const json_t *error = json_object_get(value, "error"), *plan = json_object_get(value, "plan");
    const json_t *row = json_array_get(json_object_get(plan, "connectors"), 0);
    assert_string_equal(text_of(error, "code"), "refused");
    assert_non_null(strstr(text_of(error, "text"), "internet"));
    assert_non_null(strstr(text_of(error, "remedy"), "sealpost cert request x.example"));
    assert_true(json_is_true(json_object_get(plan, "refused")));
    assert_string_equal(text_of(row, "connector"), "internet");
    assert_string_equal(text_of(row, "effect"), "worse");
    json_decref(value);
    assert_int_equal(revision(), before);
}

static void taken(const char *method, const char *target, const char *body, bool forced)
{
    json_t *value;
    json_int_t before = revision();
    assert_int_equal(script_ask(method, target, body, &value), 200);
    assert_int_equal(json_is_true(json_object_get(value, "forced")), forced);
    assert_int_equal(json_is_true(json_object_get(json_object_get(value, "plan"), "refused")),
                     forced);
    assert_int_equal(json_integer_value(json_object_get(value, "revision")), before + 1);
    json_decref(value);
}

static void test_worse_is_refused_and_forced(void **state)
{
    (void)state;
    const char *worse = "{\"fqdn\": \"x.example\"}";
    char restore[64];
    json_t *value, *event;
    assert_null(newest_event("document-refused"));
    refused("PATCH", CONNECTOR "?dry-run=1", worse);
    assert_null(newest_event("document-refused")); /* nobody wanted it */
    refused("PATCH", CONNECTOR, worse);
    event = newest_event("document-refused");
    assert_non_null(strstr(text_of(event, "text"), "1 connector would get worse: internet"));
    assert_non_null(strstr(text_of(event, "remedy"), "sealpost config apply --force FILE"));
    json_decref(event);
    assert_int_equal(script_ask("PATCH", CONNECTOR "?dry-run=1&force=1", worse, &value), 200);
    assert_true(json_is_true(json_object_get(json_object_get(value, "plan"), "refused")));
    assert_true(json_is_false(json_object_get(value, "forced")));
    json_decref(value);
    assert_null(newest_event("document-forced"));
    json_int_t good = revision();
    taken("PATCH", CONNECTOR "?force=1", worse, true);
    event = newest_event("document-forced");
    assert_non_null(strstr(text_of(event, "text"), "with --force, although: 1 connector"));
    assert_string_equal(text_of(event, "level"), "warning");
    json_decref(event);
    /* bad, and as bad afterwards: no reason to refuse what has nothing to do with it */
    taken("PATCH", CONNECTOR, "{\"max-recipients\": 150}", false);
    json_int_t bad = revision();
    snprintf(restore, sizeof(restore), "/v1/config/revisions/%lld/restore", (long long)good);
    taken("POST", restore, "", false);
    snprintf(restore, sizeof(restore), "/v1/config/revisions/%lld/restore", (long long)bad);
    refused("POST", restore, "");
}

static void test_no_plan_without_a_change(void **state)
{
    (void)state;
    json_t *config = script_get("/v1/config"), *value;
    assert_int_equal(script_ask("PUT", "/v1/config", text_of(config, "text"), &value), 200);
    assert_true(json_is_null(json_object_get(value, "plan")));
    json_decref(value);
    json_decref(config);
}

/* ---- two changes at once ---- */

struct pair {
    sem_t done;
    struct span yaml, thumbprint;
    struct arena arena;
    enum err document, certificate;
    bool refused;
};

static void on_document(void *context, const struct apply_result *result)
{
    struct pair *pair = context;
    pair->document = result->err;
    sem_post(&pair->done);
}

static void on_certificate(void *context, enum err err, const struct plan *plan, struct span why)
{
    struct pair *pair = context;
    (void)why;
    pair->certificate = err;
    pair->refused = plan->refused;
    sem_post(&pair->done);
}

/* The second is asked for before the first is in force. */
static void change_both(void *context)
{
    struct pair *pair = context;
    apply_document(&script_world, &(struct apply_change){.yaml = pair->yaml, .author = SPAN("a")},
                   on_document, pair);
    rotate_change(&script_world,
                  &(struct rotate_change){
                      .kind = ROTATE_REMOVE, .thumbprint = pair->thumbprint, .author = SPAN("b")},
                  on_certificate, pair);
}

static void run_both(struct pair *pair)
{
    assert_int_equal(sem_init(&pair->done, 0, 0), 0);
    loop_post(script_world.main_loop, change_both, pair);
    sem_wait(&pair->done);
    sem_wait(&pair->done);
    sem_destroy(&pair->done);
}

/* A name is moved to a certificate while that one is removed: one of the two has to give way. */
static void test_one_after_another(void **state)
{
    (void)state;
    json_t *value, *config = script_get("/v1/config");
    struct pair pair = {.arena = ARENA_INIT};
    struct buf yaml = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    assert_int_equal(script_ask("POST", "/v1/certificates/self-signed",
                                "{\"names\": [\"other.example.com\"]}", &value),
                     201);
    pair.thumbprint = arena_copy(&pair.arena, span_of(text_of(value, "thumbprint")));
    json_decref(value);
    assert_int_equal(document_edit(span_of(text_of(config, "text")),
                                   SPAN("receive-connectors.internet.fqdn"),
                                   SPAN("other.example.com"), &yaml, &why),
                     OK);
    pair.yaml = buf_span(&yaml);
    run_both(&pair);
    assert_int_equal(pair.document, OK);
    assert_int_equal(pair.certificate, ERR_REFUSED);
    assert_true(pair.refused);
    /* What was judged against another revision is not applied. */
    script_expect("PATCH", CONNECTOR "?if-revision=1", "{\"max-hops\": 8}", 409,
                  "changed-meanwhile");
    json_decref(config);
    buf_done(&yaml);
    buf_done(&why);
    arena_done(&pair.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worse_is_refused_and_forced),
        cmocka_unit_test(test_no_plan_without_a_change),
        cmocka_unit_test(test_one_after_another),
    };
    return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
