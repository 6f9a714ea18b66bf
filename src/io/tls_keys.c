#include "io/tls_keys.h"

#include <assert.h>

/* TLS 1.2: forward secrecy always; the CBC suites at the end are for Exchange on Windows Server
 * 2008 R2 and 2012, which has no other with ECDHE and RSA. TLS 1.3's suites are OpenSSL's. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!aDSS"
const char tls_cipher_list[] = CIPHERS;

#define SIGNED_BY_ECDSA "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"
#define SIGNED_BY_RSA                                                                              \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha256:"                \
    "rsa_pkcs1_sha384:rsa_pkcs1_sha512"
#define SIGNED_BY_OTHER "ed25519:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"

/* TLS 1.3 (and 1.2 within a suite) goes by signature algorithms, TLS 1.2 by suites first. */
static const struct {
    const char *preferred, *only; /* signature algorithms */
    const char *preferred_suites, *only_suites;
} words[] = {
    [TLS_KEYS_ECDSA] = {SIGNED_BY_ECDSA ":" SIGNED_BY_OTHER ":" SIGNED_BY_RSA, SIGNED_BY_ECDSA,
                        "ECDHE+aECDSA+AESGCM:ECDHE+aECDSA+CHACHA20:" CIPHERS,
                        "aECDSA+AESGCM:aECDSA+CHACHA20"},
    [TLS_KEYS_RSA] = {SIGNED_BY_RSA ":" SIGNED_BY_OTHER ":" SIGNED_BY_ECDSA, SIGNED_BY_RSA,
                      "ECDHE+aRSA+AESGCM:ECDHE+aRSA+CHACHA20:" CIPHERS,
                      "ECDHE+aRSA+AESGCM:ECDHE+aRSA+CHACHA20:DHE+aRSA+AESGCM"},
    /* RFC 8422 section 2.2: EdDSA goes with the suites of ECDSA. */
    [TLS_KEYS_OTHER] = {SIGNED_BY_OTHER ":" SIGNED_BY_ECDSA ":" SIGNED_BY_RSA, SIGNED_BY_OTHER,
                        "ECDHE+aECDSA+AESGCM:ECDHE+aECDSA+CHACHA20:" CIPHERS,
                        "aECDSA+AESGCM:aECDSA+CHACHA20"},
};

enum tls_keys tls_keys_of(const struct certificate *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate->leaf);
    if (key && EVP_PKEY_is_a(key, "EC"))
        return TLS_KEYS_ECDSA;
    return key && EVP_PKEY_is_a(key, "RSA") ? TLS_KEYS_RSA : TLS_KEYS_OTHER;
}

static void set(SSL_CTX *ctx, const char *signatures, const char *suites)
{
    int done = SSL_CTX_set1_sigalgs_list(ctx, signatures) && SSL_CTX_set_cipher_list(ctx, suites);
    assert(done);
    (void)done;
}

void tls_prefer_keys(SSL_CTX *ctx, enum tls_keys keys)
{
    set(ctx, words[keys].preferred, words[keys].preferred_suites);
}

void tls_client_limit_keys(SSL_CTX *ctx, enum tls_keys keys)
{
    set(ctx, words[keys].only, words[keys].only_suites);
}
