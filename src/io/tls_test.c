#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/err.h>

#include "base/clock.h"
#include "cert/test_maker.h"
#include "io/tls.h"

static struct buf why;

static int set_up(void **state)
{
    (void)state;
    buf_init(&why, 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&why);
    clock_release();
    assert_int_equal(ERR_peek_error(), 0);
    return 0;
}

static struct certificate *parse(struct made *made, EVP_PKEY *key, X509 *above)
{
    struct buf pem = BUF_INIT(BUF_UNLIMITED);
    add_certificate_pem(&pem, made->x);
    if (above)
        add_certificate_pem(&pem, above);
    if (key)
        add_key_pem(&pem, key, NULL);
    struct certificate *c = NULL;
    assert_int_equal(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why), OK);
    buf_done(&pem);
    return c;
}

static struct certificate *make(const struct recipe *recipe)
{
    struct made made = make_certificate(recipe);
    struct certificate *c = parse(&made, made.key, NULL);
    made_done(&made);
    return c;
}

static SSL_CTX *server_of(const struct certificate *c)
{
    SSL_CTX *ctx = NULL;
    if (tls_server_context(c, &ctx, &why) != OK)
        fail_msg("%s", buf_text(&why));
    return ctx;
}

static void assert_refused(const struct certificate *c, const char *expected)
{
    SSL_CTX *const untouched = (SSL_CTX *)&why;
    SSL_CTX *ctx = untouched;
    buf_reset(&why);
    assert_int_equal(tls_server_context(c, &ctx, &why), ERR_REFUSED);
    assert_ptr_equal(ctx, untouched);
    if (!strstr(buf_text(&why), expected))
        fail_msg("\"%s\" does not say \"%s\"", buf_text(&why), expected);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_every_kind_of_key(void **state)
{
    (void)state;
    static const char *const types[] = {"P-256", "P-384", "RSA 2048", "Ed25519"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct certificate *c =
            make(&(struct recipe){.names = "a.example.com", .key_type = types[i]});
        SSL_CTX_free(server_of(c));
        certificate_free(c);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct made made = make_certificate(&(struct recipe){.names = "a.example.com"});
    struct made root = make_certificate(&(struct recipe){.subject = "CN=R", .authority = true});
    struct certificate *c = parse(&made, NULL, NULL);
    assert_refused(c, "no private key");
    certificate_free(c);
    EVP_PKEY *other = make_key(NULL);
    c = parse(&made, other, NULL);
    assert_refused(c, "the private key does not serve this certificate: key values mismatch");
    certificate_free(c);
    EVP_PKEY_free(other);
    c = make(&(struct recipe){.names = "a.example.com", .key_type = "RSA 1024"});
    assert_refused(c, "ee key too small");
    certificate_free(c);
    c = make(&(struct recipe){.names = "a.example.com", .issuer = &root, .digest = EVP_sha1()});
    assert_refused(c, "ca md too weak");
    certificate_free(c);
    made_done(&made);
    made_done(&root);
}

static void test_client_context(void **state)
{
    (void)state;
    SSL_CTX *ctx = NULL;
    assert_int_equal(tls_client_context(TLS_VERIFY_NAME, "/nowhere/roots.pem", NULL, &ctx, &why),
                     ERR_IO);
    assert_non_null(strstr(buf_text(&why), "/nowhere/roots.pem"));
    assert_null(ctx);
    struct made made = make_certificate(&(struct recipe){.names = "a.example.com"});
    struct certificate *keyless = parse(&made, NULL, NULL);
    assert_int_equal(tls_client_context(TLS_VERIFY_NONE, NULL, keyless, &ctx, &why), ERR_REFUSED);
    assert_null(ctx);
    assert_int_equal(tls_client_context(TLS_VERIFY_NONE, NULL, NULL, &ctx, &why), OK);
    SSL_CTX_free(ctx);
    certificate_free(keyless);
    made_done(&made);
}

/* ---- sessions, over memory ---- */

struct pair {
    SSL *server, *client;
};

static bool shake(struct pair *pair)
{
    for (int i = 0; i < 20; i++) {
        int c = SSL_do_handshake(pair->client), s = SSL_do_handshake(pair->server);
        if (c == 1 && s == 1)
            return true;
    }
    ERR_clear_error();
    return false;
}

static struct pair connect_pair(SSL_CTX *server_ctx, SSL_CTX *client_ctx, const char *name,
                                SSL_SESSION *session)
{
    struct pair pair = {SSL_new(server_ctx), SSL_new(client_ctx)};
    BIO *server_bio = NULL, *client_bio = NULL;
    assert_int_equal(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
    SSL_set_bio(pair.server, server_bio, server_bio);
    SSL_set_bio(pair.client, client_bio, client_bio);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
    if (name)
        SSL_set_tlsext_host_name(pair.client, name);
    if (session)
        SSL_set_session(pair.client, session);
    assert_true(shake(&pair));
    return pair;
}

static void close_pair(struct pair *pair)
{
    SSL_free(pair->server);
    SSL_free(pair->client);
}

/* A session whose ticket has arrived, after one that is resumed unless it is NULL. */
static SSL_SESSION *session_after(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION *before)
{
    struct pair pair = connect_pair(server_ctx, client_ctx, "a.example.com", before);
    assert_int_equal(SSL_session_reused(pair.client), before != NULL);
    char byte = 0;
    size_t n = 0;
    assert_int_equal(SSL_write_ex(pair.server, "x", 1, &n), 1);
    assert_int_equal(SSL_read_ex(pair.client, &byte, 1, &n), 1);
    SSL_SESSION *session = SSL_get1_session(pair.client);
    /* Sessions that are not shut down are not resumed. */
    SSL_shutdown(pair.client);
    close_pair(&pair);
    assert_true(SSL_SESSION_is_resumable(session));
    return session;
}

static SSL_SESSION *session_of(SSL_CTX *server_ctx, SSL_CTX *client_ctx)
{
    return session_after(server_ctx, client_ctx, NULL);
}

static bool resumes(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION *session)
{
    struct pair pair = connect_pair(server_ctx, client_ctx, "a.example.com", session);
    bool reused = SSL_session_reused(pair.client);
    assert_int_equal(SSL_session_reused(pair.server), reused);
    close_pair(&pair);
    return reused;
}

static void test_sessions_outlive_contexts(void **state)
{
    (void)state;
    struct certificate *old = make(&(struct recipe){.names = "a.example.com,b.example.com"});
    struct certificate *renewed = make(&(struct recipe){.names = "a.example.com,b.example.com"});
    struct certificate *other = make(&(struct recipe){.names = "c.example.com"});
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *first = server_of(old), *second = server_of(renewed), *third = server_of(other);
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(client, version);
        SSL_SESSION *session = session_of(first, client);
        SSL_CTX_free(first);
        assert_true(resumes(second, client, session));
        SSL_SESSION_free(session);
        session = session_of(second, client);
        assert_false(resumes(third, client, session)); /* another identity */
        SSL_SESSION_free(session);
        SSL_CTX_free(second);
        SSL_CTX_free(third);
        SSL_CTX_free(client);
    }
    certificate_free(old);
    certificate_free(renewed);
    certificate_free(other);
}

/* Keys change every hour and open tickets for as long as a session may live. */
static void test_ticket_keys_rotate(void **state)
{
    (void)state;
    struct certificate *c = make(&(struct recipe){.names = "a.example.com"});
    SSL_CTX *server = server_of(c), *client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    int64_t now_ms = clock_now_ms() + DAY_MS;
    clock_set_ms(now_ms);
    SSL_SESSION *session = session_of(server, client);
    clock_set_ms(now_ms + HOUR_MS + MINUTE_MS);
    SSL_SESSION *younger = session_of(server, client); /* with a new key */
    assert_true(resumes(server, client, session));
    clock_set_ms(now_ms + 3 * HOUR_MS + MINUTE_MS);
    assert_false(resumes(server, client, session));
    assert_true(resumes(server, client, younger));
    SSL_SESSION_free(session);
    SSL_SESSION_free(younger);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    certificate_free(c);
}

/* A client that uses each TLS 1.3 ticket once resumes again and again. */
static void test_each_resumption_brings_a_ticket(void **state)
{
    (void)state;
    struct certificate *c = make(&(struct recipe){.names = "a.example.com"});
    SSL_CTX *server = server_of(c), *client = SSL_CTX_new(TLS_client_method());
    SSL_SESSION *session = session_of(server, client);
    for (int i = 0; i < 3; i++) {
        const unsigned char *used = NULL, *fresh = NULL;
        size_t used_n = 0, fresh_n = 0;
        SSL_SESSION *next = session_after(server, client, session);
        SSL_SESSION_get0_ticket(session, &used, &used_n);
        SSL_SESSION_get0_ticket(next, &fresh, &fresh_n);
        assert_true(fresh_n > 0);
        assert_true(fresh_n != used_n || memcmp(fresh, used, used_n) != 0);
        SSL_SESSION_free(session);
        session = next;
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    certificate_free(c);
}

static void test_old_protocols_are_refused(void **state)
{
    (void)state;
    struct certificate *c = make(&(struct recipe){.names = "a.example.com"});
    SSL_CTX *server = server_of(c);
    assert_int_equal(SSL_CTX_get_min_proto_version(server), TLS1_2_VERSION);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client, 0);
    SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
    struct pair pair = {SSL_new(server), SSL_new(client)};
    BIO *server_bio = NULL, *client_bio = NULL;
    assert_int_equal(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
    SSL_set_bio(pair.server, server_bio, server_bio);
    SSL_set_bio(pair.client, client_bio, client_bio);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
    assert_false(shake(&pair));
    close_pair(&pair);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    certificate_free(c);
}

/* The chain is sent as it was given, without a search for more. */
static void test_chain_is_sent(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    struct made middle = make_certificate(
        &(struct recipe){.subject = "CN=Middle", .authority = true, .issuer = &root});
    struct made leaf =
        make_certificate(&(struct recipe){.names = "a.example.com", .issuer = &middle});
    struct certificate *c = parse(&leaf, leaf.key, middle.x);
    SSL_CTX *server = server_of(c), *client = SSL_CTX_new(TLS_client_method());
    struct pair pair = connect_pair(server, client, "a.example.com", NULL);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(pair.client);
    assert_int_equal(sk_X509_num(chain), 2);
    assert_int_equal(X509_cmp(sk_X509_value(chain, 1), middle.x), 0);
    close_pair(&pair);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    certificate_free(c);
    made_done(&root);
    made_done(&middle);
    made_done(&leaf);
}

static void test_errors_in_words(void **state)
{
    (void)state;
    tls_add_errors(&why);
    assert_string_equal(buf_text(&why), "unknown TLS error");
    buf_reset(&why);
    ERR_raise_data(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER, "detail %d", 1);
    ERR_raise(ERR_LIB_SYS, ECONNRESET);
    tls_add_errors(&why);
    assert_string_equal(buf_text(&why), "no shared cipher (detail 1); Connection reset by peer");
}

/* ---- several certificates ---- */

static const enum tls_keys ecdsa = TLS_KEYS_ECDSA, rsa = TLS_KEYS_RSA, other = TLS_KEYS_OTHER;

/* keys: what the client can verify; NULL: all. */
static void assert_presents(SSL_CTX *server, const char *name, const enum tls_keys *keys,
                            const struct certificate *expected)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(client, version);
        if (keys)
            tls_client_limit_keys(client, *keys);
        struct pair pair = connect_pair(server, client, name, NULL);
        assert_int_equal(X509_cmp(SSL_get0_peer_certificate(pair.client), expected->leaf), 0);
        close_pair(&pair);
        SSL_CTX_free(client);
    }
}

static void test_kinds_of_keys_side_by_side(void **state)
{
    (void)state;
    struct made root = make_certificate(&(struct recipe){.subject = "CN=Root", .authority = true});
    struct made leaf = make_certificate(
        &(struct recipe){.names = "a.example.com", .key_type = "RSA 2048", .issuer = &root});
    struct certificate *c[] = {
        make(&(struct recipe){.names = "a.example.com"}),
        parse(&leaf, leaf.key, root.x),
        make(&(struct recipe){.names = "a.example.com", .key_type = "Ed25519"}),
    };
    assert_int_equal(tls_keys_of(c[0]), TLS_KEYS_ECDSA);
    assert_int_equal(tls_keys_of(c[1]), TLS_KEYS_RSA);
    assert_int_equal(tls_keys_of(c[2]), TLS_KEYS_OTHER);
    for (size_t first = 0; first < COUNT_OF(c); first++) {
        const struct certificate *all[] = {c[first], c[(first + 1) % 3], c[(first + 2) % 3]};
        SSL_CTX *server;
        if (tls_server_context_of(all, COUNT_OF(all), &server, &why) != OK)
            fail_msg("%s", buf_text(&why));
        assert_presents(server, "a.example.com", NULL, c[first]);
        assert_presents(server, "a.example.com", &ecdsa, c[0]);
        assert_presents(server, "a.example.com", &rsa, c[1]);
        assert_presents(server, "a.example.com", &other, c[2]);
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        tls_client_limit_keys(client, TLS_KEYS_RSA);
        struct pair pair = connect_pair(server, client, "a.example.com", NULL);
        assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(pair.client)), 2); /* its own chain */
        close_pair(&pair);
        SSL_CTX_free(client);
        SSL_CTX_free(server);
    }
    for (size_t i = 0; i < COUNT_OF(c); i++)
        certificate_free(c[i]);
    made_done(&root);
    made_done(&leaf);
}

static void test_one_bad_certificate_spoils_the_set(void **state)
{
    (void)state;
    struct certificate *good = make(&(struct recipe){.names = "a.example.com"});
    struct certificate *weak =
        make(&(struct recipe){.names = "a.example.com", .key_type = "RSA 1024"});
    const struct certificate *all[] = {good, weak};
    SSL_CTX *ctx = NULL;
    assert_int_equal(tls_server_context_of(all, 2, &ctx, &why), ERR_REFUSED);
    assert_null(ctx);
    certificate_free(good);
    certificate_free(weak);
}

struct choice {
    const char *name;
    SSL_CTX *ctx;
    unsigned calls;
};

static SSL_CTX *choose(void *context, struct span host)
{
    struct choice *choice = context;
    choice->calls++;
    return span_eq(host, span_of(choice->name)) ? choice->ctx : NULL;
}

static void test_names_choose_contexts(void **state)
{
    (void)state;
    struct certificate *own = make(&(struct recipe){.names = "a.example.com"});
    struct certificate *named =
        make(&(struct recipe){.names = "b.example.com", .key_type = "RSA 2048"});
    SSL_CTX *server = server_of(own);
    const struct certificate *both[] = {named, own};
    struct choice choice = {"b.example.com", NULL, 0};
    assert_int_equal(tls_server_context_of(both, 2, &choice.ctx, &why), OK);
    struct tls_names names = {choose, &choice};
    tls_server_set_names(server, &names);
    assert_presents(server, "a.example.com", NULL, own);
    assert_presents(server, "c.example.com", NULL, own);
    assert_presents(server, NULL, NULL, own);
    assert_int_equal(choice.calls, 4);
    assert_presents(server, "b.example.com", NULL, named);
    assert_presents(server, "b.example.com", &rsa, named);
    assert_presents(server, "b.example.com", &ecdsa, own); /* rather than no handshake */
    SSL_CTX_free(choice.ctx);
    SSL_CTX_free(server);
    certificate_free(own);
    certificate_free(named);
}

/* Each identity opens its own tickets, and only those. */
static void test_tickets_belong_to_the_name(void **state)
{
    (void)state;
    struct certificate *own = make(&(struct recipe){.names = "b.example.com"});
    struct certificate *named = make(&(struct recipe){.names = "a.example.com"});
    SSL_CTX *server = server_of(own), *plain = server_of(own), *other_name = server_of(named);
    struct choice choice = {"a.example.com", other_name, 0};
    struct tls_names names = {choose, &choice};
    tls_server_set_names(server, &names);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *client = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(client, version);
        SSL_SESSION *session = session_of(server, client);
        assert_true(resumes(server, client, session));
        SSL_SESSION_free(session);
        session = session_of(plain, client);
        assert_false(resumes(server, client, session));
        SSL_SESSION_free(session);
        SSL_CTX_free(client);
    }
    SSL_CTX_free(server);
    SSL_CTX_free(plain);
    SSL_CTX_free(other_name);
    certificate_free(own);
    certificate_free(named);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_kind_of_key),
        TEST(test_refusals),
        TEST(test_client_context),
        TEST(test_sessions_outlive_contexts),
        TEST(test_ticket_keys_rotate),
        TEST(test_each_resumption_brings_a_ticket),
        TEST(test_old_protocols_are_refused),
        TEST(test_chain_is_sent),
        TEST(test_errors_in_words),
        TEST(test_kinds_of_keys_side_by_side),
        TEST(test_one_bad_certificate_spoils_the_set),
        TEST(test_names_choose_contexts),
        TEST(test_tickets_belong_to_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
