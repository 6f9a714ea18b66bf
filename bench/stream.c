#include "bench/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/args.h"

enum { RECORD = 16384 }; /* the largest TLS record, RFC 8446 section 5.1 */

static _Thread_local char why[160];

static ssize_t judge_errno(void)
{
    if (errno == EAGAIN || errno == EINTR)
        return STREAM_AGAIN;
    snprintf(why, sizeof(why), "%s", strerror(errno));
    return STREAM_FAILED;
}

static ssize_t judge_tls(SSL *tls, int result)
{
    unsigned long error = ERR_peek_error();
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return STREAM_CLOSED;
    default:
        if (error)
            ERR_error_string_n(error, why, sizeof(why));
        else
            snprintf(why, sizeof(why), "the peer closed inside TLS");
        return STREAM_FAILED;
    }
}

ssize_t stream_read(struct stream *s, void *bytes, size_t n)
{
    if (s->tls) {
        ERR_clear_error();
        int r = SSL_read(s->tls, bytes, (int)n);
        return r > 0 ? r : judge_tls(s->tls, r);
    }
    ssize_t r = recv(s->fd, bytes, n, 0);
    return r >= 0 ? r : judge_errno();
}

/* One record from several pieces. What is asked again after STREAM_AGAIN begins with the same
 * bytes, so that the pieces are copied anew does no harm (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER). */
static ssize_t write_tls(SSL *tls, const struct iovec *pieces, int count)
{
    static _Thread_local char record[RECORD];
    const char *from = pieces[0].iov_base;
    size_t n = pieces[0].iov_len < RECORD ? pieces[0].iov_len : RECORD;
    if (n < RECORD && count > 1) {
        from = record;
        n = 0;
        for (int i = 0; i < count && n < RECORD; i++) {
            size_t part = pieces[i].iov_len < RECORD - n ? pieces[i].iov_len : RECORD - n;
            if (part)
                memcpy(record + n, pieces[i].iov_base, part);
            n += part;
        }
    }
    ERR_clear_error();
    int r = SSL_write(tls, from, (int)n);
    if (r > 0)
        return r;
    ssize_t judged = judge_tls(tls, r);
    return judged == STREAM_CLOSED ? STREAM_FAILED : judged;
}

ssize_t stream_write(struct stream *s, const struct iovec *pieces, int count)
{
    if (s->tls)
        return write_tls(s->tls, pieces, count);
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
    ssize_t r = sendmsg(s->fd, &m, MSG_NOSIGNAL);
    return r >= 0 ? r : judge_errno();
}

void stream_start_tls(struct stream *s, SSL_CTX *context, SSL_SESSION *session)
{
    s->tls = SSL_new(context);
    if (!s->tls || SSL_set_fd(s->tls, s->fd) != 1)
        abort();
    if (session)
        SSL_set_session(s->tls, session);
    if (SSL_is_server(s->tls))
        SSL_set_accept_state(s->tls);
    else
        SSL_set_connect_state(s->tls);
}

int stream_handshake(struct stream *s)
{
    ERR_clear_error();
    int r = SSL_do_handshake(s->tls);
    if (r == 1)
        return 1;
    ssize_t judged = judge_tls(s->tls, r);
    return judged == STREAM_AGAIN ? STREAM_AGAIN : STREAM_FAILED;
}

const char *stream_why(void)
{
    return why;
}

void stream_close(struct stream *s)
{
    if (s->tls) {
        SSL_set_shutdown(s->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(s->tls);
        s->tls = NULL;
    }
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context)
        abort();
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

SSL_CTX *stream_server_context(const char *program, const char *certificate, const char *key,
                               bool tickets)
{
    SSL_CTX *context = make_context(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        args_fail(program, "%s is no certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        args_fail(program, "%s is not its key", key);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, tickets ? 1 : 0);
    if (!tickets)
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return context;
}

static int accept_chain(X509_STORE_CTX *store, void *context)
{
    (void)store;
    (void)context;
    return 1;
}

SSL_CTX *stream_client_context(bool only_tls12)
{
    SSL_CTX *context = make_context(TLS_client_method());
    /* What is measured is the server. SSL_VERIFY_NONE alone would verify the chain all the same and
     * ignore the result. */
    SSL_CTX_set_cert_verify_callback(context, accept_chain, NULL);
    if (only_tls12)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    return context;
}
