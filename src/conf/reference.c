/* The reference page, as scdoc (man 5 scdoc), from the schema. */
#include "base/text.h"
#include "conf/value.h"

/* scdoc reads these as markup; a backslash takes that from any character. */
static void add_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("\\*_<>#`|[]~", text.p[i]) && text.p[i])
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
}

static void add_escaped_text(struct buf *out, const char *text)
{
    add_escaped(out, span_of(text));
}

static const char *type_word(const struct schema_key *key)
{
    static const char *const words[] = {
        [VALUE_TEXT] = "text",
        [VALUE_DOMAIN] = "domain",
        [VALUE_PATTERN] = "domain or *.domain",
        [VALUE_PATH] = "path",
        [VALUE_PIN] = "thumbprint, spki:HASH or <I>issuer<S>subject",
        [VALUE_BOOL] = "true or false",
        [VALUE_NUMBER] = "number",
        [VALUE_PERCENT] = "percentage",
        [VALUE_SIZE] = "size",
        [VALUE_DURATION] = "duration",
        [VALUE_IP] = "address",
        [VALUE_ENDPOINT] = "address:port",
        [VALUE_ENDPOINTS] = "list of address:port",
        [VALUE_RANGES] = "list of address ranges",
        [VALUE_NAMES] = "list of domains or *.domain",
        [VALUE_PATHS] = "list of paths",
        [VALUE_ACCEPTED_DOMAINS] = "list of domains",
        [VALUE_ADDRESS_SPACES] = "list of address spaces",
        [VALUE_SMART_HOSTS] = "list of hosts",
        [VALUE_MAP] = "map of keys",
        [VALUE_NAMED] = "map of names",
    };
    return words[key->type];
}

static void add_type(struct buf *out, const struct schema_key *key)
{
    if (key->type != VALUE_CHOICE && key->type != VALUE_WORD) {
        add_escaped_text(out, type_word(key));
        return;
    }
    for (const struct choice *c = key->choices; c->name; c++) {
        bool is_alias = false;
        for (const struct choice *before = key->choices; before != c; before++)
            is_alias |= before->value == c->value;
        if (!is_alias)
            buf_addf(out, "%s%s", c == key->choices ? "" : " | ", c->name);
    }
}

static void add_default(struct buf *out, const struct schema_key *key)
{
    if (key->required)
        buf_add_text(out, " Required.");
    if (key->fallback || key->fallback_words) {
        buf_add_text(out, " Default: ");
        add_escaped_text(out, key->fallback ? key->fallback : key->fallback_words);
        buf_add_char(out, '.');
    }
    if (key->max) {
        buf_add_text(out, " From ");
        value_add_number(out, key, key->min);
        buf_add_text(out, " to ");
        value_add_number(out, key, key->max);
        buf_add_text(out, key->unlimited ? ", or unlimited." : ".");
    }
}

static void add_key(struct buf *out, const struct schema_key *key)
{
    buf_addf(out, "*%s*: _", key->name);
    add_type(out, key);
    buf_add_text(out, "_\n\t");
    add_escaped_text(out, key->explanation);
    add_default(out, key);
    if (key->exchange || key->postfix) {
        buf_add_text(out, " (");
        if (key->exchange) {
            buf_add_text(out, "Exchange: ");
            add_escaped_text(out, key->exchange);
        }
        buf_add_text(out, key->exchange && key->postfix ? "; " : "");
        if (key->postfix) {
            buf_add_text(out, "Postfix: ");
            add_escaped_text(out, key->postfix);
        }
        buf_add_char(out, ')');
    }
    buf_add_text(out, "\n\n");
}

static void add_map(struct buf *out, const struct schema_map *map, const char *path)
{
    buf_addf(out, "## %s\n\n", path);
    for (const struct schema_key *key = map->keys; key->name; key++)
        add_key(out, key);
    for (const struct schema_key *key = map->keys; key->name; key++) {
        if (!key->map)
            continue;
        struct buf below = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&below, "%s%s%s", map == &schema_document ? "" : path,
                 map == &schema_document ? "" : ".", key->name);
        if (key->type == VALUE_NAMED)
            buf_add_text(&below, ".NAME");
        if (key->type == VALUE_ACCEPTED_DOMAINS)
            buf_add_text(&below, " (one of them as a map)");
        add_map(out, key->map, buf_text(&below));
        buf_done(&below);
    }
}

void schema_add_reference(struct buf *out)
{
    buf_add_text(out, "# DOCUMENT\n\n"
                      "The document is YAML (and so JSON may be written as well): one map of keys, "
                      "without anchors, aliases and tags. "
                      "Sizes are written like 36MB (B, KB, MB, GB, TB; 1KB is 1024 bytes), "
                      "durations like 1h30m (ms, s, m, h, d). "
                      "A list of one value may be written as that value. What is not written has "
                      "its default.\n\n");
    add_map(out, &schema_document, "The whole");
}
