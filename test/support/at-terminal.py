"""Runs a command on a terminal of its own and types at each of its questions.

    python3 at-terminal.py '["first answer\r", ...]' command argument...

A question ends in a colon and a space. Prints what the terminal showed, and ends as the command does.
"""
import json
import os
import pty
import select
import sys

answers = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
typed = 0
while True:
    ready, _, _ = select.select([terminal], [], [], 20)
    if not ready:
        os.kill(child, 9)
        break
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if typed < len(answers) and shown.endswith(b": ") and shown.count(b": ") > typed:
        os.write(terminal, answers[typed].encode())
        typed += 1
_, status = os.waitpid(child, 0)
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(status))
