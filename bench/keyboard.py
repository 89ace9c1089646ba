#!/usr/bin/env python3
"""Runs a command in a pseudo-terminal and types on it, with a clock at the terminal's end: what a person would see, and when.

usage: keyboard.py COLUMNS ROWS COMMAND...

Control is standard input and output: one JSON object a line, each answered by one line. It ends, and kills the command, when its
standard input does.

  {"op": "ready"}      when the command has echoed a first key, typed as soon as it had turned off the terminal's own echo:
                       {"pid", "first": ms from the start to the first character that can be seen, "usable": ms to that echo}
  {"op": "type", "keys": 200, "clear": 40, "least": 50, "most": 250, "seed": 1}
                       types keys, each a character that occurs nowhere else, with pauses of `least` to `most` ms; after every
                       `clear` keys Ctrl-U. Answers {"echoes": [ms from writing the key to its first occurrence in the output]},
                       null for what did not come within 5 s
  {"op": "see", "text": "..."}   when the text has been written since the last answer
"""
import fcntl
import json
import os
import pty
import random
import re
import selectors
import signal
import struct
import sys
import termios
import time

# U+0100 and up: Latin letters with accents, one column each
FIRST_KEY = 0x100
CLEAR = b'\x15'
ECHO_LIMIT = 5.0
# seconds between two looks at the terminal's own echo, until it is off
LOOK = 0.002
KEPT = 1 << 16
SEQUENCE = re.compile(rb'\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])')
INVISIBLE = re.compile(rb'[\x00-\x20\x7f]')


class Terminal:
    def __init__(self, columns, rows, command):
        self.keys = 0
        self.output = b''
        self.first = None
        self.pending = {}
        self.start = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
            os.execvp(command[0], command)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.fd, selectors.EVENT_READ)
        self.selector.register(0, selectors.EVENT_READ)

    def since(self):
        return (time.monotonic() - self.start) * 1e3

    def key(self):
        character = chr(FIRST_KEY + self.keys).encode()
        self.keys += 1
        self.pending[character] = (self.keys, time.monotonic())
        os.write(self.fd, character)
        return self.keys

    def turn(self, patience, echoes):
        """Waits so long for output at most; ends with the control's input. `echoes`: milliseconds by key number."""
        for event, _ in self.selector.select(max(0.0, patience)):
            if event.fd == 0:
                return False
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:
                raise SystemExit(f'the command has ended; it wrote {self.output[-2000:]!r}')
            now = time.monotonic()
            if self.first is None and INVISIBLE.sub(b'', SEQUENCE.sub(b'', self.output + chunk)):
                self.first = (now - self.start) * 1e3
            # a character may be cut in two
            seen = self.output[-3:] + chunk
            for character, (number, written) in list(self.pending.items()):
                if character in seen:
                    del self.pending[character]
                    echoes[number] = (now - written) * 1e3
            self.output = (self.output + chunk)[-KEPT:]
        return True

    def ready(self):
        while termios.tcgetattr(self.fd)[3] & termios.ECHO:
            self.turn(LOOK, {})
        number, echoes = self.key(), {}
        while number not in echoes:
            self.turn(ECHO_LIMIT, echoes)
        usable = self.since()
        os.write(self.fd, CLEAR)
        return {'pid': self.pid, 'first': self.first, 'usable': usable}

    def type(self, keys, clear, least, most, seed):
        chance = random.Random(seed)
        echoes, numbers, due = {}, [], time.monotonic()
        while len(numbers) < keys:
            while (rest := due - time.monotonic()) > 0:
                self.turn(rest, echoes)
            numbers.append(self.key())
            due += chance.uniform(least, most) / 1e3
            if len(numbers) % clear == 0:
                while (rest := due - time.monotonic()) > 0:
                    self.turn(rest, echoes)
                os.write(self.fd, CLEAR)
                due += most / 1e3
        end = time.monotonic() + ECHO_LIMIT
        while self.pending and time.monotonic() < end:
            self.turn(end - time.monotonic(), echoes)
        self.pending.clear()
        return {'echoes': [echoes.get(number) for number in numbers]}

    def see(self, text):
        end = time.monotonic() + 60
        while text.encode() not in self.output:
            if time.monotonic() > end:
                raise SystemExit(f'{text} did not come: {self.output[-2000:]!r}')
            self.turn(1, {})
        return {}


def main():
    columns, rows = int(sys.argv[1]), int(sys.argv[2])
    terminal = Terminal(columns, rows, sys.argv[3:])
    control = b''
    try:
        while True:
            if not terminal.turn(3600, {}):
                chunk = os.read(0, 65536)
                if chunk == b'':
                    return
                control += chunk
            while b'\n' in control:
                line, control = control.split(b'\n', 1)
                request = json.loads(line)
                answer = getattr(terminal, request.pop('op'))(**request)
                print(json.dumps(answer), flush=True)
    finally:
        os.kill(terminal.pid, signal.SIGKILL)


main()
