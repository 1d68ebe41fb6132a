"""The peers that Python reaches: one run of one job by one of them, one JSON line.

usage: peers.py JOB PEER --data DIR [--n N] [--seed S]

A peer answers with two functions: one reads a file, which is what is timed, and one lists the
amounts of what was read, by which the lines of all peers are compared. The jobs of figures have the
program's own table in memory as the peer keeps it, and time one figure over it, once it was
computed before; `view-build` times how that table is read. In the `rules` jobs the first takes the texts of all transactions, in memory as the
peer keeps them, and answers with the first rule that each meets. Those of `learn` and `predict`
stand in `learners.py`. What a peer is loaded with is imported in its function, so one that is
missing does not stop the others.
"""

import argparse
import atexit
import csv
import heapq
import importlib.metadata
import io
import json
import re
import resource
import shutil
import subprocess
import tempfile
import time
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

from learners import LEARNERS, rows

CSV = {"sep": ";", "dates": ["Buchungstag", "Valutadatum"], "amount": "Betrag"}


def ofxtools_tree():
    from ofxtools.Parser import OFXTree

    def read(_path, content):
        tree = OFXTree()
        tree.parse(io.BytesIO(content))
        return tree

    return read, lambda tree: [amount.text for amount in tree.iter("TRNAMT")]


def ofxtools():
    read_tree, _ = ofxtools_tree()

    def amounts(ofx):
        return [row.trnamt for it in ofx.statements for row in it.transactions]

    return lambda path, content: read_tree(path, content).convert(), amounts


def ofxparse():
    from ofxparse import OfxParser

    def amounts(ofx):
        return [row.amount for it in ofx.accounts for row in it.statement.transactions]

    return lambda _path, content: OfxParser.parse(io.BytesIO(content)), amounts


def libofx():
    def read(path, _content):
        return subprocess.run(["ofxdump", path], capture_output=True, check=True).stdout

    return read, lambda text: re.findall(r"Total money amount: (\S+)", text.decode())


def pandas():
    from pandas import read_csv

    def read(_path, content):
        return read_csv(
            io.BytesIO(content),
            sep=CSV["sep"],
            decimal=",",
            parse_dates=CSV["dates"],
            date_format="%d.%m.%Y",
        )

    return read, lambda frame: frame[CSV["amount"]].tolist()


def polars():
    from polars import col, read_csv

    def read(_path, content):
        frame = read_csv(content, separator=CSV["sep"], decimal_comma=True)
        return frame.with_columns(col(CSV["dates"]).str.to_date("%d.%m.%Y"))

    return read, lambda frame: frame[CSV["amount"]].to_list()


def duckdb():
    from duckdb import connect

    connection = connect()

    def read(path, _content):
        connection.execute(
            "CREATE OR REPLACE TABLE rows AS FROM read_csv(?, delim = ';', header = true,"
            " dateformat = '%d.%m.%Y', decimal_separator = ',', types = {'Buchungstag': 'DATE',"
            " 'Valutadatum': 'DATE', 'Betrag': 'DECIMAL(18, 2)'})",
            [str(path)],
        )

    def amounts(_nothing):
        return [amount for (amount,) in connection.execute("SELECT Betrag FROM rows").fetchall()]

    return read, amounts


def signed(amount, indicator):
    return Decimal(amount) if indicator == "CRDT" else -Decimal(amount)


def lxml_tree():
    from lxml import etree

    def amounts(root):
        entries = root.iter("{*}Ntry")
        return [signed(it.findtext("{*}Amt"), it.findtext("{*}CdtDbtInd")) for it in entries]

    return lambda _path, content: etree.fromstring(content), amounts


def pycamt():
    from pycamt.parser import Camt053Parser

    def amounts(rows):
        return [signed(row["Amount"], row["CreditDebitIndicator"]) for row in rows]

    return lambda _path, content: Camt053Parser(content).get_transactions(), amounts


def bankstatementparser():
    from bankstatementparser.camt_parser import CamtParser

    def read(_path, content):
        return CamtParser.from_bytes(content).get_transactions()

    return read, lambda frame: frame["Amount"].tolist()


def mt940():
    from mt940 import parse

    def amounts(rows):
        return [row.data["amount"].amount for row in rows]

    return lambda _path, content: parse(content), amounts


def quiffen():
    from quiffen import Qif

    def amounts(qif):
        accounts = qif.accounts.values()
        return [row.amount for it in accounts for rows in it.transactions.values() for row in rows]

    return lambda _path, content: Qif.parse_string(content.decode()), amounts


def polars_rules(texts, needles):
    from polars import Series, coalesce, col, lit, when

    frame = Series("text", texts).to_frame()
    lower = col("lower")
    met = [
        when(lower.str.contains(needle, literal=True)).then(lit(place))
        for place, needle in enumerate(needles)
    ]

    def apply():
        lowered = frame.select(col("text").str.to_lowercase().alias("lower"))
        return lowered.select(coalesce(*met, lit(None)).alias("rule"))["rule"]

    return apply, lambda rules: rules.is_not_null().to_list()


def polars_automaton(texts, needles):
    from polars import Series

    series = Series("text", texts)

    def apply():
        return series.str.to_lowercase().str.find_many(needles)

    return apply, lambda found: (found.list.len() > 0).to_list()


def duckdb_rules(texts, needles):
    from duckdb import connect
    from pandas import DataFrame

    connection = connect()
    frame = DataFrame({"place": range(len(texts)), "text": texts})  # noqa: F841, found by name
    connection.execute("CREATE TABLE rows AS SELECT * FROM frame")
    cases = " ".join(
        f"WHEN contains(lowered, '{needle}') THEN {place}" for place, needle in enumerate(needles)
    )

    def apply():
        connection.execute(
            f"CREATE OR REPLACE TABLE ruled AS SELECT place, CASE {cases} END AS rule"
            " FROM (SELECT place, lower(text) AS lowered FROM rows)"
        )

    def matched(_nothing):
        rows = connection.execute("SELECT rule IS NOT NULL FROM ruled ORDER BY place").fetchall()
        return [met for (met,) in rows]

    return apply, matched


# The function of each peer of the `rules` jobs, and the package whose version is told.
RULES = {
    "polars": (polars_rules, "polars"),
    "polars automaton": (polars_automaton, "polars"),
    "duckdb": (duckdb_rules, "duckdb"),
}

def table(folder):
    """The program's own table, amounts as whole cents, and the account that is asked about."""
    with (folder / "transactions.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    cents = [int(row["amount"].replace(".", "")) for row in rows]
    days = [date.fromisoformat(row["date"]) for row in rows]
    names = {name: [row[name] for row in rows] for name in ("account", "payee", "category")}
    return {"date": days, "cents": cents, **names}


def budgets(months):
    """What twenty budgets of two categories each come to in each of 120 months, by totals of months
    and categories; `months` are (year, month, category, cents), money out below zero."""
    spent = {(year, month, category): -cents for year, month, category, cents in months}
    names = sorted({category for _, _, category in spent})
    days = [(year, month) for year in range(FIRST.year, LAST.year + 1) for month in range(1, 13)]
    listed = []
    for number in range(20):
        own = [names[number % len(names)], names[(number * 3 + 1) % len(names)]]
        listed += [sum(spent.get((*day, name), 0) for name in own) for day in days]
    return listed


def polars_figures(columns):
    from polars import DataFrame, Date, col

    frame = DataFrame(columns).with_columns(col("date").cast(Date))

    def by_day(rows):
        days = rows.group_by("date").agg(col("cents").sum()).sort("date")
        return days.select("date", col("cents").cum_sum()).rows()

    def monthly():
        grouped = frame.group_by(col("date").dt.truncate("1mo"), "category")
        return grouped.agg(-col("cents").sum()).sort("date", "category")["cents"].to_list()

    def of_budgets():
        keys = (col("date").dt.year().alias("year"), col("date").dt.month().alias("month"))
        return budgets(frame.group_by(*keys, "category").agg(col("cents").sum()).rows())

    def payees():
        totals = frame.group_by("payee").agg(-col("cents").sum())
        largest = totals.sort("cents", "payee", descending=[True, False]).head(10)
        return largest["cents"].to_list()

    return {
        "monthly-by-category": monthly,
        "top-payees": payees,
        "running-balance": lambda: by_day(frame.filter(col("account") == ACCOUNT)),
        "net-worth-by-day": lambda: by_day(frame),
        "budgets": of_budgets,
    }


def pandas_figures(columns):
    from pandas import DataFrame, to_datetime

    frame = DataFrame(columns)
    frame["date"] = to_datetime(frame["date"])
    for name in ("account", "payee", "category"):
        frame[name] = frame[name].astype("category")

    def by_day(rows):
        days = rows.groupby("date")["cents"].sum().cumsum()
        return list(zip(days.index.date, days.tolist(), strict=True))

    def monthly():
        months = frame["date"].dt.to_period("M")
        grouped = frame.groupby([months, "category"], observed=True)
        return (-grouped["cents"].sum()).tolist()

    def of_budgets():
        keys = [frame["date"].dt.year, frame["date"].dt.month, "category"]
        totals = frame.groupby(keys, observed=True)["cents"].sum()
        return budgets([(*key, cents) for key, cents in totals.items()])

    def payees():
        totals = (-frame.groupby("payee", observed=True)["cents"].sum()).reset_index()
        largest = totals.sort_values(["cents", "payee"], ascending=[False, True]).head(10)
        return largest["cents"].tolist()

    return {
        "monthly-by-category": monthly,
        "top-payees": payees,
        "running-balance": lambda: by_day(frame[frame["account"] == ACCOUNT]),
        "net-worth-by-day": lambda: by_day(frame),
        "budgets": of_budgets,
    }


def statements(run, month, year, number, total):
    """The figures in SQL; `number` is a month's within its `year`, `total` a sum of cents as a whole
    number."""
    by_day = (
        f"SELECT date, {total} FROM (SELECT date, SUM(moved) OVER (ORDER BY date) AS moved"
        " FROM (SELECT date, SUM(cents) AS moved FROM rows {} GROUP BY date)) ORDER BY date"
    )
    monthly = f"SELECT -SUM(cents) FROM rows GROUP BY {month}, category ORDER BY {month}, category"
    payees = "SELECT -SUM(cents) FROM rows GROUP BY payee ORDER BY SUM(cents), payee LIMIT 10"
    one = f"WHERE account = '{ACCOUNT}'"
    keys = f"CAST({year} AS INTEGER), CAST({number} AS INTEGER), category"
    by_month = f"SELECT {keys}, SUM(cents) FROM rows GROUP BY 1, 2, 3"
    return {
        "monthly-by-category": lambda: [cents for (cents,) in run(monthly)],
        "top-payees": lambda: [cents for (cents,) in run(payees)],
        "running-balance": lambda: run(by_day.format(one)),
        "net-worth-by-day": lambda: run(by_day.format("")),
        "budgets": lambda: budgets(run(by_month)),
    }


def duckdb_figures(columns):
    from duckdb import connect
    from pandas import DataFrame

    connection = connect()
    frame = DataFrame(columns)  # noqa: F841, found by name
    connection.execute(
        "CREATE TABLE rows AS SELECT CAST(date AS DATE) AS date, CAST(cents AS BIGINT) AS cents,"
        " account, payee, category FROM frame"
    )
    run = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
    return statements(
        run, "date_trunc('month', date)", "year(date)", "month(date)", "CAST(moved AS BIGINT)"
    )


def sqlite_figures(columns):
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE rows (date TEXT, cents INTEGER, account TEXT, payee TEXT, category TEXT)"
    )
    days = [day.isoformat() for day in columns["date"]]
    rest = [columns[name] for name in ("cents", "account", "payee", "category")]
    rows = zip(days, *rest, strict=True)
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)
    run = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
    return statements(
        run, "substr(date, 1, 7)", "substr(date, 1, 4)", "substr(date, 6, 2)", "moved"
    )


def journal(columns, program):
    """The rows as our export writes them for a program: an account against an expense."""
    accounts, categories = sorted(set(columns["account"])), sorted(set(columns["category"]))
    own = [f"Assets:{it}" for it in accounts] + [f"Expenses:{it}" for it in categories]
    lines = [f"{FIRST} open {it}" for it in own] if program == "beancount" else ["decimal-mark ."]
    names = ("date", "cents", "account", "payee", "category")
    rows = zip(*(columns[name] for name in names), strict=True)
    for day, cents, account, payee, category in sorted(rows):
        title = f'"{payee}" ""' if program == "beancount" else f"{payee} | "
        lines += [f"\n{day} * {title}", f"    Assets:{account}  {Decimal(cents) / 100} EUR"]
        lines.append(f"    Expenses:{category}  {Decimal(-cents) / 100} EUR")
    return "\n".join(lines) + "\n"


def hledger_figures(columns):
    """Whole processes, each of which reads the journal: the program keeps nothing in memory."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = Path(folder, "book.journal")
    path.write_text(journal(columns, "hledger"))

    def run(*arguments):
        command = ["hledger", "-f", path, *arguments, "-O", "csv"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return csv.DictReader(said.splitlines())

    def cents(amount):
        return int(Decimal(amount.removesuffix(" EUR")).scaleb(2))

    def monthly():
        tidy = run("balance", "--monthly", "--flat", "-N", "--layout", "tidy", "^Expenses")
        rows = [(it["period"], it["account"], cents(it["value"])) for it in tidy]
        return [amount for _, _, amount in sorted(rows) if amount]

    def of_budgets():
        tidy = run("balance", "--monthly", "--flat", "-N", "--layout", "tidy", "^Expenses")
        months = [(it["period"], it["account"], cents(it["value"])) for it in tidy]
        return budgets([(int(it[:4]), int(it[5:7]), name, -value) for it, name, value in months])

    def payees():
        rows = run("balance", "--pivot", "payee", "--flat", "-N", "^Expenses")
        totals = [(-cents(it["balance"]), it["account"]) for it in rows]
        return [-amount for amount, _ in heapq.nsmallest(10, totals)]

    def by_day(account):
        rows = run("register", "--daily", "--historical", account)
        # A day that moves several accounts has a row for each; the last has them all.
        return list({it["date"]: cents(it["total"]) for it in rows}.items())

    return {
        "monthly-by-category": monthly,
        "top-payees": payees,
        "running-balance": lambda: by_day(f"^Assets:{ACCOUNT}$"),
        "net-worth-by-day": lambda: by_day("^Assets"),
        "budgets": of_budgets,
    }


def beancount_figures(columns):
    """Queries of beancount's own language over what its loader made of the journal."""
    from beancount import loader
    from beanquery import connect

    entries, errors, options = loader.load_string(journal(columns, "beancount"))
    assert not errors, errors[:3]
    connection = connect("beancount:", entries=entries, errors=[], options=options)

    def run(what, where, rest):
        said = connection.execute(f"SELECT {what} WHERE account ~ '{where}' {rest}")
        return [(*row[:-1], int(row[-1].scaleb(2))) for row in said.fetchall()]

    def by_day(account):
        days = run("date, sum(number)", account, "GROUP BY date ORDER BY date")
        return list(zip([day for day, _ in days], accumulate(it for _, it in days), strict=True))

    def monthly():
        keys = "year, month, account"
        rows = run(f"{keys}, sum(number)", "^Expenses", f"GROUP BY {keys} ORDER BY {keys}")
        return [cents for *_, cents in rows]

    def of_budgets():
        keys = "year, month, account"
        rows = run(f"{keys}, sum(number)", "^Expenses", f"GROUP BY {keys}")
        return budgets([(*key, -cents) for *key, cents in rows])

    def payees():
        rest = "GROUP BY payee ORDER BY total DESC, payee LIMIT 10"
        return [cents for _, cents in run("payee, sum(number) AS total", "^Expenses", rest)]

    return {
        "monthly-by-category": monthly,
        "top-payees": payees,
        "running-balance": lambda: by_day(f"^Assets:{ACCOUNT}$"),
        "net-worth-by-day": lambda: by_day("^Assets"),
        "budgets": of_budgets,
    }


# The function of each peer of the figures, and the package whose version is told.
FIGURES = {
    "polars": (polars_figures, "polars"),
    "pandas": (pandas_figures, "pandas"),
    "duckdb": (duckdb_figures, "duckdb"),
    "sqlite": (sqlite_figures, "sqlite"),
    "hledger": (hledger_figures, "hledger"),
    "beancount": (beancount_figures, "beancount"),
}
# Whose balance runs, and the days for which it is told.
ACCOUNT = "Giro"
FIRST, LAST = date(2016, 1, 1), date(2025, 12, 31)

# The function of each peer, and the package whose version is told.
PEERS = {
    "ofxtools tree": (ofxtools_tree, "ofxtools"),
    "ofxtools": (ofxtools, "ofxtools"),
    "ofxparse": (ofxparse, "ofxparse"),
    "libofx": (libofx, None),
    "pandas": (pandas, "pandas"),
    "polars": (polars, "polars"),
    "duckdb": (duckdb, "duckdb"),
    "lxml tree": (lxml_tree, "lxml"),
    "pycamt": (pycamt, "pycamt"),
    "bankstatementparser": (bankstatementparser, "bankstatementparser"),
    "mt-940": (mt940, "mt-940"),
    "quiffen": (quiffen, "quiffen"),
}


def version(package):
    if package == "sqlite":
        import sqlite3

        return sqlite3.sqlite_version
    if package == "hledger":
        said = subprocess.run(["hledger", "--version"], capture_output=True, check=True).stdout
        return said.split()[1].decode().strip(",")
    if package:
        return importlib.metadata.version(package)
    said = subprocess.run(["ofxdump", "--version"], capture_output=True, check=True).stdout
    return said.split()[-1].decode()


def status_bytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def transactions(folder):
    with (folder / "transactions.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    texts = [f"{row['payee']} {row['description']}" for row in rows]
    return texts, [Decimal(row["amount"]) for row in rows]


def run_rules(options):
    make, package = RULES[options.peer]
    needles = (options.data / f"{options.job}.txt").read_text().lower().splitlines()
    make(transactions(options.data / "warm-up")[0], needles)[0]()

    texts, amounts = transactions(options.data)
    apply, matched = make(texts, needles)
    before = status_bytes("VmRSS:")
    start = time.perf_counter()
    result = apply()
    seconds = time.perf_counter() - start
    met = matched(result)
    listed = [amount for amount, met in zip(amounts, met, strict=True) if met]
    return package, len(texts), listed, seconds, status_bytes("VmHWM:") - before, {}


def every_day(rows):
    """What lay there at the end of each day: a day on which nothing moved has what was before."""
    moved = {str(day)[:10]: cents for day, cents in rows}
    day, cents, listed = FIRST, 0, []
    while day <= LAST:
        cents = moved.get(day.isoformat(), cents)
        listed.append(cents)
        day += timedelta(days=1)
    return listed


def run_figures(options):
    make, package = FIGURES[options.peer]
    columns = table(options.data)
    figure = make(columns)[options.job]
    figure()

    before = status_bytes("VmRSS:")
    start = time.perf_counter()
    rows = figure()
    seconds = time.perf_counter() - start
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    peak = max(status_bytes("VmHWM:") - before, children)
    if options.job in ("running-balance", "net-worth-by-day"):
        rows = every_day(rows)
    # Each row counts as often as its place: rows that change places are noticed.
    listed = [Decimal(place * cents) / 100 for place, cents in enumerate(rows, 1)]
    return package, len(columns["cents"]), listed, seconds, peak, {}


def loads(peer, path):
    """Reads the table at `path` into what the peer computes figures over."""
    if peer == "beancount":
        from beancount import loader

        return lambda: loader.load_file(str(path))
    if peer == "sqlite":
        return lambda: sqlite_figures(table(path.parent))
    module = importlib.import_module(peer)
    if peer == "polars":
        return lambda: module.read_csv(path, try_parse_dates=True)
    if peer == "pandas":
        return lambda: module.read_csv(path, parse_dates=["date"])
    connection = module.connect()
    return lambda: connection.execute(f"CREATE TABLE rows AS FROM read_csv('{path}')")


def run_load(options):
    """From a file to what figures are computed over; there is no sum to compare."""
    _, package = FIGURES[options.peer]
    path = options.data / "transactions.csv"
    items = sum(1 for _ in path.open()) - 1
    if options.peer == "beancount":
        text = journal(table(options.data), "beancount")
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder)
        path = Path(folder, "book.beancount")
        path.write_text(text)
    load = loads(options.peer, path)
    before = status_bytes("VmRSS:")
    start = time.perf_counter()
    loaded = load()
    seconds = time.perf_counter() - start
    peak = status_bytes("VmHWM:") - before
    del loaded
    return package, items, None, seconds, peak, {}


def run_learner(options):
    make, package = LEARNERS[options.peer]
    prepare, fit, predict = make()
    few = prepare(rows(options.data / "warm-up"))
    predict(fit(few), few)

    payments = rows(options.data)
    more = {}
    if options.job == "learn":
        prepared = prepare(payments)
        before = status_bytes("VmRSS:")
        start = time.perf_counter()
        fit(prepared)
        seconds = time.perf_counter() - start
    else:
        cut = len(payments) // 5 * 4
        past, payments = payments[:cut], payments[cut:]
        before = status_bytes("VmRSS:")
        model = fit(prepare(past))
        prepared = prepare(payments)
        start = time.perf_counter()
        found = predict(model, prepared)
        seconds = time.perf_counter() - start
        right = [row["category"] == it for row, it in zip(payments, found, strict=True)]
        more = {"accuracy": sum(right) / len(right)}
    return package, len(payments), None, seconds, status_bytes("VmHWM:") - before, more


def run_parse(options):
    make, package = PEERS[options.peer]
    read, amounts = make()
    format_name = options.job.removeprefix("parse-")
    for path in (options.data / "warm-up" / format_name).iterdir():
        read(path, path.read_bytes())

    files = [(it, it.read_bytes()) for it in sorted((options.data / format_name).iterdir())]
    before = status_bytes("VmRSS:")
    seconds, listed = 0.0, []
    for path, content in files:
        start = time.perf_counter()
        result = read(path, content)
        seconds += time.perf_counter() - start
        peak = status_bytes("VmHWM:") - before
        listed += amounts(result)
        del result
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    more = {"bytes": sum(len(content) for _, content in files), "files": len(files)}
    return package, len(listed), listed, seconds, max(peak, children), more


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("job")
    arguments.add_argument("peer")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--n", type=int)
    arguments.add_argument("--seed", type=int)
    options = arguments.parse_args()

    figures = (
        "monthly-by-category",
        "top-payees",
        "running-balance",
        "net-worth-by-day",
        "budgets",
    )
    if options.job in figures:
        run = run_figures
    elif options.job == "view-build":
        run = run_load
    elif options.job in ("learn", "predict"):
        run = run_learner
    else:
        run = run_rules if options.job.startswith("rules-") else run_parse
    package, items, listed, seconds, peak, more = run(options)
    line = {
        "job": options.job,
        "peer": options.peer,
        "version": version(package),
        "n": options.n,
        "seed": options.seed,
        "items": items,
        "seconds": seconds,
        "items_per_second": items / seconds,
        "peak_bytes": peak,
        "sum": listed and f"{sum(Decimal(str(amount)) for amount in listed):.2f}",
    }
    print(json.dumps(line | more))


if __name__ == "__main__":
    main()
