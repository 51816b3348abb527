"""The plan of the power cuts."""

from tests.power_cuts.plan import MOMENTS, Phase, plan


def test_a_plan_depends_on_its_seed_alone_and_has_every_phase() -> None:
    def told(count: int, seed: int) -> list[tuple[str, float, float]]:
        return [(cut.phase, cut.moment, cut.chance.random()) for cut in plan(count, seed)]

    assert told(20, 1) == told(20, 1) != told(20, 2)
    assert told(20, 1)[:3] == told(3, 1)
    assert told(1, 1) != told(1, 2)
    for seed in range(50):
        cuts = plan(20, seed)
        assert len(cuts) == 20
        assert [cut.phase for cut in cuts[:3]] == list(Phase)
        assert all(MOMENTS[cut.phase][0] <= cut.moment <= MOMENTS[cut.phase][1] for cut in cuts)
