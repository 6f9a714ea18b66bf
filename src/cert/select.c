#include "cert/select.h"

#include <assert.h>

#include "base/clock.h"

enum {
    SECURITY_BITS_MIN = 112, /* OpenSSL's security level 2, which the server contexts have */
    NAMES_SHOWN = 5,
};

const char *verdict_text(enum verdict_reason reason)
{
    switch (reason) {
    case VERDICT_CHOSEN: return "chosen";
    case VERDICT_LESS_PREFERRED: return "another is preferred";
    case VERDICT_NOT_ENABLED: return "not enabled for the service";
    case VERDICT_KEY_MISSING: return "the private key is missing";
    case VERDICT_KEY_MISMATCH: return "the private key belongs to another certificate";
    case VERDICT_NOT_V3: return "not an X.509 version 3 certificate";
    case VERDICT_WRONG_EKU: return "not meant for this use";
    case VERDICT_NAME_NOT_COVERED: return "does not cover the name";
    case VERDICT_NOT_YET_VALID: return "not valid yet";
    case VERDICT_WEAK_KEY: return "too weak to be used";
    }
    assert(!"a verdict without a text");
    return "";
}

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

static bool is_weak(const struct certificate *c)
{
    EVP_PKEY *key = X509_get0_pubkey(c->leaf);
    return c->weak_signature || !key || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN;
}

static bool has_usage(const struct certificate *c, enum cert_service service)
{
    return service == SERVICE_CLIENT ? c->client_auth : c->server_auth;
}

/* Why a certificate cannot be presented at all, whatever its names; VERDICT_LESS_PREFERRED: it can.
 */
static enum verdict_reason judge_use(const struct certificate *c, const struct selection_request *r)
{
    if (!(c->services & r->service))
        return VERDICT_NOT_ENABLED;
    if (!c->key)
        return VERDICT_KEY_MISSING;
    if (!c->key_matches)
        return VERDICT_KEY_MISMATCH;
    if (c->version != 3)
        return VERDICT_NOT_V3;
    if (!has_usage(c, r->service))
        return VERDICT_WRONG_EKU;
    if (is_weak(c))
        return VERDICT_WEAK_KEY;
    if (r->now_ms < c->not_before_ms)
        return VERDICT_NOT_YET_VALID;
    return VERDICT_LESS_PREFERRED;
}

static struct span names_detail(struct arena *arena, const struct certificate *c, struct span name)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    size_t shown = c->name_count < NAMES_SHOWN ? c->name_count : NAMES_SHOWN;
    if (c->name_count == 0)
        buf_add_text(&out, "it has no host names");
    else
        buf_add_text(&out, c->name_count == 1 ? "its name " : "its names ");
    for (size_t i = 0; i < shown; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(c->names[i]));
    if (c->name_count > shown)
        buf_addf(&out, " and %zu more", c->name_count - shown);
    if (c->name_count > 0)
        buf_addf(&out, " %s not cover " SPAN_FMT, c->name_count == 1 ? "does" : "do",
                 SPAN_ARG(name));
    struct span detail = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return detail;
}

static struct span time_detail(struct arena *arena, const char *what, int64_t ms)
{
    struct buf out = BUF_INIT(128);
    buf_add_text(&out, what);
    clock_add_iso(&out, ms);
    struct span detail = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return detail;
}

static struct span detail_of(struct arena *arena, const struct certificate *c,
                             const struct selection_request *r, enum verdict_reason reason)
{
    switch (reason) {
    case VERDICT_NOT_ENABLED:
        return arena_printf(arena, "not enabled for %s", service_text(r->service));
    case VERDICT_NOT_V3: return arena_printf(arena, "version %d", c->version);
    case VERDICT_WRONG_EKU:
        return arena_printf(arena, "its extended key usage lacks %s",
                            r->service == SERVICE_CLIENT ? "clientAuth" : "serverAuth");
    case VERDICT_WEAK_KEY:
        return c->weak_signature ? SPAN("signed with a digest that is no longer accepted")
                                 : c->key_type;
    case VERDICT_NOT_YET_VALID: return time_detail(arena, "valid from ", c->not_before_ms);
    case VERDICT_NAME_NOT_COVERED: return names_detail(arena, c, r->name);
    default: return SPAN_NONE;
    }
}

static int cmp_number(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* CHAIN_INCOMPLETE stands before self-signed: a peer that knows the issuer can still verify it. */
static int chain_rank(enum chain_state chain)
{
    static const int ranks[] = {
        [CHAIN_TRUSTED] = 0, [CHAIN_PRIVATE] = 1, [CHAIN_INCOMPLETE] = 2, [CHAIN_SELF_SIGNED] = 3};
    return ranks[chain];
}

/* The rules in their order, as select.h states them; each with what it says about the one that
 * comes second. */
enum rule {
    RULE_VALID,
    RULE_NAME,
    RULE_CHAIN,
    RULE_NEWER,
    RULE_LONGER,
    RULE_THUMBPRINT,
    RULE_NONE
};

static struct span rule_detail(enum rule rule)
{
    switch (rule) {
    case RULE_VALID: return SPAN("it has expired, the chosen one is valid");
    case RULE_NAME: return SPAN("it covers the name by wildcard, the chosen one exactly");
    case RULE_CHAIN: return SPAN("the chain of the chosen one is trusted more");
    case RULE_NEWER: return SPAN("the chosen one was issued later");
    case RULE_LONGER: return SPAN("the chosen one is valid for longer");
    case RULE_THUMBPRINT: return SPAN("equal in all; the lower thumbprint was taken");
    case RULE_NONE: return SPAN("the same certificate stands before it");
    }
    assert(!"a rule without a text");
    return SPAN_NONE;
}

struct ranked {
    const struct candidate *candidate;
    const struct verdict *verdict;
};

/* <0: a ranks before b. *rule says which rule decided. */
static int compare(const struct ranked *a, const struct ranked *b, enum rule *rule)
{
    const struct certificate *x = a->candidate->certificate, *y = b->candidate->certificate;
    const int by_rule[] = {
        [RULE_VALID] = cmp_number(a->verdict->expired, b->verdict->expired),
        [RULE_NAME] = cmp_number(b->verdict->match, a->verdict->match),
        [RULE_CHAIN] = cmp_number(chain_rank(a->candidate->chain), chain_rank(b->candidate->chain)),
        [RULE_NEWER] = cmp_number(y->not_before_ms, x->not_before_ms),
        [RULE_LONGER] = cmp_number(y->not_after_ms, x->not_after_ms),
        [RULE_THUMBPRINT] = strcmp(x->thumbprint, y->thumbprint),
    };
    for (*rule = RULE_VALID; *rule < RULE_NONE; (*rule)++)
        if (by_rule[*rule] != 0)
            return by_rule[*rule];
    return 0;
}

static struct verdict judge(struct arena *arena, const struct certificate *c,
                            const struct selection_request *r)
{
    struct verdict v = {
        .reason = judge_use(c, r),
        .match = certificate_covers(c, r->name),
        .expired = r->now_ms > c->not_after_ms,
    };
    if (v.reason == VERDICT_LESS_PREFERRED && v.match == NAME_NO_MATCH)
        v.reason = VERDICT_NAME_NOT_COVERED;
    v.detail = detail_of(arena, c, r, v.reason);
    return v;
}

/* The best of those with this verdict; r->count where there is none. */
static size_t find_best(const struct selection_request *r, const struct verdict *verdicts,
                        enum verdict_reason reason)
{
    size_t best = r->count;
    for (size_t i = 0; i < r->count; i++) {
        if (verdicts[i].reason != reason)
            continue;
        enum rule rule;
        struct ranked one = {&r->candidates[i], &verdicts[i]};
        if (best == r->count ||
            compare(&one, &(struct ranked){&r->candidates[best], &verdicts[best]}, &rule) < 0)
            best = i;
    }
    return best;
}

static void explain_others(const struct selection_request *r, struct verdict *verdicts, size_t best)
{
    struct ranked chosen = {&r->candidates[best], &verdicts[best]};
    for (size_t i = 0; i < r->count; i++) {
        if (i == best || verdicts[i].reason != VERDICT_LESS_PREFERRED)
            continue;
        enum rule rule;
        compare(&(struct ranked){&r->candidates[i], &verdicts[i]}, &chosen, &rule);
        verdicts[i].detail = rule_detail(rule);
    }
}

struct selection certificate_select(struct arena *arena, const struct selection_request *r)
{
    struct selection s = {.verdicts = ARENA_ARRAY(arena, struct verdict, r->count)};
    for (size_t i = 0; i < r->count; i++)
        s.verdicts[i] = judge(arena, r->candidates[i].certificate, r);
    size_t best = find_best(r, s.verdicts, VERDICT_LESS_PREFERRED);
    s.name_covered = best < r->count;
    if (!s.name_covered)
        best = find_best(r, s.verdicts, VERDICT_NAME_NOT_COVERED);
    if (best == r->count)
        return s;
    explain_others(r, s.verdicts, best);
    s.chosen = r->candidates[best].certificate;
    s.expired = s.verdicts[best].expired;
    s.verdicts[best].reason = VERDICT_CHOSEN;
    s.verdicts[best].fallback = !s.name_covered;
    return s;
}
