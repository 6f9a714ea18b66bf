#include "io/tls_rehearsal.h"

#include <openssl/err.h>
#include <stdlib.h>

enum { STEPS_MAX = 32 }; /* a handshake takes three; more is a loop */

struct pair {
    SSL *server, *client;
};

static struct pair open_pair(SSL_CTX *server_ctx, SSL_CTX *client_ctx)
{
    struct pair pair = {SSL_new(server_ctx), SSL_new(client_ctx)};
    BIO *server_bio = NULL, *client_bio = NULL;
    if (!pair.server || !pair.client || BIO_new_bio_pair(&server_bio, 0, &client_bio, 0) != 1)
        abort();
    SSL_set_bio(pair.server, server_bio, server_bio);
    SSL_set_bio(pair.client, client_bio, client_bio);
    SSL_set_accept_state(pair.server);
    SSL_set_connect_state(pair.client);
    return pair;
}

static void close_pair(struct pair *pair)
{
    SSL_free(pair->server);
    SSL_free(pair->client);
}

/* One step of one side: 1 done, 0 waits for the other, -1 failed. */
static int step(SSL *ssl)
{
    int result = SSL_do_handshake(ssl);
    if (result == 1)
        return 1;
    int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static bool shake_hands(struct pair *pair)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        int client = step(pair->client), server = client < 0 ? -1 : step(pair->server);
        if (client < 0 || server < 0)
            return false;
        if (client && server)
            return true;
    }
    return false;
}

static bool exchange_byte(struct pair *pair)
{
    char sent = 'E', got = 0;
    size_t n = 0;
    return SSL_write_ex(pair->client, &sent, 1, &n) == 1 &&
           SSL_read_ex(pair->server, &got, 1, &n) == 1 && got == sent;
}

static enum err rehearse_once(SSL_CTX *server, SSL_CTX *client, X509 *leaf, int max_version,
                              struct buf *why)
{
    ERR_clear_error();
    struct pair pair = open_pair(server, client);
    SSL_set_max_proto_version(pair.client, max_version);
    enum err err = OK;
    X509 *seen = NULL;
    if (!shake_hands(&pair) || !exchange_byte(&pair)) {
        buf_addf(why, "a %s client cannot complete the handshake: ",
                 max_version == TLS1_2_VERSION ? "TLS 1.2" : "TLS 1.3");
        tls_add_errors(why);
        err = ERR_REFUSED;
    } else if (!(seen = SSL_get0_peer_certificate(pair.client)) || X509_cmp(seen, leaf) != 0) {
        buf_add_text(why, "the handshake presented another certificate");
        err = ERR_REFUSED;
    }
    close_pair(&pair);
    return err;
}

enum err tls_rehearse(SSL_CTX *server, X509 *leaf, const enum tls_keys *keys, struct buf *why)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    if (!client)
        abort();
    if (keys)
        tls_client_limit_keys(client, *keys);
    enum err err = rehearse_once(server, client, leaf, TLS1_3_VERSION, why);
    if (err == OK)
        err = rehearse_once(server, client, leaf, TLS1_2_VERSION, why);
    SSL_CTX_free(client);
    return err;
}
