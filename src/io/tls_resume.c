#include "io/tls_resume.h"

#include <assert.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"

enum {
    PEERS_MAX = 500, /* a session holds the peer's chain, some 5 KiB */
    LIFETIME_S = 3600,
    KEY_MAX = 512,
};

struct peer {
    struct list age; /* in kept.oldest */
    SSL_SESSION *session;
    size_t key_n;
    char key[];
};

struct kept {
    struct map peers;
    struct list oldest;
};

/* Of a connection. */
struct purpose {
    bool offered;
    size_t key_n;
    char key[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int of_context = -1, of_connection = -1;

/* ---- what is kept ---- */

static void remove_peer(struct kept *kept, struct peer *p)
{
    map_remove(&kept->peers, span_make(p->key, p->key_n));
    list_remove(&p->age);
    SSL_SESSION_free(p->session);
    free(p);
}

static struct peer *add_peer(struct kept *kept, struct span key)
{
    if (kept->peers.count >= PEERS_MAX)
        remove_peer(kept, LIST_OBJECT(kept->oldest.next, struct peer, age));
    struct peer *p = calloc(1, sizeof(*p) + key.n);
    if (!p)
        abort();
    p->key_n = key.n;
    memcpy(p->key, key.p, key.n);
    map_set(&kept->peers, key, p);
    return p;
}

static void keep_session(struct kept *kept, struct span key, SSL_SESSION *session)
{
    struct peer *p = map_get(&kept->peers, key);
    if (!p)
        p = add_peer(kept, key);
    list_remove(&p->age);
    list_append(&kept->oldest, &p->age);
    SSL_SESSION_free(p->session);
    p->session = session;
}

/* What a full handshake would find out by now, a resumed one must not pass over. */
static bool is_usable(const SSL_SESSION *session)
{
    int64_t age = clock_now_ms() / 1000 - SSL_SESSION_get_time(session);
    int64_t lifetime = SSL_SESSION_get_timeout(session);
    time_t now = (time_t)(clock_now_ms() / 1000);
    const X509 *leaf = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    return age >= 0 && age < lifetime && age < LIFETIME_S && leaf &&
           X509_cmp_time(X509_get0_notAfter(leaf), &now) > 0;
}

/* NULL: none that may still be used. */
static SSL_SESSION *find_session(struct kept *kept, struct span key)
{
    struct peer *p = map_get(&kept->peers, key);
    if (p && !is_usable(p->session)) {
        remove_peer(kept, p);
        p = NULL;
    }
    return p ? p->session : NULL;
}

/* OpenSSL spoils the session of a connection that ends without close_notify, which mail servers do
 * not bother with: so it never gets the one that is kept. */
static SSL_SESSION *copy_session(const SSL_SESSION *session)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (!copy)
        abort();
    return copy;
}

/* ---- OpenSSL's side ---- */

static void free_kept(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argument,
                      void *pointer)
{
    (void)parent, (void)data, (void)index, (void)argument, (void)pointer;
    struct kept *kept = ptr;
    if (!kept)
        return;
    while (!list_is_empty(&kept->oldest))
        remove_peer(kept, LIST_OBJECT(kept->oldest.next, struct peer, age));
    map_done(&kept->peers);
    free(kept);
}

static void free_purpose(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argument,
                         void *pointer)
{
    (void)parent, (void)data, (void)index, (void)argument, (void)pointer;
    free(ptr);
}

static void make_indexes(void)
{
    of_context = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_kept);
    of_connection = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_purpose);
    if (of_context < 0 || of_connection < 0)
        abort();
}

/* 0: the reference stays OpenSSL's. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct purpose *purpose = SSL_get_ex_data(ssl, of_connection);
    struct kept *kept = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), of_context);
    if (!purpose || !kept || !SSL_SESSION_is_resumable(session))
        return 0;
    keep_session(kept, span_make(purpose->key, purpose->key_n), copy_session(session));
    return 0;
}

void tls_resume_use(SSL_CTX *ctx)
{
    pthread_once(&once, make_indexes);
    struct kept *kept = calloc(1, sizeof(*kept));
    if (!kept || SSL_CTX_set_ex_data(ctx, of_context, kept) != 1)
        abort();
    map_init(&kept->peers);
    list_init(&kept->oldest);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
}

/* ---- connections ---- */

static bool add_key(struct buf *key, int fd, const char *name)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof(address);
    if (getpeername(fd, (struct sockaddr *)&address, &n) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6))
        return false;
    return buf_add(key, span_make((const char *)&address, n)) == OK &&
           buf_add(key, name ? span_of(name) : SPAN_NONE) == OK;
}

void tls_resume_offer(SSL *ssl, int fd, const char *name)
{
    pthread_once(&once, make_indexes);
    struct kept *kept = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), of_context);
    struct buf key = BUF_INIT(KEY_MAX);
    if (!kept || !add_key(&key, fd, name)) {
        buf_done(&key);
        return;
    }
    struct purpose *purpose = calloc(1, sizeof(*purpose) + key.n);
    if (!purpose || SSL_set_ex_data(ssl, of_connection, purpose) != 1)
        abort();
    purpose->key_n = key.n;
    memcpy(purpose->key, key.p, key.n);
    const SSL_SESSION *session = find_session(kept, buf_span(&key));
    if (session) {
        SSL_SESSION *copy = copy_session(session);
        purpose->offered = SSL_set_session(ssl, copy) == 1;
        SSL_SESSION_free(copy);
    }
    buf_done(&key);
}

bool tls_resume_give_up(SSL *ssl)
{
    pthread_once(&once, make_indexes);
    const struct purpose *purpose = SSL_get_ex_data(ssl, of_connection);
    if (!purpose || !purpose->offered)
        return false;
    struct kept *kept = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), of_context);
    struct peer *p = map_get(&kept->peers, span_make(purpose->key, purpose->key_n));
    if (p)
        remove_peer(kept, p);
    return true;
}
