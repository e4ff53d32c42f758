from bench.figures import (
    Latency,
    Throughput,
    latency_floor,
    median_rate,
    percentile,
    ratio_floor,
    ratios,
    report,
)

ROUNDS = [
    Throughput("ours", "PostgreSQL", 1, 1000, 1.0),
    Throughput("peer", "PostgreSQL", 1, 1000, 2.0),
    Throughput("ours", "PostgreSQL", 2, 1000, 0.5),
    Throughput("peer", "PostgreSQL", 2, 1000, 2.0),
    Throughput("ours", "PostgreSQL", 3, 1000, 0.8),
    Throughput("peer", "PostgreSQL", 3, 1000, 1.0),
    Throughput("ours", "SQLite", 1, 1000, 1.0),
]


def test_the_nearest_rank_is_the_percentile():
    samples = [float(value) for value in range(1, 101)]
    assert [percentile(samples, percent) for percent in (1, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert percentile([7.0], 95) == 7.0


def test_ratios_compare_neighbours_of_one_round_and_database():
    assert ratios(ROUNDS, ours="ours", peer="peer", database="PostgreSQL") == [2.0, 4.0, 1.25]
    assert ratios(ROUNDS, ours="ours", peer="peer", database="SQLite") == []


def test_a_floor_compares_medians_and_shows_the_spread():
    assert median_rate(ROUNDS, contender="ours", database="PostgreSQL") == 1250
    floor = ratio_floor(ROUNDS, ours="ours", peer="peer", database="PostgreSQL", least=2.5)
    assert (floor.measured, floor.met) == ("2.50 × (rounds 1.25–4.00)", True)
    assert not ratio_floor(ROUNDS, ours="ours", peer="peer", database="PostgreSQL", least=2.6).met
    assert ratio_floor(ROUNDS, ours="ours", peer="peer", database="SQLite", least=1) is None


def test_the_report_says_pass_or_miss():
    slow = Latency("SQLite", "due time", (5.0, 50.0))
    text = report(ROUNDS, [slow], [latency_floor(slow, most_ms=40)])
    assert "MISS  SQLite: due to start when idle, due time: p95 ≤ 40 ms, p95 50.0 ms" in text
    assert "1250   (1000 2000 1250)" in text
