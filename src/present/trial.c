#include "present/trial.h"

#include "cert/bundle.h"

STACK_OF(X509) * trial_issuers(const struct certificate_set *set)
{
    STACK_OF(X509) *issuers = sk_X509_new_null();
    for (size_t i = 0; issuers && i < set->count; i++)
        for (int j = 0; j < sk_X509_num(set->items[i]->chain); j++) {
            X509 *issuer = sk_X509_value(set->items[i]->chain, j);
            if (X509_up_ref(issuer) && !sk_X509_push(issuers, issuer))
                X509_free(issuer);
        }
    return issuers;
}

void trial_issuers_free(STACK_OF(X509) * issuers)
{
    sk_X509_pop_free(issuers, X509_free);
}

enum err trial_read(const struct certificate_set *set, struct span bytes, struct span passphrase,
                    struct certificate **certificate, struct buf *why)
{
    struct arena arena = ARENA_INIT;
    struct bundle *bundle = NULL;
    struct certificate **certificates;
    size_t count = 0;
    STACK_OF(X509) *known = trial_issuers(set);
    enum err err = bundle_read(bytes, passphrase, &bundle, why);
    if (err == OK)
        err = bundle_certificates(bundle, NULL, 0, known, &arena, &certificates, &count, why);
    for (size_t i = 1; i < count; i++)
        certificate_free(certificates[i]);
    if (err == OK) {
        *certificate = certificates[0];
        (*certificate)->services = SERVICE_SMTP;
    }
    bundle_free(bundle);
    trial_issuers_free(known);
    arena_done(&arena);
    return err;
}
