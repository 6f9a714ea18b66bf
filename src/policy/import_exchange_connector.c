#include "policy/import_exchange_connector.h"

#include "base/num.h"
#include "base/text.h"

bool list_has(const struct exchange_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_ieq(list->items[i], span_of(word)))
            return true;
    return false;
}

/* ---- notes ---- */

static struct span what_of(const struct connector_import *ci)
{
    enum { SHOWN_MAX = 160 }; /* a list of ranges may have a thousand items */
    struct span text = ci->p->value.text;
    return arena_printf(ci->im->arena, SPAN_FMT " " SPAN_FMT "%s", SPAN_ARG(ci->p->name),
                        SPAN_ARG(span_head(text, SHOWN_MAX)), text.n > SHOWN_MAX ? "..." : "");
}

static struct import_place place_of(const struct connector_import *ci)
{
    const struct exchange_place *place = &ci->p->value.place;
    if (place->line == 0)
        place = &ci->c->place;
    return (struct import_place){place->file, place->line};
}

void property_became(struct connector_import *ci, const char *key, const char *why)
{
    struct import_path path = import_path(ci->section, ci->name, key);
    import_note(ci->im, (struct import_note){
                            .fate = why ? IMPORT_APPROXIMATED : IMPORT_TRANSLATED,
                            .place = place_of(ci),
                            .what = what_of(ci),
                            .became = import_path_text(ci->im->arena, path),
                            .why = span_of(why),
                        });
}

void property_left(struct connector_import *ci, const char *why)
{
    import_note(ci->im, (struct import_note){.fate = IMPORT_LEFT_OUT,
                                             .place = place_of(ci),
                                             .what = what_of(ci),
                                             .why = span_of(why)});
}

void connector_set(struct connector_import *ci, const char *key, struct span text)
{
    import_set(ci->im, import_path(ci->section, ci->name, key), text);
}

/* ---- values ---- */

/* The digits, whatever the locale puts between groups of three. */
static bool grouped_number(struct span text, uint64_t *value)
{
    uint64_t sum = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!text_is_digit(text.p[i]))
            continue;
        if (sum > (INT64_MAX - 9) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(text.p[i] - '0');
        digits++;
    }
    *value = sum;
    return digits > 0;
}

/* CLIXML's form of a time span (XML Schema's duration without months): "PT10M", "P1DT2H". */
static bool iso_duration(struct span text, uint64_t *ms)
{
    uint64_t sum = 0;
    if (!span_starts(text, SPAN("P")) || text.n < 3)
        return false;
    for (text = span_skip(text, 1); text.n;) {
        if (text.p[0] == 'T') {
            text = span_skip(text, 1);
            continue;
        }
        size_t n = 0;
        uint64_t count;
        while (n < text.n && text_is_digit(text.p[n]))
            n++;
        if (n == text.n || num_parse(span_head(text, n), 1000000, &count) != OK)
            return false;
        uint64_t unit = text.p[n] == 'D'   ? 86400000
                        : text.p[n] == 'H' ? 3600000
                        : text.p[n] == 'M' ? 60000
                        : text.p[n] == 'S' ? 1000
                                           : 0;
        if (unit == 0)
            return false;
        sum += count * unit;
        text = span_skip(text, n + 1);
    }
    *ms = sum;
    return true;
}

bool exchange_number(struct span text, enum value_type type, uint64_t *value)
{
    text = span_trim(text);
    if (span_ieq(text, SPAN("Unlimited"))) {
        *value = UNLIMITED;
        return true;
    }
    if (type == VALUE_DURATION)
        return num_parse_duration(text, value) == OK || iso_duration(text, value);
    size_t bracket = span_find(text, '(');
    if (type == VALUE_SIZE && bracket < text.n)
        return grouped_number(span_skip(text, bracket), value);
    if (type == VALUE_SIZE)
        return num_parse_size(text, value) == OK;
    for (size_t i = 0; i < text.n; i++)
        if (text_is_alpha(text.p[i]) || text.p[i] == '-')
            return false;
    return grouped_number(text, value);
}

void take_number(struct connector_import *ci, const char *key)
{
    const struct schema_key *k = schema_find(ci->keys, span_of(key));
    uint64_t value;
    bool clamped;
    if (!exchange_number(ci->p->value.text, k->type, &value)) {
        property_left(ci, "the value cannot be read");
        return;
    }
    struct span text = import_number(ci->im->arena, k, value, &clamped);
    if (!import_is_default(k, text))
        connector_set(ci, key, text);
    struct span why = arena_printf(ci->im->arena, "the nearest that is possible here is " SPAN_FMT,
                                   SPAN_ARG(text));
    property_became(ci, key, clamped ? why.p : NULL);
}

void take_text(struct connector_import *ci, const char *key)
{
    connector_set(ci, key, ci->p->value.text);
    property_became(ci, key, NULL);
}

void take_enabled(struct connector_import *ci, const char *key)
{
    if (ci->c->enabled == KNOWN_NO)
        connector_set(ci, key, SPAN("false"));
    property_became(ci, key, NULL);
}

/* ---- the walk ---- */

/* What names the object or its place in Exchange's directory. */
static const char *const directory[] = {"AdminDisplayName",
                                        "AdminDisplayVersion",
                                        "CertificateSubject",
                                        "Comment",
                                        "ConnectedDomains",
                                        "ConnectorType",
                                        "DistinguishedName",
                                        "ExchangeObjectId",
                                        "ExchangeVersion",
                                        "Guid",
                                        "HomeMTA",
                                        "HomeMtaServerId",
                                        "Id",
                                        "Identity",
                                        "IsSmtpConnector",
                                        "IsValid",
                                        "LiveCredentialEnabled",
                                        "Name",
                                        "ObjectCategory",
                                        "ObjectClass",
                                        "ObjectState",
                                        "OrganizationId",
                                        "OrganizationalUnitRoot",
                                        "OriginatingServer",
                                        "ProxyEnabled",
                                        "PSComputerName",
                                        "PSShowComputerName",
                                        "PSSourceJobInstanceId",
                                        "Region",
                                        "RunspaceId",
                                        "Server",
                                        "SmartHostsString",
                                        "SourceRoutingGroup",
                                        "AcceptConsumerMail",
                                        "TransportRole"};

static bool is_of_directory(struct span name)
{
    if (span_istarts(name, SPAN("When")))
        return true;
    for (size_t i = 0; i < COUNT_OF(directory); i++)
        if (span_ieq(name, span_of(directory[i])))
            return true;
    return false;
}

static bool is_empty(struct span text)
{
    text = span_trim(text);
    return text.n == 0 || span_eq(text, SPAN("{}")) || span_ieq(text, SPAN("$null")) ||
           span_ieq(text, SPAN("null")) || span_eq(text, SPAN("{$null}")) ||
           span_eq(text, SPAN("(ref)"));
}

static bool is_neutral(struct span text, const char *neutral)
{
    struct span rest = span_of(neutral), one;
    while (span_cut(&rest, '|', &one))
        if (span_ieq(one, span_trim(text)))
            return true;
    return false;
}

static const struct property_rule *rule_for(const struct property_rule *rules, size_t count,
                                            struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_ieq(name, span_of(rules[i].property)))
            return &rules[i];
    return NULL;
}

static void be_quiet(struct connector_import *ci)
{
    if (ci->quiet_count < COUNT_OF(ci->quiet))
        ci->quiet[ci->quiet_count++] = ci->p->name;
}

static void note_quiet(struct connector_import *ci)
{
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < ci->quiet_count; i++)
        buf_addf(&names, "%s" SPAN_FMT, i ? ", " : "", SPAN_ARG(ci->quiet[i]));
    if (ci->quiet_count)
        import_note(ci->im,
                    (struct import_note){
                        .fate = IMPORT_LEFT_OUT,
                        .place = {ci->c->place.file, ci->c->place.line},
                        .what = arena_copy(ci->im->arena, buf_span(&names)),
                        .why = SPAN("empty, as Exchange sets it by itself, or about the object "
                                    "in its directory: nothing about mail is lost"),
                    });
    buf_done(&names);
}

void import_properties(struct connector_import *ci, const struct property_rule *rules, size_t count)
{
    for (size_t i = 0; i < ci->c->property_count; i++) {
        ci->p = &ci->c->properties[i];
        const struct property_rule *rule = rule_for(rules, count, ci->p->name);
        struct span text = ci->p->value.text;
        if (is_of_directory(ci->p->name) || is_empty(text) ||
            (rule && rule->neutral && is_neutral(text, rule->neutral)))
            be_quiet(ci);
        else if (!rule)
            property_left(ci, "there is no counterpart here");
        else if (rule->take)
            rule->take(ci, rule->key);
        else
            property_left(ci, rule->why);
    }
    note_quiet(ci);
}
