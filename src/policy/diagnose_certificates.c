/* What is wrong with a certificate itself, whoever presents it, and with client certificates. */
#include "base/clock.h"
#include "policy/diagnosis.h"
#include "policy/remedy.h"

static const struct certificate *certificate_at(const struct diagnosis *d, size_t i)
{
    return d->facts->state.candidates[i].certificate;
}

static bool is_superseded(const struct diagnosis *d, const struct certificate *c)
{
    for (size_t i = 0; i < d->superseded_count; i++)
        if (d->superseded[i] == c)
            return true;
    return false;
}

/* Another with the same issuer and subject: Exchange cannot tell the two apart, and refuses to
 * remove either while a connector names the pair. */
static bool has_twin(const struct diagnosis *d, const struct certificate *c)
{
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct certificate *other = certificate_at(d, i);
        if (other != c && span_eq(other->issuer, c->issuer) && span_eq(other->subject, c->subject))
            return true;
    }
    return false;
}

static bool judge_superseded(struct diagnosis *d, size_t i, struct finding *f)
{
    const struct certificate *c = certificate_at(d, i);
    if (!is_superseded(d, c))
        return false;
    f->severity = FINDING_GREEN;
    f->fault = has_twin(d, c) ? SPAN("F08") : SPAN_NONE;
    f->cause = SPAN("a newer certificate for the same names has taken over");
    f->evidence = diagnosis_certificate(d, c);
    f->consequence = SPAN("none: no connector presents it, and it can be removed");
    f->remedy = remedy_remove(d->arena, c);
    f->safe_fix = true;
    return true;
}

static bool judge_key(struct diagnosis *d, size_t i, struct finding *f)
{
    const struct certificate *c = certificate_at(d, i);
    if (c->key_matches || c->services == 0 || d->told[i] || c->not_after_ms < d->facts->now_ms)
        return false;
    f->cause = c->key
                   ? SPAN("the private key beside it belongs to another certificate (a torn pair)")
                   : SPAN("its private key is missing");
    f->evidence = diagnosis_certificate(d, c);
    f->consequence = SPAN("it is never presented; what was in force before goes on");
    f->remedy = remedy_import(d->arena, c);
    return true;
}

static bool judge_names(struct diagnosis *d, size_t i, struct finding *f)
{
    const struct certificate *c = certificate_at(d, i);
    if (c->name_count > 0 || !(c->services & SERVICE_SMTP))
        return false;
    f->cause = SPAN("it is enabled for smtp, but has no host name");
    f->evidence = arena_printf(d->arena, "subject " SPAN_FMT,
                               SPAN_ARG(c->subject.n ? c->subject : SPAN("(empty)")));
    f->consequence = SPAN("it can never be chosen for a name");
    f->remedy = remedy_disable(d->arena, c, "smtp");
    f->safe_fix = diagnosis_users(d, c).n == 0;
    return true;
}

static bool judge_weakness(struct diagnosis *d, size_t i, struct finding *f)
{
    const struct certificate *c = certificate_at(d, i);
    if (!c->weak_signature || !(c->services & SERVICE_SMTP) || d->told[i] || c->name_count == 0 ||
        c->not_after_ms < d->facts->now_ms)
        return false;
    f->cause = SPAN("it is signed with MD5, SHA-1 or an older digest");
    f->evidence = diagnosis_certificate(d, c);
    f->consequence = SPAN("it is never presented: peers would break off the handshake");
    f->remedy = remedy_cover(d->arena, NULL, c->names[0]);
    return true;
}

static bool judge_chain(struct diagnosis *d, size_t i, struct finding *f)
{
    const struct certificate *c = certificate_at(d, i);
    struct span users = diagnosis_users(d, c);
    if (d->facts->state.candidates[i].chain != CHAIN_INCOMPLETE || users.n == 0)
        return false;
    f->cause = SPAN("the certificate of its issuer is missing from the chain that is sent");
    f->evidence = arena_printf(d->arena, "issuer " SPAN_FMT "; presented by " SPAN_FMT,
                               SPAN_ARG(c->issuer), SPAN_ARG(users));
    f->consequence = SPAN("peers that verify the chain do not deliver, though the certificate is "
                          "good");
    f->remedy = arena_printf(d->arena, "sealpost cert import FILE  # the certificate of %s",
                             arena_text(d->arena, c->issuer));
    return true;
}

const struct candidate_rule diagnose_candidate_rules[] = {
    {"F12", "certificate-key-unusable", EVENT_KEY_UNUSABLE, judge_key},
    {"F17", "chain-incomplete", EVENT_CHAIN_INCOMPLETE, judge_chain},
    {"F30", "certificate-weak", EVENT_WEAK, judge_weakness},
    {"F36", "certificate-without-names", EVENT_WITHOUT_NAMES, judge_names},
    {"", "certificate-superseded", EVENT_SUPERSEDED, judge_superseded},
    {0},
};

/* ---- client certificates ---- */

static const char *const no_client = "next hops that ask for the certificate refuse, and the mail "
                                     "waits";

/* The certificate that the pin names, usable or not. */
static const struct certificate *find_named(struct diagnosis *d, const struct send_connector *c,
                                            const struct selection *s, enum verdict_reason *reason)
{
    struct pin pin;
    struct buf why = BUF_INIT(1000);
    const struct certificate *found = NULL;
    enum err err = pin_parse(d->arena, c->tls_certificate, &pin, &why);
    buf_done(&why);
    for (size_t i = 0; err == OK && !found && i < d->facts->state.count; i++)
        if (pin_matches(&pin, certificate_at(d, i))) {
            found = certificate_at(d, i);
            *reason = s->verdicts[i].reason;
        }
    return found;
}

static bool judge_client_missing(struct diagnosis *d, const struct send_connector *c,
                                 const struct selection *s, struct finding *f)
{
    enum verdict_reason reason;
    if (s->chosen || find_named(d, c, s, &reason))
        return false;
    f->severity = FINDING_RED;
    f->cause = SPAN("its tls-certificate names no certificate of the store");
    f->evidence = c->tls_certificate;
    f->consequence = span_of(no_client);
    f->remedy = remedy_join(d->arena, SPAN("sealpost cert list"),
                            remedy_set_send(d->arena, c, "tls-certificate", SPAN_NONE));
    return true;
}

static bool judge_client_unusable(struct diagnosis *d, const struct send_connector *c,
                                  const struct selection *s, struct finding *f)
{
    enum verdict_reason reason = VERDICT_CHOSEN;
    const struct certificate *named = s->chosen ? NULL : find_named(d, c, s, &reason);
    if (!named)
        return false;
    bool disabled = reason == VERDICT_NOT_ENABLED;
    f->severity = FINDING_RED;
    f->fault = disabled ? SPAN("F22") : SPAN("F12");
    f->cause = arena_printf(d->arena, "its tls-certificate cannot be presented: %s",
                            disabled ? "it is not enabled for client" : verdict_text(reason));
    f->evidence = diagnosis_certificate(d, named);
    f->consequence = span_of(no_client);
    f->remedy =
        disabled ? remedy_enable(d->arena, named, "client") : remedy_import(d->arena, named);
    f->safe_fix = disabled;
    return true;
}

static bool judge_client_expired(struct diagnosis *d, const struct send_connector *c,
                                 const struct selection *s, struct finding *f)
{
    (void)c;
    if (!s->chosen || !diagnose_expires_soon(s->chosen, d->facts->now_ms, &f->stage))
        return false;
    struct buf when = BUF_INIT(200);
    standing_add_time(&when, s->chosen->not_after_ms, d->facts->now_ms);
    f->severity = s->expired ? FINDING_RED : FINDING_YELLOW;
    f->cause = arena_printf(d->arena, "its client certificate %s %s",
                            s->expired ? "expired" : "expires", buf_text(&when));
    f->evidence = diagnosis_certificate(d, s->chosen);
    f->consequence = span_of(no_client);
    f->remedy = remedy_renew(d->arena, s->chosen);
    buf_done(&when);
    return true;
}

const struct send_rule diagnose_send_rules[] = {
    {"F15", "client-certificate-missing", EVENT_CLIENT_CERTIFICATE, judge_client_missing},
    {"F22", "client-certificate-unusable", EVENT_CLIENT_CERTIFICATE, judge_client_unusable},
    {"", "client-certificate-expires", EVENT_CLIENT_CERTIFICATE, judge_client_expired},
    {0},
};
