#include "io/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "io/tls_keys.h"
#include "io/tls_rehearsal.h"
#include "io/tls_resume.h"
#include "io/tls_session.h"
#include "io/tls_tickets.h"

enum {
    SERVER_LEVEL = 2, /* 112 bits, as Debian's default; cert/select judges keys by the same */
    VERIFY_LEVEL = 2,
    /* Without verification the alternative is clear text: a 1024-bit RSA key still is better than
       none. */
    OPPORTUNISTIC_LEVEL = 1,
};

static const uint64_t common_options =
    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
    /* SMTP frames its own messages, and many peers end without close_notify. */
    SSL_OP_IGNORE_UNEXPECTED_EOF;

void tls_add_errors(struct buf *out)
{
    size_t before = out->n;
    for (;;) {
        const char *data = NULL;
        int flags = 0;
        unsigned long error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
        if (error == 0)
            break;
        const char *reason = ERR_SYSTEM_ERROR(error) ? strerrordesc_np(ERR_GET_REASON(error))
                                                     : ERR_reason_error_string(error);
        buf_addf(out, "%s%s", out->n > before ? "; " : "", reason ? reason : "unknown TLS error");
        if (data && *data && (flags & ERR_TXT_STRING))
            buf_addf(out, " (%s)", data);
    }
    if (out->n == before)
        buf_add_text(out, "unknown TLS error");
}

void tls_thumbprint(const X509 *x, char thumbprint[CERT_THUMBPRINT_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int done = X509_digest(x, EVP_sha1(), digest, &n);
    assert(done && 2 * n < CERT_THUMBPRINT_HEX);
    (void)done;
    for (unsigned i = 0; i < n; i++)
        snprintf(thumbprint + (size_t)2 * i, 3, "%02x", digest[i]);
}

static enum err refuse(struct buf *why, const char *what)
{
    buf_addf(why, "%s: ", what);
    tls_add_errors(why);
    return ERR_REFUSED;
}

static SSL_CTX *new_context(const SSL_METHOD *method, int level)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        abort();
    SSL_CTX_set_security_level(ctx, level);
    int done = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
               SSL_CTX_set_max_proto_version(ctx, 0) &&
               SSL_CTX_set_cipher_list(ctx, tls_cipher_list);
    assert(done);
    (void)done;
    SSL_CTX_set_options(ctx, common_options);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    return ctx;
}

static enum err use_certificate(SSL_CTX *ctx, const struct certificate *c, struct buf *why)
{
    if (!c->key) {
        buf_add_text(why, "the certificate has no private key");
        return ERR_REFUSED;
    }
    if (SSL_CTX_use_certificate(ctx, c->leaf) != 1)
        return refuse(why, "the certificate cannot be used for TLS");
    if (SSL_CTX_use_PrivateKey(ctx, c->key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return refuse(why, "the private key does not serve this certificate");
    if (SSL_CTX_set1_chain(ctx, c->chain) != 1)
        return refuse(why, "the certificate's chain cannot be used for TLS");
    return OK;
}

/* A ticket of one identity must not open a session of another, but a renewed certificate keeps its
 * peers' sessions: the context's id is made of the names. */
static void set_session_context(SSL_CTX *ctx, const struct certificate *c)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (size_t i = 0; i < c->name_count; i++)
        done = done && EVP_DigestUpdate(md, c->names[i].p, c->names[i].n) &&
               EVP_DigestUpdate(md, "", 1);
    if (c->name_count == 0)
        done = done && EVP_DigestUpdate(md, c->subject.p, c->subject.n);
    done = done && EVP_DigestFinal_ex(md, id, &n) && SSL_CTX_set_session_id_context(ctx, id, n);
    assert(done);
    (void)done;
    EVP_MD_CTX_free(md);
}

/* The first must be what a client of no special kind sees, each other one what its own kind does.
 */
static enum err rehearse_all(SSL_CTX *ctx, const struct certificate *const *certificates,
                             size_t count, struct buf *why)
{
    enum err err = tls_rehearse(ctx, certificates[0]->leaf, NULL, why);
    for (size_t i = 1; i < count && err == OK; i++) {
        enum tls_keys keys = tls_keys_of(certificates[i]);
        err = tls_rehearse(ctx, certificates[i]->leaf, &keys, why);
    }
    return err;
}

enum err tls_server_context_of(const struct certificate *const *certificates, size_t count,
                               SSL_CTX **ctx, struct buf *why)
{
    assert(count > 0);
    ERR_clear_error();
    SSL_CTX *fresh = new_context(TLS_server_method(), SERVER_LEVEL);
    SSL_CTX_set_dh_auto(fresh, 1);
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++)
        err = use_certificate(fresh, certificates[i], why);
    if (err == OK) {
        if (count > 1)
            tls_prefer_keys(fresh, tls_keys_of(certificates[0]));
        set_session_context(fresh, certificates[0]);
        tls_tickets_use(fresh);
        err = rehearse_all(fresh, certificates, count, why);
    }
    if (err != OK) {
        SSL_CTX_free(fresh);
        ERR_clear_error();
        return err;
    }
    *ctx = fresh;
    return OK;
}

enum err tls_server_context(const struct certificate *certificate, SSL_CTX **ctx, struct buf *why)
{
    return tls_server_context_of(&certificate, 1, ctx, why);
}

static enum err use_trust(SSL_CTX *ctx, const char *trust_file, struct buf *why)
{
    int done = trust_file ? SSL_CTX_load_verify_file(ctx, trust_file)
                          : SSL_CTX_set_default_verify_paths(ctx);
    if (done == 1)
        return OK;
    buf_addf(why, "the trusted roots in %s cannot be read: ",
             trust_file ? trust_file : "the system's store");
    tls_add_errors(why);
    return ERR_IO;
}

enum err tls_client_context(enum tls_verify verify, const char *trust_file,
                            const struct certificate *certificate, SSL_CTX **ctx, struct buf *why)
{
    ERR_clear_error();
    SSL_CTX *fresh = new_context(TLS_client_method(),
                                 verify == TLS_VERIFY_NONE ? OPPORTUNISTIC_LEVEL : VERIFY_LEVEL);
    SSL_CTX_set_app_data(fresh, (void *)(intptr_t)verify);
    /* SSL_VERIFY_NONE: the chain is verified all the same and SSL_get_verify_result tells, for the
     * record. */
    SSL_CTX_set_verify(fresh, verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    enum err err = use_trust(fresh, trust_file, why);
    if (err == ERR_IO && verify == TLS_VERIFY_NONE && !trust_file)
        err = OK;
    if (err == OK && certificate)
        err = use_certificate(fresh, certificate, why);
    if (err != OK) {
        SSL_CTX_free(fresh);
        ERR_clear_error();
        return err;
    }
    *ctx = fresh;
    return OK;
}

/* Read ahead: header and body of a record, and what came along with it, are one call of the kernel.
 */
static SSL *new_session(SSL_CTX *ctx, struct tls_socket *socket)
{
    SSL *ssl = SSL_new(ctx);
    if (!ssl)
        abort();
    BIO *bio = tls_socket_bio(socket);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_read_ahead(ssl, 1);
    return ssl;
}

SSL *tls_session_server(SSL_CTX *ctx, struct tls_socket *socket)
{
    SSL *ssl = new_session(ctx, socket);
    SSL_set_accept_state(ssl);
    return ssl;
}

static bool is_ip_literal(const char *name)
{
    unsigned char address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* RFC 9525: whole-label wildcards only, and an address is compared with iPAddress alone. */
static bool expect_name(SSL *ssl, const char *name)
{
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_ip_literal(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1;
}

SSL *tls_session_client(SSL_CTX *ctx, struct tls_socket *socket, const char *name, struct buf *why)
{
    enum tls_verify verify = (enum tls_verify)(intptr_t)SSL_CTX_get_app_data(ctx);
    SSL *ssl = new_session(ctx, socket);
    SSL_set_connect_state(ssl);
    /* Without verification the name is still compared, for the record; a name that cannot be is no
     * obstacle. */
    bool named = name && *name && (verify == TLS_VERIFY_CHAIN || expect_name(ssl, name));
    if (named && !is_ip_literal(name))
        named = SSL_set_tlsext_host_name(ssl, name) == 1;
    if (!named && verify == TLS_VERIFY_NAME) {
        buf_add_text(why, "there is no host name that the certificate could be checked for");
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        tls_resume_offer(ssl, socket->fd, name);
    ERR_clear_error();
    return ssl;
}
