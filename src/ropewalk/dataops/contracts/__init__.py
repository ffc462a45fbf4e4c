"""Contracts: what a table promises (Open Data Contract Standard), and checking that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.contracts.check import check_table
    from ropewalk.dataops.contracts.errors import (
        CheckNotRun,
        ContractBroken,
        ContractChangeBreaks,
        ContractExists,
        ContractMissing,
        InvalidContract,
        NotInferred,
        TermContradicted,
    )
    from ropewalk.dataops.contracts.files import contract_files, read_contract
    from ropewalk.dataops.contracts.held import hold_contract, past_rows
    from ropewalk.dataops.contracts.kept import read_contracts
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
    "ContractChangeBreaks",
    "ContractColumn",
    "ContractExists",
    "ContractMissing",
    "Expectation",
    "InvalidContract",
    "NotInferred",
    "TermContradicted",
    "check_table",
    "contract_files",
    "fill_placeholders",
    "hold_contract",
    "past_rows",
    "read_contract",
    "read_contracts",
    "refuse_broken",
]

__getattr__ = lazy_names(__name__, __file__)
