#include "io/tls_tickets.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"

enum { NAME_BYTES = 16, KEY_BYTES = 32 };
/* Keys that still open tickets: as many as can be alive in a session's lifetime, and the one in
 * use. */
enum { KEYS = TLS_SESSION_LIFETIME_S / 3600 + 1 };

struct ticket_key {
    unsigned char name[NAME_BYTES], cipher[KEY_BYTES], mac[KEY_BYTES];
    int64_t made_ms; /* monotonic; the slot is empty where valid is false */
    bool valid;
};

/* Fetched once: by EVP_aes_256_cbc() OpenSSL looks it up for each ticket. Never freed. */
static EVP_CIPHER *cipher_algorithm;
static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;

static void fetch_cipher(void)
{
    cipher_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    assert(cipher_algorithm);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[KEYS]; /* newest first */

/* Under the lock. */
static bool rotate_when_due(int64_t now_ms)
{
    if (keys[0].valid && now_ms - keys[0].made_ms < HOUR_MS)
        return true;
    struct ticket_key fresh = {.made_ms = now_ms, .valid = true};
    if (RAND_bytes(fresh.name, NAME_BYTES) != 1 || RAND_priv_bytes(fresh.cipher, KEY_BYTES) != 1 ||
        RAND_priv_bytes(fresh.mac, KEY_BYTES) != 1)
        return false;
    OPENSSL_cleanse(&keys[KEYS - 1], sizeof(keys[0]));
    memmove(&keys[1], &keys[0], sizeof(keys[0]) * (KEYS - 1));
    keys[0] = fresh;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return true;
}

static bool newest_key(struct ticket_key *key)
{
    pthread_mutex_lock(&lock);
    bool found = rotate_when_due(clock_monotonic_ms());
    if (found)
        *key = keys[0];
    pthread_mutex_unlock(&lock);
    return found;
}

static bool key_by_name(const unsigned char *name, struct ticket_key *key, bool *is_newest)
{
    bool found = false;
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < KEYS && !found; i++) {
        found = keys[i].valid && now_ms - keys[i].made_ms < KEYS * HOUR_MS &&
                CRYPTO_memcmp(keys[i].name, name, NAME_BYTES) == 0;
        if (found) {
            *key = keys[i];
            *is_newest = i == 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, KEY_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Answers of this callback (SSL_CTX_set_tlsext_ticket_key_evp_cb): -1 error, 0 unknown key: no
 * session, 1 done, 2 done and the ticket should be replaced. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int encrypt)
{
    struct ticket_key key;
    bool is_newest = true;
    if (encrypt) {
        if (!newest_key(&key) || RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_algorithm)) != 1)
            return -1;
        memcpy(name, key.name, NAME_BYTES);
    } else if (!key_by_name(name, &key, &is_newest)) {
        return 0;
    }
    bool done = EVP_CipherInit_ex(cipher, cipher_algorithm, NULL, key.cipher, iv, encrypt) == 1 &&
                set_mac(mac, &key);
    OPENSSL_cleanse(&key, sizeof(key));
    if (!done)
        return -1;
    /* A client should use a TLS 1.3 ticket only once (RFC 8446 appendix C.4): each is replaced. */
    bool replaces = !encrypt && (!is_newest || SSL_version(ssl) >= TLS1_3_VERSION);
    return replaces ? 2 : 1;
}

void tls_tickets_use(SSL_CTX *ctx)
{
    pthread_once(&cipher_once, fetch_cipher);
    int done = SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
    assert(done == 1);
    (void)done;
    SSL_CTX_set_timeout(ctx, TLS_SESSION_LIFETIME_S);
    /* One is enough: a peer that resumes gets the next with it (ticket_key). */
    SSL_CTX_set_num_tickets(ctx, 1);
    /* Sessions live in tickets alone: no memory here for what a peer may never use. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
