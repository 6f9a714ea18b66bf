"""A server model that obeys the printed steps: what each cmdlet does as documented, its refusals and its questions
included. A step that the real shell would refuse raises Refused."""
import copy
import datetime
import re

import powershell
from model import DAY, EVERYWHERE, NOW, Certificate, Receive, working
from powershell import Block, Command, Nested, Static, Text, Var

TICK = datetime.timedelta(minutes=1)


class Refused(Exception):
    pass


class Request:
    def __init__(self, subject, domains, server):
        self.subject, self.domains, self.server = subject, domains, server


class Queue:
    def __init__(self, send):
        self.send, self.NextHopConnector = send, send.guid


class Shell:
    """`key_is_here`: whether a certificate without its key was requested on this very server; `same_issuer`: whether the
    CA still issues under the name it had."""

    def __init__(self, world, key_is_here=False, same_issuer=True):
        self.world, self.key_is_here = world, key_is_here
        self.issuer = world.authority if same_issuer else world.next_authority
        self.variables, self.answer, self.requests, self.made = {}, "", [], 0
        self.exposed = []  # connectors that stood without a certificate between two lines of one step

    # ---- running ----

    def run(self, command, answer):
        """One step. Its lines are pasted together, so that nothing waits between them."""
        self.answer = answer or ""
        before = working(self.world)
        statements = powershell.read(command)
        for n, statement in enumerate(statements):
            result = self.pipeline(statement.pipeline)
            if statement.target:
                self.variables[statement.target] = result[0] if len(result) == 1 else result
            lost = before - working(self.world) - self.waiting()
            if lost and n + 1 < len(statements):
                self.exposed.append((statement.line.strip(), sorted(lost)))
        return before - working(self.world) - self.waiting()

    def waiting(self):
        return {k.identity for k in self.world.sends if k.suspended}

    def pipeline(self, pipeline, item=None):
        out = None
        for part in pipeline:
            if isinstance(part, Command):
                out = self.command(part, out)
            else:
                value = self.value(part, item)
                out = value if isinstance(value, list) else [value]
        return out or []

    def command(self, command, piped):
        name = command.name.lower()
        if name in ("fl", "ft", "format-list", "format-table", "certutil", "netsh", "openssl", "sealpost"):
            return self.program(command)
        method = getattr(self, name.replace("-", "_"), None)
        if not method:
            raise Refused(f"{command.name} is not known to the model")
        return method(command, piped)

    def value(self, value, item=None):
        if isinstance(value, Text):
            return "".join(p if isinstance(p, str) else str(self.value(p, item)) for p in value.parts)
        if isinstance(value, Var):
            known = {"true": True, "false": False, "null": None, "_": item}
            found = known[value.name] if value.name in known else self.variables.get(value.name)
            if value.name not in known and found is None:
                raise Refused(f"${value.name} has no value")
            return self.member(found, value.path)
        if isinstance(value, Nested):
            result = self.pipeline(value.pipeline, item)
            return self.member(result[0] if len(result) == 1 else result, value.path)
        if isinstance(value, Static):
            return (value.member, [self.value(a, item) for a in value.arguments])
        if isinstance(value, list):
            return [self.value(one, item) for one in value]
        return value

    @staticmethod
    def member(found, path):
        names = {"Thumbprint": "thumbprint", "Issuer": "issuer", "Subject": "subject", "SerialNumber": "serial", "Name": "name",
                 "TlsCertificateName": "pair", "Guid": "guid", "FileData": "data", "Status": "status"}
        for name in path:
            if isinstance(found, list) or found is None:
                raise Refused(f".{name} of {'nothing' if not found else 'several things'}")
            found = getattr(found, names.get(name, name))
        return found

    def text(self, command, parameter, position=None):
        return self.value(command.get(parameter, position))

    # ---- looking things up ----

    def server(self, command):
        name = self.text(command, "Server")
        found = self.world.server(name) if name else self.world.servers[0]
        if not found:
            raise Refused(f"no server {name}")
        return found

    def certificate(self, command):
        server, thumbprint = self.server(command), self.text(command, "Thumbprint", 0)
        found = server.certificate(thumbprint)
        if not found:
            raise Refused(f"The certificate with thumbprint {thumbprint} was not found on {server.name}")
        return server, found

    def ask(self, question):
        """The letter to answer with, which the step must have told."""
        if not re.match(r"[YN]\b", self.answer):
            raise Refused(f"{question}: the step does not tell what to answer")
        return self.answer[0] == "Y"

    def offer_as_internal(self, server, certificate):
        if server.internal != certificate.thumbprint and self.ask("Overwrite the existing default SMTP certificate?"):
            server.internal = certificate.thumbprint

    def thumbprint(self):
        self.made += 1
        return f"{0xF00D0000 + self.made:08X}" * 5

    # ---- certificates ----

    def get_exchangecertificate(self, command, piped):
        if command.get("Thumbprint", 0):
            return [self.certificate(command)[1]]
        return list(self.server(command).certificates)

    def new_exchangecertificate(self, command, piped):
        server = self.server(command)
        like = piped[0] if piped else None
        if like:
            server = next(s for s in self.world.servers if like in s.certificates)
        subject = self.text(command, "SubjectName") or (like.subject if like else f"CN={server.name}")
        domains = self.text(command, "DomainName") or (list(like.domains) if like else [server.name, server.fqdn])
        domains = domains if isinstance(domains, list) else [domains]
        if command.has("GenerateRequest"):
            if not domains or any(not d for d in domains):
                raise Refused("a request without a name")
            self.requests.append(Request(subject, domains, server))
            return ["-----BEGIN NEW CERTIFICATE REQUEST-----"]
        services = self.text(command, "Services") or ["IMAP", "POP", "SMTP"]
        made = Certificate(self.thumbprint(), subject, subject, self.thumbprint()[:32], domains,
                           set(services if isinstance(services, list) else [services]), NOW + self.made * TICK, NOW + 1825 * DAY,
                           friendly="Microsoft Exchange", root="Registry")
        server.certificates.append(made)
        self.offer_as_internal(server, made)
        return [made]

    def import_exchangecertificate(self, command, piped):
        server, data = self.server(command), self.text(command, "FileData")
        if isinstance(data, Certificate):
            made = copy.deepcopy(data)
            made.services = set()
        else:
            request = next((r for r in self.requests if r.server is server), None)
            if not request:
                raise Refused("The source data cannot be imported or the wrong password was specified")
            self.requests.remove(request)
            made = Certificate(self.thumbprint(), request.subject, self.issuer, self.thumbprint()[:32], request.domains, set(),
                               NOW + self.made * TICK, NOW + 397 * DAY, exportable=True)
        if server.certificate(made.thumbprint):
            raise Refused(f"Cannot import certificate. A certificate with the thumbprint {made.thumbprint} already exists")
        server.certificates.append(made)
        return [made]

    def export_exchangecertificate(self, command, piped):
        _, found = self.certificate(command)
        if not (found.has_key and found.exportable):
            raise Refused("The private key couldn't be exported as PKCS-12")
        found = copy.deepcopy(found)
        found.data = found
        return [found]

    def enable_exchangecertificate(self, command, piped):
        server, found = self.certificate(command)
        if not found.has_key:
            raise Refused(f"{found.thumbprint} was found but is not valid for use with Exchange Server (reason: PrivateKeyMissing)")
        services = self.text(command, "Services")
        found.services |= set(services if isinstance(services, list) else services.split(","))
        if "SMTP" in found.services:
            self.offer_as_internal(server, found)
        return []

    def remove_exchangecertificate(self, command, piped):
        server, found = self.certificate(command)
        if not self.ask("Remove certificate?"):
            return []
        if server.internal == found.thumbprint:
            raise Refused("The internal transport certificate cannot be removed")
        if any(k.pair == found.pair for k in self.world.sends):
            raise Refused("These certificates are tagged with following Send Connectors")
        server.certificates.remove(found)
        return []

    # ---- connectors ----

    def set_receiveconnector(self, command, piped):
        k = self.world.receive(self.text(command, "Identity", 0) or "")
        if not k:
            raise Refused(f"no Receive connector {self.text(command, 'Identity', 0)}")
        self.change_receive(k, command)
        return []

    def change_receive(self, k, command):
        server = self.world.server(k.server)
        if command.has("Fqdn"):
            name = self.text(command, "Fqdn")
            if "ExchangeServer" in k.auth and name and name.lower() not in (server.fqdn.lower(), server.name.lower()):
                raise Refused("you must set the FQDN parameter to the server's own name")
            k.fqdn = name or ""
        for parameter, attribute in (("TlsCertificateName", "pair"), ("TransportRole", "role")):
            if command.has(parameter):
                setattr(k, attribute, self.text(command, parameter) or "")
        for parameter, attribute in (("Bindings", "bindings"), ("RemoteIPRanges", "ranges"), ("TlsDomainCapabilities", "capabilities")):
            if command.has(parameter):
                value = self.text(command, parameter)
                setattr(k, attribute, value if isinstance(value, list) else [value])
        for other in server.receive:
            if other is not k and set(other.bindings) & set(k.bindings) and set(other.ranges) & set(k.ranges):
                raise Refused(f"the bindings and ranges of {k.name} are those of {other.name}")

    def new_receiveconnector(self, command, piped):
        server = self.server(command)
        made = Receive(self.text(command, "Name"), server.name, server.fqdn, ["Tls"], ["AnonymousUsers"], [], ranges=list(EVERYWHERE))
        self.change_receive(made, command)
        server.receive.append(made)
        return [made]

    def get_sendconnector(self, command, piped):
        name = self.text(command, "Identity", 0)
        found = [k for k in self.world.sends if not name or k.name == name]
        if not found:
            raise Refused(f"no Send connector {name}")
        return found

    def set_sendconnector(self, command, piped):
        for k in piped or [self.world.send(self.text(command, "Identity", 0) or "")]:
            if not k:
                raise Refused(f"no Send connector {self.text(command, 'Identity', 0)}")
            if command.has("RequireTLS"):
                k.require_tls = self.text(command, "RequireTLS")
            if command.has("TlsCertificateName"):
                k.pair = self.text(command, "TlsCertificateName") or ""
                if k.pair and not k.require_tls:
                    raise Refused("RequiredTls flag should be set to true if TlsCertificateName is specified")
        return []

    # ---- queues, services, Edge ----

    def get_queue(self, command, piped):
        return [Queue(k) for k in self.world.sends]

    def where_object(self, command, piped):
        if not piped:
            return []
        condition = next(value for _, value in command.arguments if isinstance(value, Block))
        compared = re.fullmatch(r"\s*\$_\.(\w+)(?:\s+-eq\s+(.+?))?\s*", condition.text)
        if not compared:
            raise Refused(f"the model cannot judge {condition.text}")
        wanted = self.value(powershell.Reader(compared[2]).one()) if compared[2] else None
        return [o for o in piped if (self.member(o, (compared[1],)) == wanted if compared[2] else self.member(o, (compared[1],)))]

    def suspend_queue(self, command, piped):
        for queue in piped or []:
            queue.send.suspended = True
        return []

    def resume_queue(self, command, piped):
        for queue in piped or []:
            queue.send.suspended = False
        return []

    def retry_queue(self, command, piped):
        return []

    def restart_service(self, command, piped):
        names = self.text(command, "Name", 0)
        roles = {"MSExchangeFrontEndTransport": "FrontendTransport", "MSExchangeTransport": "HubTransport"}
        for name in names if isinstance(names, list) else [names]:
            for server in self.world.servers:
                for k in server.receive:
                    if k.role == roles.get(name) or (server.edge and name == "MSExchangeTransport"):
                        server.stale.pop(k.identity, None)
        return []

    def new_edgesubscription(self, command, piped):
        self.world.edge_trust = True
        return []

    def start_edgesynchronization(self, command, piped):
        return []

    def set_popsettings(self, command, piped):
        for server in self.world.servers:
            server.pop_name = self.text(command, "X509CertificateName")
        return []

    def set_imapsettings(self, command, piped):
        return []

    def read_host(self, command, piped):
        return ["secret"]

    def get_receiveconnector(self, command, piped):
        return [k for s in self.world.servers for k in s.receive]

    def get_netipaddress(self, command, piped):
        return []

    # ---- Windows ----

    def import_certificate(self, command, piped):
        store = self.text(command, "CertStoreLocation").rsplit("\\", 1)[1]
        for c in [c for s in self.world.servers for c in s.certificates if not c.self_signed]:
            if store == "CA":
                c.sends_chain = True
            elif store == "AuthRoot":
                c.root = "ThirdParty"
        return []

    def import_pfxcertificate(self, command, piped):
        """Of the certificate that lacks its key, wherever it does."""
        for c in [c for s in self.world.servers for c in s.certificates if not c.has_key and c.root != "Enterprise"]:
            c.has_key, c.exportable = True, command.has("Exportable")
        return []

    def get_childitem(self, command, piped):
        return []

    def remove_item(self, command, piped):
        return []

    def program(self, command):
        words = [value for _, value in command.arguments]
        if command.name == "netsh" and "import" in words:
            for c in [c for s in self.world.servers for c in s.certificates if c.status == "RevocationCheckFailure"]:
                c.status = "Valid"
        if command.name == "certutil" and command.has("repairstore") and self.key_is_here:
            for c in [c for s in self.world.servers for c in s.certificates if c.serial == self.text(command, "repairstore", 1)]:
                c.has_key = True
        return []
