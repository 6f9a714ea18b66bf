/* stream: a nonblocking socket, in clear or with TLS on it, and the TLS contexts of the tools. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/uio.h>

struct stream {
    int fd;
    SSL *tls; /* NULL in clear */
};

/* Results besides a number of bytes. */
enum { STREAM_CLOSED = 0, STREAM_AGAIN = -1, STREAM_FAILED = -2 };

ssize_t stream_read(struct stream *s, void *bytes, size_t n);
/* As much of the pieces as is taken at once; never STREAM_CLOSED. */
ssize_t stream_write(struct stream *s, const struct iovec *pieces, int count);

/* A session (borrowed; may be NULL) is offered for resumption. */
void stream_start_tls(struct stream *s, SSL_CTX *context, SSL_SESSION *session);
/* 1 when done, STREAM_AGAIN or STREAM_FAILED. */
int stream_handshake(struct stream *s);
/* What failed last on this thread. */
const char *stream_why(void);
/* No close_notify; the TLS session stays good for resumption. Harmless when closed already. */
void stream_close(struct stream *s);

/* Each ends the process with a message where the files are no good. */
SSL_CTX *stream_server_context(const char *program, const char *certificate, const char *key,
                               bool tickets);
SSL_CTX *stream_client_context(bool only_tls12);

#endif
