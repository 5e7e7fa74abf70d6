"""The world in hand: what is wrong is said by path in the command's words; what is saved is the same world."""

from pathlib import Path

from marketsim.scenario import load
from marketsim.ui.world import ARMS, WorldInHand, choices, problems_elsewhere


def changed(**changes: str) -> WorldInHand:
    world = WorldInHand("marketsim:quickstart@1")
    world.open()
    world.changes.update({path.replace("__", "."): text for path, text in changes.items()})
    world.check()
    return world


def test_problems_stand_at_their_value_in_the_words_of_the_command() -> None:
    world = changed(tokens__BTC3L__aum="4 EUR", clock__duration="10min")
    assert world.scenario is None
    assert world.problems["tokens.BTC3L.aum"] == [
        "--set tokens.BTC3L.aum: this is in EUR, its market is in USDT; was '4 EUR'; allowed: USDT"
    ]
    assert "the warm-up is not shorter than the run" in world.problems["clock.warmup"][0]
    assert problems_elsewhere(world.problems, ["tokens.BTC3L.aum"]) == world.problems["clock.warmup"]


def test_what_is_right_again_has_no_problems() -> None:
    world = changed(tokens__BTC3L__aum="4 EUR")
    world.changes["tokens.BTC3L.aum"] = "8 MUSDT"
    world.check()
    assert (world.problems, world.scenario is None) == ({}, False)


def test_what_is_saved_is_the_world_that_the_command_runs(tmp_path: Path) -> None:
    world = changed(tokens__BTC3L__aum="8 MUSDT", tokens__BTC3L__rebalance__at="00:04", seed="7")
    assert world.scenario is not None
    saved = tmp_path / "saved.yaml"
    saved.write_text(world.scenario.to_yaml(), encoding="utf-8")
    as_said = load("marketsim:quickstart@1", set=world.options)
    assert load(saved).sha256() == as_said.sha256() != load("marketsim:quickstart@1").sha256()
    assert load(saved).seed == as_said.seed == 7


def test_a_file_that_is_no_scenario_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("schema: marketsim/1\nnme: mine\n", encoding="utf-8")
    world = WorldInHand(str(file))
    world.open()
    assert world.parameters == []
    assert any(f"{file}:2:1: nme: " in text for texts in world.problems.values() for text in texts)
    world.reference = str(tmp_path / "gone.yaml")
    world.open()
    assert "gone.yaml" in str(world.problems)


def test_files_come_before_the_shipped_worlds_and_twins_need_no_other_run() -> None:
    listed = choices(["mine.yaml"])
    assert listed[0] == "mine.yaml"
    assert {"marketsim:quickstart", "marketsim:crowded-reset"} < set(listed)
    assert ARMS == ("frictionless", "shadow", "off", "blind", "phantom")


def test_the_twin_of_a_scenario_with_a_study_leaves_the_study_out() -> None:
    world = WorldInHand("marketsim:quickstart_study")
    world.open()
    assert (world.options, world.twin_options()) == ((), ("study=null",))
    assert load(world.reference, set=world.twin_options()).sha256() == load(world.reference).sha256()
    assert changed(seed="7").twin_options() == ("seed=7",)
