"""The database of custody: engine, tables, one unit of work, migrations, queries."""
