"""The reference of a model version: the profile of what it was trained on, found by its lineage."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import msgspec
from duckdb import DuckDBPyConnection

from ropewalk.devops.monitoring.errors import UnknownTraining
from ropewalk.devops.monitoring.features import signature_columns
from ropewalk.devops.monitoring.profile import Profile, column_types, take_profile
from ropewalk.devops.monitoring.sql import Sources, table_source
from ropewalk.mlops.registry import INPUTS_TAG, ModelVersion, get_version
from ropewalk.pipeline import Workspace
from ropewalk.store.monitoring import get_profile, keep_profile

# What the prediction log adds to the columns of a request.
OWN_COLUMNS = frozenset(
    {"prediction", "prediction_id", "request_id", "predicted_at", "model", "model_version"}
)


class TrainingTable(msgspec.Struct, frozen=True):
    """A table that a model version was trained on, as its lineage tag says."""

    table: str
    snapshot: int
    digest: str


@dataclass(frozen=True)
class Reference:
    """Finds reference profiles, each computed once per model version and then kept.

    Attributes:
        workspace: the open project.
        connection: a connection to the lake.
        sources: where the figures come from; the mean of its label in the training data is the expected rate.
    """

    workspace: Workspace
    connection: DuckDBPyConnection
    sources: Sources

    def profile(self, model_version: str) -> Profile:
        """Return the profile of what `model_version`, such as `late/3`, was trained on.

        Raises:
            UnknownTraining: the version does not say what it was trained on, or that is gone.
        """
        model, _, number = model_version.rpartition("/")
        kept = get_profile(self.workspace.database, model, int(number))
        profile = msgspec.json.decode(kept, type=Profile) if kept else None
        # The expected rate is that of the label, so another label means another profile; one without a table is
        # from before people were told what they are compared with.
        if profile is None or profile.label != self.sources.label or not profile.table:
            profile = self._compute(get_version(self.workspace, model, number))
            text = msgspec.json.encode(profile).decode()
            keep_profile(self.workspace.database, model, int(number), text)
        return profile

    def _compute(self, version: ModelVersion) -> Profile:
        inputs = signature_columns(self.workspace, version)
        try:
            tables = {
                table: [*column_types(self.connection, table_source(table.table, table.snapshot))]
                for table in _training_tables(version)
            }
            # A step may read several tables; the rows to compare with are in the one with the model's columns.
            main = max(tables, key=lambda table: len({*tables[table]} & {*(inputs or tables[table])}))
            wanted = inputs or [name for name in tables[main] if name not in self._not_inputs]
            source = table_source(main.table, main.snapshot)
            profile = take_profile(self.connection, source, self.sources.label, wanted)
        except duckdb.Error as error:
            raise UnknownTraining(
                f"what {version.name}/{version.version} was trained on cannot be read: {error}",
                hint="`ropewalk run` trains it again on the present data",
            ) from error
        return msgspec.structs.replace(profile, table=main.table, snapshot=main.snapshot)

    @property
    def _not_inputs(self) -> frozenset[str]:
        # Ids and times differ from the training data in every window, and mean nothing by it.
        return OWN_COLUMNS | {self.sources.key, self.sources.label, self.sources.time}


def _training_tables(version: ModelVersion) -> list[TrainingTable]:
    tag = version.tags.get(INPUTS_TAG)
    tables = msgspec.json.decode(tag, type=list[TrainingTable]) if tag else []
    if not tables:
        raise UnknownTraining(
            f"{version.name}/{version.version} does not say what it was trained on",
            hint="monitors compare with the tables that the training step takes as inputs",
        )
    return tables
