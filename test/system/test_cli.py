"""The command itself: help, exit codes, and what it says when something is missing."""
import socket
import subprocess

import pytest
from harness import net
from harness.daemon import as_yaml, binary
from harness.send import send

VERBS = ["serve", "check", "config", "receive-connector", "send-connector", "cert", "explain", "doctor", "sentinel", "queue", "track", "events",
         "status", "version"]


def run(*arguments, **options):
    return subprocess.run([binary(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False, **options)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb):
    done = run(verb, "--help")
    assert done.returncode == 0 and verb in done.stdout and not done.stderr


def test_help_of_serve_names_every_option():
    said = run("serve", "--help").stdout
    assert all(option in said for option in ("--config", "--data", "--demo", "--threads"))


def test_help_lists_all_verbs():
    done = run("--help")
    assert done.returncode == 0 and all(verb in done.stdout for verb in VERBS)


def test_version():
    assert run("version").stdout.startswith("sealpost ")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["queue", "nonsense"], ["status", "--nonsense"], ["check"], ["queue", "show"],
                                       ["config", "restore", "x"], ["cert"]])
def test_wrong_usage(arguments):
    done = run(*arguments)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and said and len(said) < 5000


@pytest.mark.parametrize("arguments", [["status"], ["queue", "list"], ["track"], ["events"], ["config", "history"], ["sentinel"],
                                       ["explain", "internet"], ["doctor"], ["cert", "remove", "9c41"]])
def test_no_daemon(arguments, tmp_path):
    done = run(*arguments, "--data", str(tmp_path))
    assert done.returncode == 3 and done.stderr, done


def test_data_folder_from_the_environment(sealpost_shared):
    done = run("status", "--json", env={"SEALPOST_DATA": str(sealpost_shared.data)})
    assert done.returncode in (0, 1) and done.stdout.startswith("{")


def test_second_daemon_on_the_same_data_is_refused(sealpost_shared):
    done = run("serve", "--config", str(sealpost_shared.file), "--data", str(sealpost_shared.data))
    assert done.returncode == 1 and done.stderr


def test_port_in_use_is_said(sealpost, sink):
    taken = sink()
    mail = sealpost()
    mail.internet(bind=[f"127.0.0.1:{taken.port}"])
    mail.start(wait=False)
    assert mail.process.wait(20) == 1
    mail.process = None
    assert str(taken.port) in mail.tail()


def test_wrong_document_is_said(sealpost):
    mail = sealpost()
    mail.internet(tls="maybe")
    mail.start(wait=False)
    assert mail.process.wait(20) == 1
    mail.process = None
    assert "tls" in mail.tail()


def test_admin_socket_is_private(sealpost_shared):
    assert (sealpost_shared.data / "admin.sock").stat().st_mode & 0o077 in (0, 0o060)
    assert sealpost_shared.data.stat().st_mode & 0o077 == 0


def test_standard_output_says_what_is_listened_on(sealpost):
    mail = sealpost().start()
    assert f"127.0.0.1:{mail.port}" in mail.output.read_text()


def test_socket_of_a_service_manager(sealpost, closing):
    """A listening socket that is handed over (LISTEN_FDS, from descriptor 3 on) is used where it is the one of the document."""
    mail = sealpost()
    listener = socket.create_server(("127.0.0.1", mail.port))
    closing.keep(listener, listener.close)
    mail.folder.joinpath("sealpost.yaml").write_text(as_yaml(mail.document))
    script = f'LISTEN_FDS=1 LISTEN_PID=$$ exec "{mail.program}" serve --config "{mail.file}" --data "{mail.data}" 3<&{listener.fileno()}'
    with open(mail.log, "ab") as log:
        mail.process = subprocess.Popen(["bash", "-c", script], pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=log)
    mail.wait_ready()
    send(mail, "user@example.test")
    mail.wait_delivered("user")
    mail.stop()
    assert net.listens(mail.port), "the socket is still the manager's"


def test_demonstration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen([binary(), "serve", "--demo", "--data", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = []
        while not any("curl" in line for line in said):
            line = process.stdout.readline()
            assert line, said
            said.append(line)
        command = next(line for line in said if "curl" in line).strip()
        assert "2525" in "".join(said)
        subprocess.run(["sh", "-c", command], check=True, timeout=30)
        net.wait_for(lambda: list(folder.glob("mail/hello/new/*")), 15, "the message")
    finally:
        process.terminate()
        assert process.wait(20) == 0
