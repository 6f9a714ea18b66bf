#include "exchange/event.h"

#include "base/num.h"
#include "base/text.h"
#include "exchange/property.h"

enum field {
    FIELD_NONE,
    FIELD_LOG,
    FIELD_SOURCE,
    FIELD_DATE,
    FIELD_TIME,
    FIELD_ID,
    FIELD_CATEGORY,
    FIELD_LEVEL,
    FIELD_KEYWORDS,
    FIELD_USER,
    FIELD_COMPUTER,
    FIELD_DESCRIPTION
};

/* The labels of the Event Viewer in English (both generations), German, French, Spanish, Russian
 * and Japanese. Longer ones come before those that they end with. */
static const struct {
    const char *text;
    enum field field;
} labels[] = {
    {"Log Name", FIELD_LOG},
    {"Protokollname", FIELD_LOG},
    {"Nom du journal", FIELD_LOG},
    {"Nombre de registro", FIELD_LOG},
    {"Имя журнала", FIELD_LOG},
    {"ログの名前", FIELD_LOG},
    {"Event Source", FIELD_SOURCE},
    {"Source", FIELD_SOURCE},
    {"Quelle", FIELD_SOURCE},
    {"Origen", FIELD_SOURCE},
    {"Источник", FIELD_SOURCE},
    {"ソース", FIELD_SOURCE},
    {"Date", FIELD_DATE},
    {"Datum", FIELD_DATE},
    {"Fecha", FIELD_DATE},
    {"Дата", FIELD_DATE},
    {"日付", FIELD_DATE},
    {"Time", FIELD_TIME},
    {"Event ID", FIELD_ID},
    {"Ereignis-ID", FIELD_ID},
    {"Ereigniskennung", FIELD_ID},
    {"ID de l'événement", FIELD_ID},
    {"Id. del evento", FIELD_ID},
    {"Id. de evento", FIELD_ID},
    {"Код события", FIELD_ID},
    {"イベント ID", FIELD_ID},
    {"イベントID", FIELD_ID},
    {"Task Category", FIELD_CATEGORY},
    {"Event Category", FIELD_CATEGORY},
    {"Aufgabenkategorie", FIELD_CATEGORY},
    {"Catégorie de la tâche", FIELD_CATEGORY},
    {"Categoría de la tarea", FIELD_CATEGORY},
    {"Категория задачи", FIELD_CATEGORY},
    {"タスクのカテゴリ", FIELD_CATEGORY},
    {"Event Type", FIELD_LEVEL},
    {"Level", FIELD_LEVEL},
    {"Ebene", FIELD_LEVEL},
    {"Niveau", FIELD_LEVEL},
    {"Nivel", FIELD_LEVEL},
    {"Уровень", FIELD_LEVEL},
    {"レベル", FIELD_LEVEL},
    {"Keywords", FIELD_KEYWORDS},
    {"Schlüsselwörter", FIELD_KEYWORDS},
    {"Mots clés", FIELD_KEYWORDS},
    {"Palabras clave", FIELD_KEYWORDS},
    {"Ключевые слова", FIELD_KEYWORDS},
    {"キーワード", FIELD_KEYWORDS},
    {"User", FIELD_USER},
    {"Benutzer", FIELD_USER},
    {"Utilisateur", FIELD_USER},
    {"Usuario", FIELD_USER},
    {"Пользователь", FIELD_USER},
    {"ユーザー", FIELD_USER},
    {"Computer", FIELD_COMPUTER},
    {"Ordinateur", FIELD_COMPUTER},
    {"Equipo", FIELD_COMPUTER},
    {"Компьютер", FIELD_COMPUTER},
    {"コンピューター", FIELD_COMPUTER},
    {"Description", FIELD_DESCRIPTION},
    {"Beschreibung", FIELD_DESCRIPTION},
    {"Descripción", FIELD_DESCRIPTION},
    {"Описание", FIELD_DESCRIPTION},
    {"説明", FIELD_DESCRIPTION},
};

enum { HEAD_LINES_MAX = 24, HEAD_DISTANCE_MAX = 4, LABEL_LINE_MAX = 1000 };

/* The label that begins at the front of s; what stands behind its colon. */
static enum field label_at(struct span s, struct span *behind)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        struct span label = span_of(labels[i].text);
        if (!span_istarts(s, label))
            continue;
        struct span rest = span_skip(s, label.n);
        while (span_starts(rest, SPAN(" "))) /* French puts a blank in front, Format-List many */
            rest = span_skip(rest, 1);
        if (span_starts(rest, SPAN(":"))) {
            *behind = span_skip(rest, 1);
            return labels[i].field;
        }
    }
    return FIELD_NONE;
}

/* Where the next label stands behind a blank; s.n: nowhere. */
static size_t next_label(struct span s)
{
    struct span behind;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i - 1] == ' ' && s.p[i] != ' ' && label_at(span_skip(s, i), &behind) != FIELD_NONE)
            return i;
    }
    return s.n;
}

static unsigned number_of(struct span s)
{
    uint64_t value = 0;
    s = span_trim(s);
    size_t n = 0;
    while (n < s.n && text_is_digit(s.p[n]))
        n++;
    return num_parse(span_head(s, n), 0xffff, &value) == OK ? (unsigned)value : 0;
}

static void set_field(struct exchange_reader *r, struct event_head *h, enum field field,
                      struct span value, unsigned line)
{
    value = arena_copy(&r->c->arena, span_trim(value));
    switch (field) {
    case FIELD_SOURCE: h->source = value; break;
    case FIELD_LEVEL: h->level = value; break;
    case FIELD_COMPUTER: h->computer = value; break;
    case FIELD_ID: h->id = number_of(value); break;
    case FIELD_DATE: h->when = property_time_of(r, value, line); break;
    case FIELD_TIME: /* the older Event Viewer prints it apart */
        if (h->when.printed && value.n > 0) {
            struct span both = arena_printf(&r->c->arena, SPAN_FMT " " SPAN_FMT,
                                            SPAN_ARG(h->when.text), SPAN_ARG(value));
            h->when = property_time_of(r, both, line);
        }
        break;
    default: break;
    }
}

/* Reads the labels of one line, which may hold all of them. True where one was DESCRIPTION, which
 * ends the head; `text_follows`: with words behind it. */
static bool read_labels(struct exchange_reader *r, struct event_head *h, struct span line,
                        unsigned number, bool *text_follows)
{
    struct span rest = span_trim(source_fold_quotes(&r->c->arena, span_head(line, LABEL_LINE_MAX)));
    struct span behind;
    enum field field = label_at(rest, &behind);
    while (field != FIELD_NONE) {
        if (field == FIELD_DESCRIPTION) {
            *text_follows = span_trim(behind).n > 0;
            return true;
        }
        size_t at = next_label(behind);
        set_field(r, h, field, span_head(behind, at), number);
        rest = span_skip(behind, at);
        field = label_at(rest, &behind);
    }
    return false;
}

/* Does the line begin with a label, and is this one among its labels? FIELD_NONE: any. */
static bool has_field(const struct exchange_reader *r, size_t at, enum field wanted)
{
    struct arena scratch = ARENA_INIT;
    struct span behind;
    struct span rest = span_trim(
        source_fold_quotes(&scratch, span_head(r->source.lines[at].text, LABEL_LINE_MAX)));
    enum field field = label_at(rest, &behind);
    bool found = field != FIELD_NONE && (wanted == FIELD_NONE || field == wanted);
    while (field != FIELD_NONE && !found) {
        rest = span_skip(behind, next_label(behind));
        field = label_at(rest, &behind);
        found = field == wanted;
    }
    arena_done(&scratch);
    return found;
}

/* Lines of labels, blank ones between them allowed, an event's number among them; DESCRIPTION ends
 * them, and what follows it is another event's. */
static size_t head_lines(const struct exchange_reader *r, size_t at)
{
    size_t n = 0, last = 0;
    bool has_id = false, described = false;
    while (at + n < r->source.count && n < HEAD_LINES_MAX && !described) {
        bool blank = span_trim(r->source.lines[at + n].text).n == 0;
        if (blank && n > last)
            break;
        if (!blank && !has_field(r, at + n, FIELD_NONE))
            break;
        has_id = has_id || (!blank && has_field(r, at + n, FIELD_ID));
        described = !blank && has_field(r, at + n, FIELD_DESCRIPTION);
        n++;
        last = blank ? last : n;
    }
    return has_id ? last : 0;
}

bool event_head_begins(const struct exchange_reader *r, size_t at)
{
    return has_field(r, at, FIELD_NONE) && head_lines(r, at) > 0;
}

size_t event_head_part(struct exchange_reader *r, size_t at)
{
    if (!has_field(r, at, FIELD_NONE))
        return 0;
    size_t lines = head_lines(r, at);
    if (lines == 0)
        return 0;
    event_flush(r);
    struct event_head *h = &r->head;
    *h = (struct event_head){.open = true, .line = r->source.lines[at].number};
    size_t taken = 0;
    bool ended = false, text_follows = false;
    while (taken < lines && !ended) {
        const struct source_line *line = &r->source.lines[at + taken];
        ended = read_labels(r, h, line->text, line->number, &text_follows);
        taken += !(ended && text_follows);
    }
    h->last_line = r->source.lines[at + (taken ? taken - 1 : 0)].number;
    return taken;
}

static void use_head(struct exchange_event *e, const struct event_head *h)
{
    e->id = h->id ? h->id : e->id;
    e->source = h->source;
    e->level = h->level;
    e->computer = h->computer;
    e->when = h->when;
}

/* Other programs' events are none of ours. */
static bool is_ours(const struct event_head *h)
{
    return h->source.n == 0 || span_istarts(h->source, SPAN("MSExchange")) ||
           span_istarts(h->source, SPAN("EdgeSync"));
}

void event_flush(struct exchange_reader *r)
{
    struct event_head h = r->head;
    r->head.open = false;
    if (!h.open)
        return;
    if (h.id == 0 || !is_ours(&h))
        reader_add_unread(r, h.line, h.last_line, SPAN("an event of another source"));
    else
        use_head(reader_add_event(r, h.line), &h);
}

/* The description without its label. */
static struct span description(struct exchange_reader *r, const struct paragraph *p)
{
    struct span text = property_unwrap(&r->c->arena, p->text), rest = text, behind;
    enum field field = label_at(rest, &behind);
    for (size_t i = 0; i < COUNT_OF(labels) && field != FIELD_NONE; i++) {
        if (field == FIELD_DESCRIPTION)
            return span_trim(behind);
        rest = span_skip(behind, next_label(span_head(behind, LABEL_LINE_MAX)));
        field = label_at(rest, &behind);
    }
    return text;
}

bool event_describe(struct exchange_reader *r, const struct paragraph *p)
{
    unsigned first = r->source.lines[p->first].number;
    if (r->head.open && first > r->head.last_line + HEAD_DISTANCE_MAX)
        event_flush(r);
    struct event_head h = r->head;
    unsigned number = event_number(p);
    bool with_head = h.open && is_ours(&h);
    if (number == 0 && !(with_head && h.id != 0))
        return false;
    r->head.open = false;
    struct exchange_event *e = reader_add_event(r, with_head ? h.line : first);
    e->id = number;
    if (with_head)
        use_head(e, &h);
    e->text = description(r, p);
    event_read_inserts(r, p, e);
    return true;
}
