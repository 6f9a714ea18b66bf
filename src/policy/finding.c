#include "policy/finding.h"

#include <assert.h>

enum { CAPACITY_MIN = 8 };

static struct span copy(struct arena *arena, struct span s)
{
    return s.n ? arena_copy(arena, s) : SPAN_NONE;
}

void findings_add(struct findings *findings, const struct finding *finding)
{
    struct arena *arena = findings->arena;
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity ? findings->capacity * 2 : CAPACITY_MIN;
        struct finding *items = ARENA_ARRAY(arena, struct finding, capacity);
        for (size_t i = 0; i < findings->count; i++)
            items[i] = findings->items[i];
        findings->items = items;
        findings->capacity = capacity;
    }
    struct finding *added = &findings->items[findings->count++];
    *added = *finding;
    added->fault = copy(arena, finding->fault);
    added->name = copy(arena, finding->name);
    added->subject = copy(arena, finding->subject);
    added->cause = copy(arena, finding->cause);
    added->evidence = copy(arena, finding->evidence);
    added->consequence = copy(arena, finding->consequence);
    added->remedy = copy(arena, finding->remedy);
}

bool findings_has_red(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity == FINDING_RED)
            return true;
    return false;
}

const char *finding_severity_name(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_GREEN: return "green";
    case FINDING_YELLOW: return "yellow";
    case FINDING_RED: return "red";
    }
    assert(!"a severity without a name");
    return "";
}
