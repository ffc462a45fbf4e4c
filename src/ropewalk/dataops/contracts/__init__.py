"""Contracts: what a table promises (Open Data Contract Standard), and checking that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.contracts.changes import ContractChange, compare_contracts, is_declared
    from ropewalk.dataops.contracts.check import check_table
    from ropewalk.dataops.contracts.compile import logical_type_of
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
    from ropewalk.dataops.contracts.files import contract_files, read_contract, read_contract_file
    from ropewalk.dataops.contracts.held import hold_contract, past_rows
    from ropewalk.dataops.contracts.infer import infer_contract, write_contract
    from ropewalk.dataops.contracts.kept import read_contracts
    from ropewalk.dataops.contracts.lint import LintedFile, lint_contracts, refuse_unsound
    from ropewalk.dataops.contracts.masking import declared_masks
    from ropewalk.dataops.contracts.now import check_now, find_contract, tables_to_check
    from ropewalk.dataops.contracts.personal import is_open
    from ropewalk.dataops.contracts.refuse import refuse_broken
    from ropewalk.dataops.contracts.revisions import contracts_at
    from ropewalk.dataops.contracts.statements import fill_placeholders, without_values
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
    "ContractChange",
    "ContractChangeBreaks",
    "ContractColumn",
    "ContractExists",
    "ContractMissing",
    "Expectation",
    "InvalidContract",
    "LintedFile",
    "NotInferred",
    "TermContradicted",
    "check_now",
    "check_table",
    "compare_contracts",
    "contract_files",
    "contracts_at",
    "declared_masks",
    "fill_placeholders",
    "find_contract",
    "hold_contract",
    "infer_contract",
    "is_declared",
    "is_open",
    "lint_contracts",
    "logical_type_of",
    "past_rows",
    "read_contract",
    "read_contract_file",
    "read_contracts",
    "refuse_broken",
    "refuse_unsound",
    "tables_to_check",
    "without_values",
    "write_contract",
]

__getattr__ = lazy_names(__name__, __file__)
