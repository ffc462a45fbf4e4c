"""Contracts: what a table promises (Open Data Contract Standard), and checking that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.contracts.check import check_table
    from ropewalk.dataops.contracts.errors import CheckNotRun, ContractBroken, InvalidContract
    from ropewalk.dataops.contracts.files import contract_files, read_contract
    from ropewalk.dataops.contracts.refuse import refuse_broken
    from ropewalk.dataops.contracts.statements import fill_placeholders
    from ropewalk.dataops.contracts.values import (
        Check,
        CheckReport,
        CheckResult,
        Contract,
        ContractColumn,
        Expectation,
    )

__all__ = [
    "Check",
    "CheckNotRun",
    "CheckReport",
    "CheckResult",
    "Contract",
    "ContractBroken",
    "ContractColumn",
    "Expectation",
    "InvalidContract",
    "check_table",
    "contract_files",
    "fill_placeholders",
    "read_contract",
    "refuse_broken",
]

__getattr__ = lazy_names(__name__, __file__)
