#include "service/renew.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/renewal.h"
#include "service/renew_private.h"

enum { LONGEST_SLEEP_MS = 3600000 /* the wall clock may be set meanwhile */ };

struct waiter {
    struct waiter *next;
    renew_fn *fn;
    void *context;
};

struct renew {
    struct world *world;
    struct loop_timer *timer;
    struct workers *workers;
    struct renew_state state;
    struct attempt *attempt; /* NULL: none is under way */
    struct ari *ari;         /* NULL: nothing is asked */
    struct waiter *waiters;
    bool configured;
    int64_t next_ms;
    unsigned overdue_told; /* for how many failures "overdue" has been told; 0: not yet */
};

/* ---- which certificate ---- */

bool renew_covers(const struct certificate *c, struct span name)
{
    if (!span_starts(name, SPAN("*.")))
        return certificate_covers(c, name) != NAME_NO_MATCH;
    for (size_t i = 0; i < c->name_count; i++)
        if (span_ieq(c->names[i], name))
            return true;
    return false;
}

static bool is_for(const struct certificate *c, const struct acme_conf *conf)
{
    for (size_t i = 0; i < conf->name_count; i++)
        if (!renew_covers(c, conf->names[i]))
            return false;
    return c->key_matches && !c->self_signed && (c->services & SERVICE_SMTP);
}

/* The one that lasts longest of those that cover all names; a stand-in that signed itself does not
 * count. Wherever it came from: a certificate that somebody imported is renewed as well. */
static const struct certificate *find_current(const struct snapshot *s)
{
    const struct certificate *best = NULL;
    for (size_t i = 0; i < s->certificate_count; i++) {
        const struct certificate *c = s->certificates[i].certificate;
        if (is_for(c, &s->document->certificates.acme) &&
            (!best || c->not_after_ms > best->not_after_ms))
            best = c;
    }
    return best;
}

/* ---- the state ---- */

static void forget_window(struct renew_state *state)
{
    state->has_window = false;
    state->window_start_ms = state->window_end_ms = state->ari_next_ms = 0;
}

/* Another certificate, or other keys of the document: what failed before says nothing any more. */
static void follow(struct renew *r, const struct acme_conf *conf, const struct certificate *current)
{
    const char *thumbprint = current ? current->thumbprint : "";
    uint64_t configuration = renew_configuration(conf);
    bool other = strcmp(r->state.thumbprint, thumbprint) != 0;
    bool changed = configuration != r->state.configuration;
    if (!other && !changed)
        return;
    forget_window(&r->state);
    r->state.failures = 0;
    r->overdue_told = 0;
    if (changed)
        r->state.last_ms = 0;
    buf_reset(&r->state.last_error);
    snprintf(r->state.thumbprint, sizeof(r->state.thumbprint), "%s", thumbprint);
    r->state.configuration = configuration;
    renew_state_save(r->world->data_directory, &r->state);
}

static struct renewal_verdict judge(const struct renew *r, const struct acme_conf *conf,
                                    const struct certificate *current)
{
    const struct renew_state *state = &r->state;
    return renewal_next(&(struct renewal_facts){
        .now_ms = clock_now_ms(),
        .has_certificate = current,
        .not_before_ms = current ? current->not_before_ms : 0,
        .not_after_ms = current ? current->not_after_ms : 0,
        .has_window = state->has_window,
        .window_start_ms = state->window_start_ms,
        .window_end_ms = state->window_end_ms,
        .percent = (unsigned)conf->renew_at_percent,
        .seed = renew_hash(0, span_of(state->thumbprint)),
        .last_attempt_ms = state->last_ms,
        .failures = state->failures,
    });
}

/* ---- attempts ---- */

static void tell_waiters(struct renew *r, enum err err, struct span why)
{
    struct waiter *w = r->waiters;
    r->waiters = NULL; /* who asks again meanwhile waits for the next one */
    while (w) {
        struct waiter *next = w->next;
        w->fn(w->context, err, why);
        free(w);
        w = next;
    }
}

static void tell_overdue(struct renew *r, const struct acme_conf *conf,
                         const struct certificate *current)
{
    /* Once, and again whenever the number of failures has doubled. */
    if (r->state.failures < 2 * r->overdue_told)
        return;
    r->overdue_told = r->state.failures;
    report_overdue(r->world, conf, current, buf_span(&r->state.last_error));
}

static void on_attempted(void *context, const struct attempt_end *end)
{
    struct renew *r = context;
    struct snapshot *s = snapshot_current(r->world);
    const struct acme_conf *conf = &s->document->certificates.acme;
    const struct certificate *current = find_current(s);
    r->attempt = NULL;
    r->state.last_ms = clock_now_ms();
    buf_reset(&r->state.last_error);
    if (end->err == OK) {
        r->state.failures = 0;
        report_renewed(r->world, conf, end->thumbprint, span_of(r->state.thumbprint));
    } else {
        r->state.failures++;
        buf_add(&r->state.last_error, span_head(end->why, r->state.last_error.limit));
        struct renewal_verdict verdict = judge(r, conf, current);
        report_failed(r->world, conf, end, current, verdict.next_ms);
        if (verdict.overdue)
            tell_overdue(r, conf, current);
    }
    renew_state_save(r->world->data_directory, &r->state);
    tell_waiters(r, end->err, end->why);
    snapshot_release(s);
    loop_timer_start(r->timer, 0);
}

static void attempt(struct renew *r, struct snapshot *s, const struct certificate *current)
{
    report_started(r->world, &s->document->certificates.acme, current);
    r->attempt = attempt_start(r->world, s, current, on_attempted, r);
}

/* ---- ARI ---- */

static void on_ari(void *context, const struct ari_end *end)
{
    struct renew *r = context;
    r->ari = NULL;
    r->state.ari_next_ms = clock_now_ms() + renewal_poll_after_ms(end->retry_after_s);
    if (end->answered) {
        r->state.has_window = end->has_window;
        r->state.window_start_ms = end->window_start_ms;
        r->state.window_end_ms = end->window_end_ms;
    }
    LOG(LOG_INFO, "renewal-information", LOG_N("has-window", end->has_window),
        LOG_N("window-start-ms", end->window_start_ms), LOG_N("window-end-ms", end->window_end_ms),
        LOG_S("why", end->why));
    renew_state_save(r->world->data_directory, &r->state);
    loop_timer_start(r->timer, 0);
}

/* A time more than a day ahead was written before the clock was set back. */
static bool ari_is_due(const struct renew *r)
{
    int64_t now = clock_now_ms();
    return now >= r->state.ari_next_ms || r->state.ari_next_ms > now + DAY_MS;
}

static void ask_ari(struct renew *r, const struct acme_conf *conf,
                    const struct certificate *current)
{
    r->ari = ari_start(r->world, r->workers, conf, current, on_ari, r);
    if (!r->ari)
        r->state.ari_next_ms = clock_now_ms() + DAY_MS;
}

/* ---- the timer ---- */

static void sleep_until(struct renew *r, int64_t next_ms)
{
    int64_t wait = next_ms - clock_now_ms();
    loop_timer_start(r->timer, wait < LONGEST_SLEEP_MS ? wait : LONGEST_SLEEP_MS);
}

static void look_at(struct renew *r, struct snapshot *s)
{
    const struct acme_conf *conf = &s->document->certificates.acme;
    r->configured = conf->directory.n > 0 && conf->name_count > 0;
    if (!r->configured) {
        r->next_ms = 0;
        return;
    }
    const struct certificate *current = find_current(s);
    follow(r, conf, current);
    if (current && ari_is_due(r))
        ask_ari(r, conf, current);
    struct renewal_verdict verdict = judge(r, conf, current);
    r->next_ms = verdict.next_ms;
    if (r->ari) /* what it answers may change the time */
        return;
    if (verdict.next_ms <= clock_now_ms() || r->waiters)
        attempt(r, s, current);
    else
        sleep_until(r, current && r->state.ari_next_ms < verdict.next_ms ? r->state.ari_next_ms
                                                                         : verdict.next_ms);
}

static void look(void *context)
{
    struct renew *r = context;
    if (r->attempt || r->ari)
        return; /* its end looks again */
    struct snapshot *s = snapshot_current(r->world);
    look_at(r, s);
    snapshot_release(s);
    if (!r->configured)
        tell_waiters(r, ERR_UNSUPPORTED,
                     SPAN("the document has no certificates.acme.directory to renew at"));
}

/* ---- from outside ---- */

struct renew *renew_new(struct world *world)
{
    struct renew *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->world = world;
    r->timer = loop_timer_new(world->main_loop, look, r);
    r->workers = workers_new(1);
    renew_state_load(world->data_directory, &r->state);
    return r;
}

void renew_free(struct renew *renew)
{
    if (!renew)
        return;
    attempt_stop(renew->attempt);
    ari_give_up(renew->ari);
    workers_free(renew->workers);
    ari_free(renew->ari);
    tell_waiters(renew, ERR_CLOSED, SPAN("the daemon ends"));
    loop_timer_free(renew->timer);
    renew_state_done(&renew->state);
    free(renew);
}

void renew_snapshot_changed(struct renew *renew)
{
    loop_timer_start(renew->timer, 0);
}

void renew_now(struct renew *renew, renew_fn *fn, void *context)
{
    struct waiter *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    *w = (struct waiter){renew->waiters, fn, context};
    renew->waiters = w;
    loop_timer_start(renew->timer, 0);
}

bool renew_has_waiting(const struct renew *renew)
{
    struct snapshot *s = snapshot_current(renew->world);
    bool has = attempt_has_waiting(renew->world, &s->document->certificates.acme, find_current(s));
    snapshot_release(s);
    return has;
}

struct renew_status renew_status(const struct renew *renew)
{
    return (struct renew_status){
        .configured = renew->configured,
        .running = renew->attempt != NULL,
        .next_ms = renew->next_ms,
        .last_ms = renew->state.last_ms,
        .last_error = buf_span(&renew->state.last_error),
    };
}
