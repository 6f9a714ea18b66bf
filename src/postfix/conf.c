#include "postfix/conf.h"

#include "base/num.h"
#include "base/text.h"

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!text_is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
            return false;
    return s.n > 0;
}

/* "name = value" */
static bool cut_assignment(struct span text, struct span *name, struct span *value)
{
    size_t equals = span_find(text, '=');
    *name = span_trim(span_head(text, equals));
    *value = span_trim(span_skip(text, equals + 1));
    return equals < text.n && is_name(*name);
}

enum err postfix_main_read(struct postfix_conf *conf, struct span text, struct buf *why)
{
    struct postfix_lines lines = postfix_lines(text);
    struct span one;
    unsigned line;
    if (text.n > POSTFIX_FILE_MAX) {
        buf_addf(why, "more than %d bytes", POSTFIX_FILE_MAX);
        return ERR_LIMIT;
    }
    struct postfix_parameter *all =
        ARENA_ARRAY(conf->arena, struct postfix_parameter, POSTFIX_PARAMETERS_MAX);
    size_t count = 0;
    while (postfix_lines_next(&lines, conf->arena, &one, &line)) {
        struct postfix_parameter p = {.line = line};
        if (!cut_assignment(one, &p.name, &p.value)) {
            buf_addf(why, "line %u is not of the form name = value", line);
            return ERR_SYNTAX;
        }
        if (count == POSTFIX_PARAMETERS_MAX) {
            buf_addf(why, "more than %d parameters", POSTFIX_PARAMETERS_MAX);
            return ERR_LIMIT;
        }
        all[count++] = p;
    }
    conf->parameters = all;
    conf->parameter_count = count;
    return OK;
}

/* ---- master.cf ---- */

static void read_overrides(struct postfix_conf *conf, struct postfix_service *s, struct span rest)
{
    size_t room = 8;
    struct span word;
    s->overrides = ARENA_ARRAY(conf->arena, struct postfix_parameter, room);
    while (postfix_word(&rest, false, &word)) {
        struct postfix_parameter p = {.line = s->line};
        if (!span_starts(word, SPAN("-o")))
            continue;
        word = span_skip(word, 2);
        if (word.n == 0 && !postfix_word(&rest, false, &word))
            return;
        if (word.n > 1 && word.p[0] == '{' && word.p[word.n - 1] == '}')
            word = span_make(word.p + 1, word.n - 2);
        if (!cut_assignment(word, &p.name, &p.value))
            continue;
        if (s->override_count == room) {
            struct postfix_parameter *more =
                ARENA_ARRAY(conf->arena, struct postfix_parameter, room * 2);
            memcpy(more, s->overrides, room * sizeof(*more));
            s->overrides = more;
            room *= 2;
        }
        s->overrides[s->override_count++] = p;
    }
}

enum err postfix_master_read(struct postfix_conf *conf, struct span text, struct buf *why)
{
    enum { FIELDS = 8 }; /* service type private unprivileged chroot wakeup maxproc command */
    struct postfix_lines lines = postfix_lines(text);
    struct span one, field[FIELDS];
    unsigned line;
    if (text.n > POSTFIX_FILE_MAX) {
        buf_addf(why, "more than %d bytes", POSTFIX_FILE_MAX);
        return ERR_LIMIT;
    }
    conf->services = ARENA_ARRAY(conf->arena, struct postfix_service, POSTFIX_SERVICES_MAX);
    while (postfix_lines_next(&lines, conf->arena, &one, &line)) {
        size_t fields = 0;
        while (fields < FIELDS && postfix_word(&one, false, &field[fields]))
            fields++;
        if (fields < FIELDS) {
            buf_addf(why, "line %u has %zu fields, a service has %d", line, fields, FIELDS);
            return ERR_SYNTAX;
        }
        if (conf->service_count == POSTFIX_SERVICES_MAX) {
            buf_addf(why, "more than %d services", POSTFIX_SERVICES_MAX);
            return ERR_LIMIT;
        }
        struct postfix_service *s = &conf->services[conf->service_count++];
        *s = (struct postfix_service){
            .name = field[0], .type = field[1], .command = field[7], .line = line};
        read_overrides(conf, s, one);
    }
    return OK;
}

/* ---- looking up ---- */

const struct postfix_parameter *postfix_parameter(const struct postfix_conf *conf, struct span name)
{
    for (size_t i = conf->parameter_count; i-- > 0;)
        if (span_eq(conf->parameters[i].name, name))
            return &conf->parameters[i];
    return NULL;
}

static bool text_names(struct span text, struct span name)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] != '$')
            continue;
        struct span rest = span_skip(text, i + 1);
        while (rest.n && (rest.p[0] == '{' || rest.p[0] == '('))
            rest = span_skip(rest, 1);
        struct span after = span_skip(rest, name.n);
        if (span_starts(rest, name) && (after.n == 0 || !is_name(span_head(after, 1))))
            return true;
    }
    return false;
}

bool postfix_is_named(const struct postfix_conf *conf, struct span name)
{
    for (size_t i = 0; i < conf->parameter_count; i++)
        if (text_names(conf->parameters[i].value, name))
            return true;
    for (size_t i = 0; i < conf->service_count; i++)
        for (size_t j = 0; j < conf->services[i].override_count; j++)
            if (text_names(conf->services[i].overrides[j].value, name))
                return true;
    return false;
}

bool postfix_time(struct span text, char unit, uint64_t *ms)
{
    uint64_t count;
    text = span_trim(text);
    if (text.n && text_is_alpha(text.p[text.n - 1])) {
        unit = text_lower(text.p[text.n - 1]);
        text = span_trim(span_head(text, text.n - 1));
    }
    uint64_t factor = unit == 's'   ? 1000
                      : unit == 'm' ? 60000
                      : unit == 'h' ? 3600000
                      : unit == 'd' ? 86400000
                      : unit == 'w' ? 604800000
                                    : 0;
    if (factor == 0 || num_parse(text, INT32_MAX, &count) != OK)
        return false;
    *ms = count * factor;
    return true;
}
