#include "cert/certificate.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/text.h"
#include "cert/certificate_build.h"

const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason ? reason : "unknown reason";
}

static struct span asn1_span(const ASN1_STRING *s)
{
    return span_make((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static enum err read_time(const ASN1_TIME *time, int64_t *ms)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return ERR_SYNTAX;
    *ms = (int64_t)timegm(&tm) * SECOND_MS;
    return OK;
}

static enum err read_validity(struct certificate *c, struct buf *why)
{
    if (read_time(X509_get0_notBefore(c->leaf), &c->not_before_ms) == OK &&
        read_time(X509_get0_notAfter(c->leaf), &c->not_after_ms) == OK)
        return OK;
    buf_add_text(why, "the certificate's validity cannot be read");
    return ERR_SYNTAX;
}

/* RFC 6125 section 6.4.4: the CN stands in only where there is no dNSName at all, matching or not.
 */
static void add_common_name(struct certificate *c)
{
    c->names_from_cn = common_name_host(&c->arena, X509_get_subject_name(c->leaf), &c->names);
    c->name_count = c->names_from_cn;
}

static enum err read_names(struct certificate *c, struct buf *why)
{
    int found = 0;
    GENERAL_NAMES *entries = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, &found, NULL);
    if (!entries && found != -1) {
        buf_add_text(why, found == -2 ? "the certificate has more than one subjectAltName"
                                      : "the certificate's subjectAltName cannot be read");
        ERR_clear_error();
        return ERR_SYNTAX;
    }
    if (entries && sk_GENERAL_NAME_num(entries) > CERT_NAMES_MAX) {
        buf_addf(why, "the certificate has more than %d names", CERT_NAMES_MAX);
        GENERAL_NAMES_free(entries);
        return ERR_LIMIT;
    }
    if (!dns_names_read(&c->arena, entries, &c->names, &c->name_count))
        add_common_name(c);
    GENERAL_NAMES_free(entries);
    return OK;
}

static void read_usage(struct certificate *c)
{
    if (!(X509_get_extension_flags(c->leaf) & EXFLAG_XKUSAGE)) {
        c->server_auth = c->client_auth = true;
        return;
    }
    uint32_t usage = X509_get_extended_key_usage(c->leaf);
    c->server_auth = usage & (XKU_SSL_SERVER | XKU_ANYEKU);
    c->client_auth = usage & (XKU_SSL_CLIENT | XKU_ANYEKU);
}

static bool is_weak_digest(int nid)
{
    return nid == NID_md2 || nid == NID_md4 || nid == NID_md5 || nid == NID_sha1;
}

static void read_signature(struct certificate *c)
{
    c->self_signed = X509_self_signed(c->leaf, 1) == 1;
    int digest = NID_undef;
    if (X509_get_signature_info(c->leaf, &digest, NULL, NULL, NULL) != 1)
        digest = NID_undef;
    c->weak_signature = !c->self_signed && is_weak_digest(digest);
}

static void write_hex(char *hex, const unsigned char *bytes, unsigned n)
{
    struct buf out = BUF_INIT(CERT_SHA256_HEX);
    encode_hex(&out, span_make((const char *)bytes, n));
    memcpy(hex, buf_text(&out), out.n + 1);
    buf_done(&out);
}

static void read_digests(struct certificate *c)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *spki = NULL;
    unsigned n = 0;
    int done = X509_digest(c->leaf, EVP_sha1(), digest, &n);
    assert(done == 1 && n * 2 + 1 == CERT_THUMBPRINT_HEX);
    write_hex(c->thumbprint, digest, n);
    done = X509_digest(c->leaf, EVP_sha256(), digest, &n);
    assert(done == 1 && n * 2 + 1 == CERT_SHA256_HEX);
    write_hex(c->sha256, digest, n);
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->leaf), &spki);
    assert(length > 0);
    done = EVP_Digest(spki, (size_t)length, digest, &n, EVP_sha256(), NULL);
    assert(done == 1 && n * 2 + 1 == CERT_SHA256_HEX);
    (void)done;
    write_hex(c->spki, digest, n);
    OPENSSL_free(spki);
}

static struct span read_serial(struct certificate *c)
{
    struct buf hex = BUF_INIT(256);
    encode_hex(&hex, asn1_span(X509_get0_serialNumber(c->leaf)));
    struct span serial = arena_copy(&c->arena, buf_span(&hex));
    buf_done(&hex);
    return serial;
}

static struct span ec_key_type(struct arena *arena, EVP_PKEY *key)
{
    char curve[64] = "";
    size_t n = 0;
    if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), &n) != 1)
        return SPAN("ECDSA");
    const char *nist = EC_curve_nid2nist(OBJ_sn2nid(curve));
    return arena_printf(arena, "ECDSA %s", nist ? nist : curve);
}

static struct span read_key_type(struct certificate *c)
{
    EVP_PKEY *key = X509_get0_pubkey(c->leaf);
    if (!key)
        return SPAN("unknown");
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC: return ec_key_type(&c->arena, key);
    case EVP_PKEY_RSA: return arena_printf(&c->arena, "RSA %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_RSA_PSS: return arena_printf(&c->arena, "RSA-PSS %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_ED25519: return SPAN("Ed25519");
    case EVP_PKEY_ED448: return SPAN("Ed448");
    default: {
        const char *name = EVP_PKEY_get0_type_name(key);
        return arena_printf(&c->arena, "%s %d", name ? name : "unknown", EVP_PKEY_get_bits(key));
    }
    }
}

enum err certificate_build(X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key,
                           struct certificate **certificate, struct buf *why)
{
    struct certificate *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->leaf = leaf;
    c->chain = chain;
    c->key = key;
    enum err err = read_validity(c, why);
    if (err == OK)
        err = read_names(c, why);
    if (err != OK) {
        certificate_free(c);
        return err;
    }
    c->version = (int)X509_get_version(leaf) + 1;
    c->key_matches = key && X509_check_private_key(leaf, key) == 1;
    read_usage(c);
    read_signature(c);
    read_digests(c);
    c->serial = read_serial(c);
    c->subject = x500_text(&c->arena, X509_get_subject_name(leaf));
    c->issuer = x500_text(&c->arena, X509_get_issuer_name(leaf));
    c->key_type = read_key_type(c);
    ERR_clear_error();
    *certificate = c;
    return OK;
}

void certificate_free(struct certificate *c)
{
    if (!c)
        return;
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    arena_done(&c->arena);
    free(c);
}

static enum name_match match_name(struct span pattern, struct span host)
{
    if (span_eq(pattern, host))
        return NAME_EXACT;
    if (!span_starts(pattern, SPAN("*.")))
        return NAME_NO_MATCH;
    size_t dot = span_find(host, '.');
    return dot > 0 && span_eq(span_skip(pattern, 1), span_skip(host, dot)) ? NAME_WILDCARD
                                                                           : NAME_NO_MATCH;
}

enum name_match certificate_covers(const struct certificate *c, struct span name)
{
    struct arena arena = ARENA_INIT;
    struct span host;
    enum name_match best = NAME_NO_MATCH;
    if (host_name_normalise(&arena, name, false, &host) == OK) {
        for (size_t i = 0; i < c->name_count; i++) {
            enum name_match match = match_name(c->names[i], host);
            if (match > best)
                best = match;
        }
    }
    arena_done(&arena);
    return best;
}

void certificate_add_summary(struct buf *out, const struct certificate *c)
{
    if (c->name_count == 0)
        buf_add(out, c->subject.n ? c->subject : SPAN("(no names)"));
    else
        buf_add(out, c->names[0]);
    if (c->name_count > 1)
        buf_addf(out, " +%zu", c->name_count - 1);
}
