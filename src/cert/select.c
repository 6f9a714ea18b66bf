#include "cert/select.h"

#include <assert.h>

#include "cert/select_rules.h"

enum { SECURITY_BITS_MIN = 112 /* OpenSSL's security level 2, which the server contexts have */ };

static const char *service_text(enum cert_service service)
{
    switch (service) {
    case SERVICE_SMTP: return "smtp";
    case SERVICE_HTTP: return "http";
    case SERVICE_CLIENT: return "client";
    case SERVICE_EDGE: return "edge";
    }
    assert(!"a service without a name");
    return "";
}

static bool is_enabled(const struct candidate *candidate, const struct selection_request *r)
{
    return candidate->certificate->services & r->service;
}

static struct span show_service(struct arena *arena, const struct certificate *c,
                                const struct selection_request *r)
{
    (void)arena;
    (void)c;
    return span_of(service_text(r->service));
}

static bool has_key(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->key;
}

static bool has_matching_key(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->key_matches;
}

static bool is_version3(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->version == 3;
}

static struct span show_version(struct arena *arena, const struct certificate *c,
                                const struct selection_request *r)
{
    (void)r;
    return arena_printf(arena, "version %d", c->version);
}

static bool has_usage(const struct candidate *candidate, const struct selection_request *r)
{
    const struct certificate *c = candidate->certificate;
    return r->service == SERVICE_CLIENT ? c->client_auth : c->server_auth;
}

static struct span show_usage(struct arena *arena, const struct certificate *c,
                              const struct selection_request *r)
{
    (void)arena;
    (void)c;
    return r->service == SERVICE_CLIENT ? SPAN("it lacks clientAuth") : SPAN("it lacks serverAuth");
}

static bool is_strong(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    EVP_PKEY *key = X509_get0_pubkey(candidate->certificate->leaf);
    return !candidate->certificate->weak_signature && key &&
           EVP_PKEY_get_security_bits(key) >= SECURITY_BITS_MIN;
}

static struct span show_weakness(struct arena *arena, const struct certificate *c,
                                 const struct selection_request *r)
{
    (void)arena;
    (void)r;
    return c->weak_signature ? SPAN("signed with a digest that is no longer accepted")
                             : c->key_type;
}

static bool has_begun(const struct candidate *candidate, const struct selection_request *r)
{
    return r->now_ms >= candidate->certificate->not_before_ms;
}

/* The names come last: a certificate that only fails here stands in where none covers the name. */
static bool covers(const struct candidate *candidate, const struct selection_request *r)
{
    return r->name.n == 0 || certificate_covers(candidate->certificate, r->name) != NAME_NO_MATCH;
}

static const struct eligibility_rule eligibility[] = {
    {"the service is enabled", "it is not enabled for the service", VERDICT_NOT_ENABLED, is_enabled,
     show_service},
    {"the private key is there", "its private key is missing", VERDICT_KEY_MISSING, has_key, NULL},
    {"the private key belongs to it", "its private key belongs to another certificate",
     VERDICT_KEY_MISMATCH, has_matching_key, NULL},
    {"X.509 version 3", "it is not of version 3", VERDICT_NOT_V3, is_version3, show_version},
    {"the extended key usage is absent or fits", "its extended key usage forbids it",
     VERDICT_WRONG_EKU, has_usage, show_usage},
    {"key and signature have OpenSSL's security level 2", "it is too weak", VERDICT_WEAK_KEY,
     is_strong, show_weakness},
    {"its validity has begun", "it is not valid yet", VERDICT_NOT_YET_VALID, has_begun,
     rules_valid_from},
    {"it covers the name", "it is made for other names", VERDICT_NAME_NOT_COVERED, covers,
     rules_names},
};

static int by_coverage(const struct judged *a, const struct judged *b)
{
    return rules_order(a->verdict->reason == VERDICT_NAME_NOT_COVERED,
                       b->verdict->reason == VERDICT_NAME_NOT_COVERED);
}

static int by_expiry(const struct judged *a, const struct judged *b)
{
    return rules_order(a->verdict->expired, b->verdict->expired);
}

static int by_match(const struct judged *a, const struct judged *b)
{
    return rules_order(b->verdict->match, a->verdict->match);
}

/* An incomplete chain stands before a self-signed one: a peer that knows the issuer can verify it.
 */
static int chain_rank(enum chain_state chain)
{
    static const int ranks[] = {
        [CHAIN_TRUSTED] = 0, [CHAIN_PRIVATE] = 1, [CHAIN_INCOMPLETE] = 2, [CHAIN_SELF_SIGNED] = 3};
    return ranks[chain];
}

static int by_chain(const struct judged *a, const struct judged *b)
{
    return rules_order(chain_rank(a->candidate->chain), chain_rank(b->candidate->chain));
}

static int by_issue(const struct judged *a, const struct judged *b)
{
    return rules_order(b->candidate->certificate->not_before_ms,
                       a->candidate->certificate->not_before_ms);
}

static int by_end(const struct judged *a, const struct judged *b)
{
    return rules_order(b->candidate->certificate->not_after_ms,
                       a->candidate->certificate->not_after_ms);
}

static int by_thumbprint(const struct judged *a, const struct judged *b)
{
    return strcmp(a->candidate->certificate->thumbprint, b->candidate->certificate->thumbprint);
}

static const struct preference_rule preference[] = {
    {"covers the name before not", "it does not cover the name, the chosen one does", by_coverage},
    {"valid before expired", "it has expired, the chosen one is valid", by_expiry},
    {"exact name before wildcard", "it covers the name by wildcard, the chosen one exactly",
     by_match},
    {"trusted chain, private, incomplete, self-signed",
     "the chain of the chosen one is trusted more", by_chain},
    {"newest notBefore", "the chosen one was issued later", by_issue},
    {"latest notAfter", "the chosen one is valid for longer", by_end},
    {"lowest thumbprint", "equal in all; the lower thumbprint was taken", by_thumbprint},
};

static const struct rule_set rules = {eligibility, COUNT_OF(eligibility), preference,
                                      COUNT_OF(preference)};

/* It can be presented, whatever its names are. */
static bool is_usable(const struct verdict *v)
{
    return v->reason == VERDICT_LESS_PREFERRED || v->reason == VERDICT_NAME_NOT_COVERED;
}

static bool has_pin(const struct selection_request *r)
{
    return r->pin && r->pin->kind != PIN_NONE;
}

/* The best of the pinned ones; r->count where the pin does not hold. */
static size_t find_pinned(const struct selection_request *r, const struct verdict *verdicts,
                          const bool *usable, bool *pinned, size_t best)
{
    for (size_t i = 0; i < r->count; i++)
        pinned[i] = usable[i] && pin_matches(r->pin, r->candidates[i].certificate);
    size_t found = rules_best(&rules, r, verdicts, pinned);
    if (found == r->count || r->pin_strict || !verdicts[found].expired)
        return found;
    bool better_by_name =
        !verdicts[best].expired && verdicts[best].reason == VERDICT_LESS_PREFERRED;
    return better_by_name ? r->count : found;
}

static void set_apart(const struct selection_request *r, struct arena *arena,
                      struct verdict *verdicts, bool *usable, const bool *pinned)
{
    for (size_t i = 0; i < r->count; i++) {
        if (usable[i] && !pinned[i]) {
            verdicts[i].reason = VERDICT_NOT_PINNED;
            verdicts[i].detail =
                arena_printf(arena, "the connector is pinned to " SPAN_FMT, SPAN_ARG(r->pin->text));
        }
        usable[i] = pinned[i];
    }
}

/* Only the pinned ones stay usable where the pin holds, or is strict. */
static enum pin_state apply_pin(struct arena *arena, const struct selection_request *r,
                                struct verdict *verdicts, bool *usable, size_t *best)
{
    if (!has_pin(r))
        return PIN_UNUSED;
    bool *pinned = ARENA_ARRAY(arena, bool, r->count);
    size_t found = find_pinned(r, verdicts, usable, pinned, *best);
    if (found == r->count && !r->pin_strict)
        return PIN_FELL_BACK;
    set_apart(r, arena, verdicts, usable, pinned);
    *best = found;
    return found < r->count ? PIN_HELD : PIN_BROKEN;
}

static int key_type_of(const struct certificate *c)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(c->leaf));
}

/* No worse for a client that verifies: one that knows both key types may be given either. */
static bool serves_as_well(const struct judged *other, const struct judged *chosen)
{
    return by_coverage(other, chosen) <= 0 && by_expiry(other, chosen) <= 0 &&
           by_chain(other, chosen) <= 0;
}

static void choose_other_type(struct arena *arena, const struct selection_request *r,
                              struct selection *s, const bool *usable, size_t best)
{
    bool *eligible = ARENA_ARRAY(arena, bool, r->count);
    struct judged chosen = {&r->candidates[best], &s->verdicts[best]};
    for (size_t i = 0; i < r->count; i++)
        eligible[i] = usable[i] &&
                      key_type_of(r->candidates[i].certificate) != key_type_of(s->chosen) &&
                      serves_as_well(&(struct judged){&r->candidates[i], &s->verdicts[i]}, &chosen);
    size_t other = rules_best(&rules, r, s->verdicts, eligible);
    if (other == r->count)
        return;
    s->other_type = r->candidates[other].certificate;
    s->verdicts[other].reason = VERDICT_OTHER_KEY_TYPE;
    s->verdicts[other].fallback = !s->name_covered;
    s->verdicts[other].detail = arena_printf(arena, "for clients that cannot verify " SPAN_FMT,
                                             SPAN_ARG(s->chosen->key_type));
}

static bool *find_usable(struct arena *arena, const struct selection_request *r,
                         const struct verdict *verdicts)
{
    bool *usable = ARENA_ARRAY(arena, bool, r->count);
    for (size_t i = 0; i < r->count; i++)
        usable[i] = is_usable(&verdicts[i]);
    return usable;
}

struct selection certificate_select(struct arena *arena, const struct selection_request *r)
{
    struct selection s = {.verdicts = rules_judge(arena, &rules, r)};
    bool *usable = find_usable(arena, r, s.verdicts);
    size_t best = rules_best(&rules, r, s.verdicts, usable);
    s.pin = apply_pin(arena, r, s.verdicts, usable, &best);
    if (best == r->count)
        return s;
    s.chosen = r->candidates[best].certificate;
    s.name_covered = s.verdicts[best].reason == VERDICT_LESS_PREFERRED;
    s.expired = s.verdicts[best].expired;
    choose_other_type(arena, r, &s, usable, best);
    rules_explain(&rules, r, s.verdicts, best);
    s.verdicts[best].reason = VERDICT_CHOSEN;
    s.verdicts[best].fallback = !s.name_covered;
    return s;
}

/* The connector's own choice takes part, so that it stays wherever it is as good. */
const struct certificate *certificate_select_sni(struct arena *arena,
                                                 const struct selection_request *r,
                                                 const struct selection *own, struct span sni)
{
    if (!own->chosen || sni.n == 0 || (r->pin_strict && own->pin == PIN_HELD))
        return NULL;
    struct selection_request asked = *r;
    asked.name = sni;
    const struct verdict *verdicts = rules_judge(arena, &rules, &asked);
    bool *eligible = ARENA_ARRAY(arena, bool, r->count);
    int own_rank = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->candidates[i].certificate == own->chosen)
            own_rank = chain_rank(r->candidates[i].chain);
    for (size_t i = 0; i < r->count; i++)
        eligible[i] = verdicts[i].reason == VERDICT_LESS_PREFERRED && !verdicts[i].expired &&
                      chain_rank(r->candidates[i].chain) <= own_rank;
    size_t best = rules_best(&rules, &asked, verdicts, eligible);
    if (best == r->count || r->candidates[best].certificate == own->chosen)
        return NULL;
    return r->candidates[best].certificate;
}
