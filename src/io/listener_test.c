#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/stream_script.h"

static void test_listeners_share_a_port(void **state)
{
    (void)state;
    struct listener *second = NULL, *adopted = NULL;
    assert_int_equal(listener_new(listener_local(listener), -1, &second), OK);
    assert_true(endpoint_eq(listener_local(listener), listener_local(second)));
    int fd = dup(listener_fd(second));
    assert_int_equal(listener_new(NULL, fd, &adopted), OK);
    assert_true(endpoint_eq(listener_local(adopted), listener_local(second)));
    listener_free(second);
    listener_free(adopted);
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct listener *const untouched = (struct listener *)&plain;
    adopted = untouched;
    assert_int_equal(listener_new(NULL, plain, &adopted), ERR_IO);
    assert_ptr_equal(adopted, untouched);
    close(plain);
    struct endpoint elsewhere;
    assert_int_equal(endpoint_parse(SPAN("192.0.2.1:25"), &elsewhere), OK);
    assert_int_equal(listener_new(&elsewhere, -1, &adopted), ERR_IO);
    /* Somebody's socket that does not share. */
    plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);
    assert_int_equal(bind(plain, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(plain, 1), 0);
    assert_int_equal(getsockname(plain, (struct sockaddr *)&in, &n), 0);
    struct endpoint taken;
    endpoint_of_sockaddr((struct sockaddr *)&in, &taken);
    assert_int_equal(listener_new(&taken, -1, &adopted), ERR_BUSY);
    close(plain);
}

static void accept_and_free(void *context, int fd, const struct endpoint *peer,
                            const struct endpoint *local)
{
    (void)peer, (void)local;
    struct listener **l = context;
    close(fd);
    listener_free(*l);
    *l = NULL;
    loop_stop(loop);
}

static void test_listener_freed_in_callback(void **state)
{
    (void)state;
    struct listener *second = NULL;
    struct endpoint any;
    assert_int_equal(endpoint_parse(SPAN("[::1]:0"), &any), OK);
    if (listener_new(&any, -1, &second) != OK)
        skip(); /* a machine without IPv6 */
    listener_start(second, loop, accept_and_free, &second);
    struct stream_owner owner = owner_of(&client);
    client.s = stream_connect(loop, listener_local(second), NULL, &owner);
    assert_true(stream_peer(client.s)->ip.v6);
    run();
    assert_null(second);
}

static int64_t cpu_used_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* Where descriptors run out, the listener neither spins nor gives up. */
static void test_no_descriptors_left(void **state)
{
    (void)state;
    int fd = connect_raw();
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int64_t cpu_us = cpu_used_us();
    run_for(300);
    cpu_us = cpu_used_us() - cpu_us;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(server.s);
    assert_true(cpu_us < 100000); /* of 300000: it slept */
    server.connected = stop_here;
    run();
    assert_non_null(server.s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listeners_share_a_port),
        TEST(test_listener_freed_in_callback),
        TEST(test_no_descriptors_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
