#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http.h"

enum { GUARD_MS = 5000, BODY_NOTE = 100 };

static struct loop *loop;
static struct http_server *server;
static char folder[32];
static char path[64];
static struct http_request *pending; /* by "/later", "/stream" and "/follow" */
static struct buf seen;              /* what the requests were, a line each */
static int handled;

static void note_request(struct http_request *r)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OTHER"};
    struct span body = http_request_body(r), query = http_request_query(r, "q");
    buf_addf(&seen, "%s " SPAN_FMT " q=" SPAN_FMT " body=" SPAN_FMT "\n",
             methods[http_request_method(r)], SPAN_ARG(http_request_path(r)), SPAN_ARG(query),
             SPAN_ARG(span_head(body, BODY_NOTE)));
}

static void handle(void *context, struct http_request *r)
{
    assert_ptr_equal(context, &seen);
    handled++;
    note_request(r);
    struct span request_path = http_request_path(r);
    if (span_eq(request_path, SPAN("/later")) || span_eq(request_path, SPAN("/follow"))) {
        pending = r;
    } else if (span_eq(request_path, SPAN("/stream"))) {
        http_stream_begin(r, 200, "text/plain");
        assert_true(http_stream_piece(r, SPAN("one ")));
        assert_true(http_stream_piece(r, SPAN("")));
        assert_true(http_stream_piece(r, SPAN("two")));
        http_stream_end(r);
    } else if (span_eq(request_path, SPAN("/size"))) {
        http_respond(r, 200, "text/plain",
                     arena_printf(http_request_arena(r), "%zu", http_request_body(r).n));
    } else if (span_eq(request_path, SPAN("/me"))) {
        assert_int_equal(http_request_uid(r), getuid());
        http_respond(r, 200, "text/plain", http_request_author(r));
    } else {
        http_respond(r, 404, "application/json", SPAN("{}"));
    }
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/http-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/admin.sock", folder);
    loop = loop_new();
    buf_init(&seen, BUF_UNLIMITED);
    handled = 0;
    assert_int_equal(http_server_new(loop, path, 0600, handle, &seen, &server), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_free(server);
    server = NULL;
    loop_free(loop);
    buf_done(&seen);
    assert_int_equal(rmdir(folder), 0); /* the socket is gone */
    return 0;
}

static void stop_loop(void *context)
{
    (void)context;
    loop_stop(loop);
}

static void run_for(int64_t ms)
{
    struct loop_timer *timer = loop_timer_new(loop, stop_loop, NULL);
    loop_timer_start(timer, ms);
    loop_run(loop);
    loop_timer_free(timer);
}

static int connect_to(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Sends and reads by turns with the loop until `enough` stands in the answer, or the server closes.
 */
static void exchange(int fd, struct span request, const char *enough, struct buf *answer)
{
    int64_t start = clock_monotonic_ms();
    while (clock_monotonic_ms() - start < GUARD_MS) {
        ssize_t sent = request.n ? send(fd, request.p, request.n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (sent > 0)
            request = span_skip(request, (size_t)sent);
        char *p = buf_room(answer, 65536);
        ssize_t n = recv(fd, p, 65536, MSG_DONTWAIT);
        if (n > 0)
            buf_grow(answer, (size_t)n);
        if (n == 0 || (n < 0 && errno != EAGAIN) || (*enough && strstr(buf_text(answer), enough)))
            return;
        run_for(1);
    }
    fail_msg("no \"%s\" in \"%s\"", enough, buf_text(answer));
}

static void ask(const char *request, const char *enough)
{
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    assert_true(fd >= 0);
    exchange(fd, span_of(request), enough, &answer);
    if (!strstr(buf_text(&answer), enough))
        fail_msg("no \"%s\" in \"%s\"", enough, buf_text(&answer));
    close(fd);
    run_for(2);
    buf_done(&answer);
}

static void test_requests(void **state)
{
    (void)state;
    ask("GET /a%20b%2Fc?x=1&q=a+b%26c&q=no HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found");
    ask("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Type: application/json");
    ask("PUT /b?q HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404");
    ask("PATCH /b?qq=1&=2&& HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "404");
    ask("DELETE /b?q=%zz HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n{}");
    ask("OPTIONS /b HTTP/1.1\r\nHost: x\r\n\r\n", "404");
    assert_string_equal(buf_text(&seen), "GET /a b/c q=a b&c body=\n"
                                         "POST /b q= body=hello\n"
                                         "PUT /b q= body=\n"
                                         "PATCH /b q= body=x\n"
                                         "DELETE /b q=%zz body=\n"
                                         "OTHER /b q= body=\n");
}

static void test_author(void **state)
{
    (void)state;
    struct passwd *me = getpwuid(getuid());
    assert_non_null(me);
    ask("GET /me HTTP/1.0\r\n\r\n", me->pw_name);
}

static void test_keep_alive(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    for (int i = 0; i < 3; i++) {
        buf_reset(&answer);
        exchange(fd, SPAN("GET /size HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\n0", &answer);
    }
    assert_int_equal(handled, 3);
    close(fd);
    buf_done(&answer);
}

/* A request that comes in single bytes is the same request. */
static void test_byte_by_byte(void **state)
{
    (void)state;
    struct span request = SPAN("POST /b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    for (size_t i = 0; i < request.n; i++) {
        assert_int_equal(send(fd, request.p + i, 1, 0), 1);
        run_for(0);
    }
    exchange(fd, SPAN_NONE, "404", &answer);
    assert_string_equal(buf_text(&seen), "POST /b q=1 body=abc\n");
    close(fd);
    buf_done(&answer);
}

static void test_stream(void **state)
{
    (void)state;
    ask("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "Transfer-Encoding: chunked");
    ask("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n");
    ask("GET /stream HTTP/1.0\r\n\r\n", "one two");
}

static void test_later(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    assert_true(send(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", 32, 0) == 32);
    run_for(20);
    assert_non_null(pending);
    http_respond(pending, 202, "text/plain", SPAN("done"));
    exchange(fd, SPAN_NONE, "done", &answer);
    assert_non_null(strstr(buf_text(&answer), "202 Accepted"));
    close(fd);
    buf_done(&answer);
}

/* The client that asked goes away before it is answered: the answer goes nowhere, and harms nobody.
 */
static void test_client_gone(void **state)
{
    (void)state;
    static const char request[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int streams = 0; streams < 2; streams++) {
        int fd = connect_to(path);
        assert_true(send(fd, request, sizeof(request) - 1, 0) > 0);
        run_for(10);
        if (streams) {
            http_stream_begin(pending, 200, "text/plain");
            assert_true(http_stream_piece(pending, SPAN("first")));
        }
        close(fd);
        run_for(10);
        if (streams) {
            assert_false(http_stream_piece(pending, SPAN("second")));
            http_stream_end(pending);
        } else {
            http_respond(pending, 200, "text/plain", SPAN("late"));
        }
        run_for(5);
    }
    ask("GET /size HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK");
}

/* A second request behind one that is still being answered waits for its turn. */
static void test_pipelining(void **state)
{
    (void)state;
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    struct span both =
        SPAN("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /size?q=2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(send(fd, both.p, both.n, 0) > 0);
    run_for(20);
    assert_true(send(fd, "GET /size?q=3 HTTP/1.1\r\nHost: x\r\n\r\n", 35, 0) > 0);
    run_for(20);
    assert_int_equal(handled, 1);
    http_respond(pending, 200, "text/plain", SPAN("first"));
    while (handled < 3)
        run_for(5);
    exchange(fd, SPAN_NONE, "0", &answer);
    close(fd);
    buf_done(&answer);
}

/* Requests that are still open when the server goes. */
static void test_server_gone(void **state)
{
    (void)state;
    int fd = connect_to(path), other = connect_to(path);
    assert_true(send(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", 32, 0) == 32);
    run_for(10);
    struct http_request *first = pending;
    assert_true(send(other, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n", 33, 0) == 33);
    run_for(10);
    http_stream_begin(pending, 200, "text/plain");
    http_server_free(server);
    server = NULL;
    http_respond(first, 200, "text/plain", SPAN("late"));
    assert_false(http_stream_piece(pending, SPAN("late")));
    http_stream_end(pending);
    close(fd);
    close(other);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf request = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&request, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
             HTTP_BODY_MAX);
    memset(buf_room(&request, HTTP_BODY_MAX), 'x', HTTP_BODY_MAX);
    buf_grow(&request, HTTP_BODY_MAX);
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_to(path);
    exchange(fd, buf_span(&request), "8388608", &answer);
    close(fd);
    assert_int_equal(handled, 1);
    buf_reset(&request);
    buf_addf(&request, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nx",
             HTTP_BODY_MAX + 1);
    ask(buf_text(&request), "413");
    buf_reset(&request);
    buf_add_text(&request, "GET /size HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(buf_room(&request, 70000), 'x', 70000);
    buf_grow(&request, 70000);
    buf_add_text(&request, "\r\n\r\n");
    ask(buf_text(&request), "HTTP/1.1 4");
    assert_int_equal(handled, 1);
    buf_done(&request);
    buf_done(&answer);
}

static void test_bad_requests(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET /a HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "BREW /a HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int fd = connect_to(path);
        assert_true(send(fd, bad[i], strlen(bad[i]), 0) > 0);
        run_for(10);
        close(fd);
        run_for(5);
    }
    assert_int_equal(handled, 0);
    ask("GET /size HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK");
}

static void test_socket_file(void **state)
{
    (void)state;
    struct stat status;
    struct http_server *second = NULL;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(http_server_new(loop, path, 0600, handle, &seen, &second), ERR_BUSY);
    ask("GET /size HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"); /* the first is unharmed */
    /* Left over by a process that was killed. */
    char stale[80];
    snprintf(stale, sizeof(stale), "%s/stale", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, stale);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(http_server_new(loop, stale, 0660, handle, &seen, &second), OK);
    assert_int_equal(stat(stale, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    http_server_free(second);
    assert_int_not_equal(stat(stale, &status), 0);
    /* Somebody's file is never removed. */
    FILE *file = fopen(stale, "w");
    fclose(file);
    assert_int_equal(http_server_new(loop, stale, 0660, handle, &seen, &second), ERR_EXISTS);
    assert_int_equal(unlink(stale), 0);
    assert_int_equal(http_server_new(loop, "/nowhere/at/all", 0660, handle, &seen, &second),
                     ERR_IO);
    char long_path[200] = {0};
    memset(long_path, 'x', sizeof(long_path) - 1);
    assert_int_equal(http_server_new(loop, long_path, 0660, handle, &seen, &second), ERR_LIMIT);
}

static int connect_tcp(const struct endpoint *endpoint)
{
    struct sockaddr_storage address;
    socklen_t n = endpoint_to_sockaddr(endpoint, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, n), 0);
    return fd;
}

static struct endpoint free_endpoint(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct endpoint endpoint;
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    endpoint_of_sockaddr((struct sockaddr *)&address, &endpoint);
    close(fd);
    return endpoint;
}

static void ask_tcp(const struct endpoint *endpoint, struct span request, const char *enough)
{
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = connect_tcp(endpoint);
    exchange(fd, request, enough, &answer);
    assert_non_null(strstr(buf_text(&answer), enough));
    close(fd);
    run_for(2);
    buf_done(&answer);
}

static void test_tcp(void **state)
{
    (void)state;
    struct endpoint endpoint = free_endpoint();
    struct http_server *tcp, *second;
    struct buf large = BUF_INIT(BUF_UNLIMITED);
    assert_int_equal(http_server_new_tcp(loop, &endpoint, handle, &seen, &tcp), OK);
    assert_int_equal(http_server_new_tcp(loop, &endpoint, handle, &seen, &second), ERR_BUSY);
    ask_tcp(&endpoint, SPAN("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), "404");
    ask_tcp(&endpoint, SPAN("GET  HTTP/1.1\r\n\r\n"), "400");
    assert_int_equal(handled, 1);
    /* Strangers get less room than an administrator. */
    buf_add_text(&large, "GET /x HTTP/1.1\r\nX: ");
    for (int i = 0; i < 20000; i++)
        buf_add_char(&large, 'x');
    buf_add_text(&large, "\r\n\r\n");
    ask_tcp(&endpoint, buf_span(&large), "400");
    ask_tcp(&endpoint, SPAN("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"), "413");
    assert_int_equal(handled, 1);
    http_server_free(tcp);
    assert_int_equal(http_server_new_tcp(loop, &endpoint, handle, &seen, &tcp), OK);
    http_server_free(tcp);
    buf_done(&large);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests),    TEST(test_author), TEST(test_keep_alive),   TEST(test_byte_by_byte),
        TEST(test_stream),      TEST(test_later),  TEST(test_client_gone),  TEST(test_pipelining),
        TEST(test_server_gone), TEST(test_limits), TEST(test_bad_requests), TEST(test_socket_file),
        TEST(test_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
