#!/usr/bin/env python3
"""An Ethernet switch in user space, for kernels without `tc netem`: a TAP device in each of several network namespaces, and
between each ordered pair of them its own loss, delay, duplication, reordering and cuts, changed while it runs.

usage: chaos-net.py SOCKET SEED NAMESPACE...

Port N is the N-th namespace, counted from 0; its device is called `lan`. Control is a Unix stream socket: one JSON object a
line, each answered by one line. It ends when its standard input does, so it cannot outlive whoever started it.

  {"op": "link", "from": [0], "to": [1, 2], "loss": 0.2, "delay": 20, "jitter": 5, "duplicate": 0.05, "reorder": 0.25}
      `from` and `to` default to every port, what is not named stays. Probabilities are 0 to 1, times milliseconds. A
      reordered frame overtakes those that are still delayed.
  {"op": "partition", "groups": [[0, 1], [2, 3, 4]]}   frames pass within a group only; a port in no group is alone
  {"op": "cut", "pairs": [[0, 1]]}                     frames from 0 to 1 are dropped, those from 1 to 0 are not
  {"op": "heal"}                                       no more cuts; links keep their loss and delay
  {"op": "stats"}                                      frames received, sent, lost by chance, cut, dropped at a full device
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000
FRAME_MAX = 65536
# frames taken from one port before the others have their turn
BURST = 64
# frames under way; beyond that the switch drops, as one made of silicon would
QUEUE_MAX = 50_000
CLEAN = {'loss': 0.0, 'delay': 0.0, 'jitter': 0.0, 'duplicate': 0.0, 'reorder': 0.0}

libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def open_tap(namespace, home):
    inside = os.open(f'/run/netns/{namespace}', os.O_RDONLY)
    try:
        enter(inside)
        tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack('16sH22x', b'lan', IFF_TAP | IFF_NO_PI))
        return tap
    finally:
        enter(home)
        os.close(inside)


class Switch:
    def __init__(self, taps, seed):
        self.taps = taps
        self.random = random.Random(seed)
        self.links = {(a, b): dict(CLEAN) for a in range(len(taps)) for b in range(len(taps)) if a != b}
        self.cuts = set()
        self.home_of = {}
        self.queue = []
        self.sequence = 0
        self.stats = {'received': 0, 'sent': 0, 'lost': 0, 'cut': 0, 'full': 0}

    def control(self, request):
        operation = request['op']
        if operation == 'link':
            self.set_links(request)
        elif operation == 'partition':
            group_of = {port: index for index, group in enumerate(request['groups']) for port in group}
            self.cuts = {(a, b) for a, b in self.links if a not in group_of or group_of[a] != group_of.get(b)}
        elif operation == 'cut':
            self.cuts |= {(a, b) for a, b in request['pairs']}
        elif operation == 'heal':
            self.cuts.clear()
        elif operation != 'stats':
            raise ValueError(f'unknown op {operation}')
        return {'ok': True, 'stats': self.stats}

    def set_links(self, request):
        every = range(len(self.taps))
        unknown = set(request) - set(CLEAN) - {'op', 'from', 'to'}
        if unknown:
            raise ValueError(f'unknown fields {sorted(unknown)}')
        change = {name: float(value) for name, value in request.items() if name in CLEAN}
        for a in request.get('from', every):
            for b in request.get('to', every):
                if a != b:
                    self.links[a, b].update(change)

    def receive(self, port):
        for _ in range(BURST):
            try:
                frame = os.read(self.taps[port], FRAME_MAX)
            except BlockingIOError:
                return
            self.stats['received'] += 1
            target, source = frame[0:6], frame[6:12]
            self.home_of[source] = port
            home = self.home_of.get(target)
            if target[0] & 1 or home is None:
                for other in range(len(self.taps)):
                    if other != port:
                        self.forward(port, other, frame)
            elif home != port:
                self.forward(port, home, frame)

    def forward(self, a, b, frame):
        if (a, b) in self.cuts:
            self.stats['cut'] += 1
            return
        link, chance = self.links[a, b], self.random.random
        if chance() < link['loss']:
            self.stats['lost'] += 1
            return
        for _ in range(2 if chance() < link['duplicate'] else 1):
            overtakes = chance() < link['reorder']
            delay = 0 if overtakes else max(0, link['delay'] + self.random.uniform(-link['jitter'], link['jitter']))
            if delay == 0:
                self.deliver(b, frame)
            elif len(self.queue) < QUEUE_MAX:
                self.sequence += 1
                heapq.heappush(self.queue, (time.monotonic() + delay / 1000, self.sequence, a, b, frame))
            else:
                self.stats['full'] += 1

    def deliver(self, port, frame):
        try:
            os.write(self.taps[port], frame)
            self.stats['sent'] += 1
        except OSError:
            # the device is full or still down: the frame is gone, as on a wire
            self.stats['full'] += 1

    def deliver_due(self):
        """Delivers what is due and answers the seconds until the next frame is, or None."""
        while self.queue:
            wait = self.queue[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, a, b, frame = heapq.heappop(self.queue)
            if (a, b) in self.cuts:
                self.stats['cut'] += 1
            else:
                self.deliver(b, frame)
        return None


class Controller:
    """One connection to the control socket."""

    def __init__(self, connection, switch):
        self.connection, self.switch, self.pending = connection, switch, b''

    def read(self):
        """False at the end."""
        chunk = self.connection.recv(FRAME_MAX)
        *lines, self.pending = (self.pending + chunk).split(b'\n')
        for line in lines:
            try:
                answer = self.switch.control(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                answer = {'ok': False, 'error': repr(error)}
            self.connection.sendall(json.dumps(answer).encode() + b'\n')
        return bool(chunk)


def main():
    path, seed, *namespaces = sys.argv[1:]
    home = os.open('/proc/self/ns/net', os.O_RDONLY)
    taps = [open_tap(namespace, home) for namespace in namespaces]
    switch = Switch(taps, int(seed))
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    selector = selectors.DefaultSelector()
    for port, tap in enumerate(taps):
        selector.register(tap, selectors.EVENT_READ, port)
    selector.register(server, selectors.EVENT_READ, server)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ, sys.stdin)
    print('ready', flush=True)
    while True:
        for key, _ in selector.select(switch.deliver_due()):
            if isinstance(key.data, int):
                switch.receive(key.data)
            elif key.data is server:
                connection, _ = server.accept()
                selector.register(connection, selectors.EVENT_READ, Controller(connection, switch))
            elif isinstance(key.data, Controller):
                if not key.data.read():
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
            elif not os.read(sys.stdin.fileno(), FRAME_MAX):
                return


main()
