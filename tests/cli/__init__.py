"""What a user meets at the command line; every test runs against any installation (TEST_COMMAND).

conftest.py             a port that refuses, and a healthy replica
test_help.py            --help, --version, the two entry points
test_usage_errors.py    values that are not allowed
test_sources.py         environment, TOML, option files and password files, and which of them wins
test_config_errors.py   mistakes in those
test_answer.py          the line, the JSON, and the exit code
test_files.py           track file and textfile
test_shadow.py          --shadow
test_commands.py        check, explain, grants
test_secrets.py         the password is nowhere to be seen
"""
