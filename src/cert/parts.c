#include "cert/parts.h"

#include <openssl/err.h>
#include <stdlib.h>

enum { SCRYPT_LANES_MAX = 16 };

void parts_init(struct parts *parts, size_t certificates_max, size_t keys_max,
                struct span passphrase, struct buf *why)
{
    *parts = (struct parts){.certificates = sk_X509_new_null(),
                            .certificates_max = certificates_max,
                            .keys_max = keys_max,
                            .passphrase = passphrase,
                            .why = why};
    if (!parts->certificates)
        abort();
}

void parts_done(struct parts *parts)
{
    sk_X509_pop_free(parts->certificates, X509_free);
    for (size_t i = 0; i < parts->key_count; i++)
        EVP_PKEY_free(parts->keys[i]);
    free(parts->friendly_name);
    *parts = (struct parts){0};
}

enum err parts_fail(struct parts *parts, enum err err, const char *what)
{
    buf_add_text(parts->why, what);
    ERR_clear_error();
    return err;
}

static bool has_certificate(const STACK_OF(X509) * list, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

enum err parts_add_certificate(struct parts *parts, X509 *certificate)
{
    if (!certificate)
        return parts_fail(parts, ERR_SYNTAX, "a certificate is damaged");
    /* Files are often put together from others: twice the same is no fault. */
    if (has_certificate(parts->certificates, certificate)) {
        X509_free(certificate);
        return OK;
    }
    if ((size_t)sk_X509_num(parts->certificates) == parts->certificates_max) {
        X509_free(certificate);
        return parts_fail(parts, ERR_LIMIT, "there are too many certificates");
    }
    if (sk_X509_push(parts->certificates, certificate) == 0)
        abort();
    return OK;
}

enum err parts_add_key(struct parts *parts, EVP_PKEY *key)
{
    if (!key)
        return parts_fail(parts, ERR_SYNTAX, "the private key is damaged or of an unknown kind");
    for (size_t i = 0; i < parts->key_count; i++) {
        if (EVP_PKEY_eq(parts->keys[i], key) == 1) {
            EVP_PKEY_free(key);
            return OK;
        }
    }
    ERR_clear_error(); /* comparing keys of different kinds leaves a word */
    if (parts->key_count == parts->keys_max) {
        EVP_PKEY_free(key);
        return parts->keys_max == 1
                   ? parts_fail(parts, ERR_SYNTAX, "there is more than one private key")
                   : parts_fail(parts, ERR_LIMIT, "there are too many private keys");
    }
    parts->keys[parts->key_count++] = key;
    return OK;
}

enum err parts_charge_rounds(struct parts *parts, const ASN1_INTEGER *rounds)
{
    uint64_t n = 1;
    if ((rounds && ASN1_INTEGER_get_uint64(&n, rounds) != 1) ||
        n > PARTS_ROUNDS_MAX - parts->rounds)
        return parts_fail(parts, ERR_LIMIT,
                          "its passphrase is stretched with more rounds than are accepted");
    parts->rounds += n;
    return OK;
}

/* RFC 7914: memory is bounded by OpenSSL; the lanes, which cost time, are not. */
static enum err charge_scrypt(struct parts *parts, const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *scrypt = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    uint64_t lanes = 0;
    bool bounded = scrypt &&
                   ASN1_INTEGER_get_uint64(&lanes, scrypt->parallelizationParameter) == 1 &&
                   lanes <= SCRYPT_LANES_MAX;
    SCRYPT_PARAMS_free(scrypt);
    return bounded ? OK
                   : parts_fail(parts, ERR_LIMIT,
                                "its passphrase is stretched with more rounds than are accepted");
}

static enum err charge_pbes2(struct parts *parts, const ASN1_TYPE *parameter)
{
    PBE2PARAM *pbes2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
    enum err err = OK; /* what cannot be read cannot be derived either */
    if (pbes2 && OBJ_obj2nid(pbes2->keyfunc->algorithm) == NID_id_pbkdf2) {
        PBKDF2PARAM *pbkdf2 =
            ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbes2->keyfunc->parameter);
        if (pbkdf2)
            err = parts_charge_rounds(parts, pbkdf2->iter);
        PBKDF2PARAM_free(pbkdf2);
    } else if (pbes2 && OBJ_obj2nid(pbes2->keyfunc->algorithm) == NID_id_scrypt) {
        err = charge_scrypt(parts, pbes2->keyfunc->parameter);
    }
    PBE2PARAM_free(pbes2);
    return err;
}

enum err parts_charge(struct parts *parts, const X509_ALGOR *encryption)
{
    if (OBJ_obj2nid(encryption->algorithm) == NID_pbes2)
        return charge_pbes2(parts, encryption->parameter);
    PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), encryption->parameter);
    enum err err = pbe ? parts_charge_rounds(parts, pbe->iter) : OK;
    PBEPARAM_free(pbe);
    return err;
}
