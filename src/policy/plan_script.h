/* What the tests of plans share: a world before and after a change. Included by tests only. */
#ifndef POLICY_PLAN_SCRIPT_H
#define POLICY_PLAN_SCRIPT_H

#include "policy/diagnose_script.h"

static inline int reset(void **state)
{
    (void)state;
    reset_store();
    return 0;
}

/* The world before and after a change; certificates are all of the store's less one. */
struct change {
    const char *before, *after; /* documents; after NULL: the same */
    const struct certificate *removed, *added;
    const struct dns_facts *dns;
};

static inline struct plan_state without(const struct document *d, const struct certificate *c)
{
    struct candidate *left = ARENA_ARRAY(&store.arena, struct candidate, store.count);
    size_t n = 0;
    for (size_t i = 0; i < store.count; i++)
        if (store.candidates[i].certificate != c)
            left[n++] = store.candidates[i];
    return (struct plan_state){d, left, n};
}

static struct document *documents[2];

static inline struct plan plan(const struct change *change)
{
    documents[0] = parse_ok(change->before);
    documents[1] = parse_ok(change->after ? change->after : change->before);
    struct plan_state before = without(documents[0], change->added),
                      after = without(documents[1], change->removed);
    return plan_compute(&store.arena, &before, &after, TEST_NOW_MS, change->dns);
}

static inline void done(void)
{
    document_free(documents[0]);
    document_free(documents[1]);
}

static inline void expect(const struct change *change, enum plan_effect effect, const char *text,
                          const char *consequence, const char *refusal, const char *remedy)
{
    struct plan p = plan(change);
    assert_int_equal(p.connector_count, 1);
    assert_span(p.connectors[0].text, text);
    assert_int_equal(p.connectors[0].effect, effect);
    assert_has(arena_text(&store.arena, p.connectors[0].consequence), consequence);
    assert_int_equal(p.refused, refusal != NULL);
    assert_span(p.refusal, refusal ? refusal : "");
    assert_has(arena_text(&store.arena, p.remedy), remedy);
    if (refusal)
        assert_true(p.remedy.n > 0 && p.connectors[0].consequence.n > 0);
    done();
}

#endif
