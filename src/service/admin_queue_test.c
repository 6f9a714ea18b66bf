/* The API's side of the queue, tracking and events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/admin_script.h"
#include "store/queue.h"

static void on_committed(void *context, struct queue_commit *commit, enum err err)
{
    assert_int_equal(err, OK);
    queue_commit_free(commit);
    atomic_store((_Atomic int *)context, 1);
}

/* Puts a held message for two recipients into the queue; its id as text. */
static void put_message(char text[MESSAGE_ID_TEXT], const char *subject)
{
    static _Atomic int done;
    struct recipient recipients[] = {
        {.address = SPAN("a@example.com"), .domain = SPAN("example.com")},
        {.address = SPAN("b@other.example"), .domain = SPAN("other.example")}};
    struct queue_writer *w = queue_writer_new(script_world.store);
    struct queue_commit *commit = queue_commit_new();
    int64_t now = clock_now_ms();
    assert_int_equal(queue_writer_add(w, SPAN("Subject: x\r\n\r\nhello\r\n")), OK);
    commit->arrivals = ARENA_NEW(&commit->arena, struct queue_arrival);
    commit->arrival_count = 1;
    commit->arrivals[0] = (struct queue_arrival){
        .envelope = {.id = message_id_new(now),
                     .reverse_path = SPAN("sender@client.example"),
                     .size = queue_writer_size(w),
                     .received_ms = now,
                     .connector = SPAN("internet"),
                     .protocol = SPAN("ESMTP"),
                     .subject = span_of(subject),
                     .recipients = recipients,
                     .recipient_count = 2},
        .content = w,
        .state = RECIPIENT_HELD,
    };
    message_id_format(commit->arrivals[0].envelope.id, text);
    commit->done = on_committed;
    commit->context = &done;
    atomic_store(&done, 0);
    queue_submit(script_world.store, commit);
    while (!atomic_load(&done))
        usleep(1000);
}

static size_t count_messages(const char *query)
{
    char target[160];
    snprintf(target, sizeof(target), "/v1/queue/messages%s", query);
    json_t *value = script_get(target);
    size_t count = json_array_size(json_object_get(value, "messages"));
    json_decref(value);
    return count;
}

static void test_messages_are_listed_and_shown(void **state)
{
    (void)state;
    char id[MESSAGE_ID_TEXT], path[96];
    put_message(id, "not UTF-8: \xE9 \033[2J");
    assert_int_equal(count_messages(""), 1);
    assert_int_equal(count_messages("?sender=*%40client.example&state=held"), 1);
    assert_int_equal(count_messages("?state=queued"), 0);
    assert_int_equal(count_messages("?domain=other.example"), 1);
    assert_int_equal(count_messages("?received-before=2001-01-01"), 0);
    assert_int_equal(count_messages("?received-after=2001-01-01"), 1);
    snprintf(path, sizeof(path), "/v1/queue/messages/%s", id);
    json_t *value = script_get(path);
    const json_t *recipients = json_object_get(value, "recipients");
    assert_string_equal(json_string_value(json_object_get(value, "subject")),
                        "not UTF-8: \xEF\xBF\xBD \033[2J");
    assert_int_equal(json_array_size(recipients), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(recipients, 0), "state")),
                        "held");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(recipients, 0), "connector")), "inside");
    assert_true(json_is_null(json_object_get(json_array_get(recipients, 1), "connector")));
    json_decref(value);
}

static void test_content_comes_whole(void **state)
{
    (void)state;
    json_t *value = script_get("/v1/queue/messages");
    const json_t *message = json_array_get(json_object_get(value, "messages"), 0);
    char path[128], piece[4096];
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    snprintf(path, sizeof(path), "/v1/queue/messages/%s/content",
             json_string_value(json_object_get(message, "id")));
    json_decref(value);
    int fd = script_connect();
    script_send(fd, "GET", path, NULL);
    for (ssize_t n; (n = read(fd, piece, sizeof(piece))) > 0;)
        buf_add(&answer, span_make(piece, (size_t)n));
    close(fd);
    assert_true(span_starts(buf_span(&answer), SPAN("HTTP/1.1 200 ")));
    assert_true(span_search(buf_span(&answer), SPAN("Subject: x\r\n\r\nhello\r\n")) < answer.n);
    buf_done(&answer);
}

static void test_actions_need_to_say_what_they_mean(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code;
    } cases[] = {
        {"{}", "bad-body"},
        {"{\"action\": \"explode\", \"all\": true}", "bad-body"},
        {"{\"action\": \"remove\"}", "all-not-said"},
        {"{\"action\": \"remove\", \"filter\": {}}", "all-not-said"},
        {"{\"action\": \"remove\", \"filter\": {}, \"all\": 1}", "all-not-said"},
        {"{\"action\": \"remove\", \"filter\": {\"sender\": \"\"}}", "all-not-said"},
        {"{\"action\": \"remove\", \"filter\": {\"sendr\": \"x\"}, \"all\": true}", "bad-filter"},
        {"{\"action\": \"remove\", \"filter\": {\"sender\": 1}}", "bad-filter"},
        {"{\"action\": \"remove\", \"filter\": {\"id\": \"1\"}}", "bad-filter"},
        {"{\"action\": \"remove\", \"filter\": []}", "bad-body"},
        {"not json", "bad-body"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        script_expect("POST", "/v1/queue/actions", cases[i].body, 400, cases[i].code);
    assert_int_equal(count_messages(""), 1);
}

/* Where they go counts, whether they were tried or not. */
static void test_filters_by_the_way(void **state)
{
    (void)state;
    json_t *value = script_get("/v1/queue/messages?connector=INSIDE");
    const json_t *messages = json_object_get(value, "messages");
    assert_int_equal(json_array_size(messages), 1);
    const json_t *recipients = json_object_get(json_array_get(messages, 0), "recipients");
    assert_int_equal(json_array_size(recipients), 1);
    const json_t *recipient = json_array_get(recipients, 0);
    char target[200];
    snprintf(target, sizeof(target), "?next-hop=%s",
             json_string_value(json_object_get(recipient, "next-hop")));
    assert_int_equal(json_integer_value(json_object_get(recipient, "attempts")), 0);
    json_decref(value);
    assert_int_equal(count_messages(target), 1);
    assert_int_equal(count_messages("?connector=outside"), 0);
    assert_int_equal(count_messages("?next-hop=nowhere/*"), 0);
    assert_int_equal(count_messages("?connector=inside&domain=other.example"), 0);
}

static void test_actions_act_on_what_matches(void **state)
{
    (void)state;
    json_t *value;
    char id[MESSAGE_ID_TEXT], body[128];
    put_message(id, "second");
    assert_int_equal(count_messages(""), 2);
    assert_int_equal(count_messages("?limit=1"), 1);
    assert_int_equal(
        script_ask("POST", "/v1/queue/actions",
                   "{\"action\": \"remove\", \"filter\": {\"domain\": \"other.example\"}}", &value),
        200);
    assert_int_equal(json_integer_value(json_object_get(value, "recipients")), 2);
    assert_int_equal(json_integer_value(json_object_get(value, "messages")), 2);
    json_decref(value);
    assert_int_equal(count_messages("?domain=other.example"), 0);
    snprintf(body, sizeof(body), "{\"action\": \"remove\", \"filter\": {\"id\": \"%s\"}}", id);
    assert_int_equal(script_ask("POST", "/v1/queue/actions", body, &value), 200);
    assert_int_equal(json_integer_value(json_object_get(value, "messages")), 1);
    json_decref(value);
    assert_int_equal(count_messages(""), 1);
    script_expect("POST", "/v1/queue/actions", "{\"action\": \"remove\", \"all\": true}", 200,
                  NULL);
    assert_int_equal(count_messages(""), 0);
    value = script_get("/v1/track?event=REMOVE");
    assert_int_equal(json_array_size(json_object_get(value, "records")), 4);
    json_decref(value);
}

static void test_followers_hear_of_events(void **state)
{
    (void)state;
    struct event event = {.time_ms = clock_now_ms(),
                          .id = 50999,
                          .level = LOG_WARNING,
                          .name = SPAN("test"),
                          .subject = SPAN("nothing"),
                          .text = SPAN("followed")};
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = script_connect();
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    script_send(fd, "GET", "/v1/events?follow=1", NULL);
    char piece[4096];
    while (span_search(buf_span(&answer), SPAN("followed")) == answer.n) {
        if (span_starts(buf_span(&answer), SPAN("HTTP/1.1 200")) && event.id) {
            usleep(200000); /* until it has read where the events end now */
            events_add(script_world.store, &event);
            event.id = 0;
        }
        ssize_t n = read(fd, piece, sizeof(piece));
        assert_true(n > 0);
        buf_add(&answer, span_make(piece, (size_t)n));
    }
    close(fd);
    buf_done(&answer);
    json_t *value = script_get("/v1/events?level=warning");
    assert_true(json_array_size(json_object_get(value, "events")) >= 1);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_listed_and_shown),
        cmocka_unit_test(test_content_comes_whole),
        cmocka_unit_test(test_actions_need_to_say_what_they_mean),
        cmocka_unit_test(test_filters_by_the_way),
        cmocka_unit_test(test_actions_act_on_what_matches),
        cmocka_unit_test(test_followers_hear_of_events),
    };
    return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
