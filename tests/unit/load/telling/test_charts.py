"""Scales, and charts as SVG text."""

from xml.etree import ElementTree

import pytest

from load.telling.charts import (
    Axis,
    Band,
    Chart,
    Line,
    Mark,
    Point,
    Spread,
    count_axis,
    duration,
    latency_axis,
    number,
    ranges,
    seconds_axis,
)

X = Axis(low=0.0, high=10.0, name="seconds", ticks=[(0.0, "0 s"), (10.0, "10 s")])
Y = Axis(low=0.001, high=0.1, name="latency", ticks=[(0.001, "1 ms"), (0.1, "100 ms")], log=True)


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg())


def found(chart: Chart, kind: str) -> list[dict[str, str]]:
    return [each.attrib for each in drawn(chart).iter() if each.get("class", "").split(" ")[0] == kind]


def texts(chart: Chart) -> list[str]:
    return [each.text or "" for each in drawn(chart).iter("text")]


def a_chart(*points: Point, gap: float = 100.0, dots: bool = True) -> Chart:
    return Chart(told="it", x=X, y=Y, lines=[Line(name="p50", colour="c1", points=points, gap=gap, dots=dots)])


def test_a_logarithmic_axis_has_a_tenth_half_way_of_a_hundredth() -> None:
    assert (Y.at(0.001), Y.at(0.01), Y.at(0.1)) == (0, 50, 100)


def test_what_is_beyond_an_axis_is_at_its_end() -> None:
    assert (X.at(-3.0), X.at(30.0)) == (0, 100)


def test_a_latency_axis_has_room_for_all_and_begins_and_ends_at_a_tick() -> None:
    axis = latency_axis([0.0071, 0.180], name="latency")

    assert [name for _, name in axis.ticks] == ["5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms"]
    assert (axis.low, axis.high) == pytest.approx((0.005, 0.2))


def test_a_latency_axis_over_many_decades_has_a_tick_for_each() -> None:
    axis = latency_axis([0.0002, 20.0], name="latency")

    assert [name for _, name in axis.ticks] == ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]


@pytest.mark.parametrize("values", [[], [0.01], [0.0], [0.02, 0.02]])
def test_a_latency_axis_is_never_without_length(values: list[float]) -> None:
    axis = latency_axis(values, name="latency")

    assert axis.low < axis.high
    assert len(axis.ticks) >= 2


def test_an_axis_of_amounts_begins_at_zero() -> None:
    axis = count_axis([3.0, 42.0], name="waiting")

    assert [name for _, name in axis.ticks] == ["0", "20", "40", "60"]
    assert [name for _, name in count_axis([], name="none").ticks] == ["0", "0.5", "1"]


def test_an_axis_of_time_has_ticks_at_round_seconds_within_it() -> None:
    axis = seconds_axis(-1.0, 12.0, name="seconds")

    assert [name for _, name in axis.ticks] == ["0 s", "5 s", "10 s"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.000085, "85 µs"), (0.0032, "3.2 ms"), (0.1234, "123 ms"), (0.9999, "1 s"), (12.34, "12.3 s"), (3600, "3600 s")],
)
def test_a_duration_is_told_in_three_digits(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("value", "told"), [(None, "–"), (0.0, "0"), (0.0612, "0.061"), (7.0, "7"), (7.25, "7.2"), (12345.6, "12,346")]
)
def test_a_number_is_told_with_the_digits_that_say_something(value: float | None, told: str) -> None:
    assert number(value) == told


def test_a_line_goes_from_point_to_point() -> None:
    chart = a_chart(Point(x=0, y=0.001), Point(x=5, y=0.01), Point(x=10, y=0.1))

    assert found(chart, "line") == [{"class": "line c1", "points": "0,100 50,50 100,0"}]


def test_a_line_is_broken_where_too_much_is_missing() -> None:
    chart = a_chart(Point(x=0, y=0.001), Point(x=1, y=0.001), Point(x=5, y=0.01), gap=2.0)

    assert [each["points"] for each in found(chart, "line")] == ["0,100 10,100", "50,50 50,50"]


def test_a_point_is_a_dot_a_cross_or_a_ring_and_says_what_it_is() -> None:
    chart = a_chart(
        Point(x=0, y=0.001, told="fine"),
        Point(x=5, y=0.01, told="<slow>", kind="cross"),
        Point(x=10, y=0.1, told="late", kind="ring"),
    )

    assert [len(found(chart, kind)) for kind in ("dot", "cross", "ring")] == [1, 1, 1]
    assert [each.text for each in drawn(chart).iter("title")] == ["fine", "<slow>", "late"]


def test_a_long_line_has_no_dots_but_keeps_its_crosses() -> None:
    chart = a_chart(*(Point(x=at / 10, y=0.01, kind="cross" if at == 7 else "dot") for at in range(100)))

    assert (len(found(chart, "dot")), len(found(chart, "cross"))) == (0, 1)
    assert not found(a_chart(Point(x=1, y=0.01), dots=False), "dot")


def test_a_chart_says_in_words_what_it_shows() -> None:
    chart = Chart(told='p99 "bad" < 1 s', x=X, y=Y, lines=[])

    assert drawn(chart).attrib["aria-label"] == 'p99 "bad" < 1 s'
    assert drawn(chart).attrib["role"] == "img"


def test_bands_spreads_and_marks_are_drawn_where_they_are() -> None:
    chart = Chart(
        told="all",
        x=X,
        y=Y,
        lines=[],
        bands=[Band(start=0, end=2, name="warm-up")],
        spreads=[Spread(colour="p99", bounds=[(0, 0.001, 0.01), (10, 0.01, 0.1)])],
        marks=[Mark(at=5, name="storm"), Mark(at=9, name="lost"), Mark(at=0.01, name="SLO", upright=False)],
    )

    assert [(each["x"], each["width"]) for each in found(chart, "band")] == [("0%", "20%")]
    assert found(chart, "spread") == [{"class": "spread p99", "points": "0,50 100,0 100,50 0,100"}]
    assert [(each["x1"], each["y1"]) for each in found(chart, "mark")] == [("50%", "0"), ("90%", "0"), ("0", "50%")]
    assert texts(chart)[-3:] == ["storm", "lost", "SLO"]


def test_names_of_marks_stand_one_below_the_other_and_within_the_chart() -> None:
    chart = Chart(told="", x=X, y=Y, lines=[], marks=[Mark(at=5, name="storm"), Mark(at=9, name="lost")])

    storm, lost = (each.attrib for each in drawn(chart).iter("text") if each.text in ("storm", "lost"))
    assert (storm["y"], storm.get("text-anchor")) == ("11", None)
    assert (lost["y"], lost.get("text-anchor")) == ("26", "end")


def test_the_legend_names_each_line() -> None:
    assert "<i></i>p50</span>" in a_chart().legend()


def test_ranges_go_from_low_to_high_one_below_the_other() -> None:
    svg = ElementTree.fromstring(ranges([("c1", 0.001, 0.01, "off"), ("c2", 0.01, 0.1, "lossless")], Y))

    stretches = [each.attrib for each in svg.iter("line") if each.get("class") == "stretch"]
    assert [(each["x1"], each["x2"], each["y1"]) for each in stretches] == [("0%", "50%", "8"), ("50%", "100%", "19")]
    assert svg.attrib["aria-label"] == "off; lossless"
