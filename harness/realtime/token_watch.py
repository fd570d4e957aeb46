"""The token of a joined channel: looked at again in time, and replaced when the client gives a new one.

realtime-facts 1.4, recording p04b.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from typing import Any

from harness.realtime.auth import Refusal as TokenRefusal
from harness.realtime.channel import Channel
from harness.realtime.feature import Feature, Refusal, ask
from harness.realtime.services import Services


class TokenWatch:
    """`features` are told of new tokens, see `Feature.refresh`."""

    def __init__(self, services: Services, features: Sequence[Feature]) -> None:
        self._services = services
        self._questions = [each.refresh for each in features]
        self._timers: dict[Channel, asyncio.TimerHandle] = {}

    def feature(self) -> Feature:
        """The hooks."""
        return Feature(name="token", follow=self._watch, over=self._over)

    def given(self, channel: Channel, token: Any) -> Awaitable[None] | None:
        """A new token: good, its claims replace the old; bad, the channel ends.

        What is no token, an opaque key or the token that it has already changes nothing.
        """
        if not isinstance(token, str) or token.startswith("sb_") or token == channel.claims.token:
            return None
        claims = self._services.verify(token)
        if isinstance(claims, TokenRefusal):
            channel.expel(claims.at_refresh())
            return None
        channel.claims = claims
        self._watch(channel)
        answer = ask(self._questions, channel)
        if inspect.isawaitable(answer):
            return self._conclude(channel, answer)
        self._heed(channel, answer)
        return None

    async def _conclude(self, channel: Channel, answer: Awaitable[Refusal]) -> None:
        self._heed(channel, await answer)

    def _heed(self, channel: Channel, refusal: Refusal) -> None:
        if refusal is not None:
            channel.expel(refusal)

    def _watch(self, channel: Channel) -> None:
        self._over(channel)
        delay = channel.claims.next_check_s(self._services.wall(), at_most=self._services.tenant.token_check_s)
        left = self._services.real_seconds(delay)
        self._timers[channel] = asyncio.get_running_loop().call_later(left, self._check, channel)

    def _check(self, channel: Channel) -> None:
        refusal = channel.claims.expired(self._services.wall())
        if refusal is None:
            self._watch(channel)
        else:
            channel.expel(refusal.at_refresh())

    def _over(self, channel: Channel) -> None:
        timer = self._timers.pop(channel, None)
        if timer is not None:
            timer.cancel()
