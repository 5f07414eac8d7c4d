"""What a machine pays for its main memory is what the memory says, to the last factor."""

import dataclasses

import pytest

import hwmodels
from hwmodels.components.main_memory import main_memory, main_memory_names
from hwmodels.packing import pack

NAMES = main_memory_names()


@pytest.mark.parametrize("name", NAMES)
def test_columns_of_a_packed_machine_are_the_memorys(name):
    memory = main_memory(name)
    packed = pack(hwmodels.load("edge_16x16").replace({"main_memory": name}))
    sustained = memory.bandwidth_bytes_per_s * memory.efficiency
    assert packed.dram_read_bytes_per_s[0] == pytest.approx(sustained, rel=1e-12)
    assert packed.dram_write_bytes_per_s[0] == pytest.approx(sustained * memory.write_share, rel=1e-12)
    for action in ("read", "write"):
        device_pj = getattr(memory, f"{action}_pj_per_bit")
        paid_pj = 8 * (device_pj + memory.interface_pj_per_bit)
        assert getattr(packed, f"dram_{action}_pj_per_byte")[0] == pytest.approx(paid_pj, rel=1e-12)
        assert 8 * getattr(memory, f"paid_{action}_pj_per_bit") == pytest.approx(paid_pj, rel=1e-12)
    assert packed.dram_capacity_bytes[0] == memory.capacity_bytes
    assert packed.dram_background_w[0] == pytest.approx(memory.background_w + memory.refresh_w, rel=1e-12)


@pytest.mark.parametrize("name", ["lpddr4", "pcm"])  # pcm writes at a quarter of its speed, and dearer
def test_writes_that_wait_are_waited_for(name):
    """A network that only moves what it makes is as slow as the memory writes."""
    memory = main_memory(name)
    machine = hwmodels.load("edge_16x16").replace({"main_memory": name})
    slower = machine.replace({"main_memory": dataclasses.replace(memory, write_share=memory.write_share / 4)})
    fast, slow = pack(machine), pack(slower)
    assert slow.dram_write_bytes_per_s[0] == pytest.approx(fast.dram_write_bytes_per_s[0] / 4, rel=1e-12)
    assert slow.dram_read_bytes_per_s[0] == fast.dram_read_bytes_per_s[0]


def test_phy_and_controller_take_room_on_the_chip():
    """LPDDR4, DDR4, GDDR5X and HBM2 were as large on a 0.86 mm2 design: a front was full of them."""
    base = hwmodels.load("edge_32x32")
    areas = {}
    for name in ("rram_m3d", "lpddr4", "ddr4", "hbm2", "gddr5x"):
        machine = base.replace({"main_memory": name})
        packed = pack(machine)
        whole = float(packed.array_area_mm2[0] + packed.buffer_area_mm2[0])
        assert whole == pytest.approx(float(machine.area_mm2()["area_mm2"].sum()), rel=1e-12)
        areas[name] = whole - float(pack(base.replace({"main_memory": "rram_m3d"})).array_area_mm2[0])
    sizes = list(areas.values())
    assert sizes == sorted(sizes)
    assert areas["hbm2"] - areas["rram_m3d"] == pytest.approx(main_memory("hbm2").interface_mm2, rel=1e-9)
    assert main_memory("lpddr4").interface_mm2 > 1
    assert main_memory("hbm2").interface_mm2 > 10
    levels = hwmodels.load("tpu_v1")
    assert "memory interface" in set(levels.area_mm2()["component"])


@pytest.mark.published
def test_interfaces_against_die_photographs():
    """GA100 (annotated die photograph): PHY 58, controllers 31.77 mm2 for six stacks of HBM2E.

    Another line of papers gives 29.6 mm2 of PHY for 1024 GB/s of HBM3, unseen by the model (secondary).
    """
    stacks = 6 * 1555 / 5 / main_memory("hbm2e").bandwidth_bytes_per_s * 1e9
    assert main_memory("hbm2e").interface_mm2 * stacks == pytest.approx(58 + 31.77, rel=0.1)
    assert main_memory("hbm3").interface_mm2 * 0.0284 / 0.044 == pytest.approx(29.6 * 819.2 / 1024, rel=0.1)
