"""The texts around the listings, in the words and layouts of the product, with invented names: events with their heads in
several languages, errors of cmdlets, bounces, queues, protocol logs and dialogues."""
import random

from model import NOW
from printers import date

HEADS = {
    "en-US": ["Log Name", "Source", "Date", "Event ID", "Task Category", "Level", "Keywords", "User", "Computer", "Description"],
    "de-DE": ["Protokollname", "Quelle", "Datum", "Ereignis-ID", "Aufgabenkategorie", "Ebene", "Schlüsselwörter", "Benutzer",
              "Computer", "Beschreibung"],
    "fr-FR": ["Nom du journal", "Source", "Date", "ID de l'événement", "Catégorie de la tâche", "Niveau", "Mots clés",
              "Utilisateur", "Ordinateur", "Description"],
    "ru-RU": ["Имя журнала", "Источник", "Дата", "Код события", "Категория задачи", "Уровень", "Ключевые слова", "Пользователь",
              "Компьютер", "Описание"],
    "ja-JP": ["ログの名前", "ソース", "日付", "イベント ID", "タスクのカテゴリ", "レベル", "キーワード", "ユーザー", "コンピューター", "説明"]}

NOT_FOUND = ("Microsoft Exchange {couldnot} find a certificate that contains the domain name {name} in the personal store on the "
             "local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector {connector} with a FQDN "
             "parameter of {fqdn}. If the connector{s} FQDN is not specified, the computer{s} FQDN is used. Verify the connector "
             "configuration and the installed certificates to make sure that there is a certificate with a domain name for that "
             "FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure that the Microsoft "
             "Exchange Transport service has access to the certificate key.")
EVENTS = {
    12012: "Microsoft Exchange could not find the internal transport certificate in Active Directory for this server. Use "
           "Enable-ExchangeCertificate or New-ExchangeCertificate to record one.",
    12013: "Microsoft Exchange could not load the certificate with thumbprint of {thumbprint} from the personal store on the local "
           "computer. This certificate was configured for authentication with other Exchange servers. Mail flow to other Exchange "
           "servers could be affected by this error.",
    12024: "Microsoft Exchange could not load the certificate with thumbprint of {thumbprint} from the personal store on the local "
           "computer. A temporary self-signed certificate with thumbprint {other} is being used instead.",
    12015: "An internal transport certificate expired. Thumbprint:{thumbprint}",
    12016: "There is no valid SMTP Transport Layer Security (TLS) certificate for the FQDN of {name}. The existing certificate for "
           "that FQDN has expired. The continued use of that FQDN will cause mail flow problems. A new certificate that contains "
           "the FQDN of {name} should be installed on this server as soon as possible. You can create a new certificate by using "
           "the New-ExchangeCertificate task.",
    12017: "An internal transport certificate will expire soon. Thumbprint:{thumbprint}, hours remaining: {hours}",
    12018: "The STARTTLS certificate will expire soon: subject: {subject}, thumbprint: {thumbprint}, hours remaining: {hours}. Run "
           "the New-ExchangeCertificate cmdlet to create a new certificate.",
    1018: "The address is already in use. Binding: {binding}. Error: 10048",
    1019: "Failed to start listening (Error: {error}). Binding: {binding}.",
    1036: "Inbound direct trust authentication failed for certificate {subject}. The source IP address of the server that tried to "
          "authenticate to Microsoft Exchange is [{ip}]. Make sure EdgeSync is running properly.",
    2004: "Send connector {connector}: Message delivery was not successful. The message with message ID <{ip}@{name}> was acknowledged "
          "with SMTP response 454 4.7.0 Failed to establish appropriate TLS channel: UntrustedRoot: Access Denied.",
    11022: "Failed to confirm domain capabilities '{capability}' on connector '{connector}' because validation of the TLS certificate "
           "failed with status 'SubjectMismatch'. Contact the administrator of '{capability}' to resolve the problem.",
    1035: "Microsoft Exchange EdgeSync supports only certificates of CAPI providers. The default certificate of this server lies with a "
          "CNG provider."}
LEVELS = {12015: "Warning", 12017: "Warning", 12018: "Warning", 2004: "Information"}


class Teller:
    """Writes the texts of one case: one locale, one layout, from the case's own seed."""

    def __init__(self, seed, locale, event_style=None):
        self.rng = random.Random(seed * 31 + 7)
        self.locale = locale
        self.event_style = event_style or self.rng.choice(["full", "full", "one-line", "bare", "wrapped"])

    def event(self, number, server, source="MSExchangeTransport", **inserts):
        if number == 12014:
            apostrophe = self.rng.choice(["'s", "\u2019s"])
            text = NOT_FOUND.format(couldnot=self.rng.choice(["could not", "couldn't"]), s=apostrophe, **inserts)
        else:
            text = EVENTS[number].format(**inserts)
        if self.event_style == "bare" and number not in (1035, 12012):
            return f"Event {number}\n\n{text}\n\n"
        labels = HEADS.get(self.locale, HEADS["en-US"])
        values = ["Application", source, date(NOW, self.locale), str(number), "TransportService", LEVELS.get(number, "Error"),
                  "Classic", "N/A", server.fqdn]
        if self.event_style == "one-line":
            return " ".join(f"{label}: {value}" for label, value in zip(labels, values)) + f"\n{labels[-1]}: {text}\n\n"
        head = "\n".join(f"{label + ':':<15}{value}" for label, value in zip(labels, values))
        if self.event_style == "wrapped":
            text = "\n".join(text[i:i + 80] for i in range(0, len(text), 80))
        return f"{head}\n{labels[-1]}:\n{text}\n\n"

    def not_found(self, server, connector, name, times=1):
        fqdn = name
        source = "MSExchangeFrontEndTransport" if connector.role == "FrontendTransport" else "MSExchangeTransport"
        return "".join(self.event(12014, server, source, name=name, connector=connector.name, fqdn=fqdn) for _ in range(times))

    def rpc(self, server, text, cmdlet):
        stamp = date(NOW, self.locale)
        return (f"A special Rpc error occurs on server {server.name}: {text}\n"
                f"    + CategoryInfo          : InvalidArgument: (:) [{cmdlet}], InvalidOperationException\n"
                f"    + FullyQualifiedErrorId : [Server={server.name},RequestId=487b16ef-f2f6-4e0f-a870-0c4b98f7c8d7,TimeStamp={stamp}]"
                f" [FailureCategory=Cmdlet-InvalidOperationException] DCA528C3,{cmdlet}\n"
                f"    + PSComputerName        : {server.fqdn.lower()}\n\n")

    def overwrite(self, current, replacement, answer):
        return ("Confirm\nOverwrite the existing default SMTP certificate?\n\n"
                f"Current certificate: '{current.thumbprint}' (expires {date(current.not_after, self.locale)})\n"
                f"Replace it with certificate: '{replacement.thumbprint}' (expires {date(replacement.not_after, self.locale)})\n"
                f"[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is \"Y\"): {answer}\n\n")

    def bounce(self, word, **details):
        said = ", ".join(f"{name}={value}" for name, value in details.items())
        return ("Reason: [{LED=450 4.4.317 Cannot connect to remote server [Message=" + word + (f", {said}" if said else "") +
                "] [LastAttemptedServerName=mail.partner.example] [SmtpSecurity=11;-1]};{MSG=};{FQDN=};{IP=};{LRT=}]\n\n")

    def queue(self, server, error):
        return (f"[PS] C:\\>Get-Queue | FL Identity,DeliveryType,NextHopDomain,Status,MessageCount,LastError\n\n"
                f"Identity      : {server.name}\\417\nDeliveryType  : SmartHostConnectorDelivery\n"
                f"NextHopDomain : cloud.partner.example\nStatus        : Retry\nMessageCount  : 38\nLastError     : {error}\n\n")


LOG_HEAD = ("#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: SMTP {} Protocol Log\n#Date: 2027-03-02T05:00:00.000Z\n"
            "#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\n")


def receive_log(server, connector, starttls, remote="203.0.113.9:41822", certificate=None):
    line = f"2027-03-02T05:11:{{:02}}.470Z,{connector.identity},08DD34FA3086278D,{{}},10.0.0.1:25,{remote},{{}},{{}},{{}}\n"
    words = f"250 {server.fqdn} Hello [203.0.113.9] SIZE 37748736 PIPELINING DSN ENHANCEDSTATUSCODES " + \
        ("STARTTLS " if starttls else "") + "8BITMIME BINARYMIME CHUNKING"
    rows = [("+", "", ""), (">", f"220 {server.fqdn} Microsoft ESMTP MAIL Service ready", ""), ("<", "EHLO out.partner.example", ""),
            (">", words, "")]
    if certificate:
        rows += [("<", "STARTTLS", ""), (">", "220 2.0.0 SMTP server ready", ""), ("*", "", "Sending certificate"),
                 ("*", f'"{certificate.subject}"', "Certificate subject"),
                 ("*", f'"{certificate.issuer}"', "Certificate issuer name"), ("*", certificate.serial, "Certificate serial number"),
                 ("*", certificate.thumbprint, "Certificate thumbprint"),
                 ("*", ";".join(certificate.domains), "Certificate alternate names")]
    return LOG_HEAD.format("Receive") + "".join(line.format(n, n, *row) for n, row in enumerate(rows)) + "\n"


def send_log_without_key(connector, certificate):
    line = f"2027-03-02T05:12:{{:02}}.101Z,{connector.name},08DD34FA30862991,{{}},10.0.0.1:28252,198.51.100.36:25,*,{{}},{{}}\n"
    rows = [("", "Sending certificate"), (f'"{certificate.subject}"', "Certificate subject"),
            (f'"{certificate.issuer}"', "Certificate issuer name"), (certificate.serial, "Certificate serial number"),
            (certificate.thumbprint, "Certificate thumbprint"), ("", "TLS negotiation failed with error NoCredentials")]
    return LOG_HEAD.format("Send") + "".join(line.format(n, n + 16, *row) for n, row in enumerate(rows)) + "\n"


def ehlo(server, starttls=True, crossed_out=False):
    keywords = ["SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES"]
    keywords += ["XXXXXXXA"] if crossed_out else ["STARTTLS"] if starttls else []
    keywords += ["8BITMIME", "BINARYMIME", "CHUNKING"]
    lines = [f"220 {server.fqdn} Microsoft ESMTP MAIL Service ready at Tue, 2 Mar 2027 06:11:02 +0000", "EHLO test.partner.example",
             f"250-{server.fqdn} Hello [203.0.113.9]", *[f"250-{word}" for word in keywords[:-1]], f"250 {keywords[-1]}", "QUIT",
             "221 2.0.0 Service closing transmission channel"]
    return "\n".join(lines) + "\n\n"


WRONG_TEST = ("$ openssl s_client -connect {}:25\nCONNECTED(00000003)\n140735:error:1408F10B:SSL routines:ssl3_get_record:wrong version "
              "number:../ssl/record/ssl3_record.c:331:\n---\nno peer certificate available\n---\nNo client certificate CA names sent\n---\n\n")
