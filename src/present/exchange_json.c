#include "present/exchange_json.h"

#include <assert.h>

#include "present/finding_json.h"
#include "present/json.h"

static const char *certainty_name(enum exchange_certainty certainty)
{
    switch (certainty) {
    case EXCHANGE_POSSIBLE: return "possible";
    case EXCHANGE_PROBABLE: return "probable";
    case EXCHANGE_CERTAIN: return "certain";
    }
    assert(!"a certainty without a name");
    return "";
}

static json_t *known_value(enum known known)
{
    return known == CANNOT_TELL ? json_null() : json_boolean(known == KNOWN_YES);
}

static void set_place(json_t *object, struct exchange_place place)
{
    present_set(object, "file", present_text(place.file));
    present_set(object, "line", present_number(place.line));
}

static json_t *evidence_value(const struct exchange_evidence *evidence)
{
    json_t *value = json_object();
    set_place(value, evidence->place);
    present_set(value, "quote", present_text(evidence->quote));
    present_set(value, "says", present_text_or_null(evidence->says));
    return value;
}

static json_t *step_value(const struct exchange_step *step, bool verifies)
{
    json_t *value = json_object();
    present_set(value, "command", present_text(step->command));
    present_set(value, verifies ? "expect" : "why", present_text_or_null(step->why));
    if (!verifies)
        present_set(value, "answer", present_text_or_null(step->answer));
    return value;
}

static json_t *finding_value(const struct exchange_finding *f)
{
    json_t *value = finding_to_json(&f->finding);
    json_t *evidence = json_array(), *steps = json_array(), *verify = json_array();
    for (size_t i = 0; i < f->evidence_count; i++)
        present_push(evidence, evidence_value(&f->evidence[i]));
    for (size_t i = 0; i < f->step_count; i++)
        present_push(steps, step_value(&f->steps[i], false));
    for (size_t i = 0; i < f->verify_count; i++)
        present_push(verify, step_value(&f->verify[i], true));
    present_set(value, "certainty", json_string(certainty_name(f->certainty)));
    present_set(value, "evidence", evidence);
    present_set(value, "steps", steps);
    present_set(value, "verify", verify);
    return value;
}

static struct span certificate_name(const struct exchange_certificate *c)
{
    if (c->thumbprint.text.n)
        return c->thumbprint.text;
    return c->subject.text.n ? c->subject.text : c->friendly_name.text;
}

static json_t *choice_value(const struct exchange_choice *choice)
{
    json_t *value = json_object(), *candidates = json_array();
    for (size_t i = 0; i < choice->count; i++) {
        json_t *candidate = json_object();
        present_set(candidate, "certificate",
                    present_text(certificate_name(choice->candidates[i])));
        present_set(candidate, "subject",
                    present_text_or_null(choice->candidates[i]->subject.text));
        present_set(candidate, "verdict", present_text(choice->verdicts[i]));
        present_push(candidates, candidate);
    }
    present_set(value, "connector", present_text(choice->connector->name.text));
    present_set(value, "sends", json_boolean(choice->connector->sends));
    present_set(value, "name", present_text_or_null(choice->name));
    present_set(value, "certificate",
                choice->chosen ? present_text(certificate_name(choice->chosen)) : json_null());
    present_set(value, "certain", known_value(choice->certain));
    present_set(value, "candidates", candidates);
    return value;
}

static json_t *read_value(const struct exchange_case *c)
{
    size_t receive = 0;
    for (size_t i = 0; i < c->connector_count; i++)
        receive += !c->connectors[i].sends;
    const struct {
        const char *name;
        size_t count;
    } counts[] = {
        {"certificates", c->certificate_count},
        {"receive-connectors", receive},
        {"send-connectors", c->connector_count - receive},
        {"servers", c->server_count},
        {"events", c->event_count},
        {"sessions", c->session_count},
        {"replies", c->reply_count},
        {"errors", c->error_count},
        {"accepted-domains", c->domain_count},
    };
    json_t *value = json_object();
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        present_set(value, counts[i].name, present_number(counts[i].count));
    return value;
}

static const char *health_of(const struct exchange_diagnosis *d)
{
    enum finding_severity worst = FINDING_GREEN;
    for (size_t i = 0; i < d->count; i++)
        if (d->findings[i].finding.severity > worst)
            worst = d->findings[i].finding.severity;
    return finding_severity_name(worst);
}

json_t *exchange_diagnosis_to_json(const struct exchange_diagnosis *d,
                                   const struct exchange_case *c)
{
    json_t *value = json_object(), *findings = json_array(), *unknown = json_array(),
           *selections = json_array(), *unread = json_array();
    for (size_t i = 0; i < d->count; i++)
        present_push(findings, finding_value(&d->findings[i]));
    for (size_t i = 0; i < d->question_count; i++) {
        json_t *question = json_object();
        present_set(question, "unknown", present_text(d->questions[i].unknown));
        present_set(question, "command", present_text(d->questions[i].command));
        present_push(unknown, question);
    }
    for (size_t i = 0; i < d->choice_count; i++)
        present_push(selections, choice_value(&d->choices[i]));
    for (size_t i = 0; i < c->unread_count; i++) {
        json_t *part = json_object();
        set_place(part, c->unread[i].place);
        present_set(part, "last-line", present_number(c->unread[i].last_line));
        present_set(part, "reason", present_text(c->unread[i].reason));
        present_push(unread, part);
    }
    present_set(value, "health", json_string(health_of(d)));
    present_set(value, "findings", findings);
    present_set(value, "unknown", unknown);
    present_set(value, "selections", selections);
    present_set(value, "read", read_value(c));
    present_set(value, "unread", unread);
    return value;
}

static json_t *redacted_object(const json_t *value, struct redaction *redaction)
{
    json_t *object = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)value, key, member)
        present_set(object, key, exchange_redacted(member, redaction));
    return object;
}

json_t *exchange_redacted(const json_t *value, struct redaction *redaction)
{
    if (json_is_object(value))
        return redacted_object(value, redaction);
    if (json_is_array(value)) {
        json_t *array = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            present_push(array, exchange_redacted(json_array_get(value, i), redaction));
        return array;
    }
    if (!json_is_string(value))
        return json_incref((json_t *)value);
    struct arena arena = ARENA_INIT;
    struct span text = span_make(json_string_value(value), json_string_length(value));
    json_t *redacted = present_text(redact(redaction, &arena, text));
    arena_done(&arena);
    return redacted;
}
