/* MTA-STS of one domain: its TXT record, the addresses of its policy host, the policy. */
#include "base/clock.h"
#include "io/trust.h"
#include "service/dns_round_private.h"

enum { FETCH_TIMEOUT_MS = 15000 };

/* ---- the policy ---- */

static void conclude(struct domain_lookup *lookup, enum policy_fetch fetched, struct span why)
{
    lookup->fact->fetched = fetched;
    lookup->fact->policy_why = arena_copy(&lookup->round->arena, why);
    dns_round_answered(lookup->round);
}

static void take_policy(struct domain_lookup *lookup, struct span body)
{
    struct arena *arena = &lookup->round->arena;
    struct span why = SPAN_NONE;
    enum err err = mta_sts_parse_policy(arena, body, &lookup->fact->policy, &why);
    conclude(lookup, err == OK ? POLICY_FETCHED : POLICY_MALFORMED, why);
}

static void on_fetched(void *context, const struct fetch_answer *answer)
{
    enum { HTTP_OK = 200, HTTP_NOT_FOUND = 404, HTTP_GONE = 410 };
    struct domain_lookup *lookup = context;
    struct span status = arena_printf(&lookup->round->arena, "https://" SPAN_FMT ": HTTP status %d",
                                      SPAN_ARG(lookup->policy_host), answer->status);
    lookup->fetch = NULL;
    if (answer->err == ERR_DENIED)
        conclude(lookup, POLICY_UNTRUSTED, answer->why);
    else if (answer->err != OK)
        conclude(lookup, POLICY_UNREACHABLE, answer->why);
    else if (answer->status == HTTP_OK)
        take_policy(lookup, answer->body);
    else if (answer->status == HTTP_NOT_FOUND || answer->status == HTTP_GONE)
        conclude(lookup, POLICY_ABSENT, status);
    else /* RFC 8461 section 3.3: redirections are not followed */
        conclude(lookup, POLICY_UNREACHABLE, status);
}

static void fetch_policy(struct domain_lookup *lookup)
{
    struct dns_round *round = lookup->round;
    struct buf addresses = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&addresses, SPAN_FMT ":443:", SPAN_ARG(lookup->policy_host));
    for (size_t i = 0; i < lookup->address_count; i++) {
        char text[IP_TEXT];
        ip_format(&lookup->addresses[i], text);
        buf_addf(&addresses, lookup->addresses[i].v6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
    }
    struct fetch_request request = {
        .url = arena_printf(&round->arena, "https://" SPAN_FMT "/.well-known/mta-sts.txt",
                            SPAN_ARG(lookup->policy_host)),
        .trust_file = trust_system_file(),
        .timeout_ms = FETCH_TIMEOUT_MS,
        .addresses = buf_span(&addresses),
        .stays = true,
    };
    lookup->fetch =
        fetch_start(round->options.workers, round->options.loop, &request, on_fetched, lookup);
    buf_done(&addresses);
}

/* ---- its host ---- */

static void on_address(void *context, const struct dns_answer *answer)
{
    struct domain_lookup *lookup = context;
    struct span why = SPAN_NONE;
    if (!dns_round_is_answer(lookup->round, answer, &why))
        lookup->address_failed = true;
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++)
        if (lookup->address_count < COUNT_OF(lookup->addresses))
            lookup->addresses[lookup->address_count++] = answer->records[i].ip;
    if (--lookup->addresses_asked > 0)
        return;
    if (lookup->address_count)
        fetch_policy(lookup);
    else
        conclude(lookup, lookup->address_failed ? POLICY_UNREACHABLE : POLICY_ABSENT,
                 arena_printf(&lookup->round->arena,
                              lookup->address_failed ? SPAN_FMT ": its address cannot be looked up"
                                                     : SPAN_FMT " has no address",
                              SPAN_ARG(lookup->policy_host)));
}

/* As the document's name servers know it: the system's may be others. */
static void ask_addresses(struct domain_lookup *lookup)
{
    static const int types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
    struct dns_round *round = lookup->round;
    lookup->policy_host =
        arena_printf(&round->arena, "mta-sts." SPAN_FMT, SPAN_ARG(lookup->fact->domain));
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        lookup->addresses_asked++;
        resolver_ask(round->options.resolver, lookup->policy_host, types[i], on_address, lookup);
    }
}

/* ---- the record ---- */

/* RFC 1035 section 3.3.14: the strings of one record are one text. */
static struct span join_strings(struct arena *arena, struct span rdata)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    while (rdata.n > 0) {
        size_t n = (unsigned char)rdata.p[0];
        buf_add(&out, span_head(span_skip(rdata, 1), n));
        rdata = span_skip(rdata, n + 1);
    }
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}

/* RFC 8461 section 3.1: with more than one record there is none. */
static bool announces(struct dns_round *round, const struct dns_answer *answer)
{
    size_t found = 0;
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->count; i++) {
        struct span text = join_strings(&round->arena, answer->records[i].data), id;
        if (mta_sts_parse_record(text, &id))
            found++;
    }
    return found == 1;
}

static void on_record(void *context, const struct dns_answer *answer)
{
    struct domain_lookup *lookup = context;
    struct domain_fact *fact = lookup->fact;
    bool known = dns_round_is_answer(lookup->round, answer, &fact->sts_why);
    fact->sts_known = known ? FACT_KNOWN : FACT_CANNOT_TELL;
    lookup->sts_known_ms = clock_now_ms();
    fact->sts_announced = announces(lookup->round, answer);
    if (fact->sts_announced)
        ask_addresses(lookup);
    else
        dns_round_answered(lookup->round);
}

void dns_round_ask_sts(struct domain_lookup *lookup)
{
    struct dns_round *round = lookup->round;
    round->outstanding++;
    resolver_ask(round->options.resolver,
                 arena_printf(&round->arena, "_mta-sts." SPAN_FMT, SPAN_ARG(lookup->fact->domain)),
                 DNS_TYPE_TXT, on_record, lookup);
}
