"""Modules of this folder are imported by their names; what a test wants to have told stands in the summary and in
build/exchange-confusion.txt."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import report  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    for title, text in report.told:
        terminalreporter.section(title)
        terminalreporter.write_line(text)
