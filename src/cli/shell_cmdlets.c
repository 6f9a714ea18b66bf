#include "cli/shell_cmdlets.h"

#include "cli/shell_parts.h"

#define SHOWS (CMDLET_EACH | CMDLET_SERVER)
#define CHANGES (CMDLET_EACH | CMDLET_SERVER | CMDLET_CHANGES)
#define REMOVES (CHANGES | CMDLET_ASKS)

const struct cmdlet cmdlets[] = {
    {"Get-ExchangeCertificate", cmdlet_get_certificate, SHOWS, "Thumbprint@0 Identity DomainName",
     NULL, "certificates and pending requests", "Get-ExchangeCertificate | FL *"},

    {"Format-List", cmdlet_format_list, 0, "Property@0", NULL, "properties below each other",
     "Get-ReceiveConnector | FL Name,Fqdn"},
    {"Format-Table", cmdlet_format_table, 0, "Property@0 AutoSize?", NULL,
     "a table; columns always have the width they need", "Get-Queue | FT Identity,Status"},
    {"Where-Object", cmdlet_where, 0,
     "Property@0 FilterScript EQ NE GT GE LT LE Like NotLike Match NotMatch Contains NotContains "
     "In NotIn",
     NULL, "the items for which a condition holds", "Get-Queue | ? {$_.Status -eq 'Retry'}"},
    {"Select-Object", cmdlet_select, 0, "Property@0 ExpandProperty First Last Skip", NULL,
     "some items, or some of their properties", "Get-Message | Select -First 5 Subject"},
    {"Sort-Object", cmdlet_sort, 0, "Property@0 Descending? Unique?", NULL, "items in order",
     "Get-ExchangeCertificate | Sort NotAfter -Descending"},
    {"Measure-Object", cmdlet_measure, 0, "Property@0 Sum? Average? Maximum? Minimum?", NULL,
     "how many, and sums", "Get-Queue | Measure MessageCount -Sum"},
    {"Group-Object", cmdlet_group, 0, "Property@0 NoElement?", NULL, "items by a property",
     "Get-Queue | Group Status"},
    {"ForEach-Object", cmdlet_for_each, 0, "Process@0", NULL, "a block for each item",
     "Get-ExchangeCertificate | % {$_.Subject}"},
    {"ConvertTo-Json", cmdlet_to_json, 0, "Compress?", NULL, "the items as JSON",
     "Get-SendConnector | ConvertTo-Json"},
    {"Write-Output", cmdlet_write_output, 0, "InputObject@0", NULL, "a value", NULL},
    {"Out-Null", cmdlet_out_null, 0, "", NULL, "nothing", NULL},
};
const size_t cmdlet_count = COUNT_OF(cmdlets);

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"fl", "Format-List"},          {"ft", "Format-Table"},
    {"?", "Where-Object"},          {"where", "Where-Object"},
    {"select", "Select-Object"},    {"sort", "Sort-Object"},
    {"measure", "Measure-Object"},  {"group", "Group-Object"},
    {"%", "ForEach-Object"},        {"foreach", "ForEach-Object"},
    {"echo", "Write-Output"},       {"write", "Write-Output"},
    {"Write-Host", "Write-Output"}, {"gc", "Get-Content"},
    {"cat", "Get-Content"},         {"type", "Get-Content"},
    {"help", "Get-Help"},           {"man", "Get-Help"},
    {"gcm", "Get-Command"},         {"quit", "exit"},
};

const struct cmdlet *cmdlet_find(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        if (span_ieq(name, span_of(aliases[i].alias)))
            name = span_of(aliases[i].name);
    for (size_t i = 0; i < cmdlet_count; i++)
        if (span_ieq(name, span_of(cmdlets[i].name)))
            return &cmdlets[i];
    return NULL;
}

bool cmdlet_unknown(struct shell *s, struct span name)
{
    const char *names[128];
    size_t count = 0;
    for (size_t i = 0; i < cmdlet_count && count < COUNT_OF(names); i++)
        names[count++] = cmdlets[i].name;
    const char *near = options_nearest(arena_text(s->arena, name), names, count);
    return shell_fail(
        s, near ? arena_printf(s->arena, "did you mean %s?", near).p : "Get-Command lists them",
        "there is no cmdlet of this name here");
}
