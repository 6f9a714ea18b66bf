/* Files, DNS and the clock. */
#include "base/clock.h"
#include "policy/diagnosis.h"
#include "policy/remedy.h"

static void judge_mode(struct diagnosis *d, const struct file_fact *file)
{
    struct span word = remedy_word(d->arena, file->path);
    findings_add(d->findings,
                 &(struct finding){
                     .event = EVENT_KEY_FILE_READABLE,
                     .name = SPAN("key-file-readable"),
                     .severity = FINDING_RED,
                     .subject = file->path,
                     .cause = SPAN("others than the service can read a private key"),
                     .evidence = arena_printf(d->arena, "mode %04o", file->mode & 07777),
                     .consequence = SPAN("whoever has read it can pose as this server"),
                     .remedy = arena_printf(d->arena, "chmod 600 " SPAN_FMT, SPAN_ARG(word)),
                     .safe_fix = true,
                 });
}

void diagnose_files(struct diagnosis *d)
{
    for (size_t i = 0; i < d->facts->file_count; i++) {
        const struct file_fact *file = &d->facts->files[i];
        if (file->mode)
            judge_mode(d, file);
        if (file->fault.n == 0)
            continue;
        findings_add(
            d->findings,
            &(struct finding){
                .event = EVENT_CERTIFICATE_FILE,
                .name = SPAN("certificate-file-unusable"),
                .severity = FINDING_YELLOW,
                .subject = file->path,
                .cause = file->fault,
                .evidence = file->path,
                .consequence = SPAN("its certificate is not presented; what was in force "
                                    "before goes on"),
                .remedy = arena_printf(d->arena, "openssl x509 -noout -subject -in " SPAN_FMT,
                                       SPAN_ARG(remedy_word(d->arena, file->path))),
            });
    }
}

/* Whether a listener presents a certificate for the host. */
static bool is_served(const struct diagnosis *d, struct span host)
{
    for (size_t i = 0; i < d->standing_count; i++) {
        const struct certificate *c = d->standings[i].selection.chosen;
        if (c && d->standings[i].offers_tls && certificate_covers(c, host) != NAME_NO_MATCH)
            return true;
    }
    return false;
}

static bool is_any_served(const struct diagnosis *d, const struct dns_fact *fact)
{
    for (size_t i = 0; i < fact->mx_count; i++)
        if (is_served(d, fact->mx[i]))
            return true;
    return false;
}

/* The certificate that would be extended; NULL: there is none to begin with. */
static const struct certificate *first_presented(const struct diagnosis *d)
{
    for (size_t i = 0; i < d->standing_count; i++)
        if (d->standings[i].offers_tls)
            return d->standings[i].selection.chosen;
    return NULL;
}

/* Mail may well come through somebody else's MX; but where no MX of a domain is covered by anything
 * here, either all of it does, or the names do not fit. */
static void judge_mx(struct diagnosis *d, const struct dns_fact *fact)
{
    if (fact->mx_count == 0 || d->standing_count == 0 || is_any_served(d, fact))
        return;
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < fact->mx_count; i++)
        buf_addf(&names, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(fact->mx[i]));
    findings_add(
        d->findings,
        &(struct finding){
            .event = EVENT_MX_NOT_COVERED,
            .name = SPAN("mx-not-covered"),
            .severity = FINDING_YELLOW,
            .subject = arena_printf(d->arena, "domain " SPAN_FMT, SPAN_ARG(fact->domain)),
            .cause = SPAN("no listener presents a certificate for any MX of the domain"),
            .evidence = arena_printf(d->arena, "MX: " SPAN_FMT, SPAN_ARG(buf_span(&names))),
            .consequence = SPAN("peers that verify the MX name (MTA-STS, DANE-TA, partners) do not "
                                "deliver, unless another host takes this mail first"),
            .remedy = remedy_cover(d->arena, first_presented(d), fact->mx[0]),
        });
    buf_done(&names);
}

void diagnose_dns(struct diagnosis *d)
{
    for (size_t i = 0; i < d->facts->dns_count; i++) {
        const struct dns_fact *fact = &d->facts->dns[i];
        if (!fact->asked)
            continue;
        if (!fact->failed) {
            judge_mx(d, fact);
            continue;
        }
        findings_add(
            d->findings,
            &(struct finding){
                .event = EVENT_DNS_FAILED,
                .name = SPAN("dns-failed"),
                .severity = FINDING_YELLOW,
                .subject = arena_printf(d->arena, "domain " SPAN_FMT, SPAN_ARG(fact->domain)),
                .cause = SPAN("its MX records could not be looked up"),
                .evidence = fact->domain,
                .consequence = SPAN("whether the certificates fit the MX is not known"),
                .remedy = arena_printf(d->arena, "dig MX " SPAN_FMT, SPAN_ARG(fact->domain)),
            });
    }
}

void diagnose_clock(struct diagnosis *d)
{
    const struct diagnose_facts *facts = d->facts;
    if (facts->now_ms >= facts->newest_not_before_ms)
        return;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, "it says ");
    clock_add_iso(&text, facts->now_ms);
    buf_add_text(&text, "; the newest certificate is valid from ");
    clock_add_iso(&text, facts->newest_not_before_ms);
    findings_add(d->findings,
                 &(struct finding){
                     .event = EVENT_CLOCK,
                     .name = SPAN("clock-behind"),
                     .severity = FINDING_YELLOW,
                     .subject = SPAN("clock"),
                     .cause = SPAN("a certificate is valid from a later time than the clock's: the "
                                   "clock is behind, or the certificate was made ahead"),
                     .evidence = buf_span(&text),
                     .consequence = SPAN("certificates count as not yet valid, and expired ones as "
                                         "valid"),
                     .remedy = SPAN("timedatectl set-ntp true"),
                 });
    buf_done(&text);
}
