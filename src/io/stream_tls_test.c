#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cert/test_maker.h"
#include "io/stream_script.h"
#include "io/tls.h"

static SSL_CTX *server_ctx, *client_ctx;

static SSL_CTX *make_server_ctx(const struct recipe *recipe)
{
    struct made made = make_certificate(recipe);
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    struct certificate *c = NULL;
    SSL_CTX *ctx = NULL;
    add_certificate_pem(&pem, made.x);
    add_key_pem(&pem, made.key, NULL);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why), OK);
    assert_int_equal(tls_server_context(c, &ctx, &why), OK);
    certificate_free(c);
    buf_done(&pem);
    buf_done(&why);
    made_done(&made);
    return ctx;
}

static size_t server_starttls(struct side *side, struct span input)
{
    if (stream_is_tls(side->s))
        return echo(side, input);
    if (!span_starts(input, SPAN("STARTTLS\n")))
        return 0;
    stream_write(side->s, SPAN("220\n"));
    stream_start_tls_server(side->s, server_ctx);
    return 9;
}

static size_t client_starttls(struct side *side, struct span input)
{
    if (!stream_is_tls(side->s) && span_eq(input, SPAN("220\n")))
        stream_start_tls_client(side->s, client_ctx, "mail.example.com");
    return input.n;
}

static void ask_starttls(struct side *side)
{
    stream_write(side->s, SPAN("STARTTLS\n"));
}

static void say_secret(struct side *side)
{
    stream_write(side->s, SPAN("secret"));
}

static void test_starttls(void **state)
{
    (void)state;
    server.input = server_starttls;
    client.input = client_starttls;
    client.connected = ask_starttls;
    client.tls = say_secret;
    client.stop_at = 4 + 6;
    connect_client();
    run();
    assert_string_equal(buf_text(&client.got), "220\nsecret");
    struct stream_tls_info info;
    stream_tls_info(server.s, &info);
    assert_string_equal(info.version, "TLSv1.3");
    assert_true(span_eq(info.sni, SPAN("mail.example.com")));
    assert_null(info.peer);
    assert_non_null(info.group);
    stream_tls_info(client.s, &info);
    assert_non_null(info.peer);
    assert_int_equal(info.sni.n, 0);
    assert_int_equal(info.verify_result, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    assert_false(info.resumed);
    stream_close_when_drained(client.s);
    client.stops_at_end = true;
    run();
    assert_string_equal(buf_text(&client.log), "connected tls drained");
    assert_string_equal(buf_text(&server.log), "connected tls eof");
}

static void start_server_tls(struct side *side)
{
    stream_start_tls_server(side->s, server_ctx);
}

static void start_client_tls(struct side *side)
{
    stream_start_tls_client(side->s, client_ctx, NULL);
}

static void test_large_tls(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    client.connected = start_client_tls;
    exchange_large();
    assert_true(stream_is_tls(server.s) && stream_is_tls(client.s));
}

static void test_tls_pause_and_half_use(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    client.connected = start_client_tls;
    server.tls = pause_at_once;
    client.to_send = LARGE;
    connect_client();
    run_for(50);
    assert_int_equal(server.got.n, 0);
    stream_resume(server.s);
    server.stop_at = LARGE;
    run();
    assert_pattern(&server, LARGE);
}

/* What came along with the end of the handshake is in OpenSSL already, where epoll does not see it.
 */
static void test_tls_input_with_the_handshake(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    client.connected = start_client_tls;
    server.tls = pause_at_once;
    client.tls = say_secret;
    connect_client();
    run_for(50);
    assert_int_equal(server.got.n, 0);
    stream_resume(server.s);
    server.stop_at = 6;
    run();
    assert_string_equal(buf_text(&server.got), "secret");
}

/* Everything that is written before close goes out, through TLS as well. */
static void test_tls_close_when_drained(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    server.tls = close_behind_output;
    client.connected = start_client_tls;
    server.stops_at_end = true;
    connect_client();
    run();
    assert_pattern(&client, 2000000);
    assert_string_equal(buf_text(&server.log), "connected tls drained");
    if (client.s)
        run_for(20);
    assert_string_equal(buf_text(&client.log), "connected tls eof");
}

static void say_lines_and_close(struct side *side)
{
    stream_write(side->s, SPAN("one\ntwo\nthree\n"));
    stream_close_when_drained(side->s);
}

/* Lines and the end of the connection are read at once; the end waits until the last line was
 * answered. */
static void test_tls_half_close(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    client.connected = start_client_tls;
    client.tls = say_lines_and_close;
    connect_client();
    serve_lines();
    assert_string_equal(buf_text(&server.got), "one\ntwo\nthree\n");
    assert_string_equal(buf_text(&server.log), "connected tls eof");
}

static void test_garbage_for_handshake(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    server.stops_at_end = true;
    int fd = connect_raw();
    assert_int_equal(send(fd, "EHLO example.com\r\n", 18, 0), 18);
    run();
    assert_string_equal(buf_text(&server.log), "connected tls-failed");
    assert_true(server.text.n > 0);
    assert_null(strstr(buf_text(&server.text), "error:"));
    close(fd);
}

static void test_handshake_cut(void **state)
{
    (void)state;
    server.connected = start_server_tls;
    server.stops_at_end = true;
    int fd = connect_raw();
    assert_int_equal(send(fd, "\x16\x03\x01\x01", 4, 0), 4);
    close(fd);
    run();
    assert_string_equal(buf_text(&server.log), "connected tls-failed");
    assert_string_equal(buf_text(&server.text),
                        "the peer closed the connection during the TLS handshake");
}

static void start_server_tls_with_deadline(struct side *side)
{
    stream_start_tls_server(side->s, server_ctx);
    stream_set_deadline(side->s, 30);
}

static void test_handshake_deadline(void **state)
{
    (void)state;
    server.connected = start_server_tls_with_deadline;
    server.stops_at_end = true;
    int fd = connect_raw();
    run();
    assert_string_equal(buf_text(&server.log), "connected timeout");
    assert_string_equal(buf_text(&server.text), "the TLS handshake was not completed in time");
    close(fd);
}

/* CVE-2011-0411: commands that somebody put behind STARTTLS must not be taken for the peer's. */
static void test_injected_clear_text(void **state)
{
    (void)state;
    server.input = server_starttls;
    server.stops_at_end = true;
    int fd = connect_raw();
    assert_int_equal(send(fd, "STARTTLS\nRSET\n", 14, 0), 14);
    run();
    assert_string_equal(buf_text(&server.log), "connected tls-failed");
    assert_string_equal(buf_text(&server.text), "clear text was received after TLS was agreed on");
    close(fd);
}

static void assert_verifies(enum tls_verify verify, const char *roots, const char *name,
                            const char *expected)
{
    SSL_CTX *const none = client_ctx;
    struct buf why = BUF_INIT(1000);
    client_ctx = NULL;
    assert_int_equal(tls_client_context(verify, roots, NULL, &client_ctx, &why), OK);
    buf_done(&why);
    struct stream_owner owner = owner_of(&client);
    server.connected = start_server_tls;
    client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
    stream_start_tls_client(client.s, client_ctx, name); /* once it is connected */
    client.stops_at_end = true;
    client.tls = stop_here;
    run();
    const char *outcome = client.text.n ? buf_text(&client.text) : buf_text(&client.log);
    if (!strstr(outcome, expected))
        fail_msg("%s: \"%s\" does not say \"%s\"", name ? name : "-", outcome, expected);
    SSL_CTX_free(client_ctx);
    client_ctx = none;
    tear_down(NULL);
    set_up(NULL);
}

static void write_roots(const char *path, X509 *root)
{
    struct buf pem = BUF_INIT(BUF_UNLIMITED);
    add_certificate_pem(&pem, root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.p, 1, pem.n, file), pem.n);
    assert_int_equal(fclose(file), 0);
    buf_done(&pem);
}

static void test_verification(void **state)
{
    (void)state;
    char roots[] = "/tmp/stream-test-roots-XXXXXX";
    close(mkstemp(roots));
    SSL_CTX *const usual = server_ctx;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    write_roots(roots, root.x);
    struct recipe recipe = {.subject = "CN=cn.example.com",
                            .names = "mail.example.com,*.wild.example.com",
                            .issuer = &root};
    server_ctx = make_server_ctx(&recipe);
    assert_verifies(TLS_VERIFY_NAME, roots, "mail.example.com", "connected tls");
    assert_verifies(TLS_VERIFY_NAME, roots, "a.wild.example.com", "connected tls");
    assert_verifies(TLS_VERIFY_NAME, roots, "a.b.wild.example.com",
                    "hostname mismatch (expected a.b.wild.example.com)");
    assert_verifies(TLS_VERIFY_NAME, roots, "cn.example.com", "hostname mismatch");
    assert_verifies(TLS_VERIFY_NAME, roots, "127.0.0.1", "IP address mismatch");
    assert_verifies(TLS_VERIFY_NAME, roots, NULL, "no host name");
    assert_verifies(TLS_VERIFY_CHAIN, roots, "other.example.com", "connected tls");
    assert_verifies(TLS_VERIFY_CHAIN, NULL, "mail.example.com",
                    "unable to get local issuer certificate");
    assert_verifies(TLS_VERIFY_NONE, roots, "other.example.com", "connected tls");
    assert_verifies(TLS_VERIFY_NONE, roots, NULL, "connected tls");
    SSL_CTX_free(server_ctx);
    recipe.not_before_ms = clock_now_ms() - 20 * DAY_MS;
    recipe.not_after_ms = clock_now_ms() - DAY_MS;
    server_ctx = make_server_ctx(&recipe);
    assert_verifies(TLS_VERIFY_NAME, roots, "mail.example.com", "certificate has expired");
    SSL_CTX_free(server_ctx);
    server_ctx = usual;
    made_done(&root);
    unlink(roots);
}

/* Why the peer broke off is heard on the other side too. */
static void test_alert_in_words(void **state)
{
    (void)state;
    struct buf why = BUF_INIT(1000);
    SSL_CTX *const none = client_ctx;
    assert_int_equal(tls_client_context(TLS_VERIFY_NAME, NULL, NULL, &client_ctx, &why), OK);
    server.connected = start_server_tls;
    server.stops_at_end = true;
    struct stream_owner owner = owner_of(&client);
    client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
    stream_start_tls_client(client.s, client_ctx, "mail.example.com");
    run();
    assert_non_null(strstr(buf_text(&server.text), "alert unknown ca"));
    assert_string_equal(buf_text(&server.log), "connected tls-failed");
    SSL_CTX_free(client_ctx);
    client_ctx = none;
    buf_done(&why);
}

/* ---- freeing within callbacks ---- */

static void drop(struct side *side)
{
    stream_free(side->s);
    side->s = NULL;
    loop_stop(loop);
}

static size_t drop_on_input(struct side *side, struct span input)
{
    drop(side);
    return input.n / 2;
}

static void test_free_in_callbacks(void **state)
{
    (void)state;
    for (int turn = 0; turn < 5; turn++) {
        bool tls = turn == 3;
        server.connected = turn == 0 ? drop : tls ? start_server_tls : NULL;
        server.input = turn == 1 ? drop_on_input : NULL;
        client.connected = turn == 2 ? drop : tls ? start_client_tls : NULL;
        client.tls = turn == 3 ? drop : NULL;
        client.writable = turn == 4 ? drop : NULL;
        client.to_send = turn == 1 ? 10 : turn == 4 ? 5000000 : 0;
        connect_client();
        run();
        run_for(5);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void test_free_in_resume(void **state)
{
    (void)state;
    server.input = use_none;
    client.to_send = 100;
    connect_client();
    run_for(20);
    server.input = drop_on_input;
    stream_resume(server.s);
    assert_null(server.s);
    run(); /* the stop that drop asked for */
}

static size_t pause_and_resume(struct side *side, struct span input)
{
    stream_pause(side->s);
    stream_resume(side->s);
    return input.n < 10 ? input.n : 10;
}

/* Resumed from within its own callback, the stream offers the rest again, a little later. */
static void test_resume_in_input(void **state)
{
    (void)state;
    server.input = pause_and_resume;
    server.stop_at = 1000;
    client.to_send = 1000;
    connect_client();
    run();
    assert_pattern(&server, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_starttls),
        TEST(test_large_tls),
        TEST(test_tls_pause_and_half_use),
        TEST(test_tls_input_with_the_handshake),
        TEST(test_tls_close_when_drained),
        TEST(test_tls_half_close),
        TEST(test_garbage_for_handshake),
        TEST(test_handshake_cut),
        TEST(test_handshake_deadline),
        TEST(test_injected_clear_text),
        TEST(test_verification),
        TEST(test_alert_in_words),
        TEST(test_free_in_callbacks),
        TEST(test_free_in_resume),
        TEST(test_resume_in_input),
    };
    struct buf why = BUF_INIT(1000);
    server_ctx = make_server_ctx(&(struct recipe){.names = "mail.example.com"});
    if (tls_client_context(TLS_VERIFY_NONE, NULL, NULL, &client_ctx, &why) != OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    buf_done(&why);
    return failed;
}
