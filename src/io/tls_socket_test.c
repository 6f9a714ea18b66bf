#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tls_socket.h"

static struct tls_socket s;
static BIO *bio;
static int peer;

static int set_up(void **state)
{
    (void)state;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return -1;
    tls_socket_init(&s, fds[0]);
    bio = tls_socket_bio(&s);
    peer = fds[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    BIO_free(bio);
    close(s.fd);
    tls_socket_done(&s);
    if (peer >= 0)
        close(peer);
    return 0;
}

static void peer_says(const char *text)
{
    assert_int_equal(send(peer, text, strlen(text), 0), strlen(text));
}

static void test_reads_until_dry(void **state)
{
    (void)state;
    char got[8];
    peer_says("one");
    assert_int_equal(BIO_read(bio, got, sizeof(got)), 3);
    assert_true(s.is_dry);
    peer_says("another");
    assert_int_equal(BIO_read(bio, got, sizeof(got)), -1);
    assert_true(BIO_should_read(bio));
    s.is_dry = false;
    assert_int_equal(BIO_read(bio, got, 4), 4);
    assert_false(s.is_dry); /* no room was left, so there may be more */
    assert_memory_equal(got, "anot", 4);
    assert_int_equal(BIO_read(bio, got, 3), 3);
    assert_int_equal(BIO_read(bio, got, 3), -1);
    assert_true(s.is_dry && BIO_should_read(bio));
    assert_false(BIO_eof(bio));
}

static void test_end_of_input(void **state)
{
    (void)state;
    char got[8];
    close(peer);
    peer = -1;
    assert_int_equal(BIO_read(bio, got, sizeof(got)), 0);
    assert_false(BIO_should_retry(bio));
    assert_true(BIO_eof(bio));
}

static void test_gathers_until_sent(void **state)
{
    (void)state;
    char got[16];
    assert_int_equal(BIO_write(bio, "ticket", 6), 6);
    assert_int_equal(BIO_flush(bio), 1);
    assert_int_equal(BIO_write(bio, "reply", 5), 5);
    assert_int_equal(recv(peer, got, sizeof(got), 0), -1);
    assert_int_equal(tls_socket_gathered(&s), 11);
    assert_int_equal(tls_socket_send(&s), 0);
    assert_int_equal(recv(peer, got, sizeof(got), 0), 11);
    assert_memory_equal(got, "ticketreply", 11);
    assert_int_equal(tls_socket_gathered(&s), 0);
    assert_null(s.out.p);
}

static void test_large_output_is_not_copied(void **state)
{
    (void)state;
    char piece[16 * 1024] = "";
    assert_int_equal(BIO_write(bio, piece, sizeof(piece)), sizeof(piece));
    assert_int_equal(tls_socket_gathered(&s), 0);
    assert_int_equal(recv(peer, piece, sizeof(piece), 0), sizeof(piece));
}

/* What a peer that does not read makes us hold has an end, and nothing of it is lost or twice. */
static void test_full_socket(void **state)
{
    (void)state;
    char piece[1000], got[65536];
    size_t written = 0, read = 0;
    int n = 0;
    for (;;) {
        memset(piece, (char)('a' + written / sizeof(piece) % 26), sizeof(piece));
        n = BIO_write(bio, piece, sizeof(piece));
        if (n < 0)
            break;
        written += (size_t)n;
    }
    assert_true(BIO_should_write(bio) && s.is_full);
    assert_in_range(tls_socket_gathered(&s), 1, 17 * 1024);
    while (read < written) {
        ssize_t m = recv(peer, got, sizeof(got), 0);
        for (ssize_t i = 0; i < m; i++, read++)
            assert_int_equal(got[i], 'a' + read / sizeof(piece) % 26);
        assert_int_equal(tls_socket_send(&s), 0);
    }
    assert_int_equal(read, written);
    assert_false(s.is_full);
    assert_int_equal(recv(peer, got, sizeof(got), 0), -1);
}

static void test_peer_has_gone(void **state)
{
    (void)state;
    close(peer);
    peer = -1;
    assert_int_equal(BIO_write(bio, "reply", 5), 5);
    assert_int_equal(tls_socket_send(&s), EPIPE);
    assert_int_equal(tls_socket_gathered(&s), 0);
    assert_false(s.is_full);
    char large[16 * 1024] = "";
    assert_int_equal(BIO_write(bio, large, sizeof(large)), -1);
    assert_int_equal(errno, EPIPE);
    assert_false(BIO_should_retry(bio));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_until_dry),    TEST(test_end_of_input),
        TEST(test_gathers_until_sent), TEST(test_large_output_is_not_copied),
        TEST(test_full_socket),        TEST(test_peer_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
