/* Server name indication (RFC 6066 section 3), taken from the ClientHello before anything else is
 * decided: so a session ticket is judged by the identity that the client asks for. Whatever is odd
 * here is left to OpenSSL's own parser, and the handshake goes on with the connector's own choice.
 */
#include <openssl/err.h>

#include "io/tls.h"

/* "ServerNameList": length, then type 0 (host_name), length, name. */
static struct span host_of(const unsigned char *p, size_t n)
{
    size_t length;
    if (n < 5 || (size_t)(p[0] << 8 | p[1]) != n - 2 || p[2] != TLSEXT_NAMETYPE_host_name)
        return SPAN_NONE;
    length = (size_t)(p[3] << 8 | p[4]);
    if (length > n - 5 || length > TLSEXT_MAXLEN_host_name)
        return SPAN_NONE;
    return span_make((const char *)p + 5, length);
}

static int on_client_hello(SSL *ssl, int *alert, void *context)
{
    const struct tls_names *names = context;
    const unsigned char *p;
    size_t n;
    (void)alert;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1)
        return SSL_CLIENT_HELLO_SUCCESS;
    struct span host = host_of(p, n);
    SSL_CTX *chosen =
        host.n && memchr(host.p, 0, host.n) == NULL ? names->choose(names->context, host) : NULL;
    if (chosen)
        SSL_set_SSL_CTX(ssl, chosen);
    ERR_clear_error();
    return SSL_CLIENT_HELLO_SUCCESS;
}

void tls_server_set_names(SSL_CTX *ctx, const struct tls_names *names)
{
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, (void *)names);
}
