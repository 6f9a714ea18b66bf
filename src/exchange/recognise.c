#include "exchange/recognise.h"

#include "exchange/certificates.h"
#include "exchange/clixml.h"
#include "exchange/command.h"
#include "exchange/event.h"
#include "exchange/json.h"
#include "exchange/listing.h"
#include "exchange/replies.h"
#include "exchange/sessions.h"
#include "exchange/table.h"

/* Blank lines behind the last object of Format-List and the last row of Format-Table. */
enum { PRINT_ENDS_WITH = 2 };

static bool is_blank(struct span line)
{
    return span_trim(line).n == 0;
}

/* From "-----BEGIN" to the last "-----END" of PEM blocks that follow one another. */
static size_t pem_part(struct exchange_reader *r, size_t at)
{
    if (!span_starts(span_trim(r->source.lines[at].text), SPAN("-----BEGIN ")))
        return 0;
    size_t end = at + 1;
    bool inside = true;
    for (size_t i = at + 1; i < r->source.count; i++) {
        struct span line = span_trim(r->source.lines[i].text);
        if (span_starts(line, SPAN("-----BEGIN ")))
            inside = true;
        else if (!inside && line.n > 0)
            break;
        if (span_starts(line, SPAN("-----END "))) {
            end = i + 1;
            inside = false;
        }
    }
    struct span first = r->source.lines[at].text, last = r->source.lines[end - 1].text;
    struct span text = span_make(first.p, (size_t)(last.p + last.n - first.p));
    unsigned number = r->source.lines[at].number;
    if (!certificates_read(r, text, number, false, NULL))
        reader_add_unread(r, number, r->source.lines[end - 1].number,
                          SPAN("no certificate can be read from this PEM"));
    return end - at;
}

/* Running text: events, replies, errors. What is none of these is unread. */
static size_t text_part(struct exchange_reader *r, size_t at)
{
    if (at < r->no_text_before)
        return 0;
    struct paragraph p = paragraph_read(r, at);
    bool event = event_describe(r, &p);
    bool error = errors_read(r, &p);
    bool reply = !event && replies_read(r, &p);
    if (event || error || reply)
        return p.count;
    r->no_text_before = at + p.count; /* no part of it is any text either */
    return 0;
}

static reader_part *const parts[] = {
    clixml_part, json_part,       command_part, protocol_log_part, s_client_part, dialogue_part,
    pem_part,    event_head_part, prompt_part,  table_part,        listing_part,  text_part,
};

static void end_unread(struct exchange_reader *r)
{
    if (r->unread_from)
        reader_add_unread(r, r->unread_from, r->unread_to, SPAN("nothing here is known"));
    r->unread_from = 0;
}

static void note_unread(struct exchange_reader *r, unsigned line)
{
    if (!r->unread_from)
        r->unread_from = line;
    r->unread_to = line;
}

/* One part; at least one line. */
static size_t take_part(struct exchange_reader *r, size_t at)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t taken = parts[i](r, at);
        if (taken > 0) {
            end_unread(r);
            return taken;
        }
    }
    note_unread(r, r->source.lines[at].number);
    return 1;
}

void recognise_lines(struct exchange_reader *r)
{
    r->no_text_before = 0;
    size_t end = 0;
    for (size_t at = 0; at < r->source.count;) {
        bool blank = is_blank(r->source.lines[at].text);
        if (!blank)
            r->last_object = OBJECT_UNKNOWN;
        at += blank ? 1 : take_part(r, at);
        end = blank ? end : at;
    }
    if (r->last_object == OBJECT_CERTIFICATE && r->source.count < end + PRINT_ENDS_WITH)
        r->c->certificates_cut = true;
    event_flush(r);
    end_unread(r);
}
