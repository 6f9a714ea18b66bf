/* Parameters named in values: $name, $(name), ${name}, ${name?text}, ${name:text},
 * ${name?{text}:{text}}, ${{text} == {text} ? {text} : {text}}, $$ (postconf(5)). */
#include "base/num.h"
#include "base/text.h"
#include "postfix/conf.h"

struct expansion {
    const struct postfix_conf *conf;
    const struct postfix_service *service;
    struct buf out; /* limited */
    unsigned depth;
    unsigned *work; /* names looked up: many that are empty grow no output */
};

enum { WORK_MAX = 20000 };

static enum err expand(struct expansion *e, struct span text);

static enum err look_up(struct expansion *e, struct span name);

static size_t name_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && (text_is_alnum(s.p[n]) || s.p[n] == '_'))
        n++;
    return n;
}

/* The bracket that closes the one at the beginning; s.n where none does. */
static size_t closing(struct span s)
{
    char open = s.p[0], close = open == '{' ? '}' : ')';
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        depth += s.p[i] == open;
        depth -= s.p[i] == close;
        if (depth == 0)
            return i;
    }
    return s.n;
}

/* "{text}" or text, and what follows it. */
static bool cut_branch(struct span *rest, struct span *branch)
{
    struct span s = span_trim(*rest);
    if (s.n == 0 || s.p[0] != '{') {
        *branch = *rest;
        *rest = SPAN_NONE;
        return true;
    }
    size_t end = closing(s);
    if (end == s.n)
        return false;
    *branch = span_make(s.p + 1, end - 1);
    *rest = span_trim(span_skip(s, end + 1));
    return true;
}

/* "?text", ":text", "?{text}:{text}" behind what decides. */
static enum err expand_choice(struct expansion *e, bool decided, struct span rest)
{
    struct span then = SPAN_NONE, otherwise = SPAN_NONE;
    char mark = rest.p[0];
    rest = span_skip(rest, 1);
    if (!cut_branch(&rest, mark == '?' ? &then : &otherwise))
        return ERR_SYNTAX;
    if (mark == '?' && rest.n && rest.p[0] == ':') {
        rest = span_skip(rest, 1);
        if (!cut_branch(&rest, &otherwise))
            return ERR_SYNTAX;
    }
    return expand(e, decided ? then : otherwise);
}

static enum err is_set(const struct expansion *e, struct span name, bool *set)
{
    struct expansion test = {e->conf, e->service, BUF_INIT(POSTFIX_VALUE_MAX), e->depth, e->work};
    enum err err = look_up(&test, name);
    *set = test.out.n > 0;
    buf_done(&test.out);
    return err;
}

/* Numbers by value, "3.6" as a level by its parts, everything else as text. */
static int compare(struct span a, struct span b, bool levels)
{
    while (levels || (a.n && b.n)) {
        uint64_t x = 0, y = 0;
        struct span left = span_head(a, levels ? span_find(a, '.') : a.n);
        struct span right = span_head(b, levels ? span_find(b, '.') : b.n);
        bool numbers = (num_parse(left, INT64_MAX, &x) == OK || (levels && !left.n)) &&
                       (num_parse(right, INT64_MAX, &y) == OK || (levels && !right.n));
        if (!numbers)
            break;
        if (x != y || !levels || (!a.n && !b.n))
            return x < y ? -1 : x > y;
        a = span_skip(a, left.n + 1);
        b = span_skip(b, right.n + 1);
    }
    return span_cmp(a, b);
}

static bool holds(int order, struct span operator)
{
    if (span_eq(operator, SPAN("==")))
        return order == 0;
    if (span_eq(operator, SPAN("!=")))
        return order != 0;
    bool equal = operator.n == 2 && order == 0;
    return equal || (operator.p[0] == '<' ? order < 0 : order> 0);
}

/* "{a} == {b}", "{a} <level {b}": what ${...} may decide by. */
static enum err decide(const struct expansion *e, struct span left, struct span operator,
                       struct span right, bool *holding)
{
    static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">="};
    struct expansion one = {e->conf, e->service, BUF_INIT(POSTFIX_VALUE_MAX), e->depth, e->work};
    struct expansion other = one;
    bool levels = span_iends(operator, SPAN("level")), known = false;
    if (levels)
        operator.n -= 5;
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        known |= span_eq(operator, span_of(operators[i]));
    if (!known)
        return ERR_UNSUPPORTED;
    enum err err = expand(&one, left);
    if (err == OK)
        err = expand(&other, right);
    if (err == OK)
        *holding =
            holds(compare(span_trim(buf_span(&one.out)), span_trim(buf_span(&other.out)), levels),
                  operator);
    buf_done(&one.out);
    buf_done(&other.out);
    return err;
}

static enum err expand_comparison(struct expansion *e, struct span inside)
{
    struct span left, operator, right;
    bool holding = false;
    if (inside.n == 0 || inside.p[0] != '{')
        return ERR_SYNTAX;
    if (!cut_branch(&inside, &left))
        return ERR_SYNTAX;
    operator= span_trim(span_head(inside, span_find(inside, '{')));
    inside = span_skip(inside, span_find(inside, '{'));
    if (inside.n == 0 || !cut_branch(&inside, &right))
        return ERR_SYNTAX;
    if (inside.n == 0 || (inside.p[0] != '?' && inside.p[0] != ':'))
        return ERR_UNSUPPORTED;
    enum err err = decide(e, left, operator, right, &holding);
    return err == OK ? expand_choice(e, holding, inside) : err;
}

static enum err expand_braced(struct expansion *e, struct span inside)
{
    inside = span_trim(inside);
    size_t n = name_length(inside);
    struct span rest = span_trim(span_skip(inside, n));
    if (n == 0)
        return expand_comparison(e, inside);
    if (rest.n == 0)
        return look_up(e, span_head(inside, n));
    if (rest.p[0] != '?' && rest.p[0] != ':')
        return ERR_UNSUPPORTED;
    bool set = false;
    enum err err = is_set(e, span_head(inside, n), &set);
    return err == OK ? expand_choice(e, set, rest) : err;
}

/* What stands behind a "$"; *used says how long it is. */
static enum err expand_name(struct expansion *e, struct span rest, size_t *used)
{
    if (rest.n && rest.p[0] == '$') {
        *used = 1;
        return buf_add_char(&e->out, '$');
    }
    if (rest.n && (rest.p[0] == '{' || rest.p[0] == '(')) {
        size_t end = closing(rest);
        if (end == rest.n)
            return ERR_SYNTAX;
        *used = end + 1;
        return expand_braced(e, span_make(rest.p + 1, end - 1));
    }
    *used = name_length(rest);
    return *used ? look_up(e, span_head(rest, *used)) : ERR_SYNTAX;
}

static enum err expand(struct expansion *e, struct span text)
{
    enum err err = OK;
    if (e->depth == POSTFIX_DEPTH_MAX)
        return ERR_LIMIT;
    e->depth++;
    while (err == OK && text.n) {
        size_t dollar = span_find(text, '$'), used = 0;
        err = buf_add(&e->out, span_head(text, dollar));
        text = span_skip(text, dollar);
        if (err != OK || text.n == 0)
            break;
        err = expand_name(e, span_skip(text, 1), &used);
        text = span_skip(text, used + 1);
    }
    e->depth--;
    return err;
}

static const struct postfix_parameter * override(const struct postfix_service *service,
                                                 struct span name)
{
    for (size_t i = service ? service->override_count : 0; i-- > 0;)
        if (span_eq(service->overrides[i].name, name))
            return &service->overrides[i];
    return NULL;
}

/* What Postfix works out itself where main.cf is silent. */
static enum err look_up_host(struct expansion *e, struct span name)
{
    if (span_eq(name, SPAN("myhostname")))
        return buf_add(&e->out, e->conf->host);
    struct expansion host = {e->conf, e->service, BUF_INIT(POSTFIX_VALUE_MAX), e->depth, e->work};
    enum err err = look_up(&host, SPAN("myhostname"));
    struct span whole = buf_span(&host.out);
    size_t dot = span_find(whole, '.');
    if (err == OK)
        err = dot < whole.n ? buf_add(&e->out, span_skip(whole, dot + 1))
                            : buf_add_text(&e->out, "localdomain");
    buf_done(&host.out);
    return err;
}

static enum err look_up(struct expansion *e, struct span name)
{
    if (++*e->work > WORK_MAX)
        return ERR_LIMIT;
    const struct postfix_parameter *p = override(e->service, name);
    if (!p)
        p = postfix_parameter(e->conf, name);
    if (p)
        return expand(e, p->value);
    if (span_eq(name, SPAN("myhostname")) || span_eq(name, SPAN("mydomain")))
        return look_up_host(e, name);
    if (span_eq(name, SPAN("config_directory")) && e->conf->folder.n)
        return buf_add(&e->out, e->conf->folder);
    const char *fallback = postfix_default(name);
    return fallback ? expand(e, span_of(fallback)) : OK;
}

static enum err finish(struct expansion *e, enum err err, struct span *value)
{
    if (err == OK)
        *value = arena_copy(e->conf->arena, span_trim(buf_span(&e->out)));
    buf_done(&e->out);
    return err;
}

enum err postfix_get(const struct postfix_conf *conf, const struct postfix_service *service,
                     struct span name, struct span *value)
{
    unsigned work = 0;
    struct expansion e = {conf, service, BUF_INIT(POSTFIX_VALUE_MAX), 0, &work};
    return finish(&e, look_up(&e, name), value);
}

enum err postfix_expand(const struct postfix_conf *conf, const struct postfix_service *service,
                        struct span text, struct span *value)
{
    unsigned work = 0;
    struct expansion e = {conf, service, BUF_INIT(POSTFIX_VALUE_MAX), 0, &work};
    return finish(&e, expand(&e, text), value);
}
