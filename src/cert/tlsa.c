#include "cert/tlsa.h"

#include <assert.h>
#include <openssl/evp.h>

enum { SELECTOR_COUNT = TLSA_KEY + 1 };
enum { MATCHING_FULL, MATCHING_SHA256, MATCHING_SHA512, MATCHING_COUNT };

bool tlsa_is_usable(uint8_t usage, uint8_t selector, uint8_t matching)
{
    return (usage == TLSA_DANE_TA || usage == TLSA_DANE_EE) && selector < SELECTOR_COUNT &&
           matching < MATCHING_COUNT;
}

/* DER of the certificate or of its SubjectPublicKeyInfo; the caller frees. */
static int encode(X509 *x, uint8_t selector, unsigned char **der)
{
    *der = NULL;
    return selector == TLSA_CERTIFICATE ? i2d_X509(x, der)
                                        : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), der);
}

static bool matches(X509 *x, uint8_t selector, uint8_t matching, struct span data)
{
    unsigned char *der, digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    int n = encode(x, selector, &der);
    if (n <= 0)
        return false;
    struct span found = span_make((const char *)der, (size_t)n);
    if (matching != MATCHING_FULL) {
        const EVP_MD *md = matching == MATCHING_SHA256 ? EVP_sha256() : EVP_sha512();
        int hashed = EVP_Digest(der, (size_t)n, digest, &digest_size, md, NULL);
        assert(hashed == 1);
        found = span_make((const char *)digest, digest_size);
    }
    bool equal = span_eq(found, data);
    OPENSSL_free(der);
    return equal;
}

bool certificate_matches_tlsa(const struct certificate *c, uint8_t usage, uint8_t selector,
                              uint8_t matching, struct span data)
{
    if (usage > TLSA_DANE_EE || selector >= SELECTOR_COUNT || matching >= MATCHING_COUNT)
        return false;
    if (usage == TLSA_DANE_EE || usage == TLSA_PKIX_EE)
        return matches(c->leaf, selector, matching, data);
    for (int i = 0; i < sk_X509_num(c->chain); i++)
        if (matches(sk_X509_value(c->chain, i), selector, matching, data))
            return true;
    return false;
}

void tlsa_add_record(struct buf *out, const struct certificate *c)
{
    buf_addf(out, "3 1 1 %s", c->spki);
}
