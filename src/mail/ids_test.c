/* ids and the envelope they name. */
#include "mail/ids.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mail/envelope.h"

static int cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct message_id));
}

static uint64_t time_of(struct message_id id)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.b[i];
    return ms;
}

static void test_form(void **state)
{
    (void)state;
    char text[MESSAGE_ID_TEXT];
    struct message_id id = message_id_new(1795000000000);
    assert_true(time_of(id) == 1795000000000);
    message_id_format(id, text);
    assert_int_equal(strlen(text), 36);
    assert_int_equal(text[14], '7');
    assert_non_null(strchr("89ab", text[19]));
    struct message_id back;
    assert_int_equal(message_id_parse(span_of(text), &back), OK);
    assert_true(message_id_eq(id, back));
    for (char *p = text; *p; p++)
        *p = (char)(*p >= 'a' ? *p - 32 : *p);
    assert_int_equal(message_id_parse(span_of(text), &back), OK);
    assert_true(message_id_eq(id, back));
}

static void test_refused_texts(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "01a1ee56-5e00-7762-a71a-0da370d592f",
                               "01a1ee56-5e00-7762-a71a-0da370d592f80",
                               "01a1ee56-5e00-7762-a71a-0da370d592fg",
                               "01a1ee5605e00-7762-a71a-0da370d592f8",
                               "01a1ee5-65e00-7762-a71a-0da370d592f8",
                               "{01a1ee56-5e00-7762-a71a-0da370d592}"};
    struct message_id id = {{77}};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(message_id_parse(span_of(bad[i]), &id), ERR_SYNTAX);
    assert_int_equal(id.b[0], 77);
}

/* Also where the clock stands still for longer than the counter lasts, steps back, or is wrong. */
static void test_rising(void **state)
{
    (void)state;
    int64_t now = 1795000001000;
    struct message_id last = message_id_new(now);
    for (int i = 0; i < 20000; i++) {
        int64_t said = i < 10000 ? now : i < 15000 ? now - 1000000 : i < 16000 ? -5 : now + i / 100;
        struct message_id id = message_id_new(said);
        assert_true(cmp(&id, &last) > 0);
        last = id;
    }
    assert_true(time_of(last) < (uint64_t)now + 1000); /* it runs ahead by little */
}

enum { THREADS = 4, IDS = 5000 };

static void *make_ids(void *p)
{
    struct message_id *ids = p;
    for (int i = 0; i < IDS; i++)
        ids[i] = message_id_new(1795000100000);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct message_id *ids = calloc((size_t)THREADS * IDS, sizeof(*ids));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + (ptrdiff_t)i * IDS), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 1; i < (size_t)THREADS * IDS; i++)
        assert_true(i % IDS == 0 || cmp(&ids[i - 1], &ids[i]) < 0);
    qsort(ids, (size_t)THREADS * IDS, sizeof(*ids), cmp);
    for (size_t i = 1; i < (size_t)THREADS * IDS; i++)
        assert_false(memcmp(ids[i - 1].b, ids[i].b, 8) == 0); /* even without the random half */
    free(ids);
}

static void test_envelope_copy(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char text[] = "abcdefghijklm";
    struct recipient recipients[2] = {
        {.address = span_make(text + 9, 1), .notify = NOTIFY_NEVER},
        {.domain = span_make(text + 10, 1), .orcpt = span_make(text + 11, 1)}};
    struct envelope e = {.reverse_path = span_make(text, 1),
                         .envid = span_make(text + 1, 1),
                         .connector = span_make(text + 2, 1),
                         .client_ip = span_make(text + 3, 1),
                         .helo = span_make(text + 4, 1),
                         .protocol = span_make(text + 5, 1),
                         .tls = span_make(text + 6, 1),
                         .header_message_id = span_make(text + 7, 1),
                         .subject = span_make(text + 8, 1),
                         .size = 99,
                         .smtputf8 = true,
                         .recipients = recipients,
                         .recipient_count = 2};
    struct envelope copy = envelope_copy(&arena, &e);
    memset(text, '!', sizeof(text)); /* the copy lives by itself */
    recipients[0].notify = 0;
    const struct span all[] = {copy.reverse_path,
                               copy.envid,
                               copy.connector,
                               copy.client_ip,
                               copy.helo,
                               copy.protocol,
                               copy.tls,
                               copy.header_message_id,
                               copy.subject,
                               copy.recipients[0].address,
                               copy.recipients[1].domain,
                               copy.recipients[1].orcpt};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_true(all[i].n == 1 && all[i].p[0] == (char)('a' + i));
    assert_true(copy.size == 99 && copy.smtputf8 && copy.recipients[0].notify == NOTIFY_NEVER);
    e = (struct envelope){0};
    copy = envelope_copy(&arena, &e);
    assert_int_equal(copy.recipient_count, 0);
    arena_done(&arena);
}

static void test_envelope_names(void **state)
{
    (void)state;
    char text[32];
    notify_format(0, text);
    assert_string_equal(text, "");
    notify_format(NOTIFY_NEVER, text);
    assert_string_equal(text, "NEVER");
    notify_format(NOTIFY_DELAY | NOTIFY_FAILURE | NOTIFY_SUCCESS, text);
    assert_string_equal(text, "SUCCESS,FAILURE,DELAY");
    assert_string_equal(body_type_name(BODY_7BIT), "7BIT");
    assert_string_equal(body_type_name(BODY_BINARYMIME), "BINARYMIME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),          cmocka_unit_test(test_refused_texts),
        cmocka_unit_test(test_rising),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_envelope_copy), cmocka_unit_test(test_envelope_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
