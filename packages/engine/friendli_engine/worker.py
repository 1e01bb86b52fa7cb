"""The engine's loop: it reads commands between forwards and reports what happened.

Knows the socket to the client; nothing of HTTP, and nothing of the process it runs in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import diffusers
import torch
import transformers
import zmq

from .adapters import BUDGET
from .aside import divided
from .engine import Engine
from .errors import AdapterRefusedError, EngineError
from .loading import load
from .protocol import (
    Beat,
    Cancel,
    Changed,
    Configuration,
    Declined,
    Errand,
    LoadAdapter,
    Loading,
    Phase,
    Ready,
    Refused,
    Report,
    Stop,
    Submit,
    UnloadAdapter,
    decode_command,
    decode_configuration,
    encode,
)
from .request import Failed

log = logging.getLogger(__name__)

BEAT = 0.5
"""Seconds between signs of life."""


def quieten() -> None:
    """Progress bars and advice of the libraries are not for a server's log."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def serve(endpoint: str, abandoned: Callable[[], bool] = lambda: False) -> None:
    """Load what the first message asks for and serve until stopped, or `abandoned`."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as socket:
        socket.setsockopt(zmq.LINGER, 1000)
        socket.connect(endpoint)
        while not socket.poll(int(BEAT * 1000)):  # a spare waits long
            if abandoned():
                return
        configuration = decode_configuration(socket.recv())
        if isinstance(configuration, Stop):
            return
        try:
            engine = _engine(configuration, socket)
        except EngineError as error:
            socket.send(encode(Refused(error.kind, error.message)))
            return
        with engine:
            Worker(engine, socket, abandoned).run()


def _engine(configuration: Configuration, socket: zmq.Socket[bytes]) -> Engine:
    def tell(phase: Phase, what: str, fraction: float) -> None:
        with lock:  # files are fetched in several threads, and a socket bears one at a time
            socket.send(encode(Loading(phase, what, fraction)))

    lock = threading.Lock()
    threads = configuration.threads or torch.get_num_threads()
    model = load(
        configuration.model,
        device=configuration.device,
        dtype=configuration.dtype,
        controlnets=configuration.controlnets,
        progress=tell,
    )
    threads, aside = divided(threads) if model.device.type == "cpu" else (threads, False)
    torch.set_num_threads(threads)
    memory = configuration.adapter_memory
    engine = Engine(
        model,
        max_rows=configuration.max_rows,
        max_active=configuration.max_active,
        deterministic=configuration.deterministic,
        adapter_memory=BUDGET if memory is None else memory,
        memory=configuration.memory,
        max_wait=configuration.max_wait,
        profiles=Path(configuration.profiles) if configuration.profiles else None,
        aside=aside,
    )
    for number, (route, source) in enumerate(configuration.adapters.items()):
        tell("adapters", route, number / len(configuration.adapters))
        try:
            engine.load_adapter(route, source)
        except AdapterRefusedError:
            if configuration.insist:
                raise
            log.exception("The adapter %r is served no longer.", route)
    return engine


class Worker:
    """The loop around an engine."""

    def __init__(
        self,
        engine: Engine,
        socket: zmq.Socket[bytes],
        abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine, self._socket, self._abandoned = engine, socket, abandoned
        self._stopped = False
        self._last_beat = 0.0

    def run(self) -> None:
        """Read commands, step, report, until stopped."""
        self._report(Ready(self._engine.info))
        while not (self._stopped or self._abandoned()):
            self._read()
            for event in self._engine.step():
                self._report(event)
            self._beat()

    def _read(self) -> None:
        """Obey what has arrived; wait for something if there is nothing else to do."""
        wait = 0 if self._engine.busy else BEAT * 1000
        while not self._stopped and self._socket.poll(int(wait)):
            self._obey(decode_command(self._socket.recv()))
            wait = 0

    def _obey(self, command: Submit | Cancel | Errand | Stop) -> None:
        match command:
            case Submit(request):
                try:
                    self._report(self._engine.submit(request))
                except EngineError as error:
                    self._report(Failed(request.id, error.kind, error.message, error.param))
            case Cancel(request_id):
                self._engine.cancel(request_id)
            case LoadAdapter() | UnloadAdapter():
                self._report(self._done(command))
            case Stop():
                self._stopped = True

    def _done(self, errand: Errand) -> Changed | Declined:
        source = errand.source if isinstance(errand, LoadAdapter) else None
        try:
            if isinstance(errand, LoadAdapter):
                self._engine.load_adapter(errand.route, errand.source, replace=errand.replace)
            else:
                self._engine.unload_adapter(errand.route)
        except EngineError as error:
            return Declined(errand.ticket, error.kind, error.message, error.param)
        return Changed(errand.ticket, self._engine.info, errand.route, source)

    def _beat(self) -> None:
        if time.monotonic() - self._last_beat > BEAT:
            self._last_beat = time.monotonic()
            self._report(Beat(self._engine.stats()))

    def _report(self, report: Report) -> None:
        self._socket.send(encode(report))
