/* /v1/version and /v1/status: the state of everything on one page. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/pressure.h"
#include "present/certificate_json.h"
#include "service/admin_certificates.h"
#include "service/admin_findings.h"
#include "service/admin_queue.h"

/* ---- rates: samples of the counters, so that one request can say how fast they run. In the first
 * minute it is what happened since the start: a rate guessed from a few seconds would not be true.
 * ---- */

enum { SAMPLE_EVERY_MS = 10000, SAMPLES = 7, COUNTERS_MAX = 128 };

struct sample {
    int64_t time_ms; /* monotonic; 0: none yet */
    uint64_t values[COUNTERS_MAX];
};

struct rates {
    struct world *world;
    struct loop_timer *timer;
    struct sample samples[SAMPLES]; /* a ring: the newest overwrites the oldest */
    size_t next;
};

struct sampling {
    struct sample *sample;
    size_t at;
};

static void take_value(void *context, const char *name, uint64_t value)
{
    (void)name;
    struct sampling *sampling = context;
    if (sampling->at < COUNTERS_MAX)
        sampling->sample->values[sampling->at++] = value;
}

static void take_sample(void *context)
{
    struct rates *rates = context;
    struct sampling sampling = {&rates->samples[rates->next], 0};
    rates->next = (rates->next + 1) % SAMPLES;
    sampling.sample->time_ms = clock_monotonic_ms();
    counters_each(&rates->world->counters, take_value, &sampling);
    loop_timer_start(rates->timer, SAMPLE_EVERY_MS);
}

struct rates *rates_new(struct world *world, struct loop *loop)
{
    struct rates *rates = calloc(1, sizeof(*rates));
    if (!rates)
        abort();
    rates->world = world;
    rates->timer = loop_timer_new(loop, take_sample, rates);
    take_sample(rates);
    return rates;
}

void rates_free(struct rates *rates)
{
    loop_timer_free(rates->timer);
    free(rates);
}

static const struct sample *oldest_sample(const struct rates *rates)
{
    const struct sample *next = &rates->samples[rates->next];
    return next->time_ms ? next : &rates->samples[0];
}

struct counting {
    json_t *counters, *rates;
    const struct sample *oldest;
    int64_t elapsed_ms;
    size_t at;
};

/* The document's words are written with hyphens, so are the API's. */
static void count_value(void *context, const char *name, uint64_t value)
{
    struct counting *c = context;
    size_t at = c->at++;
    char key[64];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof(key); n++)
        key[n] = name[n] == '_' ? '-' : name[n];
    key[n] = '\0';
    present_set(c->counters, key, present_number(value));
    if (at >= COUNTERS_MAX || value < c->oldest->values[at])
        return;
    double per_minute = (double)(value - c->oldest->values[at]);
    if (c->elapsed_ms > MINUTE_MS)
        per_minute *= (double)MINUTE_MS / (double)c->elapsed_ms;
    present_set(c->rates, key, json_real((double)(int64_t)(per_minute * 10 + 0.5) / 10));
}

static void add_counters(json_t *value, struct admin *admin)
{
    struct counting c = {
        .counters = json_object(), .rates = json_object(), .oldest = oldest_sample(admin->rates)};
    c.elapsed_ms = clock_monotonic_ms() - c.oldest->time_ms;
    counters_each(&admin->world->counters, count_value, &c);
    present_set(value, "counters", c.counters);
    present_set(value, "per-minute", c.rates);
}

/* ---- the parts of the page ---- */

static json_t *receive_connectors(const struct snapshot *s)
{
    static const char *const tls[] = {"off", "offered", "required", "implicit"};
    json_t *array = json_array();
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct receive_connector *c = &s->document->receive_connectors[i];
        json_t *value = json_object(), *bind = json_array();
        for (size_t j = 0; j < c->bind_count; j++) {
            char text[ENDPOINT_TEXT];
            endpoint_format(&c->bind[j], text);
            present_push(bind, json_string(text));
        }
        present_set(value, "name", present_text(c->name));
        present_set(value, "enabled", json_boolean(c->enabled));
        present_set(value, "bind", bind);
        present_set(value, "fqdn", present_text(c->fqdn));
        present_set(value, "tls", json_string(tls[c->tls]));
        present_set(value, "relay", json_boolean(c->relay));
        present_set(value, "presents", admin_presented(&s->receive_tls[i]));
        present_push(array, value);
    }
    return array;
}

static json_t *send_connectors(const struct snapshot *s, const struct deliver_next_hop *hops,
                               size_t hop_count)
{
    static const char *const by[] = {"mx", "smart-host", "lmtp", "maildir"};
    static const char *const tls[] = {"off", "opportunistic", "required", "implicit"};
    json_t *array = json_array();
    for (size_t i = 0; i < s->document->send_connector_count; i++) {
        const struct send_connector *c = &s->document->send_connectors[i];
        uint64_t waiting = 0, in_flight = 0, connections = 0, failing = 0;
        for (size_t j = 0; j < hop_count; j++)
            if (span_eq(hops[j].connector, c->name)) {
                waiting += hops[j].waiting;
                in_flight += hops[j].in_flight;
                connections += hops[j].connections;
                failing += span_eq(hops[j].state, SPAN("retry"));
            }
        json_t *value = json_object();
        present_set(value, "name", present_text(c->name));
        present_set(value, "enabled", json_boolean(c->enabled));
        present_set(value, "deliver-by", json_string(by[c->deliver_by]));
        present_set(value, "tls", json_string(tls[c->tls]));
        present_set(value, "waiting", present_number(waiting));
        present_set(value, "in-flight", present_number(in_flight));
        present_set(value, "connections", present_number(connections));
        present_set(value, "failing-next-hops", present_number(failing));
        present_push(array, value);
    }
    return array;
}

static json_t *certificates(struct admin_call *call, const struct snapshot *s)
{
    struct view view = admin_view(call, s);
    json_t *array = json_array();
    for (size_t i = 0; i < s->certificate_count; i++) {
        const struct certificate *c = s->certificates[i].certificate;
        json_t *value = json_object();
        present_set(value, "thumbprint", json_string(c->thumbprint));
        present_set(value, "names", present_texts(c->names, c->name_count));
        present_set(value, "expires", present_time(c->not_after_ms));
        present_set(value, "status", json_string(certificate_status_name(&view, i)));
        present_push(array, value);
    }
    return array;
}

static json_t *queue(struct world *world, const struct deliver_next_hop *hops, size_t hop_count)
{
    struct store_statistics statistics = store_statistics(world->store);
    uint64_t in_flight = 0, failing = 0;
    for (size_t i = 0; i < hop_count; i++) {
        in_flight += hops[i].in_flight;
        failing += span_eq(hops[i].state, SPAN("retry"));
    }
    json_t *value = json_object();
    present_set(value, "messages", present_number(statistics.messages));
    present_set(value, "recipients", present_number(statistics.recipients));
    present_set(value, "bytes", present_number(statistics.bytes));
    present_set(value, "in-flight", present_number(in_flight));
    present_set(value, "next-hops", present_number(hop_count));
    present_set(value, "failing-next-hops", present_number(failing));
    present_set(value, "pressure",
                json_string(pressure_name((enum pressure_level)atomic_load(&world->pressure))));
    return value;
}

static void on_hops(void *context, const struct deliver_next_hop *hops, size_t count)
{
    struct admin_call *call = context;
    struct world *world = call->admin->world;
    struct snapshot *s = snapshot_current(world);
    json_t *value = json_object();
    const char *health;
    json_t *findings = admin_findings(call, s, hops, count, &health);
    present_set(value, "version", json_string(SEALPOST_VERSION));
    present_set(value, "hostname", present_text(s->document->hostname));
    present_set(value, "pid", present_number((uint64_t)getpid()));
    present_set(value, "data-directory", present_text(span_of(world->data_directory)));
    present_set(value, "time", present_time(clock_now_ms()));
    present_set(value, "started", present_time(world->started_ms));
    present_set(value, "revision", present_number(s->revision));
    present_set(value, "health", json_string(health));
    present_set(value, "receive-connectors", receive_connectors(s));
    present_set(value, "send-connectors", send_connectors(s, hops, count));
    present_set(value, "certificates", certificates(call, s));
    present_set(value, "queue", queue(world, hops, count));
    present_set(value, "findings", findings);
    add_counters(value, call->admin);
    snapshot_release(s);
    admin_answer(call, 200, value);
}

void admin_get_status(struct admin_call *call)
{
    deliver_next_hops(call->admin->world->deliver, call->admin->loop, on_hops, call);
}

void admin_get_version(struct admin_call *call)
{
    json_t *value = json_object();
    present_set(value, "version", json_string(SEALPOST_VERSION));
    present_set(value, "api", present_number(1));
    admin_answer(call, 200, value);
}
