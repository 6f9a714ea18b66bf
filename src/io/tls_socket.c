#include "io/tls_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    /* What is this large alone is not copied, but handed to the kernel where it lies. A flight of
     * the handshake with its certificates is smaller, and OpenSSL writes it in pieces of 4 KiB. */
    SENT_AT_ONCE = 8 * 1024,
    /* Beyond this the socket has to take some first: what is held for one peer is this and a record
     * at most. */
    GATHERED_MAX = 16 * 1024,
};

void tls_socket_init(struct tls_socket *s, int fd)
{
    *s = (struct tls_socket){.fd = fd, .out = BUF_INIT(BUF_UNLIMITED)};
}

static void forget(struct tls_socket *s)
{
    buf_done(&s->out);
    s->out_sent = 0;
    s->is_full = false;
}

void tls_socket_done(struct tls_socket *s)
{
    forget(s);
}

int tls_socket_send(struct tls_socket *s)
{
    s->is_full = false;
    while (tls_socket_gathered(s) > 0) {
        ssize_t n = send(s->fd, s->out.p + s->out_sent, tls_socket_gathered(s), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            s->is_full = true;
            return 0;
        }
        if (n < 0) {
            int error = errno;
            forget(s);
            return error;
        }
        s->out_sent += (size_t)n;
    }
    forget(s);
    return 0;
}

static int read_bytes(BIO *bio, char *p, int room)
{
    struct tls_socket *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = -1;
    if (s->is_dry)
        errno = EAGAIN;
    else
        n = recv(s->fd, p, (size_t)room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (n < room)
        s->is_dry = true;
    if (n == 0)
        s->eof = true;
    return (int)n;
}

static int send_now(BIO *bio, const struct tls_socket *s, const char *p, int n)
{
    ssize_t sent = send(s->fd, p, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int write_bytes(BIO *bio, const char *p, int n)
{
    struct tls_socket *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls_socket_gathered(s) >= GATHERED_MAX) {
        int error = tls_socket_send(s);
        if (s->is_full)
            BIO_set_retry_write(bio);
        errno = s->is_full ? EAGAIN : error;
        if (s->is_full || error)
            return -1;
    }
    if (tls_socket_gathered(s) == 0 && n >= SENT_AT_ONCE)
        return send_now(bio, s, p, n);
    buf_add(&s->out, span_make(p, (size_t)n));
    return n;
}

static long control(BIO *bio, int what, long number, void *pointer)
{
    (void)number, (void)pointer;
    const struct tls_socket *s = BIO_get_data(bio);
    if (what == BIO_CTRL_EOF)
        return s->eof;
    return what == BIO_CTRL_FLUSH; /* done by the owner, at the end of its step */
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

/* Never freed. */
static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tls_socket");
    if (!method || !BIO_meth_set_read(method, read_bytes) ||
        !BIO_meth_set_write(method, write_bytes) || !BIO_meth_set_ctrl(method, control))
        abort();
}

BIO *tls_socket_bio(struct tls_socket *s)
{
    pthread_once(&method_once, make_method);
    BIO *bio = BIO_new(method);
    if (!bio)
        abort();
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}
