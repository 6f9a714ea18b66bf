/* Which connections resume a session, and which never may. */
#include "io/tls_resume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cert/test_maker.h"
#include "io/stream_script.h"
#include "io/tls.h"

static SSL_CTX *server_ctx;
static char roots[] = "/tmp/resume-test-roots-XXXXXX";

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
    assert_int_equal(fclose(file), 0);
}

/* Its own root. not_after_ms: 0 for the usual time. */
static void make_server(int64_t not_after_ms)
{
    struct recipe recipe = {.names = "mail.example.com,b.example.com",
                            .not_after_ms = not_after_ms};
    struct made made = make_certificate(&recipe);
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1000);
    struct certificate *c = NULL;
    add_certificate_pem(&pem, made.x);
    write_file(roots, buf_span(&pem));
    add_key_pem(&pem, made.key, NULL);
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why), OK);
    SSL_CTX_free(server_ctx);
    server_ctx = NULL;
    assert_int_equal(tls_server_context(c, &server_ctx, &why), OK);
    certificate_free(c);
    buf_done(&pem);
    buf_done(&why);
    made_done(&made);
}

static SSL_CTX *make_client(enum tls_verify verify, bool keeps)
{
    SSL_CTX *ctx = NULL;
    struct buf why = BUF_INIT(1000);
    assert_int_equal(tls_client_context(verify, roots, NULL, &ctx, &why), OK);
    if (keeps)
        tls_resume_use(ctx);
    buf_done(&why);
    return ctx;
}

static void start_server_tls(struct side *side)
{
    stream_start_tls_server(side->s, server_ctx);
}

static void greet(struct side *side)
{
    stream_write(side->s, SPAN("250 hello\r\n"));
}

/* One connection, which ends without close_notify; whether it resumed a session. */
static bool resumes(SSL_CTX *ctx, const char *name)
{
    struct stream_owner owner = owner_of(&client);
    struct stream_tls_info info;
    buf_reset(&client.got);
    server.connected = start_server_tls;
    server.tls = greet;
    client.stop_at = 11;
    client.stops_at_end = true;
    client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
    stream_start_tls_client(client.s, ctx, name);
    run();
    if (!client.s)
        fail_msg("%s", buf_text(&client.text));
    stream_tls_info(client.s, &info);
    bool resumed = info.resumed;
    assert_int_equal(info.verify_result, X509_V_OK);
    stream_free(client.s);
    stream_free(server.s);
    client.s = server.s = NULL;
    return resumed;
}

static void test_a_session_is_resumed(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(ctx, "mail.example.com"));
    for (int i = 0; i < 5; i++)
        assert_true(resumes(ctx, "mail.example.com"));
    SSL_CTX_free(ctx);
}

static void test_only_where_it_is_asked_for(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, false);
    assert_false(resumes(ctx, "mail.example.com"));
    assert_false(resumes(ctx, "mail.example.com"));
    SSL_CTX_free(ctx);
}

/* What was agreed on under one policy says nothing under another, nor for another name. */
static void test_never_across_policies_and_names(void **state)
{
    (void)state;
    SSL_CTX *lax = make_client(TLS_VERIFY_NONE, true), *chain = make_client(TLS_VERIFY_CHAIN, true),
            *strict = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(lax, "mail.example.com"));
    assert_false(resumes(chain, "mail.example.com"));
    assert_false(resumes(strict, "mail.example.com"));
    assert_false(resumes(strict, "b.example.com"));
    assert_true(resumes(lax, "mail.example.com"));
    assert_true(resumes(strict, "b.example.com"));
    SSL_CTX_free(lax);
    SSL_CTX_free(chain);
    SSL_CTX_free(strict);
}

static void test_not_for_ever(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(ctx, "mail.example.com"));
    clock_set_ms(clock_now_ms() + HOUR_MS + MINUTE_MS);
    assert_false(resumes(ctx, "mail.example.com"));
    clock_release();
    SSL_CTX_free(ctx);
}

static void test_not_beyond_the_certificates_end(void **state)
{
    (void)state;
    int64_t end = clock_now_ms() + 10 * MINUTE_MS;
    make_server(end);
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(ctx, "mail.example.com"));
    assert_true(resumes(ctx, "mail.example.com"));
    clock_set_ms(end + SECOND_MS);
    assert_false(resumes(ctx, "mail.example.com"));
    clock_release();
    SSL_CTX_free(ctx);
    make_server(0);
}

/* The peer has lost its keys, as after a restart: a full handshake, no failure. */
static void test_a_peer_that_forgot(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(ctx, "mail.example.com"));
    SSL_CTX_set_tlsext_ticket_key_evp_cb(server_ctx, NULL);
    assert_false(resumes(ctx, "mail.example.com"));
    SSL_CTX_free(ctx);
    make_server(0);
}

/* Many names: the oldest go, and nothing is lost but a handshake. */
static void test_a_bound(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NONE, true);
    char name[64];
    struct stream_owner owner = owner_of(&client);
    for (int i = 0; i < 520; i++) {
        snprintf(name, sizeof(name), "host%d.example.com", i);
        buf_reset(&client.got);
        server.connected = start_server_tls;
        server.tls = greet;
        client.stop_at = 11;
        client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
        stream_start_tls_client(client.s, ctx, name);
        run();
        stream_free(client.s);
        stream_free(server.s);
        client.s = server.s = NULL;
    }
    SSL_CTX_free(ctx);
}

/* After a handshake that failed with an offered session there is none left to offer. */
static void test_giving_up(void **state)
{
    (void)state;
    SSL_CTX *ctx = make_client(TLS_VERIFY_NAME, true);
    assert_false(resumes(ctx, "mail.example.com"));
    SSL *full = SSL_new(ctx);
    struct stream_owner owner = owner_of(&client);
    client.s = stream_connect(loop, listener_local(listener), NULL, &owner);
    server.connected = stop_here;
    run();
    int fd = dup(STDIN_FILENO);
    assert_false(tls_resume_give_up(full));
    tls_resume_offer(full, fd, "mail.example.com"); /* no connection: nobody to offer it to */
    assert_false(tls_resume_give_up(full));
    close(fd);
    stream_start_tls_client(client.s, ctx, "mail.example.com");
    assert_true(stream_gives_up_resumption(client.s));
    stream_free(client.s);
    stream_free(server.s);
    client.s = server.s = NULL;
    SSL_free(full);
    assert_false(resumes(ctx, "mail.example.com"));
    SSL_CTX_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_session_is_resumed),
        TEST(test_only_where_it_is_asked_for),
        TEST(test_never_across_policies_and_names),
        TEST(test_not_for_ever),
        TEST(test_not_beyond_the_certificates_end),
        TEST(test_a_peer_that_forgot),
        TEST(test_a_bound),
        TEST(test_giving_up),
    };
    close(mkstemp(roots));
    make_server(0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    SSL_CTX_free(server_ctx);
    unlink(roots);
    return failed;
}
