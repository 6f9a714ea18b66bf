/* What EHLO replies show: STARTTLS taken out on the way, another connector that answers, a server
 * that does not offer it; and tests that prove nothing. */
#include "base/ip.h"
#include "policy/exchange_examine.h"

/* ---- F28 ---- */

static void blame_f28(struct examination *e, const struct exchange_session *s, const char *says)
{
    struct exchange_finding *f = examine_find(e, "F28", SPAN_NONE);
    if (!f) {
        f = examine_add(e, "F28", "starttls-stripped", FINDING_RED, EXCHANGE_CERTAIN,
                        SPAN("the way between the Internet and the server"));
        f->finding.cause = SPAN(
            "a device in between rewrites the server's EHLO reply (SMTP inspection, Mailguard, "
            "fixup): the server offers STARTTLS, and outside nobody sees it");
        f->finding.consequence =
            SPAN("peers deliver in clear text; those that require TLS do not deliver");
        examine_step(
            e, f,
            SPAN("# on a Cisco ASA: policy-map global_policy, class inspection_default, no inspect "
                 "esmtp; elsewhere: turn the inspection of SMTP off for this server"),
            SPAN("nothing on the Exchange server can mend it"), SPAN_NONE);
        examine_verify(
            e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp"),
            SPAN("from outside and from the server's own network: both get a certificate"));
    }
    examine_evidence(e, f, s->place, s->server_name.text, span_of(says));
}

void examine_f28_stripped(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        if (s->stripped)
            blame_f28(e, s, "the reply is overwritten with X");
        for (size_t j = 0; j < e->c->session_count; j++) {
            const struct exchange_session *other = &e->c->sessions[j];
            if (s->starttls == KNOWN_NO && other->starttls == KNOWN_YES && s->server_name.text.n &&
                span_ieq(s->server_name.text, other->server_name.text) && !s->connector.text.n) {
                blame_f28(e, s, "without STARTTLS");
                blame_f28(e, other, "the same server, with STARTTLS");
            }
        }
    }
}

/* ---- F35 ---- */

static bool ranges_within(const struct exchange_connector *inner,
                          const struct exchange_connector *outer)
{
    for (size_t i = 0; i < inner->remote_ip_ranges.count; i++)
        for (size_t o = 0; o < outer->remote_ip_ranges.count; o++) {
            struct ip_range a, b;
            if (ip_range_parse(inner->remote_ip_ranges.items[i], &a) == OK &&
                ip_range_parse(outer->remote_ip_ranges.items[o], &b) == OK &&
                a.first.v6 == b.first.v6 && ip_range_within(&a, &b) &&
                ip_range_cmp_size(&a, &b) < 0)
                return true;
        }
    return false;
}

static struct connector_choice *connector_behind(struct examination *e,
                                                 const struct connector_choice *taken)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        struct connector_choice *ch = &e->choices[i];
        if (ch != taken && !ch->shown.connector->sends && ch->state == CHOICE_GOOD &&
            ranges_within(taken->shown.connector, ch->shown.connector))
            return ch;
    }
    return NULL;
}

static void blame_f35(struct examination *e, const struct exchange_session *s,
                      struct connector_choice *taken, const struct connector_choice *behind)
{
    const struct exchange_connector *k = taken->shown.connector;
    struct exchange_finding *f = examine_add(e, "F35", "other-connector-answers", FINDING_RED,
                                             EXCHANGE_CERTAIN, examine_connector_subject(e, k));
    f->finding.cause =
        arena_printf(e->arena,
                     "its RemoteIPRanges are more specific than those of " SPAN_FMT
                     ", so it takes this client's sessions, and it does not offer STARTTLS",
                     SPAN_ARG(examine_connector_subject(e, behind->shown.connector)));
    f->finding.consequence =
        SPAN("clients in these ranges get no TLS: those that require it do not deliver");
    examine_evidence(e, f, s->place, s->remote.text, SPAN("a session that it took"));
    examine_quote_list(e, f, "RemoteIPRanges", &k->remote_ip_ranges,
                       SPAN("of the connector that answers"));
    examine_quote_list(e, f, "RemoteIPRanges", &behind->shown.connector->remote_ip_ranges,
                       SPAN("of the one that would have offered STARTTLS"));
    examine_step(
        e, f,
        arena_printf(e->arena,
                     "Set-ReceiveConnector -Identity " SPAN_FMT
                     " -RemoteIPRanges 'ONLY','THE','ADDRESSES',"
                     "'THAT','NEED','IT'",
                     SPAN_ARG(step_identity(e, k))),
        SPAN("without the addresses of clients that need TLS; or give it Tls in AuthMechanism"),
        SPAN_NONE);
    examine_verify(e, f, SPAN("Get-ReceiveConnector | FL Identity,RemoteIPRanges,AuthMechanism"),
                   SPAN("the client's address in the intended connector's ranges only"));
    taken->explained = true;
}

void examine_f35_other_connector(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        struct connector_choice *taken = examine_choice_of(e, s->connector.text, false);
        if (s->direction == EXCHANGE_SENDS || s->starttls != KNOWN_NO || !taken ||
            taken->explained || taken->state == CHOICE_GOOD)
            continue;
        struct connector_choice *behind = connector_behind(e, taken);
        if (behind)
            blame_f35(e, s, taken, behind);
    }
}

/* ---- the server itself does not offer it, and nothing printed says why ---- */

void examine_not_offered(struct examination *e)
{
    static const char *const causes[] = {"F03", "F20", "F36", "F01", "F04",
                                         "F12", "F28", "F35", "F02"};
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        struct connector_choice *ch = examine_choice_of(e, s->connector.text, false);
        bool wanted = !ch || ch->state != CHOICE_NO_TLS;
        if (s->direction == EXCHANGE_SENDS || s->starttls != KNOWN_NO || s->stripped || !wanted ||
            (s->x_anonymous_tls != KNOWN_YES && s->direction != EXCHANGE_PROBED))
            continue;
        struct exchange_finding *f = examine_explanation(e, causes, COUNT_OF(causes));
        if (!f) {
            f = examine_add(
                e, "F01", "starttls-not-offered", FINDING_RED, EXCHANGE_POSSIBLE,
                arena_printf(e->arena, "Receive connector " SPAN_FMT,
                             SPAN_ARG(s->connector.text.n ? s->connector.text
                                                          : SPAN("(name not printed)"))));
            f->finding.cause =
                s->x_anonymous_tls == KNOWN_YES
                    ? SPAN("the server offers X-ANONYMOUSTLS and not STARTTLS: no certificate fits "
                           "the "
                           "connector's name, which event 12014 says")
                    : SPAN(
                          "the server does not offer STARTTLS: no certificate fits the connector's "
                          "name (event 12014 says so), AuthMechanism lacks Tls, or a device takes "
                          "it out of the reply");
            f->finding.consequence =
                SPAN("peers deliver in clear text; those that require TLS do not deliver");
            examine_step(
                e, f,
                SPAN("Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents "
                     "5 | FL\n"
                     "Get-ReceiveConnector | FL *\nGet-ExchangeCertificate | FL *"),
                SPAN("print these, and hand them over: then the exact commands can be told"),
                SPAN_NONE);
            examine_ask(e, SPAN("what event 12014 says of this connector"),
                        SPAN("Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} "
                             "-MaxEvents 5 | FL\n"
                             "Get-ReceiveConnector | FL *\nGet-ExchangeCertificate | FL *"));
        }
        examine_evidence(e, f, s->place, s->server_name.text,
                         SPAN("an EHLO reply without STARTTLS"));
    }
}

/* ---- F38 ---- */

void examine_f38_test(struct examination *e)
{
    for (size_t i = 0; i < e->c->session_count; i++) {
        const struct exchange_session *s = &e->c->sessions[i];
        if (!s->plain_tls_attempt)
            continue;
        struct exchange_finding *f =
            examine_add(e, "F38", "wrong-test", FINDING_YELLOW, EXCHANGE_CERTAIN,
                        SPAN("the test, not the server"));
        f->finding.cause =
            SPAN("port 25 speaks SMTP first; openssl s_client without -starttls smtp sends a TLS "
                 "greeting into it and gets an SMTP banner back");
        f->finding.consequence = SPAN("none: this proves nothing about the certificate");
        examine_evidence(e, f, s->place, s->tls_error.text, SPAN("what the test printed"));
        examine_step(e, f, SPAN("openssl s_client -connect SERVER:25 -starttls smtp"),
                     SPAN("the right test; or: sealpost diagnose --connect SERVER:25"), SPAN_NONE);
        return;
    }
}
