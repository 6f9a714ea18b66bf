#include <stdlib.h>

#include "base/text.h"
#include "cert/certificate_build.h"

bool dns_names_read(struct arena *arena, const GENERAL_NAMES *entries, struct span **names,
                    size_t *count)
{
    size_t total = entries ? (size_t)sk_GENERAL_NAME_num(entries) : 0, good = 0;
    bool any = false;
    struct span *found = ARENA_ARRAY(arena, struct span, total);
    for (size_t i = 0; i < total; i++) {
        const GENERAL_NAME *entry = sk_GENERAL_NAME_value(entries, (int)i);
        if (entry->type != GEN_DNS)
            continue;
        any = true;
        struct span name = span_make((const char *)ASN1_STRING_get0_data(entry->d.dNSName),
                                     (size_t)ASN1_STRING_length(entry->d.dNSName));
        if (text_is_ascii(name) && host_name_normalise(arena, name, true, &found[good]) == OK)
            good++;
    }
    *names = found;
    *count = good;
    return any;
}

bool common_name_host(struct arena *arena, const X509_NAME *subject, struct span **names)
{
    struct span name = x500_common_name(arena, subject);
    struct span *host = ARENA_NEW(arena, struct span);
    if (!text_is_ascii(name) || host_name_normalise(arena, name, true, host) != OK)
        return false;
    *names = host;
    return true;
}

GENERAL_NAMES *dns_names_make(const struct span *names, size_t count)
{
    GENERAL_NAMES *entries = sk_GENERAL_NAME_new_null();
    for (size_t i = 0; i < count; i++) {
        GENERAL_NAME *entry = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        if (!entries || !entry || !text || ASN1_STRING_set(text, names[i].p, (int)names[i].n) != 1)
            abort();
        GENERAL_NAME_set0_value(entry, GEN_DNS, text);
        if (sk_GENERAL_NAME_push(entries, entry) == 0)
            abort();
    }
    return entries;
}
