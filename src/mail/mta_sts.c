#include "mail/mta_sts.h"

#include <assert.h>

#include "base/num.h"
#include "base/text.h"

enum { MAX_AGE_S_MAX = 31557600 /* section 3.2 */ };

/* ---- the record ---- */

static bool is_id(struct span id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!text_is_alnum(id.p[i]))
            return false;
    return id.n > 0 && id.n <= MTA_STS_ID_MAX;
}

bool mta_sts_parse_record(struct span text, struct span *id)
{
    struct span rest = text, field, found = SPAN_NONE;
    /* The version comes first and is written exactly so; the rest may stand in any order. */
    if (!span_cut(&rest, ';', &field) || !span_eq(span_trim(field), SPAN("v=STSv1")))
        return false;
    while (span_cut(&rest, ';', &field)) {
        field = span_trim(field);
        if (found.n == 0 && span_starts(field, SPAN("id=")))
            found = span_skip(field, 3);
    }
    if (!is_id(found))
        return false;
    *id = found;
    return true;
}

/* ---- the policy ---- */

struct reading {
    struct arena *arena;
    struct mta_sts_policy policy;
    bool has_version, has_mode, has_age;
    struct span why;
};

static enum err refuse(struct reading *r, enum err err, const char *what, struct span value)
{
    r->why = arena_printf(r->arena, "%s: " SPAN_FMT, what, SPAN_ARG(span_head(value, 80)));
    return err;
}

static enum err take_version(struct reading *r, struct span value)
{
    r->has_version = true;
    return span_eq(value, SPAN("STSv1")) ? OK
                                         : refuse(r, ERR_SYNTAX, "the version is unknown", value);
}

static enum err take_mode(struct reading *r, struct span value)
{
    static const enum mta_sts_mode modes[] = {MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE};
    r->has_mode = true;
    for (size_t i = 0; i < COUNT_OF(modes); i++)
        if (span_eq(value, span_of(mta_sts_mode_name(modes[i])))) {
            r->policy.mode = modes[i];
            return OK;
        }
    return refuse(r, ERR_SYNTAX, "the mode is none of enforce, testing, none", value);
}

static enum err take_age(struct reading *r, struct span value)
{
    uint64_t seconds;
    r->has_age = true;
    if (num_parse(value, MAX_AGE_S_MAX, &seconds) != OK)
        return refuse(r, ERR_SYNTAX, "max_age is not a number of at most 31557600 seconds", value);
    r->policy.max_age_s = (uint32_t)seconds;
    return OK;
}

static bool is_pattern(struct span value)
{
    if (span_starts(value, SPAN("*.")))
        value = span_skip(value, 2);
    for (size_t i = 0; i < value.n; i++)
        if (!text_is_alnum(value.p[i]) && value.p[i] != '-' && value.p[i] != '.')
            return false;
    return value.n > 0 && value.n <= 253 && value.p[0] != '.';
}

static enum err take_mx(struct reading *r, struct span value)
{
    if (!is_pattern(value))
        return refuse(r, ERR_SYNTAX, "mx is not a host name", value);
    if (r->policy.mx_count == MTA_STS_MX_MAX)
        return refuse(r, ERR_LIMIT, "there are too many mx", value);
    char *lower = arena_text(r->arena, value);
    text_lower_all(lower, value.n);
    r->policy.mx[r->policy.mx_count++] = span_make(lower, value.n);
    return OK;
}

/* Of keys given twice the first counts, except mx; unknown keys are for later versions. */
static enum err take_line(struct reading *r, struct span line)
{
    size_t colon = span_find(line, ':');
    struct span key = span_trim(span_head(line, colon));
    if (colon == line.n)
        return refuse(r, ERR_SYNTAX, "a line has no colon", line);
    struct span value = span_trim(span_skip(line, colon + 1));
    if (span_eq(key, SPAN("version")) && !r->has_version)
        return take_version(r, value);
    if (span_eq(key, SPAN("mode")) && !r->has_mode)
        return take_mode(r, value);
    if (span_eq(key, SPAN("max_age")) && !r->has_age)
        return take_age(r, value);
    return span_eq(key, SPAN("mx")) ? take_mx(r, value) : OK;
}

static enum err check_whole(struct reading *r)
{
    const char *missing = !r->has_version                                             ? "version"
                          : !r->has_mode                                              ? "mode"
                          : !r->has_age                                               ? "max_age"
                          : r->policy.mode != MTA_STS_NONE && r->policy.mx_count == 0 ? "mx"
                                                                                      : NULL;
    return missing ? refuse(r, ERR_SYNTAX, "a key is missing", span_of(missing)) : OK;
}

enum err mta_sts_parse_policy(struct arena *arena, struct span text, struct mta_sts_policy *policy,
                              struct span *why)
{
    struct reading r = {.arena = arena,
                        .policy.mx = ARENA_ARRAY(arena, struct span, MTA_STS_MX_MAX)};
    struct span rest = text, line;
    enum err err = OK;
    if (text.n > MTA_STS_POLICY_MAX)
        err = refuse(&r, ERR_LIMIT, "the policy is longer than 64 KB", SPAN_NONE);
    while (err == OK && span_cut(&rest, '\n', &line))
        if (span_trim(line).n)
            err = take_line(&r, line);
    if (err == OK)
        err = check_whole(&r);
    if (err == OK)
        *policy = r.policy;
    else
        *why = r.why;
    return err;
}

bool mta_sts_lists(const struct mta_sts_policy *policy, struct span mx)
{
    for (size_t i = 0; i < policy->mx_count; i++) {
        struct span pattern = policy->mx[i];
        size_t dot = span_find(mx, '.');
        bool wildcard = span_starts(pattern, SPAN("*."));
        if (wildcard
                ? dot > 0 && dot < mx.n && span_ieq(span_skip(mx, dot + 1), span_skip(pattern, 2))
                : span_ieq(mx, pattern))
            return true;
    }
    return false;
}

const char *mta_sts_mode_name(enum mta_sts_mode mode)
{
    switch (mode) {
    case MTA_STS_NONE: return "none";
    case MTA_STS_TESTING: return "testing";
    case MTA_STS_ENFORCE: return "enforce";
    }
    assert(!"a mode without a name");
    return "";
}
