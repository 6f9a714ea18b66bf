/* The commands that mend an Exchange server, each sequence in one place. All are for the Exchange
 * Management Shell, and ordered so that what works goes on working: enabled before it is named,
 * named before anything is removed, and no -Force, which would answer Yes where No is right. */
#include "policy/exchange_examine.h"

enum { NAMES_MAX = 100 }; /* a subjectAltName that a CA issues */

struct span powershell_quote(struct arena *arena, struct span text)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_add_char(&out, '\'');
    for (size_t i = 0; text.p && i < text.n; i++) {
        /* PowerShell takes the typographic apostrophes for plain ones, so they are doubled too. */
        struct span mark = span_make(text.p + i, text.n - i < 3 ? 0 : 3);
        bool curly = mark.n && (span_eq(mark, SPAN("\u2018")) || span_eq(mark, SPAN("\u2019")) ||
                                span_eq(mark, SPAN("\u201a")) || span_eq(mark, SPAN("\u201b")));
        if (curly)
            buf_add(&out, mark);
        else if (text.p[i] == '\'')
            buf_add_char(&out, '\'');
        buf_add(&out, curly ? mark : span_make(text.p + i, 1));
        i += curly ? 2 : 0;
    }
    buf_add_char(&out, '\'');
    struct span quoted = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return quoted;
}

struct span step_identity(struct examination *e, const struct exchange_connector *k)
{
    struct span server = examine_server_of(e, k);
    if (k->identity.text.n)
        return powershell_quote(e->arena, k->identity.text);
    if (k->sends || !server.n)
        return powershell_quote(e->arena, k->name.text);
    return powershell_quote(e->arena, arena_printf(e->arena, SPAN_FMT "\\" SPAN_FMT,
                                                   SPAN_ARG(server), SPAN_ARG(k->name.text)));
}

struct span step_server(struct examination *e, struct span server)
{
    if (!server.n)
        return SPAN("");
    return arena_printf(e->arena, " -Server " SPAN_FMT,
                        SPAN_ARG(powershell_quote(e->arena, server)));
}

/* By its thumbprint, or, where that was not printed whole, by the means to find it. */
static struct span thumbprint_word(struct examination *e, const struct exchange_certificate *c)
{
    if (c->thumbprint_whole)
        return powershell_quote(e->arena, c->thumbprint.text);
    if (c->serial.text.n)
        return arena_printf(e->arena,
                            "(Get-ExchangeCertificate | Where-Object {$_.SerialNumber -eq " SPAN_FMT
                            "}).Thumbprint",
                            SPAN_ARG(powershell_quote(e->arena, c->serial.text)));
    return arena_printf(e->arena,
                        "(Get-ExchangeCertificate | Where-Object {$_.Subject -eq " SPAN_FMT
                        "}).Thumbprint",
                        SPAN_ARG(powershell_quote(e->arena, c->subject.text)));
}

void step_enable(struct examination *e, struct exchange_finding *f,
                 const struct exchange_certificate *c)
{
    struct span command = arena_printf(
        e->arena, "Enable-ExchangeCertificate -Thumbprint " SPAN_FMT " -Services SMTP" SPAN_FMT,
        SPAN_ARG(thumbprint_word(e, c)), SPAN_ARG(step_server(e, c->server.text)));
    examine_step(
        e, f, command, SPAN("gives the transport service the certificate and its key"),
        SPAN("N, where it asks to overwrite the existing default SMTP certificate: Yes would "
             "make this one the internal transport certificate, on which Edge and "
             "server-to-server trust rest"));
}

static const char *require_tls(const struct exchange_connector *k)
{
    return k->sends && k->require_tls != KNOWN_YES ? " -RequireTLS $true" : "";
}

void step_pair(struct examination *e, struct exchange_finding *f,
               const struct exchange_connector *k, const struct exchange_certificate *c)
{
    struct span command =
        arena_printf(e->arena,
                     "$cert = Get-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT "\n"
                     "$tls = \"<I>$($cert.Issuer)<S>$($cert.Subject)\"\n"
                     "Set-%sConnector -Identity " SPAN_FMT " -TlsCertificateName $tls%s",
                     SPAN_ARG(thumbprint_word(e, c)), SPAN_ARG(step_server(e, c->server.text)),
                     k->sends ? "Send" : "Receive", SPAN_ARG(step_identity(e, k)), require_tls(k));
    examine_step(e, f, command, SPAN("names the certificate's issuer and subject on the connector"),
                 SPAN_NONE);
}

void step_restart(struct examination *e, struct exchange_finding *f,
                  const struct exchange_connector *k)
{
    const struct exchange_server *server = k ? examine_server(e, examine_server_of(e, k)) : NULL;
    bool edge = server && server->edge == KNOWN_YES;
    bool front = !k || !k->transport_role.text.n ||
                 span_ieq(k->transport_role.text, SPAN("FrontendTransport"));
    bool hub = !k || !k->transport_role.text.n || !front;
    const char *why =
        "Exchange goes on with the certificate that it loaded until the service starts "
        "again; open sessions end, peers try again";
    if (front && !edge && !(k && k->sends))
        examine_step(e, f, SPAN("Restart-Service MSExchangeFrontEndTransport"), span_of(why),
                     SPAN_NONE);
    if (hub || edge || (k && k->sends))
        examine_step(e, f, SPAN("Restart-Service MSExchangeTransport"), span_of(why), SPAN_NONE);
}

void step_retry_queues(struct examination *e, struct exchange_finding *f,
                       const struct exchange_connector *k)
{
    struct span server = k && k->source_servers.count ? k->source_servers.items[0] : SPAN_NONE;
    examine_step(e, f,
                 arena_printf(e->arena, "Retry-Queue" SPAN_FMT " -Filter \"Status -eq 'Retry'\"",
                              SPAN_ARG(step_server(e, server))),
                 SPAN("sends at once what has been waiting"), SPAN_NONE);
}

static bool stands_among(const struct span *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_ieq(names[i], name))
            return true;
    return false;
}

/* 'a','b','c': the new name first, no name twice. */
static struct span name_words(struct examination *e, const struct exchange_certificate *like,
                              struct span name)
{
    struct span names[NAMES_MAX];
    size_t count = 0;
    if (name.n)
        names[count++] = name;
    for (size_t i = 0; like && i < like->domains.count && count < NAMES_MAX; i++)
        if (!stands_among(names, count, like->domains.items[i]))
            names[count++] = like->domains.items[i];
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s" SPAN_FMT, i ? "," : "", SPAN_ARG(powershell_quote(e->arena, names[i])));
    struct span words = arena_copy(e->arena, buf_span(&out));
    buf_done(&out);
    return words;
}

void step_request(struct examination *e, struct exchange_finding *f,
                  const struct exchange_certificate *like, struct span name)
{
    const struct span no_name = SPAN("mail.example.com");
    struct span server = like ? step_server(e, like->server.text) : SPAN("");
    struct span names =
        name_words(e, like, name.n || (like && like->domains.count) ? name : no_name);
    struct span subject =
        like && like->subject.text.n && !name.n
            ? like->subject.text
            : arena_printf(e->arena, "CN=" SPAN_FMT, SPAN_ARG(name.n ? name : no_name));
    examine_step(e, f,
                 arena_printf(e->arena,
                              "$request = New-ExchangeCertificate -GenerateRequest" SPAN_FMT
                              " -SubjectName " SPAN_FMT " -DomainName " SPAN_FMT
                              " -PrivateKeyExportable $true\n"
                              "[System.IO.File]::WriteAllBytes('C:\\Temp\\request.req', "
                              "[System.Text.Encoding]::Unicode.GetBytes($request))",
                              SPAN_ARG(server), SPAN_ARG(powershell_quote(e->arena, subject)),
                              SPAN_ARG(names)),
                 SPAN("a request for the CA, with every name that the certificate has to carry"),
                 SPAN_NONE);
    examine_step(e, f,
                 arena_printf(e->arena,
                              "$new = Import-ExchangeCertificate" SPAN_FMT " -FileData "
                              "([System.IO.File]::ReadAllBytes('C:\\Temp\\certificate.cer'))\n"
                              "Enable-ExchangeCertificate -Thumbprint $new.Thumbprint" SPAN_FMT
                              " -Services SMTP",
                              SPAN_ARG(server), SPAN_ARG(server)),
                 SPAN("imports what the CA issued and enables it in the same breath: a newer "
                      "certificate for the "
                      "same name is taken at once, also before it has SMTP"),
                 SPAN("N, where it asks to overwrite the existing default SMTP certificate"));
}

void step_new_internal(struct examination *e, struct exchange_finding *f, struct span server)
{
    examine_step(
        e, f,
        arena_printf(e->arena, "New-ExchangeCertificate" SPAN_FMT,
                     SPAN_ARG(step_server(e, server))),
        SPAN("a self-signed certificate with the server's own names, for five years"),
        SPAN("Y, where it asks to overwrite the existing default SMTP certificate: this one is "
             "meant to be the internal transport certificate"));
}

void step_resubscribe_edge(struct examination *e, struct exchange_finding *f)
{
    examine_step(e, f, SPAN("New-EdgeSubscription -FileName 'C:\\Temp\\EdgeSubscription.xml'"),
                 SPAN("on the Edge server, where there is one: the subscription holds the "
                      "certificates of both "
                      "sides; without an Edge server leave this and the next step out"),
                 SPAN("Y, where it asks whether to go on: what EdgeSync manages is written anew"));
    examine_step(
        e, f,
        SPAN("New-EdgeSubscription -FileData ([System.IO.File]::ReadAllBytes("
             "'C:\\Temp\\EdgeSubscription.xml')) -Site 'Default-First-Site-Name'\n"
             "Start-EdgeSynchronization -ForceFullSync"),
        SPAN("on a Mailbox server, within 24 hours, with the name of your Active Directory site"),
        SPAN_NONE);
}

void step_verify_tls(struct examination *e, struct exchange_finding *f,
                     const struct exchange_connector *k, struct span name)
{
    struct span host = name.n && span_find(name, '=') == name.n ? name : SPAN("SERVER");
    if (k && !k->sends)
        examine_verify(
            e, f,
            arena_printf(e->arena,
                         "sealpost diagnose --connect " SPAN_FMT ":25\n"
                         "openssl s_client -connect " SPAN_FMT ":25 -starttls smtp",
                         SPAN_ARG(host), SPAN_ARG(host)),
            SPAN("from outside: STARTTLS is offered, and the expected certificate is presented"));
    examine_verify(e, f,
                   SPAN("Get-WinEvent -FilterHashtable @{LogName='Application'; "
                        "Id=12014,12016; StartTime=(Get-Date).AddMinutes(-15)}"),
                   SPAN("no event since the services started again"));
}

void step_restore_key(struct examination *e, struct exchange_finding *f,
                      const struct exchange_certificate *c)
{
    if (c->serial.text.n)
        examine_step(
            e, f,
            arena_printf(e->arena, "certutil -repairstore my " SPAN_FMT,
                         SPAN_ARG(powershell_quote(e->arena, c->serial.text))),
            SPAN("finds the key where the request was made on this very server; what it prints "
                 "ends with \"completed successfully\" either way, so look at HasPrivateKey again"),
            SPAN_NONE);
    /* Import-ExchangeCertificate refuses a thumbprint that is there already, with a key or without.
     */
    examine_step(
        e, f,
        SPAN("Import-PfxCertificate -FilePath 'C:\\Temp\\certificate.pfx' -CertStoreLocation "
             "Cert:\\LocalMachine\\My -Password (Read-Host -AsSecureString) -Exportable"),
        SPAN("else: export the certificate with its key (PFX) where the request was made, and "
             "import that on this server; a .cer file has no key"),
        SPAN_NONE);
    step_enable(e, f, c);
    examine_verify(e, f,
                   arena_printf(e->arena,
                                "Get-ExchangeCertificate -Thumbprint " SPAN_FMT
                                " | FL HasPrivateKey,Services,Status",
                                SPAN_ARG(thumbprint_word(e, c))),
                   SPAN("HasPrivateKey : True"));
}

void step_copy(struct examination *e, struct exchange_finding *f, struct span thumbprint,
               struct span from, struct span to)
{
    struct span target = powershell_quote(e->arena, to);
    examine_step(e, f,
                 arena_printf(e->arena,
                              "$password = Read-Host -AsSecureString\n"
                              "$pfx = Export-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT
                              " -BinaryEncoded -Password $password\n"
                              "Import-ExchangeCertificate -Server " SPAN_FMT
                              " -FileData $pfx.FileData "
                              "-Password $password -PrivateKeyExportable $true\n"
                              "Enable-ExchangeCertificate -Thumbprint " SPAN_FMT
                              " -Server " SPAN_FMT " -Services SMTP",
                              SPAN_ARG(thumbprint), SPAN_ARG(step_server(e, from)),
                              SPAN_ARG(target), SPAN_ARG(thumbprint), SPAN_ARG(target)),
                 SPAN("brings the same certificate with its key to the other server"),
                 SPAN("N, where it asks to overwrite the existing default SMTP certificate"));
}

/* To each server that has the old one. */
static void step_spread(struct examination *e, struct exchange_finding *f,
                        const struct exchange_certificate *c)
{
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *other = &e->c->certificates[i];
        if (other != c && !other->from_wire && c->thumbprint_whole && c->server.text.n &&
            other->server.text.n && span_eq(other->thumbprint.text, c->thumbprint.text))
            step_copy(e, f, SPAN("$new.Thumbprint"), c->server.text, other->server.text);
    }
}

void step_pair_of_new(struct examination *e, struct exchange_finding *f,
                      const struct exchange_connector *k)
{
    examine_step(e, f,
                 arena_printf(e->arena,
                              "$tls = \"<I>$($new.Issuer)<S>$($new.Subject)\"\n"
                              "Set-%sConnector -Identity " SPAN_FMT " -TlsCertificateName $tls%s",
                              k->sends ? "Send" : "Receive", SPAN_ARG(step_identity(e, k)),
                              require_tls(k)),
                 SPAN("needed where the CA has changed its issuer's name or the subject; harmless "
                      "where both are the same"),
                 SPAN_NONE);
}

static void step_follow_pairs(struct examination *e, struct exchange_finding *f,
                              const struct exchange_certificate *c)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        const struct connector_choice *ch = &e->choices[i];
        if (!ch->has_pair || !exchange_certificate_equals(c, ch->shown.name))
            continue;
        step_pair_of_new(e, f, ch->shown.connector);
    }
}

void step_renew(struct examination *e, struct exchange_finding *f,
                const struct exchange_certificate *c)
{
    if (c->self_signed == KNOWN_YES) {
        const struct exchange_server *server = examine_server(e, c->server.text);
        bool internal = server && c->thumbprint_whole &&
                        span_ieq(server->internal_thumbprint.text, c->thumbprint.text);
        examine_step(
            e, f,
            arena_printf(e->arena,
                         "$new = Get-ExchangeCertificate -Thumbprint " SPAN_FMT SPAN_FMT
                         " | New-ExchangeCertificate\n"
                         "Enable-ExchangeCertificate -Thumbprint $new.Thumbprint" SPAN_FMT
                         " -Services SMTP",
                         SPAN_ARG(thumbprint_word(e, c)), SPAN_ARG(step_server(e, c->server.text)),
                         SPAN_ARG(step_server(e, c->server.text))),
            SPAN("a new self-signed certificate with the same names"),
            internal ? SPAN("Y, where it asks to overwrite the existing default SMTP certificate: "
                            "the one that expires is the internal transport certificate")
                     : SPAN("N, where it asks to overwrite the existing default SMTP certificate, "
                            "unless the one that expires is the internal transport certificate"));
    } else {
        step_request(e, f, c, SPAN_NONE);
        step_spread(e, f, c);
        step_follow_pairs(e, f, c);
    }
}
