"""The database refuses the plugin that the server reads changes with."""

from dataclasses import dataclass
from typing import ClassVar

from harness.errors import StoryFault
from harness.faults.fault import Capability, World
from harness.faults.poller import find_poller, terminate


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRefused:
    """No slot can be made, and one that stands is lost: PostgreSQL was updated to a version that allows only the
    output plugins of its setting `output_plugin_libraries`.

    The server says "Subscribed to PostgreSQL" all the same, tries six times, gives up, begins again, and never
    delivers anything (realtime-facts 11.13, quirk `subscribed_without_slot`; class B26).
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ENGINE, Capability.SQL})

    async def begin(self, world: World) -> None:
        """Whether or not anybody is subscribed yet."""
        world.engine.refuse_plugin(True)
        try:
            poller = await find_poller(world)
        except StoryFault:  # there is no slot to lose
            return
        await terminate(world, poller)

    async def end(self, world: World) -> None:
        """The setting was corrected; the server's next try succeeds."""
        world.engine.refuse_plugin(False)
