from harness.realtime.quirks import Quirks
from harness.realtime.tenant import Tenant


def test_the_secret_of_a_tenant_is_never_printed() -> None:
    assert "hush" not in repr(Tenant(jwt_secret="hush"))


def test_a_tenant_is_by_default_as_a_self_hosted_server() -> None:
    assert Tenant(jwt_secret="s") == Tenant(
        jwt_secret="s",
        publication="supabase_realtime",
        external_id=None,
        idle_timeout_s=66.0,
        connect_error_backoff_s=2.0,
        channel_error_backoff_s=5.0,
        token_check_s=300.0,
        subscribe_retry_s=(1.0, 3.0),
        subscribe_error_retry_s=(5.0, 10.0),
        max_frame_bytes=5_000_000,
        max_backlog_bytes=50_000_000,
        max_record_bytes=1_048_576,
        poll_interval_s=0.1,
        idle_poll_interval_s=0.5,
        poll_timeout_s=15.0,
        reconnect_s=(1.4, 2.2),
        publication_check_s=60.0,
        row_removal_s=15.0,
        idle_stop_s=600.0,
        quirks=Quirks(),
    )


def test_changes_are_read_from_our_own_publication_unless_the_quirk_is_off() -> None:
    ours = Tenant(jwt_secret="s", publication="p")
    theirs = Tenant(jwt_secret="s", publication="p", quirks=Quirks(publication_filters_ignored=False))

    assert (ours.feed, theirs.feed) == ("harness_p", "p")
