"""The courier: takes what is due out of the outbox and tells it, beside a server.

Any number of servers may run one for a project. Only while something is due does one of them hold the lease under which
letters are sent, so each is sent by one. A courier that is killed between sending and noting it leaves the letter to be
sent again, under the same delivery id.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.mlops.tracking.webhooks.addresses import allowed_hosts
from ropewalk.mlops.tracking.webhooks.hooks import opened_secret
from ropewalk.mlops.tracking.webhooks.sending import Letter, Reply, send
from ropewalk.pipeline import Leases, Stopped, Workspace
from ropewalk.store import now_ms
from ropewalk.store.tracking import webhooks as table
from ropewalk.store.tracking.webhooks import Delivery, State, Webhook

LEASE = "webhooks"
POLL_S = 0.5
AT_ONCE = 4
BATCH = 64
# 5 s, 10 s, 20 s, … at most an hour: ten attempts reach over an hour and a half.
ATTEMPTS = 10
FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 3_600_000
_DAY_MS = 24 * 3_600_000
KEEP_DELIVERED_MS = 7 * _DAY_MS
KEEP_DEAD_MS = 30 * _DAY_MS


class Courier:
    """Delivers the outbox of one open project."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._stopping = threading.Event()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Deliver in a thread of its own while the block lasts; a letter on its way is waited for at the end."""
        thread = threading.Thread(target=self._watch, name="webhooks", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def deliver_due(self) -> int:
        """Deliver what is due now, if no other courier does; return how many attempts were made."""
        if not self._is_due():
            return 0
        with Leases(self.workspace.database) as leases, leases.hold(LEASE, self._stopping):
            made = 0
            # Read again under the lease: what another courier told meanwhile is not due any more.
            while not self._stopping.is_set() and (batch := self._batch()):
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    made += sum(1 for _ in pool.map(lambda pair: self._deliver(*pair), batch))
            self._forget()
            return made

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.deliver_due()
            except Stopped:
                return
            except RopewalkError as error:
                # A database that is away comes back; letters wait there.
                get_logger().error("webhooks cannot be delivered now", reason=error.message)
            self._stopping.wait(POLL_S)

    def _is_due(self) -> bool:
        with self.workspace.database.read() as connection:
            return bool(table.due_deliveries(connection, now_ms(), 1))

    def _batch(self) -> list[tuple[Delivery, Webhook]]:
        with self.workspace.database.read() as connection:
            return table.due_deliveries(connection, now_ms(), BATCH)

    def _deliver(self, delivery: Delivery, webhook: Webhook) -> None:
        reply = self._sent(delivery, webhook)
        state, due_at = _outcome(delivery, reply)
        with self.workspace.database.write() as connection:
            table.settle_delivery(
                connection,
                delivery.number,
                state,
                due_at=due_at,
                answer=reply.status,
                problem=_problem(reply),
            )
        if state == "dead":
            # The name and not the address, which may have a token in its path.
            get_logger().error("a webhook was given up", webhook=webhook.name, reason=_problem(reply))

    def _sent(self, delivery: Delivery, webhook: Webhook) -> Reply:
        try:
            secret = opened_secret(self.workspace, webhook)
        except RopewalkError as error:
            return Reply(None, problem=f"refused: {error.message}")
        letter = Letter(delivery.id, webhook.url, delivery.content, secret)
        return send(letter, allowed_hosts(self.workspace.settings))

    def _forget(self) -> None:
        now = now_ms()
        with self.workspace.database.write() as connection:
            table.forget_deliveries(connection, now - KEEP_DELIVERED_MS, now - KEEP_DEAD_MS)


def _outcome(delivery: Delivery, reply: Reply) -> tuple[State, int]:
    if reply.is_taken:
        return "delivered", delivery.due_at
    if not reply.may_change or delivery.attempts + 1 >= ATTEMPTS:
        return "dead", delivery.due_at
    return "waiting", now_ms() + next_pause_ms(delivery.attempts, reply.retry_after_s)


def next_pause_ms(attempts: int, retry_after_s: int | None) -> int:
    """Return how long to wait after that many earlier attempts; at least what the receiver asks for, up to an hour."""
    pause: int = FIRST_PAUSE_MS << attempts
    # Some more by chance: letters that failed together do not come back together.
    pause += random.randrange(1 + pause // 4)  # noqa: S311  # not a secret
    return min(max(pause, (retry_after_s or 0) * 1000), LONGEST_PAUSE_MS)


def _problem(reply: Reply) -> str | None:
    if reply.is_taken:
        return None
    if reply.status is not None and 300 <= reply.status < 400:
        return f"answered {reply.status}: redirects are not followed"
    return reply.problem or f"answered {reply.status}"
