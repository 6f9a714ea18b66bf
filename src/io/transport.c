#include "io/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "io/tls.h"

void transport_add_errno(struct buf *why, int error)
{
    const char *text = strerrordesc_np(error);
    buf_add_text(why, text ? text : "unknown error");
}

static enum transport_result of_errno(int error, enum transport_result wants, struct buf *why)
{
    if (error == EAGAIN || error == EINTR)
        return wants;
    transport_add_errno(why, error);
    return TRANSPORT_FAILED;
}

/* What a call that did not succeed means. OpenSSL's queue was empty before the call, so all in it
 * belongs to it. */
static enum transport_result of_ssl(SSL *ssl, int result, struct buf *why)
{
    int error = errno;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ: return TRANSPORT_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return TRANSPORT_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return TRANSPORT_EOF;
    case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() != 0)
            break;
        if (error == 0)
            return TRANSPORT_EOF;
        transport_add_errno(why, error);
        return TRANSPORT_FAILED;
    default: break;
    }
    tls_add_errors(why);
    return TRANSPORT_TLS_FAILED;
}

enum transport_result transport_read(int fd, SSL *ssl, char *p, size_t room, size_t *got,
                                     struct buf *why)
{
    if (ssl) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_read_ex(ssl, p, room, got);
        return result == 1 ? TRANSPORT_DONE : of_ssl(ssl, result, why);
    }
    ssize_t n = recv(fd, p, room, 0);
    if (n < 0)
        return of_errno(errno, TRANSPORT_WANTS_READ, why);
    if (n == 0)
        return TRANSPORT_EOF;
    *got = (size_t)n;
    return TRANSPORT_DONE;
}

enum transport_result transport_write(int fd, SSL *ssl, struct span bytes, size_t *written,
                                      struct buf *why)
{
    if (ssl) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_write_ex(ssl, bytes.p, bytes.n, written);
        return result == 1 ? TRANSPORT_DONE : of_ssl(ssl, result, why);
    }
    ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    if (n < 0)
        return of_errno(errno, TRANSPORT_WANTS_WRITE, why);
    *written = (size_t)n;
    return TRANSPORT_DONE;
}

/* OpenSSL's own words are "certificate verify failed"; this adds which rule and which name. */
static void add_verify_error(SSL *ssl, struct buf *why)
{
    long result = SSL_get_verify_result(ssl);
    if (result == X509_V_OK)
        return;
    buf_addf(why, "%s%s", why->n ? ": " : "", X509_verify_cert_error_string(result));
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH && host)
        buf_addf(why, " (expected %s)", host);
}

enum transport_result transport_handshake(SSL *ssl, struct buf *why)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(ssl);
    if (result == 1)
        return TRANSPORT_DONE;
    enum transport_result outcome = of_ssl(ssl, result, why);
    if (outcome == TRANSPORT_WANTS_READ || outcome == TRANSPORT_WANTS_WRITE)
        return outcome;
    if (outcome == TRANSPORT_EOF)
        buf_add_text(why, "the peer closed the connection during the TLS handshake");
    if (outcome == TRANSPORT_TLS_FAILED)
        add_verify_error(ssl, why);
    return TRANSPORT_TLS_FAILED;
}
