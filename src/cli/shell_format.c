#include "cli/shell_format.h"

#include <stdlib.h>

#include "base/text.h"

enum { LIST_PROPERTIES = 4, COLUMN_LEAST = 8 };

/* What a type shows without being asked: as a table, and as a list. */
static const struct {
    const char *type, *table, *list;
} views[] = {
    {"ExchangeCertificate", "Thumbprint Services=ServicesStringForm Subject",
     "CertificateDomains HasPrivateKey IsSelfSigned Issuer NotAfter NotBefore PublicKeySize "
     "RootCAType SerialNumber Services Status Subject Thumbprint"},
    {"ReceiveConnector", "Identity Bindings Enabled", NULL},
    {"SendConnector", "Identity AddressSpaces Enabled", NULL},
    {"Queue", "Identity DeliveryType Status MessageCount NextHopDomain", NULL},
    {"Message", "Identity FromAddress Status Size Subject", NULL},
    {"TransportService", "Name", NULL},
    {"AcceptedDomain", "Name DomainName DomainType Default", NULL},
    {"EventRecord", "TimeCreated Id LevelDisplayName Message", NULL},
    {"EventLogEntry", "Index TimeGenerated EntryType Source EventID Message", NULL},
    {"Cmdlet", "Name Synopsis", NULL},
};

static const char *view_of(const struct shell_value *item, bool table)
{
    for (size_t i = 0; item->type && i < COUNT_OF(views); i++)
        if (strcmp(views[i].type, item->type) == 0)
            return table ? views[i].table : views[i].list;
    return NULL;
}

static bool has_properties(const struct shell_value *value)
{
    return value->kind == SHELL_OBJECT || value->kind == SHELL_HASH;
}

static bool settle_columns(struct shell *s, const struct shell_list *items,
                           const struct shell_value *wanted, bool table,
                           struct select_columns *columns)
{
    const char *usual = items->count ? view_of(items->items[0], table) : NULL;
    if (wanted)
        return select_read(s, wanted, items, columns);
    if (usual) {
        select_usual(s, usual, columns);
        return true;
    }
    return select_read(s, shell_text(s->arena, SPAN("*")), items, columns);
}

/* ---- lists ---- */

/* A text of several lines keeps them: a request, a chain. */
static void add_value(struct shell *s, struct buf *out, const struct shell_value *value,
                      size_t indent)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    shell_add_display(&text, value);
    struct span rest = span_trim(buf_span(&text)), line;
    size_t taken = indent;
    do {
        if (!span_cut(&rest, '\n', &line))
            line = SPAN_NONE;
        for (size_t i = taken; i < indent; i++)
            buf_add_char(out, ' ');
        wrap_add(out, &s->c->terminal, STYLE_PLAIN, line, indent, indent);
        taken = 0;
    } while (rest.p);
    buf_done(&text);
}

bool format_list(struct shell *s, const struct shell_list *items, const struct shell_value *wanted,
                 struct buf *out)
{
    struct select_columns *columns = ARENA_NEW(s->arena, struct select_columns);
    size_t width = 0;
    if (!settle_columns(s, items, wanted, false, columns))
        return false;
    for (size_t i = 0; i < columns->count; i++)
        width = width > columns->items[i].name.n ? width : columns->items[i].name.n;
    for (size_t i = 0; i < items->count; i++) {
        buf_add_char(out, '\n');
        if (!has_properties(items->items[i]))
            add_value(s, out, items->items[i], 0);
        for (size_t at = 0; at < columns->count && has_properties(items->items[i]); at++) {
            struct shell_value *value = shell_pick(s, items->items[i], columns->items[at].by);
            struct span name = columns->items[at].name;
            if (!value)
                return false;
            clean_add(out, name);
            buf_addf(out, "%*s : ", (int)(width - name.n), "");
            add_value(s, out, value, width + 3);
        }
    }
    if (items->count)
        buf_add_char(out, '\n');
    return true;
}

/* ---- tables ---- */

struct cells {
    struct span *text; /* row after row */
    bool *right;
    size_t *width;
    size_t rows, columns;
};

static bool fill_cells(struct shell *s, const struct shell_list *items,
                       const struct select_columns *columns, struct cells *cells)
{
    cells->rows = items->count;
    cells->columns = columns->count;
    cells->text = ARENA_ARRAY(s->arena, struct span, cells->rows * cells->columns + 1);
    cells->right = ARENA_ARRAY(s->arena, bool, cells->columns + 1);
    cells->width = ARENA_ARRAY(s->arena, size_t, cells->columns + 1);
    for (size_t at = 0; at < columns->count; at++) {
        cells->right[at] = items->count > 0;
        cells->width[at] = clean_width(columns->items[at].name);
        for (size_t row = 0; row < items->count; row++) {
            struct shell_value *value = shell_pick(s, items->items[row], columns->items[at].by);
            struct buf raw = BUF_INIT(SHELL_TEXT_MAX), clean = BUF_INIT(SHELL_TEXT_MAX);
            if (!value)
                return false;
            cells->right[at] = cells->right[at] && value->kind == SHELL_NUMBER;
            shell_add_display(&raw, value);
            clean_add(&clean, buf_span(&raw));
            struct span text = arena_copy(s->arena, buf_span(&clean));
            cells->text[row * cells->columns + at] = text;
            if (clean_width(text) > cells->width[at])
                cells->width[at] = clean_width(text);
            buf_done(&raw);
            buf_done(&clean);
        }
    }
    return true;
}

/* The widest column gives way until the line fits. */
static void fit(struct cells *cells, size_t room)
{
    for (;;) {
        size_t total = 0, widest = 0;
        for (size_t at = 0; at < cells->columns; at++) {
            total += cells->width[at] + (at > 0);
            widest = cells->width[at] > cells->width[widest] ? at : widest;
        }
        if (room == 0 || total <= room || cells->width[widest] <= COLUMN_LEAST)
            return;
        size_t excess = total - room, most = cells->width[widest] - COLUMN_LEAST;
        cells->width[widest] -= excess > 8 && most > 8 ? 8 : 1;
    }
}

static void add_cell(struct buf *out, const struct cells *cells, size_t at, struct span text)
{
    struct buf cut = BUF_INIT(BUF_UNLIMITED);
    clean_add_cut(&cut, text, cells->width[at]);
    size_t blanks = cells->width[at] - clean_width(buf_span(&cut));
    bool last = at + 1 == cells->columns;
    buf_add_text(out, at ? " " : "");
    if (cells->right[at])
        buf_addf(out, "%*s", (int)blanks, "");
    buf_add(out, buf_span(&cut));
    if (!cells->right[at] && !last)
        buf_addf(out, "%*s", (int)blanks, "");
    buf_done(&cut);
}

bool format_table(struct shell *s, const struct shell_list *items, const struct shell_value *wanted,
                  struct buf *out)
{
    static const char dashes[] = "----------------------------------------------------------------";
    struct select_columns *columns = ARENA_NEW(s->arena, struct select_columns);
    struct cells cells;
    if (!settle_columns(s, items, wanted, true, columns) || !fill_cells(s, items, columns, &cells))
        return false;
    if (items->count == 0 || columns->count == 0)
        return true;
    fit(&cells, s->c->terminal.width);
    buf_add_char(out, '\n');
    for (size_t at = 0; at < cells.columns; at++)
        add_cell(out, &cells, at, columns->items[at].name);
    buf_add_char(out, '\n');
    for (size_t at = 0; at < cells.columns; at++)
        add_cell(out, &cells, at, span_head(span_of(dashes), columns->items[at].name.n));
    buf_add_char(out, '\n');
    for (size_t row = 0; row < cells.rows; row++) {
        for (size_t at = 0; at < cells.columns; at++)
            add_cell(out, &cells, at, cells.text[row * cells.columns + at]);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    return true;
}

/* ---- without a format ---- */

/* The blanks between the words stay as many: lines of files are often columns. */
static void add_line(struct buf *out, struct span line)
{
    struct span word;
    while (span_cut(&line, ' ', &word)) {
        clean_add(out, word);
        buf_add_text(out, line.p ? " " : "");
    }
}

/* Formatted text is clean already; other text keeps its lines and their indent. */
static void add_text(struct buf *out, const struct shell_value *value)
{
    struct buf text = BUF_INIT(SHELL_TEXT_MAX);
    if (value->kind == SHELL_TEXT && value->flag) {
        buf_add(out, value->text);
        return;
    }
    shell_add_text(&text, value);
    struct span rest = buf_span(&text), line;
    while (span_cut(&rest, '\n', &line)) {
        if (!rest.p && line.n == 0 && text.n)
            break;
        add_line(out, line);
        buf_add_char(out, '\n');
    }
    buf_done(&text);
}

/* Objects that follow each other and are of one kind go into one table, or into a list where they
 * have many properties and no table of their own. */
static bool add_objects(struct shell *s, const struct shell_list *items, struct buf *out)
{
    struct select_columns *columns = ARENA_NEW(s->arena, struct select_columns);
    if (view_of(items->items[0], true))
        return format_table(s, items, NULL, out);
    if (!settle_columns(s, items, NULL, true, columns))
        return false;
    return columns->count > LIST_PROPERTIES ? format_list(s, items, NULL, out)
                                            : format_table(s, items, NULL, out);
}

bool format_results(struct shell *s, const struct shell_list *items, struct buf *out)
{
    for (size_t i = 0; i < items->count;) {
        struct shell_list group = {0};
        const char *type = items->items[i]->type;
        if (!has_properties(items->items[i])) {
            add_text(out, items->items[i++]);
            continue;
        }
        while (i < items->count && has_properties(items->items[i]) && items->items[i]->type == type)
            shell_list_add(s->arena, &group, items->items[i++]);
        if (!add_objects(s, &group, out))
            return false;
    }
    return true;
}
