"""What holds for every run of the tests: the closing lines name the real servers that did not run."""

from tests.real.report import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
