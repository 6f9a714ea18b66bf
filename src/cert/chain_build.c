#include "cert/chain_build.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "cert/chain.h"

bool chain_issued(X509 *issuer, X509 *subject)
{
    bool named = X509_check_issued(issuer, subject) == X509_V_OK;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool signed_by = named && key && X509_verify(subject, key) == 1;
    ERR_clear_error();
    return signed_by;
}

bool chain_issues_another(const STACK_OF(X509) * list, X509 *issuer)
{
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *subject = sk_X509_value(list, i);
        if (subject != issuer && chain_issued(issuer, subject))
            return true;
    }
    return false;
}

static bool contains(const STACK_OF(X509) * list, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

static bool is_root(X509 *certificate)
{
    return X509_self_signed(certificate, 0) == 1;
}

static bool ends_later(X509 *a, X509 *b)
{
    return ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)) == 1;
}

static void push(STACK_OF(X509) * chain, X509 *certificate)
{
    X509_up_ref(certificate);
    if (sk_X509_push(chain, certificate) == 0)
        abort();
}

/* A root ends the chain, so where a CA also comes cross-signed that one goes on. What stands in the
 * chain already is no candidate: two authorities may have signed each other. */
static X509 *find_issuer(const STACK_OF(X509) * list, const STACK_OF(X509) * chain, X509 *subject)
{
    X509 *root = NULL;
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *candidate = sk_X509_value(list, i);
        if (!chain_issued(candidate, subject) || contains(chain, candidate))
            continue;
        if (!is_root(candidate))
            return candidate;
        root = root ? root : candidate;
    }
    return root;
}

STACK_OF(X509) * chain_collect(const STACK_OF(X509) * list, X509 *leaf)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!chain)
        abort();
    for (X509 *last = leaf; !is_root(last) && sk_X509_num(chain) < CERT_CHAIN_MAX;) {
        last = find_issuer(list, chain, last);
        if (!last || X509_cmp(last, leaf) == 0)
            break;
        push(chain, last);
    }
    ERR_clear_error();
    return chain;
}

/* Of several the one that lasts longest: a store that kept the cross-signed form of an authority
 * beyond its end must not lead a chain there. */
static X509 *find_known(const STACK_OF(X509) * known, const struct certificate *c, X509 *subject)
{
    X509 *found = NULL;
    for (int i = 0; i < sk_X509_num(known); i++) {
        X509 *candidate = sk_X509_value(known, i);
        if ((!found || ends_later(candidate, found)) && chain_issued(candidate, subject) &&
            !contains(c->chain, candidate) && X509_cmp(candidate, c->leaf) != 0)
            found = candidate;
    }
    return found;
}

size_t certificate_complete_chain(struct certificate *c, const STACK_OF(X509) * known)
{
    size_t added = 0;
    while (sk_X509_num(c->chain) < CERT_CHAIN_MAX) {
        int n = sk_X509_num(c->chain);
        X509 *last = n > 0 ? sk_X509_value(c->chain, n - 1) : c->leaf;
        X509 *next = is_root(last) ? NULL : find_known(known, c, last);
        if (!next)
            break;
        push(c->chain, next);
        added++;
    }
    ERR_clear_error();
    return added;
}
