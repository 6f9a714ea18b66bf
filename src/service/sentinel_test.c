/* The sentinel and the receive loops over loopback: what strangers see, right and wrong. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "io/tls.h"
#include "service/receive_limits.h"
#include "service/sentinel.h"
#include "service/test_place.h"
#include "store/events.h"

static struct place place;

static int set_up(void **state)
{
    (void)state;
    place_open(&place, true);
    place.world.sentinel = sentinel_new(&place.world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sentinel_free(place.world.sentinel);
    place_close(&place);
    return 0;
}

static const char plain[] =
    "hostname: mx.example.com\nreceive-connectors:\n  in: {bind: [@], fqdn: mx.example.com}\n";
static const char implicit[] = "hostname: mx.example.com\nreceive-connectors:\n"
                               "  in: {bind: [@], fqdn: mx.example.com, tls: implicit}\n";
static const char without[] = "hostname: mx.example.com\nreceive-connectors:\n"
                              "  in: {bind: [@], fqdn: mx.example.com, tls: off}\n";
static const char withheld[] = "hostname: mx.example.com\nreceive-connectors:\n"
                               "  in: {bind: [@], fqdn: mx.example.com, on-mismatch: withhold}\n";
static const char refused[] = "hostname: mx.example.com\nreceive-connectors:\n"
                              "  in: {bind: [@], fqdn: mx.example.com, on-mismatch: refuse}\n";

static struct certificate *add(const char *names, const char *key_type)
{
    return place_add(&place, &(struct recipe){.names = names, .key_type = key_type}, NULL,
                     SERVICE_SMTP);
}

/* ---- looking ---- */

struct seen {
    struct arena arena;
    struct wire_fact *facts;
    size_t count, findings;
    unsigned event; /* of the first finding */
    unsigned looks;
};

static void on_seen(void *context, const struct wire_fact *facts, size_t count,
                    const struct findings *findings)
{
    struct seen *seen = context;
    seen->facts = ARENA_ARRAY(&seen->arena, struct wire_fact, count);
    seen->count = count;
    for (size_t i = 0; i < count; i++) {
        seen->facts[i] = facts[i];
        seen->facts[i].connector = arena_copy(&seen->arena, facts[i].connector);
        seen->facts[i].name = arena_copy(&seen->arena, facts[i].name);
        seen->facts[i].error = arena_copy(&seen->arena, facts[i].error);
    }
    seen->findings = findings->count;
    seen->event = findings->count ? findings->items[0].event : 0;
    seen->looks++;
    loop_stop(place.world.main_loop);
}

static struct seen look(void)
{
    struct seen seen = {0};
    sentinel_look(place.world.sentinel, on_seen, &seen);
    loop_run(place.world.main_loop);
    assert_int_equal(seen.looks, 1);
    return seen;
}

static void assert_all_presented(const struct seen *seen, const struct certificate *c)
{
    for (size_t i = 0; i < seen->count; i++) {
        assert_true(seen->facts[i].connected && seen->facts[i].offered_starttls);
        assert_true(seen->facts[i].handshake);
        assert_string_equal(seen->facts[i].thumbprint, c->thumbprint);
        assert_int_equal(seen->facts[i].error.n, 0);
    }
}

static void test_all_is_well(void **state)
{
    (void)state;
    static const char *const documents[] = {plain, implicit};
    struct certificate *c = add("mx.example.com", NULL);
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        place_publish(&place, documents[i]);
        struct seen seen = look();
        assert_int_equal(seen.findings, 0);
        assert_int_equal(seen.count, 3); /* any, by name, ECDSA only */
        assert_all_presented(&seen, c);
        assert_true(span_eq(seen.facts[1].name, SPAN("mx.example.com")));
        assert_true(seen.facts[2].ecdsa_only && !seen.facts[2].rsa_only);
        arena_done(&seen.arena);
    }
    struct arena arena = ARENA_INIT;
    const struct wire_fact *last;
    assert_int_equal(sentinel_last(place.world.sentinel, &arena, &last), 3);
    assert_string_equal(last[0].thumbprint, c->thumbprint);
    assert_true(span_eq(last[0].connector, SPAN("in")));
    arena_done(&arena);
    certificate_free(c);
}

static void test_each_kind_of_key_is_visited(void **state)
{
    (void)state;
    struct certificate *e = add("mx.example.com", NULL), *r = add("mx.example.com", "RSA 2048");
    place_publish(&place, plain);
    struct seen seen = look();
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.count, 4);
    assert_true(seen.facts[2].ecdsa_only);
    assert_string_equal(seen.facts[2].thumbprint, e->thumbprint);
    assert_true(seen.facts[3].rsa_only);
    assert_string_equal(seen.facts[3].thumbprint, r->thumbprint);
    arena_done(&seen.arena);
    certificate_free(e);
    certificate_free(r);
}

static void test_no_tls_is_what_was_wanted(void **state)
{
    (void)state;
    static const char *const documents[] = {without, withheld, refused};
    struct certificate *c = add("other.example.com", NULL);
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        place_publish(&place, documents[i]);
        struct seen seen = look();
        assert_int_equal(seen.findings, 0);
        for (size_t j = 0; j < seen.count; j++)
            assert_false(seen.facts[j].offered_starttls);
        arena_done(&seen.arena);
    }
    certificate_free(c);
}

static int connect_to(uint16_t port);

/* A listener that is full says nothing about its certificate. */
static void test_full_is_no_fault(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "hostname: mx.example.com\nreceive-connectors:\n"
        "  in: {bind: [@], fqdn: mx.example.com, max-connections: 1}\n",
        "hostname: mx.example.com\nreceive-connectors:\n"
        "  in: {bind: [@], fqdn: mx.example.com, max-connections: 1, tls: implicit}\n"};
    struct certificate *c = add("mx.example.com", NULL);
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        place_publish(&place, documents[i]);
        int fd = connect_to(place.port);
        while (receive_limits_count(place.world.limits, SPAN("in")) == 0)
            usleep(1000);
        struct seen seen = look();
        assert_int_equal(seen.count, 0);
        assert_int_equal(seen.findings, 0);
        arena_done(&seen.arena);
        close(fd);
        while (receive_limits_count(place.world.limits, SPAN("in")) != 0)
            usleep(1000);
    }
    certificate_free(c);
}

/* ---- when the wire disagrees ---- */

struct found {
    unsigned wrong, mended, other;
};

static void on_events(void *context, enum err err, const struct event *events, size_t count,
                      bool more)
{
    struct found *found = context;
    (void)more;
    assert_int_equal(err, OK);
    for (size_t i = 0; i < count; i++)
        if (events[i].id == EVENT_OTHER_CERTIFICATE_SEEN)
            found->wrong++;
        else if (events[i].id == 50001)
            found->mended++;
        else
            found->other++;
    loop_stop(place.world.main_loop);
}

static struct found events(void)
{
    struct found found = {0};
    events_find(place.world.store, 0, false, LOG_DEBUG, 100, place.world.main_loop, on_events,
                &found);
    loop_run(place.world.main_loop);
    return found;
}

/* A listener that serves what is no longer chosen: here, that of another world. */
static void test_wrong_certificate_is_found(void **state)
{
    (void)state;
    struct place stale;
    place_open(&stale, true);
    stale.port = place.port;
    struct certificate *old =
        place_add(&stale, &(struct recipe){.names = "mx.example.com"}, NULL, SERVICE_SMTP);
    struct certificate *fresh = add("mx.example.com", NULL);
    place_publish(&stale, plain);
    struct listen *own = place.world.listen;
    place.world.listen = NULL;
    place_publish(&place, plain);
    place.world.listen = stale.world.listen;
    for (int i = 0; i < 2; i++) { /* told once */
        struct seen seen = look();
        assert_true(seen.findings > 0);
        assert_int_equal(seen.event, EVENT_OTHER_CERTIFICATE_SEEN);
        assert_string_equal(seen.facts[0].thumbprint, old->thumbprint);
        arena_done(&seen.arena);
        struct found found = events();
        assert_int_equal(found.wrong, 1);
        assert_int_equal(found.mended, 0);
    }
    place.world.listen = own;
    place_close(&stale);
    place_publish(&place, plain);
    struct seen seen = look();
    assert_int_equal(seen.findings, 0);
    assert_all_presented(&seen, fresh);
    arena_done(&seen.arena);
    struct found found = events();
    assert_int_equal(found.wrong, 1);
    assert_int_equal(found.mended, 1);
    assert_int_equal(found.other, 0);
    certificate_free(old);
    certificate_free(fresh);
}

static void test_change_while_looking(void **state)
{
    (void)state;
    struct certificate *c = add("mx.example.com", NULL);
    place_publish(&place, plain);
    struct seen first = {0};
    sentinel_look(place.world.sentinel, on_seen, &first);
    for (int i = 0; i < 5; i++)
        sentinel_snapshot_changed(place.world.sentinel);
    struct certificate *renewed = place_add(
        &place,
        &(struct recipe){.names = "mx.example.com", .not_before_ms = clock_now_ms() - HOUR_MS},
        NULL, SERVICE_SMTP);
    place_publish(&place, plain);
    struct seen second = look();
    assert_int_equal(first.looks + second.looks, 2);
    assert_int_equal(second.findings, 0);
    assert_all_presented(&second, renewed);
    arena_done(&first.arena);
    arena_done(&second.arena);
    certificate_free(c);
    certificate_free(renewed);
}

static void test_freed_while_looking(void **state)
{
    (void)state;
    struct certificate *c = add("mx.example.com", NULL);
    place_publish(&place, plain);
    struct seen seen = {0};
    sentinel_look(place.world.sentinel, on_seen, &seen);
    sentinel_look(place.world.sentinel, on_seen, &seen);
    loop_stop(place.world.main_loop);
    loop_run(place.world.main_loop);
    sentinel_free(place.world.sentinel);
    place.world.sentinel = NULL;
    arena_done(&seen.arena);
    certificate_free(c);
}

/* ---- receive connectors as plain clients meet them ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 20};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static void expect(int fd, const char *head)
{
    char line[1024] = "";
    for (size_t n = 0; n < sizeof(line) - 1 && (n == 0 || line[n - 1] != '\n'); n++)
        if (recv(fd, line + n, 1, 0) != 1)
            break;
    if (strncmp(line, head, strlen(head)) != 0)
        fail_msg("\"%s\" is not \"%s\"", line, head);
}

static void test_refusal_is_temporary(void **state)
{
    (void)state;
    struct certificate *c = add("other.example.com", NULL);
    place_publish(&place, refused);
    int fd = connect_to(place.port);
    expect(fd, "421 4.7.0 ");
    close(fd);
    certificate_free(c);
}

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static struct client shake_hands(const struct certificate *expected)
{
    struct client c = {connect_to(place.port), SSL_CTX_new(TLS_client_method()), NULL};
    char seen[CERT_THUMBPRINT_HEX];
    c.ssl = SSL_new(c.ctx);
    SSL_set_fd(c.ssl, c.fd);
    assert_int_equal(SSL_connect(c.ssl), 1);
    tls_thumbprint(SSL_get0_peer_certificate(c.ssl), seen);
    assert_string_equal(seen, expected->thumbprint);
    return c;
}

/* A line over TLS answered by one line. */
static void say(struct client *c, const char *line, const char *head)
{
    char got[1024] = "";
    size_t n = 0;
    if (line)
        assert_int_equal(SSL_write(c->ssl, line, (int)strlen(line)), strlen(line));
    while (n < sizeof(got) - 1 && (n == 0 || got[n - 1] != '\n'))
        if (SSL_read(c->ssl, got + n++, 1) != 1)
            break;
    if (strncmp(got, head, strlen(head)) != 0)
        fail_msg("\"%s\" is not \"%s\"", got, head);
}

static void hang_up(struct client *c)
{
    say(c, "QUIT\r\n", "221");
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

/* Sessions that are open when a certificate goes live on with the one they began with. */
static void test_open_sessions_outlive_a_swap(void **state)
{
    (void)state;
    struct certificate *old = add("mx.example.com", NULL);
    place_publish(&place, implicit);
    struct client before = shake_hands(old);
    say(&before, NULL, "220");
    struct certificate *renewed = place_add(
        &place,
        &(struct recipe){.names = "mx.example.com", .not_before_ms = clock_now_ms() - HOUR_MS},
        NULL, SERVICE_SMTP);
    place_publish(&place, implicit);
    struct client after = shake_hands(renewed);
    say(&after, NULL, "220");
    say(&before, "HELO client.example\r\n", "250");
    say(&after, "HELO client.example\r\n", "250");
    hang_up(&before);
    hang_up(&after);
    certificate_free(old);
    certificate_free(renewed);
}

/* ---- many at once ---- */

enum { CLIENTS = 4, ROTATIONS = 8 };

struct crowd {
    _Atomic bool over;
    _Atomic unsigned done, failed, named;
    char other[CERT_THUMBPRINT_HEX]; /* what covers mx.example.net */
};

static void *visit_again_and_again(void *context)
{
    struct crowd *crowd = context;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    for (unsigned i = 0; !atomic_load(&crowd->over); i++) {
        int fd = connect_to(place.port);
        SSL *ssl = SSL_new(ctx);
        bool named = i % 2;
        SSL_set_fd(ssl, fd);
        const char *name = named ? "mx.example.net" : "mx.example.com";
        SSL_set_tlsext_host_name(ssl, name);
        if (SSL_connect(ssl) == 1) {
            char seen[CERT_THUMBPRINT_HEX];
            tls_thumbprint(SSL_get0_peer_certificate(ssl), seen);
            atomic_fetch_add(&crowd->done, 1);
            atomic_fetch_add(&crowd->named, named && strcmp(seen, crowd->other) == 0);
        } else {
            atomic_fetch_add(&crowd->failed, 1);
        }
        SSL_free(ssl);
        close(fd);
    }
    SSL_CTX_free(ctx);
    struct buf errors = BUF_INIT(1024);
    tls_add_errors(&errors);
    buf_done(&errors);
    return NULL;
}

static void test_rotation_under_load(void **state)
{
    (void)state;
    static const char crowded[] =
        "hostname: mx.example.com\nreceive-connectors:\n  in: {bind: [@], fqdn: mx.example.com, "
        "tls: implicit, max-connections-per-source: unlimited, max-connection-rate: unlimited}\n";
    struct crowd crowd = {0};
    struct certificate *first = add("mx.example.com", NULL), *other = add("mx.example.net", NULL);
    memcpy(crowd.other, other->thumbprint, sizeof(crowd.other));
    place_publish(&place, crowded);
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_again_and_again, &crowd), 0);
    for (int i = 0; i < ROTATIONS; i++) {
        unsigned before = atomic_load(&crowd.done);
        certificate_free(
            place_add(&place,
                      &(struct recipe){.names = "mx.example.com",
                                       .not_before_ms = clock_now_ms() - HOUR_MS + i * SECOND_MS},
                      NULL, SERVICE_SMTP));
        place_publish(&place, crowded);
        for (int waits = 0; atomic_load(&crowd.done) < before + CLIENTS && waits < 2000; waits++)
            usleep(5000);
    }
    atomic_store(&crowd.over, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failed, 0);
    assert_true(crowd.done >= ROTATIONS * CLIENTS);
    assert_true(crowd.named > 0);
    certificate_free(first);
    certificate_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_well),
        TEST(test_each_kind_of_key_is_visited),
        TEST(test_no_tls_is_what_was_wanted),
        TEST(test_full_is_no_fault),
        TEST(test_wrong_certificate_is_found),
        TEST(test_change_while_looking),
        TEST(test_freed_while_looking),
        TEST(test_refusal_is_temporary),
        TEST(test_open_sessions_outlive_a_swap),
        TEST(test_rotation_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
