"""FiscaFlow: personal finance as a library.

    import fiscaflow

    with fiscaflow.open("sqlite:home.db") as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        giro = home.accounts.create(name="Giro")

Every call waits for its answer and lets other threads run meanwhile; `fiscaflow.aio` has the same
classes for asyncio. Answers are plain dictionaries and lists, whose types are in
`fiscaflow.types`; amounts in them are decimal strings beside their currency. Lists of rows are
also tables for Arrow, pandas and Polars, and can be drawn: see `Rows`.
"""

from ._book import Book, Books, Engine, Inbox, Relay, open, restore
from ._columns import categorise
from ._delivery import Backup, Copied, Outgoing, Round, Undelivered
from ._native import VERSION as __version__
from ._rows import Rows
from .errors import CorruptError, FiscaFlowError, RejectedError, UnavailableError

__all__ = [
    "Backup",
    "Book",
    "Books",
    "Copied",
    "CorruptError",
    "Engine",
    "FiscaFlowError",
    "Inbox",
    "Outgoing",
    "RejectedError",
    "Relay",
    "Round",
    "Rows",
    "UnavailableError",
    "Undelivered",
    "__version__",
    "categorise",
    "open",
    "restore",
]
