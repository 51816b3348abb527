"""What the kernel's files say of the board."""

from pathlib import Path

from soniquebay import board


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_machine_that_tells_nothing_of_itself(tmp_path: Path) -> None:
    assert (board.temperature_celsius(tmp_path), board.throttling(tmp_path)) == (None, None)


def test_the_temperature_of_the_processor(tmp_path: Path) -> None:
    write(tmp_path / "class/thermal/thermal_zone0/temp", "58432\n")
    assert board.temperature_celsius(tmp_path) == 58.432


def test_why_the_board_is_slower_now_and_was_since_its_start(tmp_path: Path) -> None:
    file = tmp_path / "devices/platform/soc/soc:firmware/get_throttled"
    write(file, "0\n")
    assert board.throttling(tmp_path) == ([], [])
    write(file, "50005\n")
    assert board.throttling(tmp_path) == (["under_voltage", "throttled"],) * 2
    write(file, "80000\n")
    assert board.throttling(tmp_path) == ([], ["soft_temperature_limit"])


def test_debians_kernel_tells_of_the_voltage_alone(tmp_path: Path) -> None:
    write(tmp_path / "class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path / "class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path / "class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert board.throttling(tmp_path) == (["under_voltage"], ["under_voltage"])
    write(tmp_path / "class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
    assert board.throttling(tmp_path) == ([], [])
