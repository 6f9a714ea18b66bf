/* How findings grow: evidence, steps, questions. */
#include "policy/exchange_examine.h"

#include "base/text.h"

enum { GROW_MIN = 4, QUOTE_MAX = 200, THUMBPRINT_SHOWN = 8 };

/* Room for one more at the end of an array in the arena. */
static void *grow(struct arena *arena, void *items, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity * 2 : GROW_MIN;
    void *grown = arena_alloc_array(arena, size, wanted);
    if (count)
        memcpy(grown, items, count * size);
    *capacity = wanted;
    return grown;
}

/* Lists in a finding have no capacity of their own: it follows from the count. */
static void *grow_list(struct arena *arena, void *items, size_t size, size_t count)
{
    bool full = count == 0 || (count >= GROW_MIN && (count & (count - 1)) == 0);
    if (!full)
        return items;
    size_t wanted = count ? count * 2 : GROW_MIN;
    void *grown = arena_alloc_array(arena, size, wanted);
    if (count)
        memcpy(grown, items, count * size);
    return grown;
}

struct exchange_finding *examine_add(struct examination *e, const char *fault, const char *name,
                                     enum finding_severity severity,
                                     enum exchange_certainty certainty, struct span subject)
{
    e->findings = grow(e->arena, e->findings, sizeof(*e->findings), e->count, &e->capacity);
    struct exchange_finding *f = &e->findings[e->count++];
    *f = (struct exchange_finding){.finding = {.fault = span_of(fault),
                                               .name = span_of(name),
                                               .severity = severity,
                                               .subject = subject},
                                   .certainty = certainty};
    return f;
}

struct exchange_finding *examine_find(struct examination *e, const char *fault, struct span subject)
{
    for (size_t i = e->count; i > 0; i--) {
        struct exchange_finding *f = &e->findings[i - 1];
        if (span_eq(f->finding.fault, span_of(fault)) &&
            (!subject.n || span_eq(f->finding.subject, subject)))
            return f;
    }
    return NULL;
}

static struct span cut_quote(struct arena *arena, struct span text)
{
    if (text.n <= QUOTE_MAX)
        return text;
    size_t n = QUOTE_MAX;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return arena_printf(arena, SPAN_FMT "...", SPAN_ARG(span_head(text, n)));
}

void examine_evidence(struct examination *e, struct exchange_finding *f,
                      struct exchange_place place, struct span quote, struct span says)
{
    for (size_t i = 0; i < f->evidence_count; i++)
        if (f->evidence[i].place.line == place.line &&
            span_eq(f->evidence[i].place.file, place.file) && span_eq(f->evidence[i].says, says))
            return;
    f->evidence = grow_list(e->arena, f->evidence, sizeof(*f->evidence), f->evidence_count);
    f->evidence[f->evidence_count++] = (struct exchange_evidence){
        .quote = cut_quote(e->arena, quote), .place = place, .says = says};
}

void examine_quote(struct examination *e, struct exchange_finding *f, const char *property,
                   const struct exchange_value *value, struct span says)
{
    if (!value->printed)
        return;
    struct span quote = arena_printf(e->arena, "%s : " SPAN_FMT, property, SPAN_ARG(value->text));
    examine_evidence(e, f, value->place, quote, says);
}

static struct span list_text(struct arena *arena, const struct exchange_list *list)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < list->count; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(list->items[i]));
    if (list->truncated)
        buf_add_text(&out, "...");
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}

void examine_quote_list(struct examination *e, struct exchange_finding *f, const char *property,
                        const struct exchange_list *list, struct span says)
{
    if (!list->printed)
        return;
    struct span quote = arena_printf(e->arena, "%s : {" SPAN_FMT "}", property,
                                     SPAN_ARG(list_text(e->arena, list)));
    examine_evidence(e, f, list->place, quote, says);
}

void examine_quote_certificate(struct examination *e, struct exchange_finding *f,
                               const struct exchange_certificate *c, struct span says)
{
    const struct exchange_value *shown = c->thumbprint.text.n ? &c->thumbprint : &c->subject;
    struct span quote =
        arena_printf(e->arena, "%s : " SPAN_FMT, shown == &c->thumbprint ? "Thumbprint" : "Subject",
                     SPAN_ARG(shown->text));
    examine_evidence(e, f, shown->place.line ? shown->place : c->place, quote, says);
}

static struct exchange_step *add_step(struct examination *e, struct exchange_step *steps,
                                      size_t *count, const struct exchange_step *step)
{
    for (size_t i = 0; i < *count; i++)
        if (span_eq(steps[i].command, step->command))
            return steps;
    steps = grow_list(e->arena, steps, sizeof(*steps), *count);
    steps[(*count)++] = *step;
    return steps;
}

void examine_step(struct examination *e, struct exchange_finding *f, struct span command,
                  struct span why, struct span answer)
{
    const struct exchange_step step = {command, why, answer};
    f->steps = add_step(e, f->steps, &f->step_count, &step);
}

void examine_verify(struct examination *e, struct exchange_finding *f, struct span command,
                    struct span why)
{
    const struct exchange_step step = {command, why, SPAN_NONE};
    f->verify = add_step(e, f->verify, &f->verify_count, &step);
}

void examine_ask(struct examination *e, struct span unknown, struct span command)
{
    for (size_t i = 0; i < e->question_count; i++)
        if (span_eq(e->questions[i].unknown, unknown) && span_eq(e->questions[i].command, command))
            return;
    e->questions = grow(e->arena, e->questions, sizeof(*e->questions), e->question_count,
                        &e->question_capacity);
    e->questions[e->question_count++] = (struct exchange_question){unknown, command};
}

struct span examine_connector_subject(struct examination *e, const struct exchange_connector *k)
{
    struct span server = k->sends ? SPAN_NONE : examine_server_of(e, k);
    struct span name = k->name.text.n ? k->name.text : SPAN("(name not printed)");
    return arena_printf(e->arena, "%s connector " SPAN_FMT "%s" SPAN_FMT,
                        k->sends ? "Send" : "Receive", SPAN_ARG(server), server.n ? "\\" : "",
                        SPAN_ARG(name));
}

/* What a person calls it: the first name, else the subject, else the friendly name. */
static struct span best_name(const struct exchange_certificate *c)
{
    if (c->domains.count)
        return c->domains.items[0];
    return c->subject.text.n ? c->subject.text : c->friendly_name.text;
}

struct span examine_certificate_text(struct examination *e, const struct exchange_certificate *c)
{
    struct span name = best_name(c), digits = span_head(c->thumbprint.text, THUMBPRINT_SHOWN);
    if (!digits.n)
        return name.n ? name : SPAN("(neither thumbprint nor names printed)");
    return arena_printf(e->arena, SPAN_FMT "%s%s" SPAN_FMT "%s", SPAN_ARG(digits),
                        digits.n < c->thumbprint.text.n ? "..." : "", name.n ? " (" : "",
                        SPAN_ARG(name), name.n ? ")" : "");
}

struct span examine_certificate_subject(struct examination *e, const struct exchange_certificate *c)
{
    return arena_printf(e->arena, "certificate " SPAN_FMT,
                        SPAN_ARG(examine_certificate_text(e, c)));
}

struct exchange_finding *examine_explanation(struct examination *e, const char *const *faults,
                                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct exchange_finding *f = examine_find(e, faults[i], SPAN_NONE);
        if (f && f->finding.severity == FINDING_RED)
            return f;
    }
    return NULL;
}

const struct exchange_error *examine_error(const struct examination *e,
                                           enum exchange_error_kind kind)
{
    for (size_t i = 0; i < e->c->error_count; i++)
        if (e->c->errors[i].kind == kind)
            return &e->c->errors[i];
    return NULL;
}

const struct exchange_event *examine_event(const struct examination *e, unsigned id)
{
    for (size_t i = 0; i < e->c->event_count; i++)
        if (e->c->events[i].id == id)
            return &e->c->events[i];
    return NULL;
}
