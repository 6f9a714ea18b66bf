/* Random operations against the store and against a plain list in memory; both must agree at every
 * look, also after the store was opened anew. The seed is printed; give it as the argument to
 * repeat a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/testing.h"

enum { STEPS = 3000, MESSAGES_MAX = 60, RECIPIENTS_MAX = 4 };

struct model_recipient {
    bool is_there, delay_notified;
    enum recipient_state state;
    unsigned attempts;
    int64_t next_attempt_ms, last_attempt_ms;
    char domain[24], last_reply[24];
};

struct model_message {
    struct testing_message m;
    char sender[24];
    struct model_recipient recipients[RECIPIENTS_MAX];
};

struct model {
    char *folder;
    struct store *store;
    uint64_t random;
    struct model_message messages[MESSAGES_MAX]; /* oldest first */
    size_t count;
    int64_t now_ms;
    struct message_id gone; /* one that was there */
    bool has_gone;
    struct loop *loop;
};

static uint64_t pick(struct model *m, uint64_t below)
{
    return testing_random(&m->random) % below;
}

/* ---- operations on both ---- */

static bool has_recipients(const struct model_message *m)
{
    for (size_t i = 0; i < RECIPIENTS_MAX; i++)
        if (m->recipients[i].is_there)
            return true;
    return false;
}

static void forget_ended(struct model *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++)
        if (has_recipients(&m->messages[i])) {
            m->messages[kept++] = m->messages[i];
        } else {
            m->gone = m->messages[i].m.id;
            m->has_gone = true;
        }
    m->count = kept;
}

static void accept(struct model *m)
{
    if (m->count == MESSAGES_MAX)
        return;
    struct model_message *n = &m->messages[m->count++];
    *n = (struct model_message){0};
    n->m = (struct testing_message){.seed = pick(m, 1 << 30),
                                    .size = pick(m, 12) ? pick(m, 8000) : 120000 + pick(m, 200000),
                                    .recipients = 1 + pick(m, RECIPIENTS_MAX),
                                    .received_ms = m->now_ms,
                                    .state = pick(m, 5) ? RECIPIENT_QUEUED : RECIPIENT_HELD};
    snprintf(n->sender, sizeof(n->sender), "s%u@from.example", (unsigned)n->m.seed % 7);
    for (size_t i = 0; i < n->m.recipients; i++) {
        struct model_recipient *r = &n->recipients[i];
        *r = (struct model_recipient){
            .is_there = true, .state = n->m.state, .next_attempt_ms = m->now_ms};
        snprintf(r->domain, sizeof(r->domain), "d%u.example", (unsigned)(n->m.seed + i) % 5);
    }
    assert_int_equal(testing_accept(m->store, &n->m), OK);
}

static void apply_update(struct model_recipient *r, const struct queue_update *u)
{
    if (!r->is_there)
        return;
    switch (u->kind) {
    case QUEUE_DONE: r->is_there = false; break;
    case QUEUE_NOTED: r->delay_notified = u->delay_notified; break;
    case QUEUE_LATER:
        r->attempts = u->attempts;
        r->next_attempt_ms = u->next_attempt_ms;
        r->last_attempt_ms = u->last_attempt_ms;
        r->delay_notified = u->delay_notified;
        snprintf(r->last_reply, sizeof(r->last_reply), SPAN_FMT, SPAN_ARG(u->last_reply));
        break;
    }
}

static struct queue_update make_update(struct model *m, struct arena *a, size_t *message)
{
    *message = pick(m, m->count);
    return (struct queue_update){.id = m->messages[*message].m.id,
                                 .recipient = (uint32_t)pick(m, RECIPIENTS_MAX),
                                 .kind = (enum queue_update_kind)pick(m, 3),
                                 .attempts = (unsigned)pick(m, 100),
                                 .next_attempt_ms = (int64_t)pick(m, 1 << 20),
                                 .last_attempt_ms = (int64_t)pick(m, 1 << 20),
                                 .last_reply = arena_printf(a, "451 4.0.%u", (unsigned)pick(m, 99)),
                                 .delay_notified = pick(m, 2)};
}

/* Several in one commit, some of them for recipients that have gone. */
static void update(struct model *m)
{
    if (m->count == 0)
        return;
    struct queue_commit *c = queue_commit_new();
    c->update_count = 1 + pick(m, 6);
    c->updates = ARENA_ARRAY(&c->arena, struct queue_update, c->update_count);
    for (size_t i = 0; i < c->update_count; i++) {
        size_t at = 0;
        c->updates[i] = make_update(m, &c->arena, &at);
        apply_update(&m->messages[at].recipients[c->updates[i].recipient], &c->updates[i]);
    }
    assert_int_equal(testing_commit(m->store, c), OK);
    forget_ended(m);
}

/* ---- filters ---- */

struct patterns {
    char sender[24], domain[24];
};

static struct queue_filter make_filter(struct model *m, struct patterns *p)
{
    struct queue_filter f = {0};
    if (pick(m, 3) == 0) {
        snprintf(p->sender, sizeof(p->sender), "S%u@*", (unsigned)pick(m, 7));
        f.sender = span_of(p->sender);
    }
    if (pick(m, 3) == 0) {
        snprintf(p->domain, sizeof(p->domain), "d%u.*", (unsigned)pick(m, 5));
        f.domain = span_of(p->domain);
    }
    if (pick(m, 4) == 0) {
        f.has_state = true;
        f.state = (enum recipient_state)pick(m, 2);
    }
    if (pick(m, 4) == 0)
        f.older_than_ms = m->now_ms - (int64_t)pick(m, 400);
    if (m->count > 0 && pick(m, 6) == 0) {
        f.has_id = true;
        f.id = m->messages[pick(m, m->count)].m.id;
    }
    return f;
}

static bool does_fit(const struct queue_filter *f, const struct model_message *n,
                     const struct model_recipient *r)
{
    return r->is_there && (!f->has_id || message_id_eq(f->id, n->m.id)) &&
           (f->sender.n == 0 || text_glob(f->sender, span_of(n->sender))) &&
           (f->domain.n == 0 || text_glob(f->domain, span_of(r->domain))) &&
           (!f->has_state || f->state == r->state) &&
           (f->older_than_ms == 0 || n->m.received_ms < f->older_than_ms);
}

static bool apply_act(enum queue_action action, struct model_recipient *r, int64_t now_ms)
{
    switch (action) {
    case QUEUE_ACTION_HOLD:
        if (r->state == RECIPIENT_HELD)
            return false;
        r->state = RECIPIENT_HELD;
        return true;
    case QUEUE_ACTION_RELEASE:
        if (r->state != RECIPIENT_HELD)
            return false;
        r->state = RECIPIENT_QUEUED;
        r->next_attempt_ms = now_ms;
        return true;
    case QUEUE_ACTION_RETRY: r->next_attempt_ms = now_ms; return true;
    case QUEUE_ACTION_REMOVE: r->is_there = false; return true;
    }
    return false;
}

static void act(struct model *m)
{
    struct patterns p;
    struct queue_filter f = make_filter(m, &p);
    enum queue_action action = pick(m, 8) ? (enum queue_action)pick(m, 3) : QUEUE_ACTION_REMOVE;
    size_t expected = 0;
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < RECIPIENTS_MAX; k++) {
            struct model_recipient *r = &m->messages[i].recipients[k];
            if (does_fit(&f, &m->messages[i], r))
                expected += apply_act(action, r, m->now_ms);
        }
    assert_int_equal(testing_act(m->store, action, &f, m->now_ms), expected);
    forget_ended(m);
}

/* ---- looks ---- */

static void compare_recipient(const struct queued_recipient *q, const struct model_recipient *r)
{
    assert_int_equal(q->state, r->state);
    assert_int_equal(q->attempts, r->attempts);
    assert_int_equal(q->delay_notified, r->delay_notified);
    assert_int_equal(q->next_attempt_ms, r->next_attempt_ms);
    assert_int_equal(q->last_attempt_ms, r->last_attempt_ms);
    assert_true(span_eq(q->recipient.domain, span_of(r->domain)));
    assert_true(span_eq(q->last_reply, span_of(r->last_reply)));
}

static void compare_message(const struct queued_message *q, const struct model_message *n,
                            const struct queue_filter *f)
{
    size_t at = 0;
    assert_true(message_id_eq(q->envelope.id, n->m.id));
    assert_true(span_eq(q->envelope.reverse_path, span_of(n->sender)));
    assert_int_equal(q->envelope.size, n->m.size);
    for (uint32_t k = 0; k < RECIPIENTS_MAX; k++) {
        if (!does_fit(f, n, &n->recipients[k]))
            continue;
        assert_true(at < q->recipient_count);
        assert_int_equal(q->recipients[at].number, k);
        compare_recipient(&q->recipients[at++], &n->recipients[k]);
    }
    assert_int_equal(at, q->recipient_count);
}

static bool any_fits(const struct queue_filter *f, const struct model_message *n)
{
    for (size_t k = 0; k < RECIPIENTS_MAX; k++)
        if (does_fit(f, n, &n->recipients[k]))
            return true;
    return false;
}

static void list(struct model *m)
{
    struct patterns p;
    struct queue_filter f = make_filter(m, &p);
    struct message_id after = {{0}};
    size_t at = 0, limit = 1 + pick(m, 20);
    for (bool more = true; more;) {
        struct testing_page page;
        testing_list(m->store, &f, after, limit, &page);
        assert_int_equal(page.err, OK);
        for (size_t i = 0; i < page.count; i++) {
            while (at < m->count && !any_fits(&f, &m->messages[at]))
                at++;
            assert_true(at < m->count);
            compare_message(page.items[i], &m->messages[at++], &f);
            after = page.items[i]->envelope.id;
        }
        more = page.has_more;
        assert_true(!more || page.count == limit);
        testing_page_done(&page);
    }
    for (; at < m->count; at++)
        assert_false(any_fits(&f, &m->messages[at]));
}

static enum err fetch_either_way(struct model *m, struct message_id id, struct queued_message **q)
{
    return pick(m, 3) ? testing_fetch_on(m->loop, m->store, id, q) : testing_fetch(m->store, id, q);
}

static void fetch(struct model *m)
{
    struct queued_message *q = NULL;
    if (m->has_gone)
        assert_int_equal(fetch_either_way(m, m->gone, &q), ERR_NOT_FOUND);
    if (m->count == 0)
        return;
    const struct model_message *n = &m->messages[pick(m, m->count)];
    assert_int_equal(fetch_either_way(m, n->m.id, &q), OK);
    compare_message(q, n, &(struct queue_filter){0});
    assert_true(testing_content_is(q, n->m.seed, n->m.size));
    queued_message_free(q);
}

static void count_all(struct model *m)
{
    uint64_t recipients = 0, bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        bytes += m->messages[i].m.size;
        for (size_t k = 0; k < RECIPIENTS_MAX; k++)
            recipients += m->messages[i].recipients[k].is_there;
    }
    struct store_statistics s = testing_statistics(m->store);
    assert_int_equal(s.messages, m->count);
    assert_int_equal(s.recipients, recipients);
    assert_int_equal(s.bytes, bytes);
}

static void reopen(struct model *m)
{
    store_close(m->store);
    m->store = testing_open(m->folder);
    count_all(m);
    if (pick(m, 2))
        assert_int_equal(store_start(m->store), OK);
}

static void step(struct model *m)
{
    uint64_t what = pick(m, 100);
    m->now_ms += (int64_t)pick(m, 5);
    if (what < 35)
        accept(m);
    else if (what < 60)
        update(m);
    else if (what < 70)
        act(m);
    else if (what < 80)
        list(m);
    else if (what < 97)
        fetch(m);
    else
        reopen(m);
    count_all(m);
}

static uint64_t seed;

static void test_agrees_with_model(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof(*m));
    m->random = seed;
    m->now_ms = 1000;
    m->loop = loop_new();
    m->folder = testing_folder();
    m->store = testing_open(m->folder);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < STEPS; i++)
        step(m);
    store_close(m->store);
    loop_free(m->loop);
    testing_remove(m->folder);
    free(m);
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)clock_now_ms();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees_with_model)};
    return cmocka_run_group_tests_name("store_model", tests, NULL, NULL);
}
