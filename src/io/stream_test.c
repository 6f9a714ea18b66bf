#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/stream_script.h"

static void say_hello(struct side *side)
{
    stream_write(side->s, SPAN("hello"));
    assert_int_equal(stream_pending(side->s), 0);
}

static void never_writable(struct side *side)
{
    (void)side;
    fail_msg("nothing was pending");
}

static void test_echo(void **state)
{
    (void)state;
    server.input = echo;
    client.connected = say_hello;
    client.writable = never_writable;
    client.stop_at = 5;
    connect_client();
    assert_false(stream_is_tls(client.s));
    run();
    assert_string_equal(buf_text(&client.got), "hello");
    assert_true(endpoint_eq(stream_peer(client.s), listener_local(listener)));
    assert_true(endpoint_eq(stream_local(client.s), stream_peer(server.s)));
    stream_free(client.s);
    client.s = NULL;
    server.stops_at_end = true;
    run();
    assert_string_equal(buf_text(&server.log), "connected eof");
    assert_string_equal(buf_text(&client.log), "connected");
}

static void test_large_clear(void **state)
{
    (void)state;
    exchange_large();
}

/* "printf ... | nc": the peer has sent all and closed its side; it still gets every answer. */
static void test_half_close(void **state)
{
    (void)state;
    int fd = connect_raw();
    assert_int_equal(send(fd, "one\ntwo\nthree\n", 14, 0), 14);
    shutdown(fd, SHUT_WR);
    serve_lines();
    struct buf answers = BUF_INIT(BUF_UNLIMITED);
    read_to_end(fd, &answers);
    assert_string_equal(buf_text(&answers), "answer\nanswer\nanswer\n");
    assert_string_equal(buf_text(&server.log), "connected eof");
    assert_string_equal(buf_text(&server.got), "one\ntwo\nthree\n");
    buf_done(&answers);
    close(fd);
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    server.connected = pause_at_once;
    client.to_send = LARGE;
    connect_client();
    run_for(50);
    assert_int_equal(server.got.n, 0);
    assert_true(client.sent < LARGE ||
                stream_pending(client.s) > 0); /* the kernel slowed it down */
    stream_resume(server.s);
    server.stop_at = LARGE;
    run();
    assert_pattern(&server, LARGE);
}

/* An owner that uses nothing does not make the stream take in all that a peer may send. */
static void test_unused_input_is_bounded(void **state)
{
    (void)state;
    server.input = use_none;
    client.to_send = LARGE;
    connect_client();
    run_for(100);
    assert_true(server.sent >= STREAM_KEPT_MAX);
    assert_true(server.sent < 3 * STREAM_KEPT_MAX);
    server.input = NULL;
    server.stop_at = LARGE;
    stream_resume(server.s);
    assert_true(server.got.n >= STREAM_KEPT_MAX); /* offered within the call */
    run();
    assert_pattern(&server, LARGE);
}

/* Takes what has come; false at the end of the connection. */
static bool read_some(int fd, struct buf *out)
{
    char *p = buf_room(out, 65536);
    ssize_t n = recv(fd, p, 65536, MSG_DONTWAIT);
    if (n > 0)
        buf_grow(out, (size_t)n);
    else if (n < 0)
        assert_int_equal(errno, EAGAIN); /* no reset */
    return n != 0;
}

/* The peer sends without end and reads late: the last reply must reach it, though it has sent what
 * was never read. */
static void test_close_when_drained(void **state)
{
    (void)state;
    server.connected = close_behind_output;
    server.stops_at_end = true;
    int fd = connect_raw();
    static char junk[500000];
    assert_true(send(fd, junk, sizeof(junk), MSG_DONTWAIT) > 0);
    run_for(30);
    struct buf got = BUF_INIT(BUF_UNLIMITED);
    while (read_some(fd, &got))
        run_for(1);
    assert_int_equal(got.n, 2000000);
    for (size_t i = 0; i < got.n; i++)
        assert_int_equal(got.p[i], pattern(i));
    close(fd);
    run();
    assert_string_equal(buf_text(&server.log), "connected drained");
    assert_int_equal(server.got.n, 0);
    buf_done(&got);
}

static void close_at_once(struct side *side)
{
    stream_write(side->s, SPAN("421 no\r\n"));
    stream_close_when_drained(side->s);
    stream_close_when_drained(side->s);
}

/* A peer that never closes is waited for a second and no longer. */
static void test_lingering_ends(void **state)
{
    (void)state;
    server.connected = close_at_once;
    server.stops_at_end = true;
    int fd = connect_raw();
    int64_t start = clock_monotonic_ms();
    run();
    int64_t took = clock_monotonic_ms() - start;
    assert_true(took >= 900 && took < 2000);
    assert_string_equal(buf_text(&server.log), "connected drained");
    close(fd);
}

static void set_short_deadline(struct side *side)
{
    stream_set_deadline(side->s, 1);
    stream_set_deadline(side->s, 0);
    stream_set_deadline(side->s, 40);
}

static void test_deadline(void **state)
{
    (void)state;
    server.connected = set_short_deadline;
    server.stops_at_end = true;
    int fd = connect_raw();
    int64_t start = clock_monotonic_ms();
    run();
    assert_true(clock_monotonic_ms() - start >= 35);
    assert_string_equal(buf_text(&server.log), "connected timeout");
    assert_string_equal(buf_text(&server.text), "the peer did not answer in time");
    close(fd);
}

static void test_refused(void **state)
{
    (void)state;
    struct endpoint nobody = *listener_local(listener);
    listener_free(listener);
    listener = NULL;
    struct stream_owner owner = owner_of(&client);
    client.stops_at_end = true;
    client.s = stream_connect(loop, &nobody, NULL, &owner);
    stream_write(client.s, SPAN("never sent"));
    assert_int_equal(stream_pending(client.s), 10);
    run();
    assert_string_equal(buf_text(&client.log), "error");
    assert_string_equal(buf_text(&client.text), "Connection refused");
    struct endpoint unspecified = {.port = 25};
    struct ip elsewhere;
    assert_int_equal(ip_parse(SPAN("192.0.2.1"), &elsewhere), OK);
    client.s = stream_connect(loop, &unspecified, &elsewhere, &owner);
    assert_string_equal(buf_text(&client.log), "error"); /* not from within the call */
    run();
    assert_string_equal(buf_text(&client.log), "error error");
}

static void test_source_address(void **state)
{
    (void)state;
    struct ip source;
    assert_int_equal(ip_parse(SPAN("127.0.0.9"), &source), OK);
    struct stream_owner owner = owner_of(&client);
    client.connected = say_hello;
    server.stop_at = 5;
    client.s = stream_connect(loop, listener_local(listener), &source, &owner);
    run();
    assert_int_equal(ip_cmp(&stream_peer(server.s)->ip, &source), 0);
}

static void refuse_rudely(struct side *side)
{
    stream_write(side->s, SPAN("554 go away\r\n"));
}

/* The peer says why and resets; the next write fails, but the words are heard. */
static void test_last_words(void **state)
{
    (void)state;
    client.connected = pause_at_once;
    client.stops_at_end = true;
    server.connected = refuse_rudely;
    connect_client();
    run_for(30);
    /* Unread input makes the kernel reset when the server closes. */
    stream_pause(server.s);
    stream_write(client.s, SPAN("MAIL"));
    run_for(20);
    stream_free(server.s);
    server.s = NULL;
    run_for(20);
    stream_write(client.s, SPAN("RCPT"));
    stream_write(client.s, SPAN("DATA"));
    stream_resume(client.s);
    run();
    assert_string_equal(buf_text(&client.got), "554 go away\r\n");
    assert_string_equal(buf_text(&client.log), "connected error");
    assert_true(client.text.n > 0);
}

static void test_unix_socket(void **state)
{
    (void)state;
    char path[] = "/tmp/stream-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    char name[64];
    snprintf(name, sizeof(name), "%s/lmtp", path);
    struct stream_owner owner = owner_of(&client);
    client.stops_at_end = true;
    client.s = stream_connect_path(loop, name, &owner);
    run();
    assert_string_equal(buf_text(&client.log), "error");
    assert_string_equal(buf_text(&client.text), "No such file or directory");
    char long_name[200];
    memset(long_name, 'x', sizeof(long_name));
    long_name[199] = '\0';
    client.s = stream_connect_path(loop, long_name, &owner);
    run();
    assert_string_equal(buf_text(&client.log), "error error");
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_echo),
        TEST(test_large_clear),
        TEST(test_half_close),
        TEST(test_pause_and_resume),
        TEST(test_unused_input_is_bounded),
        TEST(test_close_when_drained),
        TEST(test_lingering_ends),
        TEST(test_deadline),
        TEST(test_refused),
        TEST(test_source_address),
        TEST(test_last_words),
        TEST(test_unix_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
