"""uvicorn's HTTP/1.1 protocol with a deadline for request heads and interim answers.

uvicorn by itself never closes a connection that sends nothing or half a head, and closes one
between two requests just when clients send the next. Knows nothing about applications;
`heartbeat.py` uses the extension that is offered here.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any
from uuid import uuid4

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from friendli_server.errors import ApiError

HEAD_SECONDS = 10.0
"""Time for a whole request head, and the longest silence of a new connection."""
IDLE_SECONDS = 75.0
"""Time between two requests. Clients keep a connection for 4 to 60 seconds (httpx 5, as uvicorn
does; load balancers 60): whoever closes it first must not be the server, or a request that is on
its way is lost."""
WRITE_SECONDS = 30.0
"""Time a client may take no bytes while an answer waits to be sent."""
LINGER_SECONDS = 10.0
"""Time for the rest of a body that is answered already; closing at once would lose the answer."""
_REASONS = {102: b"Processing", 103: b"Early Hints"}
INFORMATIONAL = "http.response.informational"
"""ASGI extension of a scope: a function of the status (102) and headers, to be called any time."""


class GuardedProtocol(H11Protocol):
    """Closes connections whose request head does not come; lets applications send 1xx answers."""

    head_seconds, idle_seconds = HEAD_SECONDS, IDLE_SECONDS
    write_seconds, linger_seconds = WRITE_SECONDS, LINGER_SECONDS
    _alarm: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for a head."""
        super().connection_made(transport)
        # An answer goes out in pieces, and one piece must not wait until the client has
        # acknowledged the other. asyncio sees to that only for sockets that it made itself.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; the alarm runs whenever a head is incomplete."""
        super().data_received(data)
        self._wait_for_head()
        self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self._unstick()
        if self._lingering:
            self._lingering.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly: give it some time."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._unstick()

    def handle_events(self) -> None:
        """Offer interim answers to the application of each new request."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not None and self.cycle is not before:
            extensions: dict[str, Any] = self.cycle.scope.setdefault("extensions", {})
            extensions[INFORMATIONAL] = partial(self._inform, self.cycle)

    def on_response_complete(self) -> None:
        """Go on to the next request, or wait for the rest of this one."""
        super().on_response_complete()
        self._wait_for_head()
        self._linger()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of every other error."""
        del msg  # the library's words
        name = uuid4().hex
        body = ApiError("invalid_http").body(name).model_dump_json().encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        headers += [("x-request-id", name), ("connection", "close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self.cycle is not None and not self.conn.trailing_data[0]:
            self._rest()
        elif self._alarm is None:
            self._alarm = self.loop.call_later(self.head_seconds, self._too_late)

    def _rest(self) -> None:
        """Between two requests there is more time than inside the head of one."""
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.idle_seconds, self.timeout_keep_alive_handler
        )

    def _stop_waiting(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def _linger(self) -> None:
        """Bound the time in which a body comes that nobody reads any more."""
        answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if answered and self._lingering is None:
            self._lingering = self.loop.call_later(self.linger_seconds, self.transport.close)
        elif self._lingering and not answered:
            self._lingering.cancel()
            self._lingering = None

    def _unstick(self) -> None:
        if self._stuck:
            self._stuck.cancel()
            self._stuck = None

    def _too_late(self) -> None:
        self._alarm = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _inform(
        self, cycle: RequestResponseCycle, status: int, headers: list[tuple[bytes, bytes]]
    ) -> None:
        if cycle.response_started or cycle.disconnected or self.transport.is_closing():
            return
        event = h11.InformationalResponse(
            status_code=status, headers=headers, reason=_REASONS[status]
        )
        self.transport.write(self.conn.send(event) or b"")
