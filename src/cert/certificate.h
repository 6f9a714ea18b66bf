/* certificate: a leaf, its chain and its key as one immutable value. No files, no sockets, no
 * clock: callers bring bytes and time. Private keys are touched by this folder alone; everyone else
 * holds the EVP_PKEY handle. */
#ifndef CERT_CERTIFICATE_H
#define CERT_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum cert_service { SERVICE_SMTP = 1, SERVICE_HTTP = 2, SERVICE_CLIENT = 4, SERVICE_EDGE = 8 };

enum {
    CERT_THUMBPRINT_HEX = 41, /* SHA-1 as Exchange prints it, and NUL */
    CERT_SHA256_HEX = 65,
    CERT_PEM_MAX = 1024 * 1024, /* bytes of one PEM input */
    CERT_NAMES_MAX = 1024,      /* SAN entries that are read; more is ERR_LIMIT */
    CERT_CHAIN_MAX = 16,        /* certificates after the leaf */
};

struct certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* leaf's issuer first, ordered; never NULL, may be empty */
    EVP_PKEY *key;          /* NULL: missing */
    bool key_matches;       /* key is present and belongs to the leaf */
    bool self_signed;
    bool server_auth;    /* EKU absent or with serverAuth (RFC 5280 section 4.2.1.12) */
    bool client_auth;    /* EKU absent or with clientAuth */
    bool names_from_cn;  /* no dNSName at all: the CN stands in, flagged */
    bool weak_signature; /* MD2, MD4, MD5, SHA-1 on the leaf (self-signed: does not count) */
    unsigned services;   /* enum cert_service */
    int version;         /* 3 for v3 */
    int64_t not_before_ms, not_after_ms;
    char thumbprint[CERT_THUMBPRINT_HEX]; /* lower-case hexadecimal */
    char sha256[CERT_SHA256_HEX];         /* of the whole certificate, lower-case hexadecimal */
    char spki[CERT_SHA256_HEX];           /* of its SubjectPublicKeyInfo */
    struct span *names; /* dNSNames, lower-case A-labels, wildcards as "*.example.com" */
    size_t name_count;
    struct span subject, issuer,
        serial;           /* X.500 text as Exchange prints it ("CN=..., O=..."); hex */
    struct span key_type; /* "ECDSA P-256", "RSA 2048", "Ed25519" */
    struct arena arena;
};

/* Reads PEM in any order: certificates and at most one private key; the leaf is the certificate
 * that the key belongs to, else the one that issues none of the others. Chain is put in order;
 * certificates that do not belong to it are left out. `why` gets one sentence on failure. Encrypted
 * keys need the passphrase (empty: none), else ERR_DENIED. `services` is left 0: the caller knows
 * what the certificate is enabled for. */
enum err certificate_parse_pem(struct span pem, struct span passphrase,
                               struct certificate **certificate, struct buf *why) MUST_USE;
void certificate_free(struct certificate *c);

/* A new self-signed one: P-256 key, the names as SAN, version 3, serverAuth and clientAuth; first
 * name as CN. */
enum err certificate_new_self_signed(const struct span *names, size_t name_count,
                                     int64_t not_before_ms, int64_t not_after_ms,
                                     struct certificate **certificate) MUST_USE;

/* Leaf and chain, then (with_key) the private key as PKCS#8. */
enum err certificate_write_pem(const struct certificate *c, bool with_key,
                               struct buf *out) MUST_USE;

/* RFC 9525 section 6.3: exact, or a wildcard that is the whole left-most label. name is any host
 * name. */
enum name_match { NAME_NO_MATCH, NAME_WILDCARD, NAME_EXACT };
enum name_match certificate_covers(const struct certificate *c, struct span name);

/* "mail.example.com +2" */
void certificate_add_summary(struct buf *out, const struct certificate *c);

#endif
