/* test_maker: certificates of every kind that tests need, made when they are needed, so that none
 * expires. */
#ifndef CERT_TEST_MAKER_H
#define CERT_TEST_MAKER_H

#include <openssl/x509.h>
#include <stdint.h>

#include "base/buf.h"

struct made {
    X509 *x;
    EVP_PKEY *key;
};

struct recipe {
    const char *subject;       /* "CN=a/O=b", in order of encoding; NULL: empty */
    const char *names;         /* dNSNames with commas between them; NULL: no subjectAltName */
    struct span raw_name;      /* one more dNSName as it is, with whatever is in it */
    const char *email;         /* one rfc822Name */
    const char *usage;         /* extended key usage; NULL: none */
    const char *key_type;      /* "P-256" (NULL), "P-384", "RSA 2048", "RSA 1024", "Ed25519" */
    const EVP_MD *digest;      /* NULL: SHA-256 */
    const struct made *issuer; /* NULL: self-signed */
    EVP_PKEY *key;             /* NULL: a new one */
    bool authority;
    bool version1;
    int64_t not_before_ms, not_after_ms; /* 0: since yesterday, for a month */
};

struct made make_certificate(const struct recipe *recipe);
EVP_PKEY *make_key(const char *key_type);
void made_done(struct made *made);

void add_certificate_pem(struct buf *out, X509 *x);
/* passphrase: NULL: not encrypted. */
void add_key_pem(struct buf *out, EVP_PKEY *key, const char *passphrase);

/* Takes the bio over. */
void add_bio_content(struct buf *out, BIO *bio);

/* Bytes of hexadecimal text, as the hash of a key is printed. */
void test_add_unhex(struct buf *out, struct span hex);

#endif
