"""What can go wrong on the way from a source into the lake.

RopewalkError
├── InvalidInput
│   ├── RecordTooLarge       RW120  a record larger than max_record allows
│   ├── InvalidSource        RW125  a declaration that cannot work
│   ├── InvalidFile          RW126  a file that is not what its name says
│   ├── ValueMisfit          RW127  a value that does not fit its column's type
│   ├── SecretMissing        RW128  a secret that the environment does not have
│   ├── InvalidAddress       RW190  a database address that is none
│   ├── InvalidCursor        RW191  a column that cannot be a cursor
│   ├── InvalidResource      RW192  resources of an API that do not fit together
│   └── InvalidSearch        RW193  a query, field or document that a search cluster does not understand
├── NotFound
│   ├── FilesMissing         RW225  no file where a source looks for some
│   ├── SourceTableMissing   RW226  a table that a database does not have
│   ├── ColumnMissing        RW227  a declared column that the data do not have
│   ├── FunctionMissing      RW290  a Python function or module that is not there
│   ├── StreamMissing        RW291  a stream or resource that a program does not have
│   └── IndexMissing         RW292  an index that a search cluster does not have
├── Conflict
│   ├── SourceMoved          RW325  the source changed while it was being read
│   ├── DatabaseBusy         RW390  another process has the database file to itself
│   ├── SchemaFrozen         RW326  the source has other columns than its frozen table
│   └── PointInTimeLost      RW391  a search cluster let go of what was being read
├── Failed
│   ├── TooManyMisfits       RW423  more rows do not fit than max_quarantined allows
│   ├── ProgramFailed        RW490  a program or function that brings rows broke
│   ├── ProgramTimedOut      RW491  it ran too long
│   ├── ProgramGarbled       RW492  it said something that is not in its protocol
│   └── DocumentsRefused     RW493  documents that a search cluster does not take
└── Unavailable
    ├── SourceUnreachable    RW621  no answer
    ├── SourceBroken         RW622  an answer that is an error, or not what was declared
    ├── SourceRefused        RW623  the source wants other credentials
    ├── PageLoop             RW624  the pages of an answer go round in circles, or are not as many as it says
    ├── ConnectionLost       RW690  a database's connection that broke off half-way
    ├── ProgramMissing       RW691  a program or driver that is not installed
    ├── SearchIncomplete     RW692  an answer in which shards of a search cluster are missing
    └── AnswerTooLarge       RW693  an answer with more bytes than are taken
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, Unavailable


class RecordTooLarge(InvalidInput):
    """A record of a file is larger than `max_record` allows."""

    code = "RW120"


class InvalidSource(InvalidInput):
    """A source is declared in a way that cannot work."""

    code = "RW125"


class InvalidFile(InvalidInput):
    """A file of a source is not what its name says: not well-formed, not UTF-8, without a header."""

    code = "RW126"


class ValueMisfit(InvalidInput):
    """A value does not fit the type of its column."""

    code = "RW127"


class SecretMissing(InvalidInput):
    """A secret that a source names is not in the environment."""

    code = "RW128"


class FilesMissing(NotFound):
    """There is no file where a source looks for some."""

    code = "RW225"


class SourceTableMissing(NotFound):
    """A database does not have the table that a source names."""

    code = "RW226"


class ColumnMissing(NotFound):
    """The data do not have a column that the source's declaration names."""

    code = "RW227"


class SourceMoved(Conflict):
    """The source changed while it was being read; nothing was loaded."""

    code = "RW325"
    may_pass = True


class SchemaFrozen(Conflict):
    """The source has other columns than its table, and the declaration freezes them."""

    code = "RW326"


class TooManyMisfits(Failed):
    """More rows of a source do not fit their table than `max_quarantined` allows; nothing was loaded."""

    code = "RW423"


class SourceUnreachable(Unavailable):
    """The source does not answer, or only that it is failing or busy."""

    code = "RW621"


class SourceBroken(Unavailable):
    """The source answers something else than was declared."""

    code = "RW622"


class SourceRefused(Unavailable):
    """The source refuses the credentials it was given, or wants some."""

    code = "RW623"


class PageLoop(Unavailable):
    """The source's pages lead back to a page that was read already, or are not as many as it says."""

    code = "RW624"


class InvalidResource(InvalidInput):
    """The resources of an API do not fit together: a parent that is not there, two of one name."""

    code = "RW192"


class InvalidSearch(InvalidInput):
    """A search cluster does not understand a query, a field or a document it was given."""

    code = "RW193"


class IndexMissing(NotFound):
    """A search cluster has no index of the name, or none that the pattern fits."""

    code = "RW292"


class PointInTimeLost(Conflict):
    """A search cluster let go of the point in time that was being read; nothing was loaded."""

    code = "RW391"
    may_pass = True


class DocumentsRefused(Failed):
    """A search cluster refused documents that were written to it."""

    code = "RW493"


class SearchIncomplete(Unavailable):
    """A search cluster answered without some of its shards, or not in time; nothing was loaded."""

    code = "RW692"


class AnswerTooLarge(Unavailable):
    """An answer has more bytes than are taken."""

    code = "RW693"


class InvalidAddress(InvalidInput):
    """The address of a database is none, or is of another kind of database."""

    code = "RW190"


class InvalidCursor(InvalidInput):
    """A column cannot be a cursor: its values have no order that both sides agree on."""

    code = "RW191"


class FunctionMissing(NotFound):
    """There is no Python function of the name that a source gives."""

    code = "RW290"


class StreamMissing(NotFound):
    """A program has no stream, or a package no resource, of the name that a source gives."""

    code = "RW291"


class DatabaseBusy(Conflict):
    """Another process has the database file to itself."""

    code = "RW390"
    may_pass = True


class ProgramFailed(Failed):
    """A program, or a function in a process of its own, ended with an error; nothing was loaded."""

    code = "RW490"


class ProgramTimedOut(Failed):
    """A program ran longer than it may; it was ended with all it started, and nothing was loaded."""

    code = "RW491"
    may_pass = True


class ProgramGarbled(Failed):
    """A program said something that its protocol does not have; nothing was loaded."""

    code = "RW492"


class ConnectionLost(Unavailable):
    """The connection to a database broke off while rows were read; nothing was loaded."""

    code = "RW690"


class ProgramMissing(Unavailable):
    """A program or driver that a source needs is not installed."""

    code = "RW691"
    may_pass = False
