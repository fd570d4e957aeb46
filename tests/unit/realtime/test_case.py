from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count

import pytest

from harness.realtime.auth import Claims
from harness.realtime.case import Case
from harness.realtime.comparison import Comparison
from harness.realtime.filters import Filter
from harness.realtime.quirks import Quirks
from harness.realtime.subscription import Subscriber, Subscription
from harness.realtime.visibility import Grant, Judgement, Output, Question, Table, TableColumn
from harness.replication.change import Action, Change, Column, Relation
from harness.replication.lsn import Lsn

KEY = TableColumn(
    name="id", type_name="int4", bare_type="integer", full_type="integer", built_in=True, enum=False, key=True
)
TABLE = Table(columns=(KEY,), schema="public", name="t")
COLUMNS = '[{"name": "id", "type": "int4"}]'
OPEN = Grant(selectable=frozenset({"id"}), secured=False)
SECURED = Grant(selectable=frozenset({"id"}), secured=True)


ROWS = count(1)


def a_subscription(
    role: str = "anon", sub: str = "1", select: tuple[str, ...] | None = None, filters: tuple[Filter, ...] = ()
) -> Subscription:
    return Subscription(
        row=next(ROWS),
        filters=filters,
        subscriber=Subscriber(link=sub, topic="realtime:x", vsn="2.0.0"),
        binding_id=1,
        position=0,
        relation=1,
        action="*",
        claims=Claims(role=role, expires=1, text=f'{{"sub":"{sub}"}}', token="t"),
        select=select,
    )


def a_case(
    action: Action,
    *subscriptions: Subscription,
    table: Table = TABLE,
    quirks: Quirks | None = None,
    max_record_bytes: int = 1 << 20,
) -> Case:
    row = {"id": "7"}
    change = Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        relation=Relation(oid=1, schema="public", table="t", columns=(Column(name="id", type_oid=23, key=True),)),
        action=action,
        record=None if action is Action.DELETE else row,
        old_record=row if action is Action.DELETE else None,
    )
    case = Case(
        Question(change=change, subscriptions=subscriptions),
        table,
        quirks or Quirks(),
        max_record_bytes=max_record_bytes,
    )
    case.met = list(case.subscriptions)
    return case


def printed(case: Case) -> Judgement:
    case.printed = {
        each: ('{"id": 7}' if each.record else "{}", '{"id": 7}' if each.old else "{}")
        for each in case.shapes().values()
    }
    return case.judgement()


def test_equal_claims_are_asked_about_once() -> None:
    case = a_case(Action.INSERT, a_subscription(), a_subscription(), a_subscription(sub="2"))

    assert case.groups() == [("anon", '{"sub":"1"}'), ("anon", '{"sub":"2"}')]
    assert case.asked() == ("key", {"id": "7"})


def test_who_is_refused_by_a_policy_is_withheld() -> None:
    mine, other = a_subscription(), a_subscription(sub="2")
    case = a_case(Action.INSERT, mine, other)
    case.grants = {"anon": SECURED}
    case.verdicts = {("anon", '{"sub":"1"}'): True, ("anon", '{"sub":"2"}'): False}

    assert printed(case) == Judgement(
        outputs=(Output(subscriptions=(mine,), columns=COLUMNS, record='{"id": 7}'),), withheld=(other,)
    )


def test_without_row_security_nobody_is_withheld() -> None:
    one, other = a_subscription(), a_subscription(sub="2")
    case = a_case(Action.INSERT, one, other)
    case.grants = {"anon": OPEN}

    assert printed(case) == Judgement(
        outputs=(Output(subscriptions=(one, other), columns=COLUMNS, record='{"id": 7}'),)
    )


def test_a_delete_ignores_row_security_unless_the_quirk_is_off() -> None:
    subscription = a_subscription()
    ignoring = a_case(Action.DELETE, subscription)
    asking = a_case(Action.DELETE, subscription, quirks=Quirks(delete_ignores_rls=False))
    for case in (ignoring, asking):
        case.grants = {"anon": SECURED}
        case.verdicts = {("anon", '{"sub":"1"}'): False}

    assert ignoring.groups() == ()
    assert (asking.groups(), asking.asked()) == ([("anon", '{"sub":"1"}')], ("bypass", {}))
    assert printed(ignoring) == Judgement(
        outputs=(Output(subscriptions=(subscription,), columns=COLUMNS, old_record='{"id": 7}'),)
    )
    assert printed(asking) == Judgement(withheld=(subscription,))


def test_without_the_quirk_policies_are_asked_about_the_row_as_it_was_changed() -> None:
    case = a_case(Action.INSERT, a_subscription(), quirks=Quirks(rls_sees_current_row=False))

    assert case.asked() == ("version", {"id": "7"})


def test_a_role_that_cannot_read_the_key_gets_an_error_whatever_its_filters() -> None:
    anon, service = a_subscription(), a_subscription(role="service_role")
    case = a_case(Action.INSERT, anon, service)
    case.met = [service]
    case.grants = {"anon": Grant(selectable=frozenset(), secured=False), "service_role": OPEN}

    assert printed(case) == Judgement(
        outputs=(
            Output(subscriptions=(anon,), error="Error 401: Unauthorized", timeless=True),
            Output(subscriptions=(service,), columns=COLUMNS, record='{"id": 7}'),
        )
    )


def test_different_selections_are_different_outputs() -> None:
    everything, key = a_subscription(), a_subscription(select=("id",))
    case = a_case(Action.INSERT, everything, key)
    case.grants = {"anon": OPEN}

    assert [output.subscriptions for output in printed(case).outputs] == [(everything,), (key,)]


def test_of_a_table_that_is_gone_nobody_hears() -> None:
    case = a_case(Action.INSERT, a_subscription(), table=Table(columns=()))

    assert printed(case) == Judgement()


@pytest.mark.parametrize("action", list(Action))
def test_a_change_that_meets_no_filter_has_no_output(action: Action) -> None:
    case = a_case(action, a_subscription())
    case.met = []
    case.grants = {"anon": SECURED}

    assert printed(case) == Judgement()


def test_an_error_comes_apart_for_those_who_selected_other_columns() -> None:
    everything, key = a_subscription(), a_subscription(select=("id",))
    case = a_case(Action.INSERT, everything, key)
    case.grants = {"anon": Grant(selectable=frozenset(), secured=False)}

    assert [(each.subscriptions, each.error) for each in printed(case).outputs] == [
        ((everything,), "Error 401: Unauthorized"),
        ((key,), "Error 401: Unauthorized"),
    ]


def test_of_a_table_that_has_another_name_now_nobody_hears() -> None:
    case = a_case(Action.INSERT, a_subscription(), table=Table(columns=(KEY,), schema="public", name="renamed"))

    assert printed(case) == Judgement()


def test_who_lost_their_row_gets_nothing() -> None:
    gone, stays = a_subscription(), a_subscription()
    case = a_case(Action.INSERT, gone, stays)
    case.grants = {"anon": OPEN}

    case.forget({gone.row})

    assert [each.subscriptions for each in printed(case).outputs] == [(stays,)]


def test_a_row_that_is_too_large_comes_with_an_error() -> None:
    case = a_case(Action.INSERT, a_subscription(), max_record_bytes=10)
    case.grants = {"anon": OPEN}

    (output,) = printed(case).outputs

    assert (output.record, output.error, output.timeless) == ('{"id": 7}', "Error 413: Payload Too Large", False)


@pytest.mark.parametrize(
    ("filters", "answers", "met"),
    [
        ((), {}, True),
        ((Filter(column="id", op="eq", value="7"),), {}, True),
        ((Filter(column="id", op="eq", value="7"), Filter(column="id", op="gt", value="7")), {}, False),
        ((Filter(column="absent", op="is", value="null"),), {}, False),
        ((Filter(column="id", op="eq", value="007"),), {Comparison("integer", "eq", "7", "007", False): True}, True),
        ((Filter(column="id", op="eq", value="007"),), {Comparison("integer", "eq", "7", "007", False): None}, False),
    ],
)
def test_all_filters_must_be_met(
    filters: tuple[Filter, ...], answers: Mapping[Comparison, bool | None], met: bool
) -> None:
    subscription = a_subscription(filters=filters)
    case = a_case(Action.INSERT, subscription)

    asked = list(case.comparisons())
    case.sift(answers)

    assert asked == list(answers)
    assert case.met == ([subscription] if met else [])
