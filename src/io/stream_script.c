#include "io/stream_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { GUARD_MS = 4000 };

struct loop *loop;
struct listener *listener;
struct side server, client;
static struct loop_timer *guard;
static bool timed_out;

static void note(struct side *side, const char *word)
{
    buf_addf(&side->log, "%s%s", side->log.n ? " " : "", word);
}

static void side_init(struct side *side)
{
    *side = (struct side){.got = BUF_INIT(BUF_UNLIMITED),
                          .log = BUF_INIT(BUF_UNLIMITED),
                          .text = BUF_INIT(BUF_UNLIMITED)};
}

static void side_done(struct side *side)
{
    stream_free(side->s);
    side->s = NULL;
    buf_done(&side->got);
    buf_done(&side->log);
    buf_done(&side->text);
}

char pattern(size_t at)
{
    return (char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

void send_pattern(struct side *side)
{
    static char chunk[100000];
    while (side->sent < side->to_send && stream_pending(side->s) < 300000) {
        size_t n = side->to_send - side->sent;
        if (n > sizeof(chunk))
            n = sizeof(chunk);
        for (size_t i = 0; i < n; i++)
            chunk[i] = pattern(side->sent + i);
        side->sent += n;
        stream_write(side->s, span_make(chunk, n));
    }
}

void assert_pattern(const struct side *side, size_t n)
{
    assert_int_equal(side->got.n, n);
    for (size_t i = 0; i < n; i++)
        if (side->got.p[i] != pattern(i))
            fail_msg("byte %zu is wrong", i);
}

static size_t on_input(void *context, struct span input)
{
    struct side *side = context;
    size_t used = side->input ? side->input(side, input) : input.n;
    buf_add(&side->got, span_head(input, used));
    if (side->stop_at && side->got.n >= side->stop_at)
        loop_stop(loop);
    return used;
}

static void on_writable(void *context)
{
    struct side *side = context;
    assert_int_equal(stream_pending(side->s), 0);
    send_pattern(side);
    if (side->writable)
        side->writable(side);
}

static void on_connected(void *context)
{
    struct side *side = context;
    note(side, "connected");
    if (side->connected)
        side->connected(side);
    else
        send_pattern(side);
}

static void on_tls(void *context)
{
    struct side *side = context;
    note(side, "tls");
    send_pattern(side);
    if (side->tls)
        side->tls(side);
}

static void on_end(void *context, enum stream_end end, struct span text)
{
    static const char *const words[] = {"eof", "error", "timeout", "tls-failed", "drained"};
    struct side *side = context;
    note(side, words[end]);
    buf_add(&side->text, text);
    stream_free(side->s);
    side->s = NULL;
    if (side->stops_at_end)
        loop_stop(loop);
}

struct stream_owner owner_of(struct side *side)
{
    return (struct stream_owner){on_input, on_writable, on_connected, on_tls, on_end, side};
}

static void accepted(void *context, int fd, const struct endpoint *peer,
                     const struct endpoint *local)
{
    (void)context;
    assert_null(server.s);
    struct stream_owner owner = owner_of(&server);
    server.s = stream_accept(loop, fd, peer, local, &owner);
    assert_true(endpoint_eq(stream_peer(server.s), peer));
    assert_true(endpoint_eq(stream_local(server.s), local));
    on_connected(&server);
}

static void guard_fired(void *context)
{
    (void)context;
    timed_out = true;
    loop_stop(loop);
}

void run(void)
{
    loop_timer_start(guard, GUARD_MS);
    loop_run(loop);
    loop_timer_stop(guard);
    if (timed_out)
        fail_msg("stuck: server \"%s\", client \"%s\"", buf_text(&server.log),
                 buf_text(&client.log));
}

static void stop_loop(void *context)
{
    (void)context;
    loop_stop(loop);
}

void run_for(int64_t ms)
{
    struct loop_timer *timer = loop_timer_new(loop, stop_loop, NULL);
    loop_timer_start(timer, ms);
    run();
    loop_timer_free(timer);
}

void connect_client(void)
{
    struct stream_owner owner = owner_of(&client);
    client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
}

/* A plain blocking socket in place of the client, for peers that misbehave. */
int connect_raw(void)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(listener_local(listener), &address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, n), 0);
    return fd;
}

/* Reads what there is to the end of the connection, which must come in order, not by a reset. */
void read_to_end(int fd, struct buf *out)
{
    for (;;) {
        char *p = buf_room(out, 65536);
        ssize_t n = recv(fd, p, 65536, 0);
        if (n < 0)
            fail_msg("recv failed");
        if (n <= 0)
            return;
        buf_grow(out, (size_t)n);
    }
}

int set_up(void **state)
{
    (void)state;
    struct endpoint any;
    loop = loop_new();
    side_init(&server);
    side_init(&client);
    assert_int_equal(endpoint_parse(SPAN("127.0.0.1:0"), &any), OK);
    assert_int_equal(listener_new(&any, -1, &listener), OK);
    assert_int_not_equal(listener_local(listener)->port, 0);
    listener_start(listener, loop, accepted, NULL);
    guard = loop_timer_new(loop, guard_fired, NULL);
    timed_out = false;
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    side_done(&server);
    side_done(&client);
    listener_free(listener);
    loop_timer_free(guard);
    loop_free(loop);
    return 0;
}

static void stop_when_both_are_done(struct side *side)
{
    (void)side;
    if (server.got.n == LARGE && client.got.n == LARGE)
        loop_stop(loop);
}

/* Uses up to a random part of what is offered; what is left must come again, in front of the rest.
 */
static size_t use_some(struct side *side, struct span input)
{
    size_t used = input.n < 20000 ? input.n : input.n - (size_t)random() % 20000;
    if (used < input.n)
        stream_resume(side->s); /* a little later: perhaps nothing more comes */
    if (side->got.n + used == LARGE && (side == &server ? client.got.n : server.got.n) == LARGE)
        loop_stop(loop);
    return used;
}

void exchange_large(void)
{
    server.input = client.input = use_some;
    server.to_send = client.to_send = LARGE;
    server.writable = client.writable = stop_when_both_are_done;
    connect_client();
    run();
    assert_pattern(&server, LARGE);
    assert_pattern(&client, LARGE);
}

void pause_at_once(struct side *side)
{
    stream_pause(side->s);
}

void close_behind_output(struct side *side)
{
    for (size_t i = 0; i < 20; i++) {
        side->to_send += 100000;
        send_pattern(side);
    }
    stream_close_when_drained(side->s);
}

size_t echo(struct side *side, struct span input)
{
    stream_write(side->s, input);
    return input.n;
}

void stop_here(struct side *side)
{
    (void)side;
    loop_stop(loop);
}

size_t use_none(struct side *side, struct span input)
{
    side->sent = input.n; /* how much was offered last */
    return 0;
}

static size_t use_lines(struct side *side, struct span input)
{
    size_t end = span_find(input, '\n');
    if (end == input.n)
        return 0;
    stream_pause(side->s); /* as while an answer is being made */
    return end + 1;
}

static void answer_later(void *context)
{
    struct side *side = context;
    if (!side->s)
        return;
    size_t before = side->got.n;
    if (before > side->sent) {
        side->sent = before;
        stream_write(side->s, SPAN("answer\n"));
        stream_resume(side->s);
    }
}

struct ticker {
    struct loop_timer *timer;
    struct side *side;
};

static void tick(void *context)
{
    struct ticker *ticker = context;
    answer_later(ticker->side);
    loop_timer_start(ticker->timer, 5);
}

void serve_lines(void)
{
    server.input = use_lines;
    server.stops_at_end = true;
    struct ticker ticker = {.side = &server};
    ticker.timer = loop_timer_new(loop, tick, &ticker);
    loop_timer_start(ticker.timer, 5);
    run();
    loop_timer_free(ticker.timer);
}
