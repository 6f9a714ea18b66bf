/* The operators: comparisons without regard to case, of lists as filters, and text. */
#include "base/text.h"
#include "cli/shell.h"

enum comparison { EQ, NE, GT, GE, LT, LE, LIKE, NOT_LIKE, MATCH, NOT_MATCH };

static const struct {
    const char *name;
    enum comparison comparison;
} comparisons[] = {{"-eq", EQ},       {"-ne", NE},
                   {"-gt", GT},       {"-ge", GE},
                   {"-lt", LT},       {"-le", LE},
                   {"-like", LIKE},   {"-notlike", NOT_LIKE},
                   {"-match", MATCH}, {"-notmatch", NOT_MATCH}};

/* -match takes regular expressions; what the procedures write is plain text, with ^, $ and .* at
 * its ends at most. Anything that means more is refused, as it would match other things. */
static bool match(struct shell *s, struct span text, struct span pattern, bool *matches)
{
    static const char special[] = "\\.[]()*+?{}|^$";
    bool from_start = pattern.n && pattern.p[0] == '^',
         to_end = pattern.n && pattern.p[pattern.n - 1] == '$';
    struct buf glob = BUF_INIT(SHELL_TEXT_MAX);
    if (!from_start)
        buf_add_char(&glob, '*');
    for (size_t i = from_start; i < pattern.n - to_end; i++) {
        char c = pattern.p[i], next = i + 1 < pattern.n - to_end ? pattern.p[i + 1] : 0;
        if (c == '\\' && next && strchr(special, next)) {
            c = next;
            i++;
        } else if (c == '.' && next == '*') {
            c = '*';
            i++;
        } else if (c == '.') {
            c = '?';
        } else if (strchr(special, c)) {
            buf_done(&glob);
            return shell_fail(s, "use -like with * and ?",
                              "-match takes plain text, . and .* here, not \"%c\"", c);
        }
        buf_add_char(&glob, c);
    }
    if (!to_end)
        buf_add_char(&glob, '*');
    *matches = text_glob(buf_span(&glob), text);
    buf_done(&glob);
    return true;
}

static bool compare(struct shell *s, enum comparison comparison, const struct shell_value *left,
                    const struct shell_value *right, bool *holds)
{
    if (comparison >= LIKE) {
        struct span text = shell_text_of(s->arena, left), pattern = shell_text_of(s->arena, right);
        bool matches = false;
        if (comparison >= MATCH && !match(s, text, pattern, &matches))
            return false;
        if (comparison < MATCH)
            matches = text_glob(pattern, text);
        *holds = matches == (comparison == LIKE || comparison == MATCH);
        return true;
    }
    int order = shell_compare(left, right);
    bool results[] = {[EQ] = order == 0, [NE] = order != 0, [GT] = order > 0,
                      [GE] = order >= 0, [LT] = order < 0,  [LE] = order <= 0};
    *holds = results[comparison];
    return true;
}

/* Of a list the items for which it holds. */
static struct shell_value *compare_all(struct shell *s, enum comparison comparison,
                                       const struct shell_value *left,
                                       const struct shell_value *right)
{
    bool holds;
    if (left->kind != SHELL_LIST)
        return compare(s, comparison, left, right, &holds) ? shell_bool(s->arena, holds) : NULL;
    struct shell_value *found = shell_list_value(s->arena);
    for (size_t i = 0; i < left->list.count; i++) {
        if (!compare(s, comparison, left->list.items[i], right, &holds))
            return NULL;
        if (holds)
            shell_list_add(s->arena, &found->list, left->list.items[i]);
    }
    return found;
}

static struct shell_value *contains(struct shell *s, const struct shell_value *list,
                                    struct shell_value *wanted, bool expected)
{
    bool found = list->kind != SHELL_LIST && shell_compare(list, wanted) == 0;
    for (size_t i = 0; i < list->list.count; i++)
        found = found || shell_compare(list->list.items[i], wanted) == 0;
    return shell_bool(s->arena, found == expected);
}

static struct shell_value *add(struct shell *s, struct shell_value *left, struct shell_value *right)
{
    double a, b;
    if (left->kind == SHELL_NULL)
        return right;
    if (left->kind == SHELL_LIST) {
        struct shell_value *sum = shell_list_value(s->arena);
        shell_list_spread(s->arena, &sum->list, left);
        shell_list_spread(s->arena, &sum->list, right);
        return sum;
    }
    if (left->kind == SHELL_TIME && right->kind == SHELL_DURATION)
        return shell_time(s->arena, left->ms + right->ms);
    if (left->kind == SHELL_NUMBER && shell_as_number(right, &b)) {
        shell_as_number(left, &a);
        return shell_number(s->arena, a + b);
    }
    if (left->kind != SHELL_TEXT) {
        shell_fail(s, "begin with a text: \"\" + ...", "+ adds numbers, texts and lists");
        return NULL;
    }
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    struct shell_value *sum = NULL;
    buf_add(&text, left->text);
    if (buf_add(&text, shell_text_of(s->arena, right)) == OK)
        sum = shell_text(s->arena, buf_span(&text));
    else
        shell_fail(s, NULL, "a text of more than %d bytes", SHELL_TEXT_MAX);
    buf_done(&text);
    return sum;
}

/* Numbers; moments, whose difference is a time span. */
static struct shell_value *subtract(struct shell *s, const struct shell_value *left,
                                    const struct shell_value *right)
{
    double a, b;
    if (left->kind == SHELL_TIME && right->kind == SHELL_TIME)
        return shell_duration(s->arena, left->ms - right->ms);
    if (left->kind == SHELL_TIME && right->kind == SHELL_DURATION)
        return shell_time(s->arena, left->ms - right->ms);
    if (shell_as_number(left, &a) && shell_as_number(right, &b))
        return shell_number(s->arena, a - b);
    shell_fail(s, NULL, "- takes two numbers or two dates");
    return NULL;
}

static struct shell_value *multiply(struct shell *s, struct span name,
                                    const struct shell_value *left, const struct shell_value *right)
{
    double a, b;
    bool divides = name.p[0] == '/';
    if (!shell_as_number(left, &a) || !shell_as_number(right, &b) || (divides && b == 0)) {
        shell_fail(s, NULL, SPAN_FMT " takes two numbers, and nothing is divided by 0",
                   SPAN_ARG(name));
        return NULL;
    }
    return shell_number(s->arena, divides ? a / b : a * b);
}

static struct shell_value *join(struct shell *s, const struct shell_value *left,
                                const struct shell_value *between)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    struct span separator = shell_text_of(s->arena, between);
    if (left->kind != SHELL_LIST)
        shell_add_text(&text, left);
    for (size_t i = 0; i < left->list.count; i++) {
        if (i)
            buf_add(&text, separator);
        shell_add_text(&text, left->list.items[i]);
    }
    struct shell_value *joined = shell_text(s->arena, buf_span(&text));
    buf_done(&text);
    return joined;
}

static struct shell_value *split(struct shell *s, const struct shell_value *left,
                                 const struct shell_value *at)
{
    struct span rest = shell_text_of(s->arena, left), separator = shell_text_of(s->arena, at);
    struct shell_value *parts = shell_list_value(s->arena);
    while (separator.n) {
        size_t end = span_search(rest, separator);
        if (end == rest.n)
            break;
        shell_list_add(s->arena, &parts->list, shell_text(s->arena, span_head(rest, end)));
        rest = span_skip(rest, end + separator.n);
    }
    shell_list_add(s->arena, &parts->list, shell_text(s->arena, rest));
    return parts;
}

static struct shell_value *replace(struct shell *s, const struct shell_value *left,
                                   const struct shell_value *right)
{
    struct shell_value *pair[2] = {NULL, NULL};
    for (size_t i = 0; i < 2 && right->kind == SHELL_LIST && i < right->list.count; i++)
        pair[i] = right->list.items[i];
    const struct shell_value *what = right->kind == SHELL_LIST ? pair[0] : right;
    struct shell_value *parts = what ? split(s, left, what) : shell_list_value(s->arena);
    return join(s, parts, pair[1] ? pair[1] : shell_text(s->arena, SPAN_NONE));
}

/* "{0} of {1}" -f 1,2 */
static struct shell_value *fill(struct shell *s, const struct shell_value *left,
                                struct shell_value *right)
{
    struct span format = shell_text_of(s->arena, left);
    struct shell_list values = {0};
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    shell_list_spread(s->arena, &values, right);
    for (size_t i = 0; i < format.n; i++) {
        bool place = format.p[i] == '{' && i + 2 < format.n && text_is_digit(format.p[i + 1]) &&
                     format.p[i + 2] == '}';
        size_t at = place ? (size_t)(format.p[i + 1] - '0') : 0;
        if (place && at < values.count)
            shell_add_text(&text, values.items[at]);
        else if (!place)
            buf_add_char(&text, format.p[i]);
        i += place ? 2 : 0;
    }
    struct shell_value *filled = shell_text(s->arena, buf_span(&text));
    buf_done(&text);
    return filled;
}

struct shell_value *shell_operate(struct shell *s, struct span name, struct shell_value *left,
                                  struct shell_value *right)
{
    for (size_t i = 0; i < COUNT_OF(comparisons); i++)
        if (span_ieq(name, span_of(comparisons[i].name)))
            return compare_all(s, comparisons[i].comparison, left, right);
    if (span_ieq(name, SPAN("-contains")) || span_ieq(name, SPAN("-notcontains")))
        return contains(s, left, right, name.n == strlen("-contains"));
    if (span_ieq(name, SPAN("-in")) || span_ieq(name, SPAN("-notin")))
        return contains(s, right, left, name.n == strlen("-in"));
    if (span_ieq(name, SPAN("-join")))
        return join(s, left, right);
    if (span_ieq(name, SPAN("-split")))
        return split(s, left, right);
    if (span_ieq(name, SPAN("-replace")))
        return replace(s, left, right);
    if (span_ieq(name, SPAN("-f")))
        return fill(s, left, right);
    if (span_eq(name, SPAN("-")))
        return subtract(s, left, right);
    if (name.p[0] == '*' || name.p[0] == '/')
        return multiply(s, name, left, right);
    return add(s, left, right);
}
