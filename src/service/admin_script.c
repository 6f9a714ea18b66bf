#include "service/admin_script.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "service/admin.h"
#include "service/apply.h"
#include "service/deliver.h"
#include "service/listen.h"
#include "service/monitor.h"
#include "service/receive_limits.h"

struct fixture {
    char folder[64], socket[96];
    unsigned port;
};

static struct fixture f;
struct world script_world;

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

int script_setup(void **state)
{
    (void)state;
    struct buf yaml = BUF_INIT(65536), why = BUF_INIT(65536);
    struct problems problems = {0};
    enum err err;
    f = (struct fixture){.folder = "/tmp/sealpost-admin-XXXXXX", .port = free_port()};
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.socket, sizeof(f.socket), "%s/admin.sock", f.folder);
    log_setup(LOG_ERROR, false);
    buf_addf(&yaml,
             "hostname: host.example.com\naccepted-domains: [example.com]\n"
             "receive-connectors:\n  internet: {bind: ['127.0.0.1:%u'], fqdn: mail.example.com}\n"
             "send-connectors:\n  inside: {address-spaces: [example.com], deliver-by: maildir, "
             "maildir: %s/mail}\n",
             f.port, f.folder);
    script_world.data_directory = f.folder;
    script_world.started_ms = clock_now_ms();
    script_world.main_loop = loop_new();
    script_world.snapshots = snapshots_new();
    script_world.limits = receive_limits_new();
    script_world.listen = listen_new(&script_world, 1);
    script_world.monitor = monitor_new(&script_world);
    assert_int_equal(store_open(f.folder, &script_world.store, &why), OK);
    assert_int_equal(apply_first(&script_world, buf_span(&yaml), SPAN("test"), &problems, &why),
                     OK);
    assert_int_equal(deliver_new(&script_world, &script_world.deliver, &why), OK);
    assert_int_equal(store_start(script_world.store), OK);
    assert_int_equal(deliver_start(script_world.deliver), OK);
    assert_int_equal(listen_start(script_world.listen), OK);
    script_world.admin = admin_new(&script_world, script_world.main_loop, f.socket, &err);
    assert_non_null(script_world.admin);
    assert_int_equal(loop_start(script_world.main_loop, "main"), OK);
    problems_done(&problems);
    buf_done(&yaml);
    buf_done(&why);
    return 0;
}

int script_teardown(void **state)
{
    (void)state;
    char command[128];
    loop_join(script_world.main_loop);
    listen_stop(script_world.listen);
    deliver_stop(script_world.deliver);
    admin_free(script_world.admin);
    monitor_free(script_world.monitor);
    store_close(script_world.store);
    listen_free(script_world.listen);
    deliver_free(script_world.deliver);
    receive_limits_free(script_world.limits);
    snapshots_free(script_world.snapshots);
    loop_free(script_world.main_loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", f.folder);
    return system(command) == 0 ? 0 : 1;
}

/* ---- a client ---- */

int script_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, f.socket, strlen(f.socket));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void script_send(int fd, const char *method, const char *target, const char *body)
{
    struct buf request = BUF_INIT(BUF_UNLIMITED);
    buf_addf(
        &request,
        "%s %s HTTP/1.1\r\nHost: sealpost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
        method, target, body ? strlen(body) : 0, body ? body : "");
    assert_int_equal(write(fd, request.p, request.n), request.n);
    buf_done(&request);
}

static int read_status(struct span answer)
{
    uint64_t status;
    assert_true(span_starts(answer, SPAN("HTTP/1.1 ")));
    assert_int_equal(num_parse(span_head(span_skip(answer, 9), 3), 599, &status), OK);
    return (int)status;
}

/* Returns the status; *value is the JSON of the answer, for the caller to release. */
int script_ask(const char *method, const char *target, const char *body, json_t **value)
{
    struct buf answer = BUF_INIT(BUF_UNLIMITED);
    int fd = script_connect();
    script_send(fd, method, target, body);
    char piece[4096];
    for (ssize_t n; (n = read(fd, piece, sizeof(piece))) > 0;)
        buf_add(&answer, span_make(piece, (size_t)n));
    close(fd);
    size_t end = span_search(buf_span(&answer), SPAN("\r\n\r\n"));
    assert_true(end < answer.n);
    int status = read_status(buf_span(&answer));
    struct span content = span_skip(buf_span(&answer), end + 4);
    *value = json_loadb(content.p, content.n, 0, NULL);
    assert_non_null(*value);
    buf_done(&answer);
    return status;
}

/* The answer must have this status; where it is an error, this code, and words for people. */
void script_expect(const char *method, const char *target, const char *body, int status,
                   const char *code)
{
    json_t *value;
    int actual = script_ask(method, target, body, &value);
    const json_t *error = json_object_get(value, "error");
    const char *actual_code = json_string_value(json_object_get(error, "code"));
    if (actual != status || (code && (!actual_code || strcmp(actual_code, code) != 0)))
        fail_msg("%s %s: %d %s, not %d %s", method, target, actual, actual_code ? actual_code : "-",
                 status, code ? code : "-");
    assert_true(status >= 400 ? json_string_length(json_object_get(error, "text")) > 0
                              : error == NULL);
    json_decref(value);
}

json_t *script_get(const char *target)
{
    json_t *value;
    assert_int_equal(script_ask("GET", target, NULL, &value), 200);
    return value;
}
