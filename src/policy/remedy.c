#include "policy/remedy.h"

#include "base/text.h"
#include "cert/tlsa.h"
#include "policy/standing.h"

static bool is_plain(struct span text)
{
    static const char others[] = "-_.,:=/@+";
    for (size_t i = 0; i < text.n; i++)
        if (!text_is_alnum(text.p[i]) && (!text.p[i] || !strchr(others, text.p[i])))
            return false;
    return text.n > 0;
}

struct span remedy_word(struct arena *arena, struct span text)
{
    if (is_plain(text))
        return text;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_add_char(&out, '\'');
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\'')
            buf_add_text(&out, "'\\''");
        else
            buf_add_char(&out, text.p[i]);
    buf_add_char(&out, '\'');
    struct span word = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return word;
}

struct span remedy_enable(struct arena *arena, const struct certificate *c, const char *service)
{
    return arena_printf(arena, "sealpost cert enable %s --services %s", c->thumbprint, service);
}

struct span remedy_disable(struct arena *arena, const struct certificate *c, const char *service)
{
    return arena_printf(arena, "sealpost cert disable %s --services %s", c->thumbprint, service);
}

struct span remedy_remove(struct arena *arena, const struct certificate *c)
{
    return arena_printf(arena, "sealpost cert remove %s", c->thumbprint);
}

struct span remedy_renew(struct arena *arena, const struct certificate *c)
{
    return arena_printf(arena, "sealpost cert renew %s", c->thumbprint);
}

/* The name of the file is the administrator's to fill in; what has to be in it is said behind it.
 */
struct span remedy_import(struct arena *arena, const struct certificate *c)
{
    return arena_printf(arena, "sealpost cert import FILE  # with the private key of %s",
                        c->thumbprint);
}

struct span remedy_cover(struct arena *arena, const struct certificate *c, struct span name)
{
    struct span word = remedy_word(arena, name);
    if (!c || c->self_signed)
        return arena_printf(arena, "sealpost cert request " SPAN_FMT, SPAN_ARG(word));
    return arena_printf(arena, "sealpost cert request --add " SPAN_FMT " --renew %s",
                        SPAN_ARG(word), c->thumbprint);
}

static struct span set(struct arena *arena, const char *kind, struct span name, const char *key,
                       struct span value)
{
    struct span connector = remedy_word(arena, name);
    struct span pair =
        remedy_word(arena, arena_printf(arena, "%s=" SPAN_FMT, key, SPAN_ARG(value)));
    return arena_printf(arena, "sealpost %s-connector set " SPAN_FMT " " SPAN_FMT, kind,
                        SPAN_ARG(connector), SPAN_ARG(pair));
}

struct span remedy_set(struct arena *arena, const struct receive_connector *connector,
                       const char *key, struct span value)
{
    return set(arena, "receive", connector->name, key, value);
}

struct span remedy_unpin(struct arena *arena, const struct receive_connector *connector)
{
    struct span command = remedy_set(arena, connector, "pin", SPAN_NONE);
    return arena_printf(arena, SPAN_FMT "%s", SPAN_ARG(command),
                        connector->pin_strict ? " pin-strict=" : "");
}

struct span remedy_set_send(struct arena *arena, const struct send_connector *connector,
                            const char *key, struct span value)
{
    return set(arena, "send", connector->name, key, value);
}

struct span remedy_publish(struct arena *arena, const struct receive_connector *connector,
                           const struct certificate *c)
{
    struct buf record = BUF_INIT(BUF_UNLIMITED);
    tlsa_add_record(&record, c);
    struct span text =
        arena_printf(arena, "# publish first: _25._tcp." SPAN_FMT ". IN TLSA " SPAN_FMT,
                     SPAN_ARG(connector->fqdn), SPAN_ARG(buf_span(&record)));
    buf_done(&record);
    return text;
}

struct span remedy_force(struct arena *arena, struct span file)
{
    struct span word = file.n ? remedy_word(arena, file) : SPAN("FILE");
    return arena_printf(arena, "sealpost config apply --force " SPAN_FMT, SPAN_ARG(word));
}

struct span remedy_partner(struct arena *arena, struct span partner)
{
    return arena_printf(arena,
                        "# first name " SPAN_FMT
                        " among the partners of another receive connector that offers TLS",
                        SPAN_ARG(partner));
}

static bool has_line(struct span text, struct span line)
{
    struct span rest = text, part;
    while (span_cut(&rest, '\n', &part))
        if (span_eq(part, line))
            return true;
    return false;
}

struct span remedy_join(struct arena *arena, struct span first, struct span second)
{
    struct span joined = first, rest = second, line;
    while (second.n && span_cut(&rest, '\n', &line)) {
        if (line.n == 0 || (joined.n && has_line(joined, line)))
            continue;
        joined = joined.n
                     ? arena_printf(arena, SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(joined), SPAN_ARG(line))
                     : line;
    }
    return joined;
}

/* What the certificate needs, by what is wrong with it. */
static struct span mend_promise(struct arena *arena, const struct standing *s)
{
    const struct receive_connector *c = s->connector;
    const struct certificate *chosen = s->selection.chosen;
    if (!s->presents)
        return remedy_set(arena, c, "tls", SPAN("offered"));
    if (!chosen || !s->selection.name_covered || chosen->self_signed)
        return remedy_cover(arena, chosen, c->fqdn);
    if (s->selection.expired || s->chain == CHAIN_INCOMPLETE)
        return remedy_renew(arena, chosen);
    return remedy_cover(arena, NULL, c->fqdn);
}

struct span remedy_promise(struct arena *arena, const struct standing *s)
{
    struct span text = mend_promise(arena, s);
    for (size_t i = 0; i < s->promise_count; i++)
        if (s->promises[i]->policy.mode == MTA_STS_ENFORCE)
            text = remedy_join(
                arena, text,
                remedy_policy(arena, s->promises[i]->domain, "until then: mode: testing"));
    return text;
}

struct span remedy_policy(struct arena *arena, struct span domain, const char *what)
{
    return arena_printf(arena,
                        "# %s in https://mta-sts." SPAN_FMT
                        "/.well-known/mta-sts.txt, and a new id in _mta-sts." SPAN_FMT,
                        what, SPAN_ARG(domain), SPAN_ARG(domain));
}
