"""The plan of the power cuts."""

from tests.power_cuts.plan import CUT_DELAY_SECONDS, Phase, plan


def test_a_plan_depends_on_its_seed_alone_and_has_every_phase() -> None:
    def summary(count: int, seed: int) -> list[tuple[str, float, float]]:
        return [(cut.phase, cut.delay_seconds, cut.rng.random()) for cut in plan(count, seed)]

    assert summary(20, 1) == summary(20, 1) != summary(20, 2)
    assert summary(20, 1)[:3] == summary(3, 1)
    assert summary(1, 1) != summary(1, 2)
    for seed in range(50):
        cuts = plan(20, seed)
        assert len(cuts) == 20
        assert [cut.phase for cut in cuts[:3]] == list(Phase)
        assert all(
            CUT_DELAY_SECONDS[cut.phase][0] <= cut.delay_seconds <= CUT_DELAY_SECONDS[cut.phase][1] for cut in cuts
        )
