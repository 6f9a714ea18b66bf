#include "service/finding.h"

#include "base/clock.h"

/* Exchange's numbers. */
enum { NAME_NOT_COVERED = 12014, CERTIFICATE_EXPIRED = 12016, CERTIFICATE_EXPIRES_SOON = 12018 };

static const int64_t EXPIRES_SOON_MS = 14 * DAY_MS;

static void judge_none(const struct connector_tls *tls, struct event *finding)
{
    finding->id = NAME_NOT_COVERED;
    finding->level = LOG_ERROR;
    finding->name = SPAN("starttls-no-certificate");
    finding->text = tls->fault;
    finding->consequence =
        tls->connector->tls == RECEIVE_TLS_OFFERED
            ? SPAN("STARTTLS is not offered; peers that require TLS do not deliver")
            : SPAN("no mail can be received on this connector");
}

/* Mail goes on, encrypted: a warning, as only peers that verify names are lost. */
static void judge_name(const struct connector_tls *tls, struct event *finding)
{
    finding->id = NAME_NOT_COVERED;
    finding->level = LOG_WARNING;
    finding->name = SPAN("starttls-name-not-covered");
    finding->text = tls->fault;
    finding->consequence =
        SPAN("mail is still encrypted; peers that verify the certificate do not deliver");
}

static void judge_dates(struct arena *arena, const struct connector_tls *tls, int64_t left_ms,
                        struct event *finding)
{
    const struct certificate *c = tls->selection.chosen;
    bool expired = left_ms <= 0;
    finding->id = expired ? CERTIFICATE_EXPIRED : CERTIFICATE_EXPIRES_SOON;
    finding->level = expired ? LOG_ERROR : LOG_WARNING;
    finding->name =
        expired ? SPAN("starttls-certificate-expired") : SPAN("starttls-certificate-expires-soon");
    finding->consequence =
        expired ? SPAN("mail is still encrypted; peers that verify the certificate do not deliver")
                : SPAN_NONE;
    finding->text =
        expired
            ? arena_printf(arena, "certificate %s for " SPAN_FMT " has expired and is still served",
                           c->thumbprint, SPAN_ARG(tls->connector->fqdn))
            : arena_printf(arena, "certificate %s for " SPAN_FMT " expires in %lld hours",
                           c->thumbprint, SPAN_ARG(tls->connector->fqdn),
                           (long long)(left_ms / HOUR_MS));
}

bool finding_of_connector(struct arena *arena, const struct connector_tls *tls, int64_t now_ms,
                          struct event *finding)
{
    const struct receive_connector *c = tls->connector;
    const struct certificate *chosen = tls->selection.chosen;
    if (!c->enabled || c->tls == RECEIVE_TLS_OFF)
        return false;
    struct event f = {.time_ms = now_ms};
    int64_t left_ms = chosen ? chosen->not_after_ms - now_ms : 0;
    if (!chosen || !tls->context)
        judge_none(tls, &f);
    else if (left_ms > 0 && !tls->selection.name_covered)
        judge_name(tls, &f);
    else if (left_ms < EXPIRES_SOON_MS)
        judge_dates(arena, tls, left_ms, &f);
    else
        return false;
    f.subject = arena_printf(arena, "receive connector " SPAN_FMT, SPAN_ARG(c->name));
    f.remedy = f.id == NAME_NOT_COVERED
                   ? arena_printf(arena,
                                  "sealpost cert import FILE (a certificate for " SPAN_FMT
                                  "), or sealpost receive-connector set " SPAN_FMT " fqdn=NAME",
                                  SPAN_ARG(c->fqdn), SPAN_ARG(c->name))
                   : arena_printf(
                         arena, "sealpost cert import FILE (a newer certificate for " SPAN_FMT ")",
                         SPAN_ARG(c->fqdn));
    *finding = f;
    return true;
}
