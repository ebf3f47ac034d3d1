"""Reads silver and gold of a lake of Parquet with DuckDB, Polars and pandas, and compares them with a lake of CSV.

Usage: read_tables.py <lake of Parquet> <lake of CSV>

Prints JSON: for each client the number of rows of each table. Fails if a client has another row than the CSV, or, in gold,
another order of rows. With `--spark` in front, Spark is the only client.
"""

import csv
import datetime
import decimal
import json
import sys
from pathlib import Path


def text(value):
    """Returns the value as smelt writes it in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(decimal.Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc)
        micros = f".{value.microsecond:06}" if value.microsecond else ""
        return f"{value:%Y-%m-%dT%H:%M:%S}{micros}Z"
    if isinstance(value, (datetime.date, int, str)):
        return str(value)
    raise AssertionError(f"{value!r} is a {type(value)}")


def duckdb_rows(files):
    import duckdb

    table = duckdb.read_parquet([str(file) for file in files]).to_arrow_table()
    return table.column_names, [list(row.values()) for row in table.to_pylist()]


def polars_rows(files):
    import polars

    frame = polars.scan_parquet(files).collect()
    return frame.columns, frame.rows()


def pandas_rows(files):
    import pandas

    frame = pandas.concat([pandas.read_parquet(file, dtype_backend="pyarrow") for file in files])
    # Column by column: rows of several types would be made of floats.
    columns = [[None if value is pandas.NA else value for value in frame[name]] for name in frame.columns]
    return list(frame.columns), [list(row) for row in zip(*columns)]


def spark_rows(files):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    frame = spark.read.parquet(*map(str, files))
    return frame.columns, [list(row) for row in frame.collect()]


def tables(lake, extension):
    """Returns the files of each table: all of a dataset of silver, and the newest of a table of gold."""
    found = {}
    for layer in ("silver", "gold"):
        for directory in (path for path in sorted((lake / layer).iterdir()) if path.is_dir()):
            files = sorted(directory.iterdir())
            assert all(file.suffix == extension for file in files), files
            found[f"{layer}/{directory.name}"] = files if layer == "silver" else files[-1:]
    return found


def csv_rows(files):
    header, rows = None, []
    for file in files:
        with open(file, newline="") as opened:
            header, *more = csv.reader(opened)
            rows += more
    return header, rows


clients = {"duckdb": duckdb_rows, "polars": polars_rows, "pandas": pandas_rows}
arguments = sys.argv[1:]
if arguments[0] == "--spark":
    clients = {"spark": spark_rows}
    arguments = arguments[1:]
parquet, plain = (tables(Path(lake), extension) for lake, extension in zip(arguments, (".parquet", ".csv")))
assert parquet.keys() == plain.keys(), (parquet, plain)
counts = {client: {} for client in clients}
for name, files in parquet.items():
    header, expected = csv_rows(plain[name])
    for client, read in clients.items():
        columns, rows = read(files)
        rows = [[text(value) for value in row] for row in rows]
        assert list(columns) == header, (client, name, columns)
        same = rows == expected if name.startswith("gold/") else sorted(rows) == sorted(expected)
        assert same, (client, name, rows[:3], expected[:3])
        counts[client][name] = len(rows)
print(json.dumps(counts))
