#include "exchange/clixml.h"

#include <expat.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"
#include "exchange/object.h"

enum frame_kind {
    FRAME_OTHER,
    FRAME_OBJECT,
    FRAME_LIST,       /* LST, IE, QUE, STK */
    FRAME_PROPERTIES, /* Props, MS */
    FRAME_TYPES,      /* TN */
    FRAME_TYPE,       /* T */
    FRAME_TO_STRING,
    FRAME_VALUE
};

struct frame {
    enum frame_kind kind;
    struct span name; /* N */
    unsigned reference;
    bool has_reference;
    unsigned line;
    /* of an object */
    struct object object;
    struct span text; /* ToString, or the one value inside */
    bool has_text, is_list;
    struct span *items;
    size_t item_count, item_capacity;
};

struct reference {
    struct span text, *items;
    size_t item_count;
    bool is_list;
};

struct clixml {
    struct exchange_reader *r;
    XML_Parser parser;
    unsigned first_line;
    struct frame frames[CLIXML_DEPTH_MAX];
    size_t depth;
    struct buf text;              /* of the innermost element */
    struct map references, types; /* RefId to struct reference; RefId to enum object_kind * */
    bool failed;
};

static const struct {
    const char *part;
    enum object_kind kind;
} types[] = {
    {"ExchangeCertificate", OBJECT_CERTIFICATE},
    {"X509Certificate2", OBJECT_CERTIFICATE},
    {"ReceiveConnector", OBJECT_RECEIVE_CONNECTOR},
    {"SmtpSendConnectorConfig", OBJECT_SEND_CONNECTOR},
    {"SendConnector", OBJECT_SEND_CONNECTOR},
    {"TransportServer", OBJECT_SERVER},
    {"Management.ExchangeServer", OBJECT_SERVER},
    {"ClientAccessServer", OBJECT_SERVER},
    {"AcceptedDomain", OBJECT_DOMAIN},
    {"EventLogEntry", OBJECT_EVENT},
    {"EventLogRecord", OBJECT_EVENT},
};

static enum object_kind kind_of_type(struct span type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (span_iends(type, span_of(types[i].part)))
            return types[i].kind;
    }
    return OBJECT_UNKNOWN;
}

static enum frame_kind kind_of_element(const char *element)
{
    static const struct {
        const char *name;
        enum frame_kind kind;
    } elements[] = {
        {"Obj", FRAME_OBJECT}, {"LST", FRAME_LIST},           {"IE", FRAME_LIST},
        {"QUE", FRAME_LIST},   {"STK", FRAME_LIST},           {"Props", FRAME_PROPERTIES},
        {"TN", FRAME_TYPES},   {"MS", FRAME_PROPERTIES},      {"T", FRAME_TYPE},
        {"Objs", FRAME_OTHER}, {"ToString", FRAME_TO_STRING}, {"DCT", FRAME_OTHER},
        {"En", FRAME_OTHER},   {"TNRef", FRAME_OTHER},        {"Ref", FRAME_OTHER},
    };
    for (size_t i = 0; i < COUNT_OF(elements); i++) {
        if (strcmp(element, elements[i].name) == 0)
            return elements[i].kind;
    }
    return FRAME_VALUE;
}

static struct arena *arena_of(struct clixml *x)
{
    return &x->r->c->arena;
}

static void fail(struct clixml *x)
{
    x->failed = true;
    XML_StopParser(x->parser, XML_FALSE);
}

/* "_x000D_" is a character that XML cannot hold. */
static struct span unescaped(struct clixml *x, struct span s)
{
    if (span_search(s, SPAN("_x")) == s.n)
        return arena_copy(arena_of(x), s);
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = 0;
        bool escape = s.n - i >= 7 && s.p[i] == '_' && s.p[i + 1] == 'x' && s.p[i + 6] == '_';
        for (size_t j = 2; j < 6 && escape; j++) {
            int digit = text_hex(s.p[i + j]);
            escape = digit >= 0;
            c = c << 4 | (unsigned)(digit & 15);
        }
        if (!escape) {
            buf_add_char(&out, s.p[i]);
            continue;
        }
        if (c >= 0x20 && (c < 0xd800 || c > 0xdfff))
            source_add_character(&out, c);
        else if (c == '\n')
            buf_add_char(&out, ' ');
        i += 6;
    }
    struct span text = arena_copy(arena_of(x), buf_span(&out));
    buf_done(&out);
    return text;
}

/* The object that an element belongs to: the nearest around it. */
static struct frame *owner_of(struct clixml *x, size_t depth)
{
    for (size_t i = depth; i > 0; i--) {
        if (x->frames[i - 1].kind == FRAME_OBJECT)
            return &x->frames[i - 1];
    }
    return NULL;
}

static bool is_property_of_another(const struct clixml *x, size_t depth)
{
    for (size_t i = depth; i > 0; i--) {
        if (x->frames[i - 1].kind == FRAME_PROPERTIES)
            return true;
    }
    return false;
}

static void add_item(struct clixml *x, struct frame *owner, struct span text)
{
    if (owner->item_count == owner->item_capacity) {
        size_t capacity = owner->item_capacity ? owner->item_capacity * 2 : 8;
        struct span *grown = ARENA_ARRAY(arena_of(x), struct span, capacity);
        if (owner->item_count)
            memcpy(grown, owner->items, sizeof(*grown) * owner->item_count);
        owner->items = grown;
        owner->item_capacity = capacity;
    }
    owner->items[owner->item_count++] = text;
}

/* The text of a nested object whose name is that of its type says nothing: it was too deep. */
static bool is_type_name(struct span text)
{
    return span_starts(text, SPAN("System.")) || span_starts(text, SPAN("Microsoft.Exchange."));
}

/* Gives a value to what stands around it. */
static void hand_over(struct clixml *x, const struct frame *f, const struct reference *value)
{
    struct frame *around = x->depth > 0 ? &x->frames[x->depth - 1] : NULL;
    struct frame *owner = owner_of(x, x->depth);
    if (!around || !owner)
        return;
    if (around->kind == FRAME_LIST) {
        owner->is_list = true;
        add_item(x, owner, value->text);
    } else if (around->kind == FRAME_PROPERTIES) {
        if (owner->object.count >= OBJECT_PROPERTIES_MAX ||
            (!value->is_list && is_type_name(value->text)))
            return;
        struct object_property *p =
            object_add(arena_of(x), &owner->object, f->name, value->text, f->line);
        p->is_list = value->is_list;
        p->items = value->items;
        p->item_count = value->item_count;
    } else if (around == owner && !owner->has_text) {
        owner->text = value->text;
    }
}

static void end_object(struct clixml *x, struct frame *f)
{
    struct reference value = {f->text, f->items, f->item_count, f->is_list};
    struct span key = span_make((const char *)&f->reference, sizeof(f->reference));
    if (f->has_reference && x->references.count < CLIXML_REFERENCES_MAX) {
        struct reference *kept = ARENA_NEW(arena_of(x), struct reference);
        *kept = value;
        map_set(&x->references, key, kept);
    }
    bool thing = f->object.count > 0 &&
                 (f->object.kind != OBJECT_UNKNOWN || !is_property_of_another(x, x->depth));
    f->object.line = f->line;
    if (thing && !object_take(x->r, &f->object) && !is_property_of_another(x, x->depth))
        reader_add_unread(x->r, f->line, f->line, SPAN("an object of nothing that is known here"));
    hand_over(x, f, &value);
}

static void end_reference(struct clixml *x, const struct frame *f)
{
    struct span key = span_make((const char *)&f->reference, sizeof(f->reference));
    const struct reference *value = f->has_reference ? map_get(&x->references, key) : NULL;
    if (value)
        hand_over(x, f, value);
}

static void set_type(struct clixml *x, enum object_kind kind)
{
    struct frame *owner = owner_of(x, x->depth);
    if (owner && owner->object.kind == OBJECT_UNKNOWN)
        owner->object.kind = kind;
}

static void end_type(struct clixml *x)
{
    enum object_kind kind = kind_of_type(buf_span(&x->text));
    struct frame *around = x->depth > 0 ? &x->frames[x->depth - 1] : NULL;
    if (kind == OBJECT_UNKNOWN || !around || around->kind != FRAME_TYPES)
        return;
    set_type(x, kind);
    enum object_kind *kept = ARENA_NEW(arena_of(x), enum object_kind);
    *kept = kind;
    struct span key = span_make((const char *)&around->reference, sizeof(around->reference));
    if (around->has_reference && !map_get(&x->types, key))
        map_set(&x->types, key, kept);
}

static void on_start(void *context, const char *element, const char **attributes)
{
    struct clixml *x = context;
    buf_reset(&x->text);
    if (x->depth == CLIXML_DEPTH_MAX) {
        fail(x);
        return;
    }
    struct frame *f = &x->frames[x->depth++];
    *f = (struct frame){.kind = kind_of_element(element)};
    f->line = x->first_line + (unsigned)XML_GetCurrentLineNumber(x->parser) - 1;
    for (; *attributes; attributes += 2) {
        uint64_t number = 0;
        if (strcmp(attributes[0], "N") == 0) {
            f->name = unescaped(x, span_of(attributes[1]));
        } else if (strcmp(attributes[0], "RefId") == 0 &&
                   num_parse(span_of(attributes[1]), UINT32_MAX, &number) == OK) {
            f->reference = (unsigned)number;
            f->has_reference = true;
        }
    }
    struct frame *owner = f->kind == FRAME_LIST ? owner_of(x, x->depth) : NULL;
    if (owner)
        owner->is_list = true;
}

static void on_end(void *context, const char *element)
{
    struct clixml *x = context;
    struct frame f = x->frames[--x->depth];
    struct frame *owner = owner_of(x, x->depth);
    struct reference value = {0};
    switch (f.kind) {
    case FRAME_OBJECT: end_object(x, &f); break;
    case FRAME_TYPE: end_type(x); break;
    case FRAME_TO_STRING:
        if (owner) {
            owner->text = unescaped(x, buf_span(&x->text));
            owner->has_text = true;
        }
        break;
    case FRAME_VALUE:
        value.text = unescaped(x, buf_span(&x->text));
        hand_over(x, &f, &value);
        break;
    case FRAME_OTHER:
        if (strcmp(element, "Ref") == 0) {
            end_reference(x, &f);
        } else if (strcmp(element, "TNRef") == 0) {
            struct span key = span_make((const char *)&f.reference, sizeof(f.reference));
            const enum object_kind *kind = map_get(&x->types, key);
            set_type(x, kind ? *kind : OBJECT_UNKNOWN);
        }
        break;
    default: break;
    }
    buf_reset(&x->text);
}

static void on_text(void *context, const char *text, int n)
{
    struct clixml *x = context;
    if (buf_add(&x->text, span_make(text, (size_t)n)) != OK)
        fail(x);
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(context);
}

bool clixml_read(struct exchange_reader *r, struct span text, unsigned line)
{
    struct clixml *x = calloc(1, sizeof(*x));
    if (!x)
        abort();
    x->r = r;
    x->first_line = line;
    x->parser = XML_ParserCreate("UTF-8");
    if (!x->parser)
        abort();
    buf_init(&x->text, CLIXML_VALUE_MAX);
    map_init(&x->references);
    map_init(&x->types);
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    bool whole = XML_Parse(x->parser, text.p, (int)text.n, 1) == XML_STATUS_OK && !x->failed;
    XML_ParserFree(x->parser);
    map_done(&x->references);
    map_done(&x->types);
    buf_done(&x->text);
    free(x);
    return whole;
}

size_t clixml_part(struct exchange_reader *r, size_t at)
{
    struct span line = span_trim(r->source.lines[at].text);
    if (span_starts(line, SPAN("#< CLIXML")))
        return at + 1 < r->source.count ? 1 : 0;
    if (!span_starts(line, SPAN("<Objs")))
        return 0;
    struct span rest = span_skip(r->source.text, (size_t)(line.p - r->source.text.p));
    size_t n = span_search(rest, SPAN("</Objs>"));
    struct span text = span_head(rest, n == rest.n ? n : n + 7);
    unsigned number = r->source.lines[at].number;
    size_t lines = 1;
    for (size_t i = 0; i + 1 < text.n; i++)
        lines += text.p[i] == '\n';
    r->c->seen_clixml = true;
    r->exported = true;
    if (!clixml_read(r, text, number)) {
        reader_add_unread(r, number, number + (unsigned)lines - 1,
                          SPAN("this export is damaged or breaks off; what was whole was read"));
        r->c->certificates_cut |= r->last_object == OBJECT_CERTIFICATE;
    }
    r->exported = false;
    r->last_object = OBJECT_UNKNOWN; /* whole, or said not to be */
    return lines;
}
