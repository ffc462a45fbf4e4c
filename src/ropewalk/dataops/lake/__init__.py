"""The lake: versioned tables in DuckLake that many may read while one writes.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.lake.asking import MEMORY, Asking, Form, QueryResult, read_memory
    from ropewalk.dataops.lake.builds import Build
    from ropewalk.dataops.lake.changes import Changes
    from ropewalk.dataops.lake.compaction import Compacted, compact_lake
    from ropewalk.dataops.lake.digest import Column, TableDigest, digest_relation, read_columns
    from ropewalk.dataops.lake.environment import (
        ask_environment,
        environment_contents,
        environment_tables,
        holds_table,
        input_tables,
        list_environment_tables,
        open_environment,
        query_environment,
        snapshot_of,
        table_of,
    )
    from ropewalk.dataops.lake.errors import (
        CatalogUnreachable,
        ChangesMissing,
        ExportFailed,
        ExtensionMissing,
        FileDamaged,
        InvalidQuery,
        InvalidSnapshot,
        InvalidTableName,
        LakeBusy,
        LakeDamaged,
        LakeFailed,
        ParcelDamaged,
        PinMissing,
        PinTaken,
        QueryNotAllowed,
        QueryTimeout,
        QueryTooLarge,
        SnapshotMissing,
        StorageTaken,
        StorageUnreachable,
        TableMissing,
        translate_error,
    )
    from ropewalk.dataops.lake.expiry import Expired
    from ropewalk.dataops.lake.exporting import Exported, export_iceberg, export_tables
    from ropewalk.dataops.lake.extensions import load_extension
    from ropewalk.dataops.lake.home import LakeHome, find_home
    from ropewalk.dataops.lake.lake import Lake
    from ropewalk.dataops.lake.masks import Masks, is_number, mask_sql, masked_relation
    from ropewalk.dataops.lake.moments import moment_fact, moment_of_table, moment_tables
    from ropewalk.dataops.lake.names import TableName, literal, quote
    from ropewalk.dataops.lake.opening import open_lake
    from ropewalk.dataops.lake.parcel import pack_table, unpack_table
    from ropewalk.dataops.lake.pins import Pin, PinnedTable, find_pin
    from ropewalk.dataops.lake.port import Capabilities, LakePort
    from ropewalk.dataops.lake.reader import open_reader, read_table
    from ropewalk.dataops.lake.snapshots import SnapshotInfo
    from ropewalk.dataops.lake.storage import use_s3
    from ropewalk.dataops.lake.sweeping import expire_unnamed, sweep_lake
    from ropewalk.dataops.lake.tables import TableInfo
    from ropewalk.dataops.lake.threads import narrowed
    from ropewalk.dataops.lake.transaction import STAGE, LakeTransaction
    from ropewalk.dataops.lake.verifying import CheckedTable, Verified, verify_lake

__all__ = [
    "MEMORY",
    "STAGE",
    "Asking",
    "Build",
    "Capabilities",
    "CatalogUnreachable",
    "Changes",
    "ChangesMissing",
    "CheckedTable",
    "Column",
    "Compacted",
    "Expired",
    "ExportFailed",
    "Exported",
    "ExtensionMissing",
    "FileDamaged",
    "Form",
    "InvalidQuery",
    "InvalidSnapshot",
    "InvalidTableName",
    "Lake",
    "LakeBusy",
    "LakeDamaged",
    "LakeFailed",
    "LakeHome",
    "LakePort",
    "LakeTransaction",
    "Masks",
    "ParcelDamaged",
    "Pin",
    "PinMissing",
    "PinTaken",
    "PinnedTable",
    "QueryNotAllowed",
    "QueryResult",
    "QueryTimeout",
    "QueryTooLarge",
    "SnapshotInfo",
    "SnapshotMissing",
    "StorageTaken",
    "StorageUnreachable",
    "TableDigest",
    "TableInfo",
    "TableMissing",
    "TableName",
    "Verified",
    "ask_environment",
    "compact_lake",
    "digest_relation",
    "environment_contents",
    "environment_tables",
    "expire_unnamed",
    "export_iceberg",
    "export_tables",
    "find_home",
    "find_pin",
    "holds_table",
    "input_tables",
    "is_number",
    "list_environment_tables",
    "literal",
    "load_extension",
    "mask_sql",
    "masked_relation",
    "moment_fact",
    "moment_of_table",
    "moment_tables",
    "narrowed",
    "open_environment",
    "open_lake",
    "open_reader",
    "pack_table",
    "query_environment",
    "quote",
    "read_columns",
    "read_memory",
    "read_table",
    "snapshot_of",
    "sweep_lake",
    "table_of",
    "translate_error",
    "unpack_table",
    "use_s3",
    "verify_lake",
]

__getattr__ = lazy_names(__name__, __file__)
