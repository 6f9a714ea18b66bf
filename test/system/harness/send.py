"""Shorthands for handing a daemon its mail."""
from .smtp import Client, stuffed

MESSAGE = b"From: a@example.net\r\nSubject: hello\r\nMessage-ID: <hello@example.net>\r\n\r\nIt works.\r\n"


def send(mail, recipients="user@elsewhere.example", sender="a@example.net", content=MESSAGE, params="", rcpt_params=""):
    """One message to the daemon, over a connection of its own; gives its queue id."""
    if isinstance(recipients, str):
        recipients = [recipients]
    with Client(mail.port) as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{sender}>{params}", 250)
        for recipient in recipients:
            client.cmd(f"RCPT TO:<{recipient}>{rcpt_params}", 250)
        client.cmd("DATA", 354)
        client.send(stuffed(content))
        reply = client.reply()
        assert reply.code == 250, reply
        client.cmd("QUIT", 221)
        return reply.text.split()[-1]
