#include "io/resolver.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>
#include <unistd.h>

#include "base/list.h"
#include "base/text.h"
#include "io/dns_decode.h"

enum {
    CLASS_IN = 1,
    TIMEOUT_MS = 20 * 1000, /* libunbound itself goes on for minutes where servers are silent */
    NAME_TEXT_MAX = 1024,   /* a name of 255 octets, all of them escaped */
};

struct resolver {
    struct ub_ctx *ctx;
    struct loop *loop;
    struct event answers;
    struct list queries;
    int64_t timeout_ms;
};

struct resolver_query {
    struct list node;
    struct resolver *resolver;
    struct loop_timer *timer;
    resolver_fn *fn;
    void *context;
    int type;
    int id;    /* libunbound's */
    int error; /* libunbound's, where it refused to ask; told by a timer of 0 ms */
};

/* The query is gone before its owner hears of it: fn may free the owner or ask again. */
static void tell(struct resolver_query *q, const struct dns_answer *answer)
{
    resolver_fn *fn = q->fn;
    void *context = q->context;
    list_remove(&q->node);
    loop_timer_free(q->timer);
    free(q);
    fn(context, answer);
}

static void tell_status(struct resolver_query *q, enum dns_status status, const char *why)
{
    tell(q, &(struct dns_answer){.status = status, .why = why});
}

static void tell_error(struct resolver_query *q, int error)
{
    if (error == UB_SYNTAX)
        tell_status(q, DNS_NO_NAME, "this is not a domain name");
    else
        tell_status(q, DNS_FAILED, ub_strerror(error));
}

static void query_timed_out(void *context)
{
    struct resolver_query *q = context;
    if (q->error) {
        tell_error(q, q->error);
        return;
    }
    ub_cancel(q->resolver->ctx, q->id);
    tell_status(q, DNS_FAILED, "no answer in time");
}

static enum dns_status status_of(const struct ub_result *r)
{
    if (r->bogus)
        return DNS_BOGUS;
    if (r->nxdomain)
        return DNS_NO_NAME;
    if (r->rcode != 0)
        return DNS_FAILED;
    return r->havedata ? DNS_FOUND : DNS_NO_DATA;
}

static const char *rcode_text(int rcode)
{
    switch (rcode) {
    case 1: return "the name server found the question malformed";
    case 2: return "server failure";
    case 4: return "the name server does not know this kind of question";
    case 5: return "the name server refused";
    default: return "the name server reported an error";
    }
}

static void add_records(struct arena *arena, int type, const struct ub_result *r,
                        struct dns_answer *answer)
{
    size_t count = 0;
    while (r->data[count])
        count++;
    answer->records = ARENA_ARRAY(arena, struct dns_record, count);
    for (size_t i = 0; i < count; i++) {
        struct span rdata = span_make(r->data[i], (size_t)r->len[i]);
        if (dns_decode(arena, type, rdata, &answer->records[answer->count]) == OK)
            answer->count++;
    }
    if (answer->count == 0) {
        answer->status = DNS_FAILED;
        answer->why = "no record of the answer is well-formed";
    }
}

static struct span canonical_name(struct arena *arena, const struct ub_result *r)
{
    struct span name = span_of(r->canonname);
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    char *lower = arena_text(arena, name);
    text_lower_all(lower, name.n);
    return span_make(lower, name.n);
}

static void answer_came(void *context, int error, struct ub_result *r)
{
    struct resolver_query *q = context;
    if (error || !r) {
        tell_error(q, error);
        ub_resolve_free(r);
        return;
    }
    struct arena arena = ARENA_INIT;
    struct dns_answer answer = {
        .status = status_of(r),
        .secure = r->secure,
        .canonical_name = canonical_name(&arena, r),
        .ttl_s = r->ttl > 0 ? (uint32_t)r->ttl : 0,
    };
    if (answer.status == DNS_FOUND)
        add_records(&arena, q->type, r, &answer);
    else if (answer.status == DNS_FAILED)
        answer.why = rcode_text(r->rcode);
    else if (answer.status == DNS_BOGUS)
        answer.why = r->why_bogus;
    tell(q, &answer);
    arena_done(&arena);
    ub_resolve_free(r);
}

/* libunbound's thread is gone: what waits for it is told, what comes is refused or times out. */
static void fail_all(struct resolver *r)
{
    event_del(&r->answers);
    struct list waiting;
    list_init(&waiting);
    for (struct list *node; (node = list_take(&r->queries));)
        list_append(&waiting, node);
    for (struct list *node; (node = list_take(&waiting));)
        tell_status(LIST_OBJECT(node, struct resolver_query, node), DNS_FAILED,
                    "the resolver has stopped");
}

static void answers_came(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct resolver *r = context;
    if (ub_process(r->ctx) != 0)
        fail_all(r);
}

static enum err fail(struct buf *why, enum err err, const char *what, int error)
{
    buf_addf(why, "%s: %s", what, error ? ub_strerror(error) : err_text(err));
    return err;
}

static enum err set_options(struct ub_ctx *ctx, struct buf *why)
{
    /* libunbound's own defaults are for a program that asks now and then: 16 questions at a time.
     */
    static const char *const options[][2] = {
        {"num-queries-per-thread:", "1024"}, {"outgoing-range:", "256"},
        {"outgoing-num-tcp:", "16"},         {"incoming-num-tcp:", "0"},
        {"msg-cache-size:", "4m"},           {"rrset-cache-size:", "8m"},
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        int error = ub_ctx_set_option(ctx, options[i][0], options[i][1]);
        if (error)
            return fail(why, ERR_IO, options[i][0], error);
    }
    return OK;
}

/* resolv.conf(5). libunbound would take a file without a server for one that names 127.0.0.1. */
static bool resolv_conf_names_server(void)
{
    FILE *file = fopen("/etc/resolv.conf", "re");
    if (!file)
        return false;
    char line[512];
    bool found = false;
    while (!found && fgets(line, sizeof(line), file))
        found = span_starts(span_trim(span_of(line)), SPAN("nameserver"));
    fclose(file);
    return found;
}

static enum err set_forwarders(struct ub_ctx *ctx, const struct resolver_options *options,
                               struct buf *why)
{
    bool from_file = options->forwarder_count == 0 && resolv_conf_names_server();
    if (options->forwarder_count == 0 && !from_file)
        return OK; /* the roots */
    /* A forwarder on this machine is the administrator's choice. */
    int error = ub_ctx_set_option(ctx, "do-not-query-localhost:", "no");
    if (!error && from_file)
        error = ub_ctx_resolvconf(ctx, NULL);
    /* The system's names go with the system's servers; small systems have no such file. */
    if (!error && from_file && access("/etc/hosts", R_OK) == 0)
        error = ub_ctx_hosts(ctx, NULL);
    for (size_t i = 0; i < options->forwarder_count && !error; i++) {
        char address[IP_TEXT], text[IP_TEXT + 8];
        ip_format(&options->forwarders[i].ip, address);
        snprintf(text, sizeof(text), "%s@%u", address, options->forwarders[i].port);
        error = ub_ctx_set_fwd(ctx, text);
    }
    return error ? fail(why, ERR_IO, "the name servers cannot be used", error) : OK;
}

static enum err set_trust(struct ub_ctx *ctx, const char *file, struct buf *why)
{
    if (!file)
        return OK;
    if (access(file, R_OK) != 0)
        return fail(why, ERR_NOT_FOUND, file, 0);
    int error = ub_ctx_add_ta_file(ctx, file);
    return error ? fail(why, ERR_IO, file, error) : OK;
}

/* Names that libunbound answers by itself (RFC 6303, 6761, 7686). Last, as it starts libunbound. */
static enum err open_local_zones(struct ub_ctx *ctx, struct buf *why)
{
    static const char *const zones[] = {
        "test.",
        "invalid.",
        "onion.",
        "home.arpa.",
        "localhost.",
        "127.in-addr.arpa.",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."};
    int error = ub_ctx_set_option(ctx, "unblock-lan-zones:", "yes");
    for (size_t i = 0; i < COUNT_OF(zones) && !error; i++)
        error = ub_ctx_zone_add(ctx, zones[i], "transparent");
    return error ? fail(why, ERR_IO, "the local zones cannot be opened", error) : OK;
}

static enum err configure(struct ub_ctx *ctx, const struct resolver_options *options,
                          struct buf *why)
{
    int error = ub_ctx_async(ctx, 1); /* a thread, not a process */
    enum err err = error ? fail(why, ERR_IO, "no thread for the resolver", error) : OK;
    if (err == OK)
        err = set_options(ctx, why);
    if (err == OK)
        err = set_forwarders(ctx, options, why);
    if (err == OK)
        err = set_trust(ctx, options->trust_anchor_file, why);
    if (err == OK && !options->local_zones)
        err = open_local_zones(ctx, why);
    return err;
}

enum err resolver_new(struct loop *loop, const struct resolver_options *options,
                      struct resolver **resolver, struct buf *why)
{
    struct ub_ctx *ctx = ub_ctx_create();
    if (!ctx)
        return fail(why, ERR_IO, "the resolver cannot be made", 0);
    ub_ctx_debugout(ctx, NULL); /* it would write to standard error on its own */
    enum err err = configure(ctx, options, why);
    if (err != OK) {
        ub_ctx_delete(ctx);
        return err;
    }
    struct resolver *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->ctx = ctx;
    r->loop = loop;
    r->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    list_init(&r->queries);
    event_assign(&r->answers, loop_base(loop), ub_fd(ctx), EV_READ | EV_PERSIST, answers_came, r);
    event_add(&r->answers, NULL);
    *resolver = r;
    return OK;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    LIST_EACH(q, &r->queries, struct resolver_query, node)
    resolver_cancel(q);
    event_del(&r->answers);
    ub_ctx_delete(r->ctx);
    free(r);
}

/* Returns libunbound's error. */
static int start(struct resolver_query *q, struct span name)
{
    char text[NAME_TEXT_MAX];
    if (name.n == 0 || name.n >= sizeof(text) || memchr(name.p, '\0', name.n))
        return UB_SYNTAX;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return ub_resolve_async(q->resolver->ctx, text, q->type, CLASS_IN, q, answer_came, &q->id);
}

struct resolver_query *resolver_ask(struct resolver *r, struct span name, int type, resolver_fn *fn,
                                    void *context)
{
    struct resolver_query *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->resolver = r;
    q->fn = fn;
    q->context = context;
    q->type = type;
    q->timer = loop_timer_new(r->loop, query_timed_out, q);
    list_append(&r->queries, &q->node);
    q->error = start(q, name);
    loop_timer_start(q->timer, q->error ? 0 : r->timeout_ms);
    return q;
}

void resolver_cancel(struct resolver_query *q)
{
    if (!q)
        return;
    if (!q->error)
        ub_cancel(q->resolver->ctx, q->id);
    list_remove(&q->node);
    loop_timer_free(q->timer);
    free(q);
}
