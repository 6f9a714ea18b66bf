#include "cli/shell_cmdlets.h"

#include "base/text.h"
#include "cli/shell_parts.h"

#define SHOWS (CMDLET_EACH | CMDLET_SERVER)
#define CHANGES (CMDLET_EACH | CMDLET_SERVER | CMDLET_CHANGES)
#define REMOVES (CHANGES | CMDLET_ASKS)
#define RECEIVE &schema_receive_connector
#define SEND &schema_send_connector

const struct cmdlet cmdlets[] = {
    {"Get-ExchangeCertificate", cmdlet_get_certificate, SHOWS, "Thumbprint@0 Identity DomainName",
     NULL, "certificates and pending requests", "Get-ExchangeCertificate | FL *"},
    {"New-ExchangeCertificate", cmdlet_new_certificate, CHANGES,
     "GenerateRequest? SubjectName DomainName FriendlyName KeySize PrivateKeyExportable Services "
     "RequestFile BinaryEncoded? IncludeAcceptedDomains? IncludeAutoDiscover? IncludeServerFQDN? "
     "IncludeServerNetBIOSName? Force?",
     NULL, "a request for an authority, or a self-signed certificate",
     "New-ExchangeCertificate -GenerateRequest -SubjectName 'CN=mail.example.com' -DomainName "
     "mail.example.com -PrivateKeyExportable $true"},
    {"Import-ExchangeCertificate", cmdlet_import_certificate, CHANGES,
     "FileData FileName Password FriendlyName PrivateKeyExportable Force?", NULL,
     "a certificate with its key, or an authority's answer to a request; assigns no services",
     "Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('mail.cer'))"},
    {"Export-ExchangeCertificate", cmdlet_export_certificate, CHANGES,
     "Thumbprint@0 Identity Password BinaryEncoded? FileName", NULL,
     "a certificate and its key as PKCS#12, or a pending request",
     "$x = Export-ExchangeCertificate -Thumbprint 5A1C -BinaryEncoded -Password (Read-Host "
     "-AsSecureString)"},
    {"Enable-ExchangeCertificate", cmdlet_enable_certificate, CHANGES,
     "Thumbprint@0 Identity Services@1 Force?", NULL, "gives services to a certificate",
     "Enable-ExchangeCertificate -Thumbprint 5A1C -Services SMTP"},
    {"Remove-ExchangeCertificate", cmdlet_remove_certificate, REMOVES, "Thumbprint@0 Identity",
     NULL, "removes a certificate that no connector needs, or a pending request",
     "Remove-ExchangeCertificate -Thumbprint 5A1C -WhatIf"},

    {"Get-ReceiveConnector", cmdlet_get_connector, SHOWS, "Identity@0", RECEIVE,
     "receive connectors", "Get-ReceiveConnector | FL Name,Fqdn,ObjectClass"},
    {"Set-ReceiveConnector", cmdlet_set_connector, CHANGES | CMDLET_KEYS,
     "Identity@0 AuthMechanism PermissionGroups", RECEIVE, "changes a receive connector",
     "Set-ReceiveConnector internet -TlsCertificateName $TLSCertificateName"},
    {"New-ReceiveConnector", cmdlet_new_connector, CHANGES | CMDLET_KEYS,
     "Name@0 Usage Internet? Custom? Internal? Partner? Client? AuthMechanism PermissionGroups",
     RECEIVE, "a new receive connector",
     "New-ReceiveConnector apps -Custom -Bindings 0.0.0.0:2525 -RemoteIPRanges 10.0.0.0/24"},
    {"Remove-ReceiveConnector", cmdlet_remove_connector, REMOVES, "Identity@0", RECEIVE,
     "removes a receive connector", "Remove-ReceiveConnector apps"},
    {"Get-SendConnector", cmdlet_get_connector, SHOWS, "Identity@0", SEND, "send connectors",
     "Get-SendConnector | FL Name,AddressSpaces,SmartHosts"},
    {"Set-SendConnector", cmdlet_set_connector, CHANGES | CMDLET_KEYS, "Identity@0 IgnoreSTARTTLS",
     SEND, "changes a send connector",
     "Set-SendConnector out -RequireTLS $true -TlsAuthLevel DomainValidation"},
    {"New-SendConnector", cmdlet_new_connector, CHANGES | CMDLET_KEYS,
     "Name@0 Usage Internet? Custom? Internal? Partner? IgnoreSTARTTLS", SEND,
     "a new send connector",
     "New-SendConnector out -AddressSpaces 'SMTP:*;1' -SmartHosts relay.example.com"},
    {"Remove-SendConnector", cmdlet_remove_connector, REMOVES, "Identity@0", SEND,
     "removes a send connector", "Remove-SendConnector out"},

    {"Get-Queue", cmdlet_get_queue, SHOWS, "Identity@0 Filter ResultSize", NULL,
     "next hops and what waits for them", "Get-Queue | ? {$_.Status -eq 'Retry'}"},
    {"Suspend-Queue", cmdlet_suspend_queue, REMOVES, "Identity@0 Filter ResultSize", NULL,
     "holds what waits now for a next hop", "Suspend-Queue -Identity 'MX1\\out/smart-hosts'"},
    {"Resume-Queue", cmdlet_resume_queue, CHANGES, "Identity@0 Filter ResultSize", NULL,
     "lets it go again", "Get-Queue | Resume-Queue"},
    {"Retry-Queue", cmdlet_retry_queue, CHANGES, "Identity@0 Filter ResultSize Resubmit", NULL,
     "tries now; the route is looked up anew in each case",
     "Get-Queue | ? {$_.Status -eq 'Retry'} | Retry-Queue"},
    {"Get-Message", cmdlet_get_message, SHOWS, "Identity@0 Queue Filter ResultSize", NULL,
     "messages that wait", "Get-Message -Filter {FromAddress -like '*@example.com'}"},
    {"Suspend-Message", cmdlet_suspend_message, REMOVES, "Identity@0 Filter ResultSize", NULL,
     "holds messages", "Get-Message -Queue 'MX1\\out/smart-hosts' | Suspend-Message"},
    {"Resume-Message", cmdlet_resume_message, CHANGES, "Identity@0 Filter ResultSize", NULL,
     "lets them go again", "Get-Message | Resume-Message"},
    {"Remove-Message", cmdlet_remove_message, REMOVES, "Identity@0 Filter ResultSize WithNDR", NULL,
     "removes messages without notice to their senders",
     "Get-Message | ? {$_.Subject -like '*spam*'} | Remove-Message -WithNDR $false"},

    {"Get-TransportService", cmdlet_get_transport_service, SHOWS, "Identity@0", NULL, "this server",
     "Get-TransportService | FL *"},
    {"Get-AcceptedDomain", cmdlet_get_accepted_domain, SHOWS, "Identity@0", NULL,
     "domains whose mail is taken", "Get-AcceptedDomain"},
    {"Get-EventLog", cmdlet_get_event_log, 0,
     "LogName@0 Source InstanceId@1 EntryType Newest After Before Message", NULL,
     "what the daemon noticed", "Get-EventLog Application -InstanceId 12014 -Newest 5 | FL"},
    {"Get-WinEvent", cmdlet_get_win_event, 0,
     "LogName@0 ProviderName FilterHashtable MaxEvents Oldest?", NULL, "the same as records",
     "Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5"},

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
    {"Out-File", cmdlet_out_file, 0, "FilePath@0 Append? Encoding", NULL,
     "what would be shown, into a file",
     "Get-ExchangeCertificate | FL * | Out-File certificates.txt"},
    {"Set-Content", cmdlet_set_content, 0, "Path@0 Value@1 Encoding", NULL, "text into a file",
     "Set-Content -Path mail.req -Value $request"},
    {"Get-Content", cmdlet_get_content, 0, "Path@0 Encoding ReadCount Raw? AsByteStream?", NULL,
     "a file's lines, or its bytes", "Get-Content mail.cer -Encoding Byte -ReadCount 0"},
    {"Get-Date", cmdlet_get_date, 0, "Format", NULL, "now", "(Get-Date).AddDays(30)"},
    {"ConvertTo-SecureString", cmdlet_secure_string, 0, "String@0 AsPlainText? Force?", NULL,
     "a password", "ConvertTo-SecureString -String '...' -AsPlainText -Force"},
    {"Read-Host", cmdlet_read_host, 0, "Prompt@0 AsSecureString?", NULL, "asks",
     "Read-Host 'Password' -AsSecureString"},
    {"Get-Command", cmdlet_get_command, 0, "Name@0", NULL, "the cmdlets there are",
     "Get-Command *Queue"},
    {"Get-Help", cmdlet_get_help, 0, "Name@0", NULL, "a cmdlet and its parameters",
     "Get-Help Enable-ExchangeCertificate"},
    {"exit", cmdlet_exit, 0, "", NULL, "ends the session", NULL},
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

/* What Exchange has and Sealpost has not, with the nearest thing. A name may end with "*". */
static const struct {
    const char *name, *what, *nearest;
} absent[] = {
    {"*-EdgeSubscription", "Sealpost has no EdgeSync: a server stands for itself",
     "name the inner servers: New-SendConnector -AddressSpaces ... -SmartHosts ..."},
    {"*-EdgeSynchronization", "Sealpost has no EdgeSync: a server stands for itself",
     "Get-SendConnector"},
    {"*-Mailbox*", "Sealpost has no mailboxes",
     "Set-SendConnector ... delivers by LMTP or to a maildir: sealpost send-connector"},
    {"*-TransportRule", "Sealpost has no transport rules", "Get-SendConnector"},
    {"*-TransportAgent", "Sealpost has no transport agents", "Get-ReceiveConnector"},
    {"*-UM*", "Sealpost has no unified messaging", "services here: SMTP, IIS, Client, Edge"},
    {"*-FederationTrust", "Sealpost has no federation", "Get-AcceptedDomain"},
    {"*-AuthConfig", "Sealpost has no Auth Certificate", "Get-ExchangeCertificate"},
    {"*-RemoteDomain", "Sealpost has no remote domains", "New-SendConnector -AddressSpaces ..."},
    {"*-ADPermission", "there is no Active Directory here",
     "Set-ReceiveConnector NAME -PermissionGroups AnonymousUsers,ExchangeServers lets relay"},
    {"*-AcceptedDomain", "accepted domains are changed in the document",
     "sealpost config show, then sealpost config apply FILE"},
    {"*-TransportService", "the service's settings are changed in the document",
     "sealpost config show, then sealpost config apply FILE"},
    {"*-TransportServer", "it is Get-TransportService here", "Get-TransportService"},
    {"*-FrontendTransportService", "there is one transport service", "Get-TransportService"},
    {"*-TransportConfig", "limits belong to connectors and to the document",
     "sealpost config show"},
    {"*-ExchangeServer", "there is one server", "Get-TransportService"},
    {"*-MessageTrackingLog", "tracking is a verb of sealpost", "sealpost track --help"},
    {"Export-Message", "messages are exported by a verb of sealpost", "sealpost queue export ID"},
    {"Redirect-Message", "messages are not redirected",
     "sealpost queue export ID, then send it anew"},
    {"Get-QueueDigest", "there is one server", "Get-Queue"},
    {"Restart-Service", "nothing needs a restart: changes are in force at once",
     "Get-ReceiveConnector | FL Name,PresentedThumbprint shows it"},
    {"*-Service", "services are the system's: systemctl", "Get-TransportService"},
    {"Test-*", "tests are verbs of sealpost", "sealpost doctor, sealpost sentinel"},
    {"*-PSSession", "this shell runs on the server itself", "sealpost shell"},
    {"*-PSSnapin", "this shell needs no snap-in", "Get-Command lists the cmdlets"},
    {"Import-Module", "this shell needs no module", "Get-Command lists the cmdlets"},
    {"if", "there are no statements besides pipelines and assignments", "Where-Object {...}"},
    {"while", "there are no loops besides ForEach-Object", "ForEach-Object {...}"},
    {"for", "there are no loops besides ForEach-Object", "ForEach-Object {...}"},
    {"function", "there are no functions here", "write the statements one after another"},
};

static bool is_absent(struct shell *s, struct span name)
{
    for (size_t i = 0; i < COUNT_OF(absent); i++)
        if (text_glob(span_of(absent[i].name), name)) {
            shell_fail(s, absent[i].nearest, "%s", absent[i].what);
            return true;
        }
    return false;
}

bool cmdlet_unknown(struct shell *s, struct span name)
{
    const char *names[128];
    size_t count = 0;
    if (is_absent(s, name))
        return false;
    for (size_t i = 0; i < cmdlet_count && count < COUNT_OF(names); i++)
        names[count++] = cmdlets[i].name;
    const char *near = options_nearest(arena_text(s->arena, name), names, count);
    return shell_fail(
        s, near ? arena_printf(s->arena, "did you mean %s?", near).p : "Get-Command lists them",
        "there is no cmdlet of this name here");
}
