/* The domains of Postfix's address classes as accepted domains. */
#include "base/num.h"
#include "mail/address.h"
#include "policy/import_postfix_parts.h"

struct class
{
    const char *parameter, *why; /* why it is not quite the same */
    bool relay;
};
static const struct class classes[] = {
    [POSTFIX_LOCAL] = {"mydestination", NULL, false},
    [POSTFIX_VIRTUAL] = {"virtual_mailbox_domains", NULL, false},
    [POSTFIX_RELAY] = {"relay_domains", NULL, true},
};

struct postfix_items postfix_class_domains(struct postfix_import *pi, enum postfix_class which)
{
    return postfix_list(pi, NULL, classes[which].parameter);
}

static void accept(struct postfix_import *pi, const struct class *class,
                   const struct postfix_item *item)
{
    struct span domain = item->text;
    struct import_note note = {
        .place = item->place,
        .what = arena_printf(pi->im->arena, "%s " SPAN_FMT, class->parameter, SPAN_ARG(domain)),
        .became = SPAN("accepted-domains")};
    bool below = span_starts(domain, SPAN("."));
    struct span name = below ? span_skip(domain, 1) : domain;
    if (!address_is_domain(name, true) || span_starts(domain, SPAN("!"))) {
        note.fate = IMPORT_LEFT_OUT;
        note.became = SPAN_NONE;
        note.why = SPAN("it is no domain name");
        import_note(pi->im, note);
        return;
    }
    if (pi->im->domain_count + 2 > IMPORT_DOMAINS_MAX) {
        note.fate = IMPORT_LEFT_OUT;
        note.became = SPAN_NONE;
        note.why = SPAN("there are too many domains for one document");
        import_note(pi->im, note);
        return;
    }
    struct span wildcard = arena_printf(pi->im->arena, "*." SPAN_FMT, SPAN_ARG(name));
    if (!below)
        import_accept(pi->im, domain, class->relay);
    /* parent_domain_matches_subdomains holds relay_domains by default. */
    if (below || class->relay)
        import_accept(pi->im, wildcard, class->relay);
    import_note(pi->im, note);
}

static void import_class(struct postfix_import *pi, const struct class *class)
{
    struct postfix_items domains = postfix_list(pi, NULL, class->parameter);
    for (size_t i = 0; i < domains.count; i++)
        accept(pi, class, &domains.items[i]);
    parameter_became(pi, class->parameter, "accepted-domains", class->why);
}

void import_postfix_domains(struct postfix_import *pi)
{
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        import_class(pi, &classes[i]);
}
