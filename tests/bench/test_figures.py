import json

from bench import report, wanted
from bench.figures import Findings, Latency, Size, Throughput, median_rate, percentile, ratio_verdict, ratios

ROUNDS = [
    Throughput("ours", "PostgreSQL", 1, 1000, 1.0, {"own": 1.0, "servers": 0.5}),
    Throughput("peer", "PostgreSQL", 1, 1000, 2.0),
    Throughput("ours", "PostgreSQL", 2, 1000, 0.5, {"own": 2.0, "servers": 0.5}),
    Throughput("peer", "PostgreSQL", 2, 1000, 2.0),
    Throughput("ours", "PostgreSQL", 3, 1000, 0.8, {"own": 3.0, "servers": 0.5}),
    Throughput("peer", "PostgreSQL", 3, 1000, 1.0),
    Throughput("ours", "SQLite", 1, 1000, 1.0),
]


def found(*latencies: Latency, sizes=()) -> Findings:
    return Findings([], list(latencies), list(sizes))


def test_the_nearest_rank_is_the_percentile():
    samples = [float(value) for value in range(1, 101)]
    assert [percentile(samples, percent) for percent in (1, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert percentile([7.0], 95) == 7.0


def test_ratios_compare_neighbours_of_one_round_and_database():
    assert ratios(ROUNDS, ours="ours", peer="peer", database="PostgreSQL") == [2.0, 4.0, 1.25]
    assert ratios(ROUNDS, ours="ours", peer="peer", database="SQLite") == []


def test_a_ratio_compares_medians_with_floor_and_goal_and_shows_the_spread():
    def verdict(database="PostgreSQL", *, floor, goal):
        return ratio_verdict(ROUNDS, ours="ours", peer="peer", database=database, floor=floor, goal=goal)

    assert median_rate(ROUNDS, contender="ours", database="PostgreSQL") == 1250
    both = verdict(floor=2.0, goal=2.5)
    assert (both.value, both.note, both.words) == (2.5, "rounds 1.25–4.00", "goal met")
    assert verdict(floor=2.0, goal=2.6).words == "floor met"
    assert verdict(floor=2.6, goal=3.0).words == "MISSED"
    assert verdict("SQLite", floor=1, goal=1) is None


def test_a_limit_is_the_most_a_figure_may_be():
    slow = Latency(wanted.OURS, "SQLite", wanted.IDLE, wanted.DUE_TIME, (5.0, 50.0))
    quick = Latency(wanted.OURS, "PostgreSQL", wanted.LOADED, wanted.DUE_TIME, (5.0, 15.0))
    peer = Latency("peer", "PostgreSQL", wanted.LOADED, wanted.DUE_TIME, (500.0,))
    grown = Size(wanted.CLAIM_GROWTH, "PostgreSQL", 1.31, "×")
    said = {one.name: one.words for one in wanted.verdicts(found(slow, quick, peer, sizes=[grown]))}
    assert said == {
        "SQLite: due to start, idle, p95": "MISSED",
        "PostgreSQL: due to start, loaded, p95": "met",
        "PostgreSQL: claim p95, large against small": "MISSED",
    }


def test_the_tables_of_a_stored_run_go_between_the_markers_of_the_page(tmp_path, monkeypatch):
    page, stored = tmp_path / "benchmark.md", tmp_path / "run.json"
    page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    findings = Findings(ROUNDS, [Latency("ours", "SQLite", "idle", "due time", (1.0, 2.0))], [])
    about = {"measured_at": "2026-11-20T17:00:00+00:00", "machine": "2 cores", "options": "--rounds 3"}
    stored.write_text(json.dumps({"about": about, **findings.as_json()}))
    monkeypatch.setattr(report, "PAGE", page)
    report.write_page(stored)
    written = page.read_text()
    assert (written[:8], written[-6:]) == ("# Before", "after\n")
    assert "old" not in written
    assert "Measured 2026-11-20 on 2 cores." in written
    assert "| ours | PostgreSQL | 1,250 | 1000 2000 1250 | 2.00 | 2.50 |" in written
    assert "| ours | SQLite | idle, due time | 1.0 | 2.0 | 2.0 | 2 |" in written
