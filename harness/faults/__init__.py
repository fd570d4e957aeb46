"""WHAT can go wrong, one file each, named as in the histories."""

from collections.abc import Mapping
from typing import Final

from harness.faults.app_killed import AppKilled
from harness.faults.black_hole import BlackHole
from harness.faults.cdc_crash import CdcCrash
from harness.faults.clock_jumps import ClockJumps
from harness.faults.commit_then_timeout import CommitThenTimeout
from harness.faults.cut import Cut
from harness.faults.delay import Delay
from harness.faults.deploy import Deploy
from harness.faults.drop import Drop
from harness.faults.duplicate import Duplicate
from harness.faults.fault import Fault, FrameFault, WorldFault
from harness.faults.idle_close import IdleClose
from harness.faults.insert_fails import InsertFails
from harness.faults.laptop_sleeps import LaptopSleeps
from harness.faults.last_subscriber_wins import LastSubscriberWins
from harness.faults.offline import Offline
from harness.faults.plugin_refused import PluginRefused
from harness.faults.poison_filter import PoisonFilter
from harness.faults.poller_killed import PollerKilled
from harness.faults.postgres_restart import PostgresRestart
from harness.faults.quota_reached import QuotaReached
from harness.faults.ready_delayed import ReadyDelayed
from harness.faults.reorder import Reorder
from harness.faults.reply_reordered import ReplyReordered
from harness.faults.rls_revoked import RlsRevoked
from harness.faults.slot_busy import SlotBusy
from harness.faults.slot_lost import SlotLost
from harness.faults.slow_commit import SlowCommit
from harness.faults.slow_reader import SlowReader
from harness.faults.subscriptions_cleared import SubscriptionsCleared
from harness.faults.tab_hidden import TabHidden
from harness.faults.table_unpublished import TableUnpublished
from harness.faults.token_expires import TokenExpires

FAULTS: Final[Mapping[str, type[Fault]]] = {
    # of a link
    "black_hole": BlackHole,
    "cut": Cut,
    "delay": Delay,
    "drop": Drop,
    "duplicate": Duplicate,
    "idle_close": IdleClose,
    "last_subscriber_wins": LastSubscriberWins,
    "offline": Offline,
    "reorder": Reorder,
    "reply_reordered": ReplyReordered,
    "slow_reader": SlowReader,
    # of the database
    "commit_then_timeout": CommitThenTimeout,
    "insert_fails": InsertFails,
    "poller_killed": PollerKilled,
    "postgres_restart": PostgresRestart,
    "rls_revoked": RlsRevoked,
    "slot_busy": SlotBusy,
    "slot_lost": SlotLost,
    "slow_commit": SlowCommit,
    "subscriptions_cleared": SubscriptionsCleared,
    "table_unpublished": TableUnpublished,
    # of the Realtime server
    "cdc_crash": CdcCrash,
    "deploy": Deploy,
    "plugin_refused": PluginRefused,
    "poison_filter": PoisonFilter,
    "quota_reached": QuotaReached,
    "ready_delayed": ReadyDelayed,
    # of the user's machine
    "laptop_sleeps": LaptopSleeps,
    "tab_hidden": TabHidden,
    "token_expires": TokenExpires,
    # of the application
    "app_killed": AppKilled,
    "clock_jumps": ClockJumps,
}
"""What exists, by the names of their files."""

__all__ = [
    "FAULTS",
    "AppKilled",
    "BlackHole",
    "CdcCrash",
    "ClockJumps",
    "CommitThenTimeout",
    "Cut",
    "Delay",
    "Deploy",
    "Drop",
    "Duplicate",
    "Fault",
    "FrameFault",
    "IdleClose",
    "InsertFails",
    "LaptopSleeps",
    "LastSubscriberWins",
    "Offline",
    "PluginRefused",
    "PoisonFilter",
    "PollerKilled",
    "PostgresRestart",
    "QuotaReached",
    "ReadyDelayed",
    "Reorder",
    "ReplyReordered",
    "RlsRevoked",
    "SlotBusy",
    "SlotLost",
    "SlowCommit",
    "SlowReader",
    "SubscriptionsCleared",
    "TabHidden",
    "TableUnpublished",
    "TokenExpires",
    "WorldFault",
]
