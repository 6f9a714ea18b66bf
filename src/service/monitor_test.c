/* Which events the state of certificates makes, how often, and that time alone changes selections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policy/diagnose.h"
#include "service/monitor.h"
#include "service/test_place.h"
#include "service/told.h"
#include "store/events.h"

enum { MENDED = 50001, EVENTS_MAX = 64 };

static struct place place;
static int64_t now_ms;

static int set_up(void **state)
{
    (void)state;
    now_ms = clock_now_ms();
    place_open(&place, true);
    place.world.monitor = monitor_new(&place.world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    monitor_free(place.world.monitor);
    place_close(&place);
    clock_release();
    return 0;
}

static const char offered[] =
    "hostname: mx.example.com\nreceive-connectors:\n  in: {bind: [@], fqdn: mx.example.com}\n";

static void publish(const char *yaml)
{
    place_publish(&place, yaml);
    monitor_snapshot_changed(place.world.monitor);
}

static void pass(int64_t ms)
{
    now_ms += ms;
    clock_set_ms(now_ms);
    monitor_snapshot_changed(place.world.monitor);
}

/* ---- events so far ---- */

struct recorded {
    unsigned ids[EVENTS_MAX];
    size_t count;
};

static void on_events(void *context, enum err err, const struct event *events, size_t count,
                      bool more)
{
    struct recorded *recorded = context;
    assert_int_equal(err, OK);
    assert_false(more);
    for (size_t i = 0; i < count; i++)
        recorded->ids[recorded->count++] = events[i].id;
    loop_stop(place.world.main_loop);
}

static size_t count_events(unsigned id)
{
    struct recorded recorded = {.count = 0};
    size_t n = 0;
    events_find(place.world.store, 0, false, LOG_DEBUG, EVENTS_MAX, place.world.main_loop,
                on_events, &recorded);
    loop_run(place.world.main_loop);
    for (size_t i = 0; i < recorded.count; i++)
        n += recorded.ids[i] == id;
    return n;
}

static void test_mismatch_is_told_once(void **state)
{
    (void)state;
    struct certificate *wrong =
        place_add(&place, &(struct recipe){.names = "other.example.com"}, NULL, SERVICE_SMTP);
    publish(offered);
    publish(offered);
    pass(HOUR_MS);
    assert_int_equal(count_events(EVENT_STARTTLS_MISMATCH), 1);
    assert_int_equal(count_events(MENDED), 0);
    struct certificate *right =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    publish(offered);
    publish(offered);
    assert_int_equal(count_events(EVENT_STARTTLS_MISMATCH), 1);
    size_t mended = count_events(MENDED);
    assert_true(mended > 0);
    publish(offered);
    assert_int_equal(count_events(MENDED), mended);
    certificate_free(wrong);
    certificate_free(right);
}

static void test_expiry_comes_closer(void **state)
{
    (void)state;
    struct certificate *c = place_add(&place,
                                      &(struct recipe){.names = "mx.example.com",
                                                       .not_before_ms = now_ms - DAY_MS,
                                                       .not_after_ms = now_ms + 89 * DAY_MS},
                                      NULL, SERVICE_SMTP);
    publish(offered);
    assert_int_equal(count_events(EVENT_STARTTLS_EXPIRES_SOON), 0);
    for (int hour = 0; hour < 60 * 24; hour += 6)
        pass(6 * HOUR_MS);
    assert_int_equal(count_events(EVENT_STARTTLS_EXPIRES_SOON), 1);
    for (int hour = 0; hour < 27 * 24; hour += 6)
        pass(6 * HOUR_MS);
    size_t closer = count_events(EVENT_STARTTLS_EXPIRES_SOON);
    assert_in_range(closer, 4, 8);
    for (int hour = 0; hour < 24; hour++) /* daily at the end, however often one looks */
        pass(HOUR_MS);
    assert_in_range(count_events(EVENT_STARTTLS_EXPIRES_SOON), closer, closer + 2);
    certificate_free(c);
}

/* Which no connector presents: it is watched all the same, and each step is told once. */
static void test_internal_certificate(void **state)
{
    (void)state;
    struct certificate *c = place_add(&place,
                                      &(struct recipe){.names = "ex01.corp.example",
                                                       .not_before_ms = now_ms - 80 * DAY_MS,
                                                       .not_after_ms = now_ms + 20 * DAY_MS},
                                      NULL, SERVICE_EDGE);
    publish("hostname: mx.example.com\n");
    pass(HOUR_MS);
    assert_int_equal(count_events(EVENT_INTERNAL_EXPIRES_SOON), 1);
    assert_int_equal(count_events(EVENT_INTERNAL_EXPIRED), 0);
    pass(20 * DAY_MS);
    pass(DAY_MS);
    assert_int_equal(count_events(EVENT_INTERNAL_EXPIRED), 1);
    certificate_free(c);
}

static void test_client_certificate_expires(void **state)
{
    (void)state;
    char yaml[300];
    struct certificate *c = place_add(&place,
                                      &(struct recipe){.names = "client.example.com",
                                                       .not_before_ms = now_ms - 80 * DAY_MS,
                                                       .not_after_ms = now_ms + 20 * DAY_MS},
                                      NULL, SERVICE_CLIENT);
    snprintf(yaml, sizeof(yaml),
             "hostname: mx.example.com\nsend-connectors:\n"
             "  out: {address-spaces: [\"*\"], tls: required, tls-certificate: %s}\n",
             c->thumbprint);
    publish(yaml);
    pass(HOUR_MS);
    assert_int_equal(count_events(EVENT_CLIENT_CERTIFICATE), 1);
    pass(18 * DAY_MS);
    assert_int_equal(count_events(EVENT_CLIENT_CERTIFICATE), 2);
    certificate_free(c);
}

static void test_passed_over(void **state)
{
    (void)state;
    struct made weak = make_certificate(
        &(struct recipe){.subject = "CN=Weak", .authority = true, .key_type = "RSA 1024"});
    struct certificate *bad = place_add(
        &place, &(struct recipe){.names = "mx.example.com", .issuer = &weak}, weak.x, SERVICE_SMTP);
    publish(offered);
    publish(offered);
    assert_int_equal(count_events(EVENT_PASSED_OVER), 1);
    certificate_free(bad);
    made_done(&weak);
}

static void test_client_certificate(void **state)
{
    (void)state;
    publish("hostname: mx.example.com\nsend-connectors:\n"
            "  out: {address-spaces: [\"*\"], tls: required,\n"
            "    tls-certificate: \"0123456789012345678901234567890123456789\"}\n");
    assert_int_equal(count_events(EVENT_CLIENT_CERTIFICATE), 1);
}

/* A certificate that was there before its time is taken when that comes. */
static void test_time_changes_selections(void **state)
{
    (void)state;
    struct certificate *old =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *next = place_add(
        &place, &(struct recipe){.names = "mx.example.com", .not_before_ms = now_ms + 2 * HOUR_MS},
        NULL, SERVICE_SMTP);
    publish(offered);
    clock_set_ms(now_ms + HOUR_MS);
    monitor_start(place.world.monitor);
    clock_set_ms(now_ms + 3 * HOUR_MS);
    monitor_start(place.world.monitor);
    count_events(0); /* lets the loop run */
    struct snapshot *s = snapshot_current(&place.world);
    assert_string_equal(s->receive_tls[0].selection.chosen->thumbprint, next->thumbprint);
    snapshot_release(s);
    certificate_free(old);
    certificate_free(next);
}

static void assert_chosen(const struct certificate *expected)
{
    count_events(0); /* lets the loop run */
    struct snapshot *s = snapshot_current(&place.world);
    assert_string_equal(s->receive_tls[0].selection.chosen->thumbprint, expected->thumbprint);
    snapshot_release(s);
}

/* Ahead, as after the resume of a machine, and back. No hour has to pass for it. */
static void test_clock_is_set(void **state)
{
    (void)state;
    struct certificate *old =
        place_add(&place, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *next = place_add(
        &place, &(struct recipe){.names = "mx.example.com", .not_before_ms = now_ms + 2 * HOUR_MS},
        NULL, SERVICE_SMTP);
    publish(offered);
    clock_set_ms(now_ms);
    monitor_start(place.world.monitor);
    assert_chosen(old);
    clock_set_ms(now_ms + 3 * HOUR_MS);
    monitor_clock_set(place.world.monitor);
    assert_chosen(next);
    clock_set_ms(now_ms);
    monitor_clock_set(place.world.monitor);
    assert_chosen(old);
    certificate_free(old);
    certificate_free(next);
}

/* ---- told by itself ---- */

static void look(struct told *told, const char *subject, const char *cause, unsigned stage)
{
    struct finding finding = {.event = 60000,
                              .name = SPAN("a-finding"),
                              .severity = FINDING_YELLOW,
                              .subject = span_of(subject),
                              .cause = span_of(cause),
                              .stage = stage};
    told_begin(told);
    if (subject)
        told_add(told, &finding);
    told_end(told);
}

static void test_told(void **state)
{
    (void)state;
    struct told *told = told_new(&place.world);
    look(told, "x", "one", 0);
    look(told, "x", "one", 0);
    assert_int_equal(count_events(60000), 1);
    look(told, "x", "two", 0); /* news, but nothing is mended */
    assert_int_equal(count_events(60000), 2);
    assert_int_equal(count_events(MENDED), 0);
    look(told, "y", "two", 0); /* x is mended */
    assert_int_equal(count_events(60000), 3);
    assert_int_equal(count_events(MENDED), 1);
    look(told, "y", "in 3 hours", 1);
    look(told, "y", "in 2 hours", 1);
    assert_int_equal(count_events(60000), 4);
    look(told, "y", "in 1 hour", 2);
    assert_int_equal(count_events(60000), 5);
    look(told, NULL, "", 0);
    look(told, NULL, "", 0);
    assert_int_equal(count_events(MENDED), 2);
    look(told, "y", "two", 0); /* back again */
    assert_int_equal(count_events(60000), 6);
    told_free(told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mismatch_is_told_once),
        TEST(test_expiry_comes_closer),
        TEST(test_internal_certificate),
        TEST(test_client_certificate_expires),
        TEST(test_passed_over),
        TEST(test_client_certificate),
        TEST(test_time_changes_selections),
        TEST(test_clock_is_set),
        TEST(test_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
