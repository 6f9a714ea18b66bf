/* parts: the certificates and keys that a file holds, in whatever form, before anybody asks what
 * belongs to what. For this folder alone. */
#ifndef CERT_PARTS_H
#define CERT_PARTS_H

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
    PARTS_KEYS_MAX = 64,
    PARTS_CERTIFICATES_MAX = 128,
    /* Rounds of key derivation for all of one file together: a second or two, where a file that
     * somebody prepared could ask for hours. Windows writes 2000, NSS 600000. */
    PARTS_ROUNDS_MAX = 4 * 1000 * 1000,
};

struct parts {
    STACK_OF(X509) * certificates; /* each once */
    size_t certificates_max;
    EVP_PKEY *keys[PARTS_KEYS_MAX]; /* each once */
    size_t key_count, keys_max;
    struct span passphrase; /* empty: none */
    char *friendly_name;    /* PKCS#12; malloc'ed, or NULL */
    bool has_pkcs7;
    uint64_t rounds; /* of key derivation so far */
    struct buf *why;
};

void parts_init(struct parts *parts, size_t certificates_max, size_t keys_max,
                struct span passphrase, struct buf *why);
void parts_done(struct parts *parts);

/* Both take over what they are given in every case. NULL: damaged. */
enum err parts_add_certificate(struct parts *parts, X509 *certificate) MUST_USE;
enum err parts_add_key(struct parts *parts, EVP_PKEY *key) MUST_USE;
/* A key that is not encrypted, in any of its forms; NULL: damaged. */
EVP_PKEY *parts_key_of_der(const unsigned char *der, long n);
/* DER of an EncryptedPrivateKeyInfo. */
enum err parts_add_encrypted_key(struct parts *parts, const unsigned char *der, long n) MUST_USE;
enum err parts_add_pkcs7(struct parts *parts, const PKCS7 *p7) MUST_USE;

/* Puts down the sentence, empties OpenSSL's queue, and is `err`. */
enum err parts_fail(struct parts *parts, enum err err, const char *what);

/* Counts the rounds that this encryption will cost; ERR_LIMIT, before any was done, where that is
 * too much. */
enum err parts_charge(struct parts *parts, const X509_ALGOR *encryption) MUST_USE;
enum err parts_charge_rounds(struct parts *parts, const ASN1_INTEGER *rounds) MUST_USE;

/* Text with blocks between "-----BEGIN" and "-----END". */
enum err parts_read_pem(struct parts *parts, struct span pem) MUST_USE;
/* ERR_NOT_FOUND, and nothing in `why`: not of this form. */
enum err parts_read_pkcs12(struct parts *parts, struct span der) MUST_USE;
enum err parts_read_pkcs7(struct parts *parts, struct span der) MUST_USE;
/* Certificates, one behind the other, or one key. */
enum err parts_read_der(struct parts *parts, struct span der) MUST_USE;

#endif
