#include "io/probe.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/transport.h"
#include "io/trust.h"

enum { HOST_MAX = 255, PORT_MAX = 5, REPLY_LINE_MAX = 4096, REPLY_LINES_MAX = 200 };

struct probe {
    int fd;
    SSL *ssl;
    int64_t deadline_ms;
    char read[REPLY_LINE_MAX];
    size_t have;
    struct buf *text, *why;
};

/* ---- the target ---- */

static enum err split_target(struct span target, char host[HOST_MAX + 1], char port[PORT_MAX + 1],
                             struct buf *why)
{
    struct span name = target, service = SPAN("25");
    size_t colon = span_rfind(target, ':');
    if (span_starts(target, SPAN("["))) {
        size_t end = span_find(target, ']');
        name = span_skip(span_head(target, end), 1);
        if (end + 1 < target.n && target.p[end + 1] == ':')
            service = span_skip(target, end + 2);
    } else if (colon < target.n && span_find(target, ':') == colon) {
        name = span_head(target, colon);
        service = span_skip(target, colon + 1);
    }
    bool digits = service.n > 0;
    for (size_t i = 0; i < service.n; i++)
        digits &= text_is_digit(service.p[i]);
    if (!name.n || name.n > HOST_MAX || !digits || service.n > PORT_MAX) {
        buf_addf(why, "\"" SPAN_FMT "\" is no server: write host, host:port or [address]:port",
                 SPAN_ARG(target));
        return ERR_SYNTAX;
    }
    memcpy(host, name.p, name.n);
    host[name.n] = 0;
    memcpy(port, service.p, service.n);
    port[service.n] = 0;
    return OK;
}

/* ---- the socket ---- */

static bool wait_for(const struct probe *p, int fd, short events)
{
    int64_t left = p->deadline_ms - clock_monotonic_ms();
    struct pollfd poll_for = {.fd = fd, .events = events};
    return left > 0 && poll(&poll_for, 1, (int)left) == 1;
}

static int connect_one(struct probe *p, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int failed = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (failed == EINPROGRESS) {
        socklen_t n = sizeof(failed);
        failed = ETIMEDOUT;
        if (wait_for(p, fd, POLLOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) != 0)
            failed = errno;
    }
    if (failed == 0)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

static enum err connect_any(struct probe *p, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed) {
        buf_addf(p->why, "%s has no address: %s", host, gai_strerror(failed));
        return ERR_IO;
    }
    for (const struct addrinfo *a = found; a && p->fd < 0; a = a->ai_next)
        p->fd = connect_one(p, a);
    if (p->fd < 0) {
        buf_addf(p->why, "nobody answers at %s port %s: ", host, port);
        transport_add_errno(p->why, errno);
    }
    freeaddrinfo(found);
    return p->fd < 0 ? ERR_IO : OK;
}

static enum err fail(struct probe *p, const char *what)
{
    struct buf detail = BUF_INIT(BUF_UNLIMITED);
    buf_add(&detail, buf_span(p->why));
    buf_reset(p->why);
    buf_addf(p->why, "%s%s" SPAN_FMT, what, detail.n ? ": " : "", SPAN_ARG(buf_span(&detail)));
    buf_done(&detail);
    return ERR_IO;
}

/* Repeats a step until it is done, waiting for the socket in between. */
static bool goes_on(struct probe *p, enum transport_result result)
{
    if (result == TRANSPORT_WANTS_READ)
        return wait_for(p, p->fd, POLLIN);
    return result == TRANSPORT_WANTS_WRITE && wait_for(p, p->fd, POLLOUT);
}

static enum err say(struct probe *p, const char *line)
{
    struct span left = span_of(line);
    while (left.n) {
        size_t written = 0;
        enum transport_result result = transport_write(p->fd, p->ssl, left, &written, p->why);
        if (result != TRANSPORT_DONE && !goes_on(p, result))
            return fail(p, "the server does not take what is sent");
        left = span_skip(left, written);
    }
    return OK;
}

static enum err hear_line(struct probe *p, struct buf *line)
{
    for (;;) {
        const char *end = memchr(p->read, '\n', p->have);
        if (end) {
            size_t n = (size_t)(end - p->read) + 1;
            buf_add(line, span_trim(span_make(p->read, n)));
            p->have -= n;
            memmove(p->read, p->read + n, p->have);
            return OK;
        }
        size_t got = 0;
        if (p->have == sizeof(p->read))
            return fail(p, "what answers sends lines that no SMTP server sends");
        enum transport_result result = transport_read(p->fd, p->ssl, p->read + p->have,
                                                      sizeof(p->read) - p->have, &got, p->why);
        p->have += got;
        if (result != TRANSPORT_DONE && !goes_on(p, result))
            return fail(p, "the server stopped answering");
    }
}

/* A whole reply, each line noted down. *offers: it has STARTTLS. */
static enum err hear_reply(struct probe *p, const char *code, bool *offers)
{
    struct buf line = BUF_INIT(REPLY_LINE_MAX);
    enum err err = OK;
    for (int i = 0; err == OK && i < REPLY_LINES_MAX; i++) {
        buf_reset(&line);
        err = hear_line(p, &line);
        struct span text = buf_span(&line);
        if (err != OK)
            break;
        buf_addf(p->text, SPAN_FMT "\n", SPAN_ARG(text));
        if (!span_starts(text, span_of(code)))
            err = fail(p, "the server answers with another code than expected");
        else if (offers && span_ieq(span_trim(span_skip(text, 4)), SPAN("STARTTLS")))
            *offers = true;
        if (text.n < 4 || text.p[3] != '-')
            break;
    }
    buf_done(&line);
    return err;
}

/* ---- TLS ---- */

static void note_certificates(struct probe *p)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(p->ssl);
    BIO *out = BIO_new(BIO_s_mem());
    for (int i = 0; out && i < sk_X509_num(chain); i++)
        PEM_write_bio_X509(out, sk_X509_value(chain, i));
    X509 *leaf = SSL_get0_peer_certificate(p->ssl);
    if (out && leaf) {
        BIO_puts(out, "subject=");
        X509_NAME_print_ex(out, X509_get_subject_name(leaf), 0,
                           XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
        BIO_puts(out, "\nissuer=");
        X509_NAME_print_ex(out, X509_get_issuer_name(leaf), 0,
                           XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
        BIO_puts(out, "\n");
    }
    char *bytes = NULL;
    long n = out ? BIO_get_mem_data(out, &bytes) : 0;
    if (n > 0)
        buf_add(p->text, span_make(bytes, (size_t)n));
    long verdict = SSL_get_verify_result(p->ssl);
    buf_addf(p->text, "---\nVerify return code: %ld (%s)\n", verdict,
             verdict == X509_V_OK ? "ok" : X509_verify_cert_error_string(verdict));
    BIO_free(out);
}

static enum err shake_hands(struct probe *p, const char *host)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    X509_STORE *roots = trust_system_roots();
    enum err err = OK;
    if (context && roots)
        SSL_CTX_set1_cert_store(context, roots);
    p->ssl = context ? SSL_new(context) : NULL;
    SSL_CTX_free(context);
    if (!p->ssl || SSL_set_fd(p->ssl, p->fd) != 1)
        return fail(p, "no TLS client can be made");
    SSL_set_connect_state(p->ssl);
    SSL_set_tlsext_host_name(p->ssl, host);
    p->have = 0; /* what a server sends behind its 220 in clear text is not TLS */
    for (enum transport_result result; err == OK;) {
        result = transport_handshake(p->ssl, p->why);
        if (result == TRANSPORT_DONE)
            break;
        if (!goes_on(p, result))
            err = fail(p, "the TLS handshake behind STARTTLS failed");
    }
    if (err == OK)
        note_certificates(p);
    return err;
}

static enum err talk(struct probe *p, const char *host, const char *port)
{
    bool offers = false;
    enum err err = hear_reply(p, "220", NULL);
    if (err == OK)
        err = say(p, "EHLO sealpost-diagnose.invalid\r\n");
    if (err == OK)
        buf_add_text(p->text, "EHLO sealpost-diagnose.invalid\n");
    if (err == OK)
        err = hear_reply(p, "250", &offers);
    if (err != OK || !offers)
        return err;
    err = say(p, "STARTTLS\r\n");
    if (err == OK) {
        buf_add_text(p->text, "STARTTLS\n");
        err = hear_reply(p, "220", NULL);
    }
    if (err != OK)
        return err;
    buf_addf(p->text,
             "\nopenssl s_client -connect %s:%s -starttls smtp -showcerts\nCONNECTED(00000003)\n",
             host, port);
    return shake_hands(p, host);
}

enum err probe_smtp(struct span target, struct buf *text, struct buf *why)
{
    char host[HOST_MAX + 1], port[PORT_MAX + 1];
    struct probe p = {
        .fd = -1, .deadline_ms = clock_monotonic_ms() + PROBE_TIMEOUT_MS, .text = text, .why = why};
    enum err err = split_target(target, host, port, why);
    if (err == OK)
        err = connect_any(&p, host, port);
    if (err == OK)
        err = talk(&p, host, port);
    if (err == OK)
        (void)say(&p, "QUIT\r\n"); /* polite; what comes of it does not matter */
    SSL_free(p.ssl);
    if (p.fd >= 0)
        close(p.fd);
    return err;
}
